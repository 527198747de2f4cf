"""A run killed anywhere loses nothing: the next run cleans up the leftovers of every named point. In the suite some
points of every part of a run fail, each in one way and in runs of two phases; in the soak every point fails in all
three ways, in runs of all phases.
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
STEPS_OF_A_WRITE = 5
"""How many named points an atomic write has."""
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


def undisturbed(phases: Sequence[int]) -> list[dict[str, object]]:
    """Return the cases of undisturbed runs of some phases over a home, and over one that has grown."""
    return [
        {"point": None, "passing": 0, "kind": "none", "grown": grown, "phases": list(phases), "verified": True}
        for grown in (False, True)
    ]


def sums_of(results: Sequence[dict[str, object]]) -> Expected:
    """Return the expected warehouses: those of the cases that nothing disturbs."""
    return {(bool(one["grown"]), phases_of(one)): one["sums"] for one in results if one["kind"] == "none"}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Expected:
    """The results of undisturbed runs of all phases."""
    return sums_of(drive(tmp_path_factory.mktemp("expected"), undisturbed(ALL_PHASES), 1))


def check(results: Sequence[dict[str, object]], expected: Expected) -> None:
    """Compare every result with an undisturbed run."""
    for result in results:
        assert result["again"] in (0, 4), result
        assert result["looked"] == 0, result
        assert result["sums"] == expected[bool(result["grown"]), phases_of(result)], result
        assert result["findings"] == [], result
        assert result["left"] == [], result


def some_of_each_part(points: Sequence[str]) -> list[str]:
    """Return some of the points of every part of a run: of every third atomic write one of its five steps, so
    that every step is among them; of each other part the first point or the last, in turn.
    """
    parts: dict[str, list[str]] = {}
    for point in points:
        parts.setdefault(point.partition(":")[0], []).append(point)
    writes = [found for found in parts.values() if len(found) == STEPS_OF_A_WRITE]
    assert len(writes) > 3 * (STEPS_OF_A_WRITE - 1)
    others = [found for found in parts.values() if found not in writes]
    chosen = [found[number % STEPS_OF_A_WRITE] for number, found in enumerate(writes[::3])]
    return sorted([*chosen, *(found[-(number % 2)] for number, found in enumerate(others))])


def fail_at_points(
    work: Path, phases: Sequence[int], weekly: Sequence[Counter[str]], points: Sequence[str], ways: int
) -> list[dict[str, object]]:
    """Fail at each of `points` in this many of the three ways, in runs of some phases; `weekly` is how often they pass
    each point. Half of the archives are verified afterwards, in every way all of them. Returns the results, with those
    of undisturbed runs.
    """
    cases = undisturbed(phases)
    for number, point in enumerate(points):
        for turn in sorted((number + way) % len(KINDS) for way in range(ways)):
            weeks = [week for week in (0, 1) if weekly[week][point]]
            week = weeks[(number + turn) % len(weeks)]
            times = weekly[week][point]
            passing = (1, max(1, times // 2), times)[turn]
            cases.append(
                {"point": point, "passing": passing, "kind": KINDS[turn], "grown": week == 1, "phases": list(phases)}
            )
    for number, case in enumerate(cases[2:]):
        case["verified"] = ways == len(KINDS) or number % 2 == 0
    results = drive(work, cases, 2 if ways == len(KINDS) else 1)
    unharmed = [one for one in results if one["kind"] in ENDS and one["failed"] not in ENDS[str(one["kind"])]]
    assert unharmed == []
    print(f"did: {len(points)} points, {len(results) - 2} cases")
    return results


@pytest.mark.slow
def test_a_run_that_fails_at_a_named_point_is_made_good_by_the_next(tmp_path: Path) -> None:
    weekly = points_passed(tmp_path / "passed", FEW_PHASES)
    points = some_of_each_part(sorted(set().union(*weekly)))
    assert len(points) >= 12
    results = fail_at_points(tmp_path, FEW_PHASES, weekly, points, ways=1)
    assert {str(one["kind"]) for one in results} == {"none", *KINDS}
    check(results, sums_of(results))


@pytest.mark.soak
def test_a_run_that_fails_at_any_named_point_in_all_phases_is_made_good_by_the_next(tmp_path: Path) -> None:
    weekly = points_passed(tmp_path / "passed")
    points = sorted(set().union(*weekly))
    assert len(points) >= 40
    assert points == sorted(set().union(*points_passed(tmp_path / "few", FEW_PHASES)))
    results = fail_at_points(tmp_path, ALL_PHASES, weekly, points, ways=len(KINDS))
    check(results, sums_of(results))


@pytest.mark.soak
def test_a_run_that_is_killed_at_any_moment_is_made_good_by_the_next(expected: Expected, tmp_path: Path) -> None:
    results = drive(tmp_path / "cases", random_cases(KILLS, seed=1))
    assert [result["failed"] for result in results] == [-signal.SIGKILL] * KILLS
    check(results, expected)
    grown = sum(bool(result["grown"]) for result in results)
    print(f"did: {len(results):,} runs killed, {grown} of them over an archive that had a run")
