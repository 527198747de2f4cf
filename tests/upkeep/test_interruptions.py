"""A command that changes an archive may be stopped at any moment: nothing is lost, no deletion is undone, and
`extract verify` names the command instead of damage.
"""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.upkeep_driver import COMMANDS

ROOT = Path(__file__).parent.parent.parent
KILLS = int(os.environ.get("SOAK_INTERRUPTIONS", "6"))
POWER_LOSSES = int(os.environ.get("SOAK_POWER_LOSSES", "200"))
HARMLESS = {"R133", "R154", "R209", "F107"}
"""Findings of `extract verify` after a stopped command: its name, an erasure to finish, a run to continue."""
STOPPED = {-signal.SIGKILL, 128 + signal.SIGKILL}


def drive(place: Path, asked: list[tuple[str, int, int]]) -> list[dict[str, object]]:
    """Interrupt commands in two drivers at a time; `asked` has kind, count and seed of cases."""
    drivers = []
    for number in range(min(2, len(asked))):
        base = place / str(number)
        base.mkdir(parents=True)
        (base / "asked.json").write_text(json.dumps(asked[number::2]))
        command = [sys.executable, "-m", "tests.upkeep_driver", str(base / "work"), str(base / "asked.json")]
        drivers.append(
            (base, subprocess.Popen([*command, str(base / "results.jsonl")], cwd=ROOT, stderr=subprocess.PIPE))
        )
    results = []
    for base, driver in drivers:
        _, said = driver.communicate()
        assert driver.returncode == 0, said.decode()
        results += [json.loads(line) for line in (base / "results.jsonl").read_text().splitlines()]
    return results


def check(results: list[dict[str, object]]) -> str:
    """Compare every result with that of the command, or of the run after it, undisturbed; return the results."""
    unharmed = {(one["what"], one["is_again"]): one["sums"] for one in results if one["kind"] == "none"}
    done = [one for one in results if one["kind"] != "none"]
    for one in results:
        assert one["looked"] == 0, one
        assert (one["undone"], one["held"], one["findings"], one["left"], one["copy"]) == ([], [], [], [], []), one
        assert one["next"] == 0, one
    for one in done:
        assert one["ended"] in STOPPED, one
        between = one["between"]
        assert isinstance(between, list)
        is_named = any(said.startswith("R133") for said in between)
        assert is_named or one["what"] in ("repair", "sync") or one["kind"] == "random", one
        assert one["what"] == "repair" or {said.split()[0] for said in between} <= HARMLESS, one
        what = one["what"] if one["is_again"] or one["is_begun"] else "run"
        assert one["sums"] in (unharmed[one["what"], one["is_again"]], unharmed[what, one["is_again"]]), one
    counted = Counter(str(one["what"]) for one in done)
    assert set(counted) == set(COMMANDS) or len(done) < 2 * len(COMMANDS)
    return ", ".join(f"{number} of {what}" for what, number in counted.items())


@pytest.mark.soak
def test_a_command_that_is_killed_at_any_moment_is_named_and_made_good(tmp_path: Path) -> None:
    few = KILLS // 3
    asked = [("kill", KILLS - few, 1), ("random", few, 2)] if len(COMMANDS) < KILLS else [("kill", KILLS, 1)]
    done = check(drive(tmp_path, asked))
    print(f"did: {KILLS} kills: {done}; 0 lost, 0 deletions undone")


@pytest.mark.soak
def test_a_power_failure_loses_nothing_and_undoes_no_deletion(tmp_path: Path) -> None:
    half = POWER_LOSSES // 2
    done = check(drive(tmp_path, [("power", half, 3), ("power", POWER_LOSSES - half, 4)]))
    print(f"did: {POWER_LOSSES} states of the disk: {done}; 0 lost, 0 deletions undone")
