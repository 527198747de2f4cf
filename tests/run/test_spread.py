"""Work spread over forked processes gives the result of one process, or an error."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.run.processes import run_in_processes, shares

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

HEAVY = 1 << 30
forks = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux alone")


def double(number: int) -> tuple[int, int]:
    return os.getpid(), 2 * number


@given(st.lists(st.integers(0, 2**40), max_size=40), st.integers(1, 8))
def test_each_task_is_in_one_share_in_order_and_no_share_is_much_heavier(weights: list[int], count: int) -> None:
    made = shares(weights, count)
    assert len(made) == count
    assert sorted(number for share in made for number in share) == list(range(len(weights)))
    assert all(share == sorted(share) for share in made)
    totals = [sum(weights[number] for number in share) for share in made]
    assert max(totals) - min(totals) <= max(weights, default=0)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, HEAVY), max_size=12), st.integers(1, 3))
def test_what_is_spread_comes_back_in_order(weights: list[int], processes: int) -> None:
    tasks = list(range(len(weights)))
    assert [value for _, value in run_in_processes(double, tasks, weights, processes)] == [2 * task for task in tasks]


def _alone(case: str, directory: Path) -> str:
    """Return the result of a case in a process with one thread."""
    command = [sys.executable, "-m", "tests.spread_driver", case, str(directory)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@forks
def test_much_is_spread_and_little_is_not(tmp_path: Path) -> None:
    assert _alone("little", tmp_path) == "0\n"
    assert _alone("much", tmp_path) == "1\n"


@forks
def test_nothing_is_forked_beside_another_thread() -> None:
    done = threading.Event()
    beside = threading.Thread(target=done.wait)
    beside.start()
    try:
        assert {pid for pid, _ in run_in_processes(double, [1, 2], [HEAVY] * 2, 2)} == {os.getpid()}
    finally:
        done.set()
        beside.join()


@forks
@pytest.mark.parametrize(("how", "what"), [("killed", "died"), ("ended", "died"), ("failed", "ValueError: no")])
def test_a_process_that_dies_or_fails_is_heard_of(how: str, what: str, tmp_path: Path) -> None:
    assert what in _alone(how, tmp_path)


@forks
def test_a_failure_here_ends_the_processes_beside(tmp_path: Path) -> None:
    assert _alone("here", tmp_path) == "interrupted\n"
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
