"""A worker process that something stops is not waited for without end."""

import multiprocessing
import os
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from models.errors import StageError
from pipelines.run import processes
from pipelines.run.processes import Child

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only /proc says what a child process does")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look every 10 ms, so that no test waits."""
    monkeypatch.setattr(processes, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(processes, "_STUCK_LOOKS", 30)


def stops(_: Connection, times: int) -> str:
    for _number in range(times):
        os.kill(os.getpid(), signal.SIGSTOP)
    return "done"


def waits(_: Connection) -> None:
    signal.pause()


def child(work: object, *arguments: object) -> Child:
    return Child(multiprocessing.get_context("fork"), work, *arguments)  # type: ignore[arg-type]  # a function


def test_a_worker_that_was_stopped_is_continued() -> None:
    worker = child(stops, 2)
    assert worker.receive() == "done"
    worker.end()


@pytest.mark.parametrize(
    ("work", "said"), [((stops, 9), "is stopped again and again"), ((waits,), "has done nothing for ten minutes")]
)
def test_a_worker_that_does_not_go_on_is_named_and_ended(work: tuple[object, ...], said: str) -> None:
    worker = child(*work)
    pid = worker._process.pid
    with pytest.raises(StageError, match=f"worker process {pid} {said}"):
        worker.receive()
    worker.end()
    assert not Path(f"/proc/{pid}").exists()
