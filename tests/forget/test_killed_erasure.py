"""An erasure may be killed at any moment: the next start sweeps one that had not begun, and finishes one that had. The
suite kills it at some points, the soak at all of them.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.command_line import ROOT
from tests.forget_driver import AFTER, BEFORE
from tests.forgetting import ONE

SOME_BEFORE = ("forget:after-part@5",)
SOME_AFTER = (
    "forget:after-rename",
    "forget-record:after-rename@2",
    "forget:deleted",
    "forget:before-warehouse-record",
)


def kill_at(before: Sequence[str], after: Sequence[str], work: Path) -> None:
    """Kill an erasure at points before and after its beginning, and check the state for readers and after the next
    start.
    """
    results = work / "results.json"
    command = [sys.executable, "-m", "tests.forget_driver", str(work / "work"), str(results), *before, *after]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    cases = {case["point"]: case for case in json.loads(results.read_text())}
    assert sorted(cases) == sorted((*before, *after))
    unharmed = {"held": [], "findings": [], "left": [], "is_as_expected": True}
    seen = ["history.jsonl", f"projects/-p/{ONE}.jsonl", "notes.md"]
    for point in before:
        expected = {"point": point, "ended": -9, "is_begun": False, "seen_between": seen, "tombstones": 0}
        assert cases[point] == expected | unharmed
    for point in after:
        expected = {"point": point, "ended": -9, "is_begun": True, "seen_between": [], "tombstones": 1}
        assert cases[point] == expected | unharmed
    print(f"did: {len(cases)} points")


def test_an_erasure_that_is_killed_is_not_begun_or_finished_by_the_next_start(tmp_path: Path) -> None:
    assert {*SOME_BEFORE, *SOME_AFTER} <= {*BEFORE, *AFTER}
    kill_at(SOME_BEFORE, SOME_AFTER, tmp_path)


@pytest.mark.soak
def test_an_erasure_that_is_killed_at_every_point_is_not_begun_or_finished_by_the_next_start(tmp_path: Path) -> None:
    kill_at(BEFORE, AFTER, tmp_path)
