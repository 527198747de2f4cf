"""Killing a run anywhere loses nothing: whatever it left at a named point, the next run makes good. Each point fails in
one way in the suite, in all three ways in the soak.
"""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from models.errors import ExitCode
from tests.crash_driver import FAILED_AS_ASKED, phases_of, random_cases
from tests.support import ALL_PHASES

ROOT = Path(__file__).parent.parent.parent
KINDS = ("kill", "raise", "enospc")
FEW_PHASES = (1, 8)
ENDS = {"kill": {-signal.SIGKILL}, "raise": {FAILED_AS_ASKED}, "enospc": {FAILED_AS_ASKED, int(ExitCode.DISK)}}
"""How a run ends that fails at a point in each way."""
KILLS = int(os.environ.get("SOAK_KILLS", "500"))
"""How many random moments a soak tries."""
Passed = dict[tuple[int, ...], list[Counter[str]]]
"""How often a run passes each named point in its first week and in its second, by the phases that it does."""
Expected = dict[tuple[bool, tuple[int, ...]], object]
"""The expected warehouse, by whether the home has grown and by the phases."""


def drive(work: Path, cases: Sequence[dict[str, object]], processes: int = 2) -> list[dict[str, object]]:
    """Do cases in driver processes and return their results."""
    running = []
    for number in range(processes):
        place = work / f"driver-{number}"
        place.mkdir(parents=True)
        (place / "cases.json").write_text(json.dumps(list(cases[number::processes])))
        command = [
            sys.executable,
            "-m",
            "tests.crash_driver",
            str(place),
            str(place / "cases.json"),
            str(place / "results.json"),
        ]
        running.append(
            (place, subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        )
    results = []
    for place, process in running:
        said, _ = process.communicate()
        assert process.returncode == 0, said
        results += json.loads((place / "results.json").read_text())
    return results


def points_passed(place: Path, phases: Sequence[int] = ALL_PHASES) -> list[Counter[str]]:
    """Return how often a first run over a home passes each named point, then one over the home when it has grown."""
    place.mkdir()
    script = """
import sys
from pathlib import Path
from pipelines.disk import failpoints
from tests.crash_driver import run_once, write_home
place, phases = Path(sys.argv[1]), [int(number) for number in sys.argv[2:]]
for week in (0, 1):
    write_home(place / "home", grown=week == 1)
    failpoints.arm(None, log=str(place / f"week-{week}.log"))
    run_once(place / "data", place / "home", phases)
"""
    subprocess.run([sys.executable, "-c", script, str(place), *map(str, phases)], cwd=ROOT, check=True)
    return [Counter((place / f"week-{week}.log").read_text().split()) for week in (0, 1)]


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Passed:
    """The named points that runs pass in all phases, and in a few."""
    place = tmp_path_factory.mktemp("passed")
    return {ALL_PHASES: points_passed(place / "all"), FEW_PHASES: points_passed(place / "few", FEW_PHASES)}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Expected:
    """The results of undisturbed runs: over a home or one that has grown, in all phases or in a few."""
    cases: list[dict[str, object]] = [
        {"point": None, "passing": 0, "kind": "none", "grown": grown, "phases": list(phases), "verified": True}
        for grown in (False, True)
        for phases in (ALL_PHASES, FEW_PHASES)
    ]
    unharmed = drive(tmp_path_factory.mktemp("expected") / "unharmed", cases, 1)
    return {(bool(one["grown"]), phases_of(one)): one["sums"] for one in unharmed}


def check(results: Sequence[dict[str, object]], expected: Expected) -> None:
    """Hold every result against a run that nobody harmed."""
    for result in results:
        assert result["again"] in (0, 4), result
        assert result["looked"] == 0, result
        assert result["sums"] == expected[bool(result["grown"]), phases_of(result)], result
        assert result["findings"] == [], result
        assert result["left"] == [], result


def fail_at_points(work: Path, kinds: Sequence[str], passed: Passed, *, in_all_phases: bool) -> list[dict[str, object]]:
    """Fail at every named point in some ways. Unless `in_all_phases`, each point fails in one of the ways only, and by
    an exception and as if the disk were full in runs of two phases, which pass every point too. Returns the results.
    """
    points = {phases: sorted(set().union(*weeks)) for phases, weeks in passed.items()}
    assert len(points[ALL_PHASES]) >= 40
    assert points[ALL_PHASES] == points[FEW_PHASES]
    cases: list[dict[str, object]] = []
    for number, point in enumerate(points[ALL_PHASES]):
        for turn, kind in ((KINDS.index(kind), kind) for kind in kinds):
            if not in_all_phases and number % len(KINDS) != turn:
                continue
            phases = ALL_PHASES if in_all_phases or turn == 0 else FEW_PHASES
            weeks = [week for week in (0, 1) if passed[phases][week][point]]
            week = weeks[(number + turn) % len(weeks)]
            times = passed[phases][week][point]
            passing = (1, max(1, times // 2), times)[turn]
            case = {"point": point, "passing": passing, "kind": kind, "grown": week == 1, "phases": list(phases)}
            cases.append(case)
    for number, case in enumerate(cases):
        case["verified"] = in_all_phases or number % 4 == 0
    results = drive(work, cases, 2 if in_all_phases else 1)
    unharmed = [result for result in results if result["failed"] not in ENDS[str(result["kind"])]]
    assert unharmed == []
    print(f"did: {len(points[ALL_PHASES])} points, {len(results)} cases")
    return results


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_fails_at_any_named_point_is_made_good_by_the_next(
    kind: str, passed: Passed, expected: Expected, tmp_path: Path
) -> None:
    check(fail_at_points(tmp_path, [kind], passed, in_all_phases=False), expected)


@pytest.mark.soak
def test_a_run_that_fails_at_any_named_point_in_all_phases_is_made_good_by_the_next(
    passed: Passed, expected: Expected, tmp_path: Path
) -> None:
    check(fail_at_points(tmp_path, KINDS, passed, in_all_phases=True), expected)


@pytest.mark.soak
def test_a_run_that_is_killed_at_any_moment_is_made_good_by_the_next(expected: Expected, tmp_path: Path) -> None:
    results = drive(tmp_path / "cases", random_cases(KILLS, seed=1))
    assert [result["failed"] for result in results] == [-signal.SIGKILL] * KILLS
    check(results, expected)
    grown = sum(bool(result["grown"]) for result in results)
    print(f"did: {len(results):,} runs killed, {grown} of them over an archive that had a run")
