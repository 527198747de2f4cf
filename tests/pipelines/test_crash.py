"""Killing a run anywhere loses nothing: at every named point, in several ways, the next run makes good what it left."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.crash_driver import FAILED_AS_ASKED, random_cases

ROOT = Path(__file__).parent.parent.parent
KINDS = ("kill", "raise", "enospc")
KILLS = int(os.environ.get("SOAK_KILLS", "500"))
"""How many random moments a soak tries."""


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


def points_passed(tmp_path: Path) -> dict[str, int]:
    """Return the name of every point that a run over a grown home passes, and how often."""
    log = tmp_path / "points.log"
    script = """
import sys
from pathlib import Path
from pipelines import failpoints
from tests.crash_driver import run_once, write_home
place, log = Path(sys.argv[1]), sys.argv[2]
write_home(place / "home", grown=False)
failpoints.arm(None, log=log)
run_once(place / "data", place / "home")
write_home(place / "home", grown=True)
run_once(place / "data", place / "home")
"""
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "points"), str(log)], cwd=ROOT, check=True)
    passed: dict[str, int] = {}
    for name in log.read_text().split():
        passed[name] = passed.get(name, 0) + 1
    return passed


def check(results: Sequence[dict[str, object]], tmp_path: Path) -> None:
    """Hold every result against a run that nobody harmed."""
    unharmed = drive(
        tmp_path / "unharmed",
        [{"point": None, "passing": 0, "kind": "none", "grown": grown, "verified": True} for grown in (False, True)],
        1,
    )
    expected = {bool(one["grown"]): one["sums"] for one in unharmed}
    for result in results:
        assert result["again"] in (0, 4), result
        assert result["looked"] == 0, result
        assert result["sums"] == expected[bool(result["grown"])], result
        assert result["findings"] == [], result
        assert result["left"] == [], result


def fail_at_points(tmp_path: Path, *, in_every_way: bool) -> None:
    """Fail at every named point by SIGKILL, and by an exception and a full disk: both, or one of them in turn."""
    passed = points_passed(tmp_path)
    assert len(passed) >= 40
    cases: list[dict[str, object]] = []
    for number, (point, times) in enumerate(sorted(passed.items())):
        ways = KINDS if in_every_way else (KINDS[0], KINDS[1 + number % 2])
        for turn, kind in enumerate(ways):
            passing = 1 if times < 4 else (1, times // 4, times // 2)[turn]
            cases.append({"point": point, "passing": passing, "kind": kind, "grown": (number // 2 + turn) % 2 == 1})
    for number, case in enumerate(cases):
        case["verified"] = in_every_way or number % 4 == 0
    results = drive(tmp_path / "cases", cases)
    harmed = [result for result in results if result["failed"] not in (0, 4)]
    assert {result["failed"] for result in harmed} <= {FAILED_AS_ASKED, 12, -9}
    assert len(harmed) >= len(results) * 0.6
    check(results, tmp_path)
    print(f"did: {len(passed)} points, {len(results)} cases, {len(harmed)} of them harmed")


@pytest.mark.slow
def test_a_run_that_fails_at_any_named_point_is_made_good_by_the_next(tmp_path: Path) -> None:
    fail_at_points(tmp_path, in_every_way=False)


@pytest.mark.soak
def test_a_run_that_fails_at_any_named_point_in_every_way_is_made_good_by_the_next(tmp_path: Path) -> None:
    fail_at_points(tmp_path, in_every_way=True)


@pytest.mark.soak
def test_a_run_that_is_killed_at_any_moment_is_made_good_by_the_next(tmp_path: Path) -> None:
    results = drive(tmp_path / "cases", random_cases(KILLS, seed=1))
    assert [result["failed"] for result in results] == [-signal.SIGKILL] * KILLS
    check(results, tmp_path)
    grown = sum(bool(result["grown"]) for result in results)
    print(f"did: {len(results):,} runs killed, {grown} of them over an archive that had a run")
