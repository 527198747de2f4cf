"""Child processes of a run: starting one, receiving its messages, ending it; and a parallel map over several.

A forked process inherits its parent's memory: no data has to be sent and no module imported again, which would cost
more than most of this work. Where forking is impossible, `pipelines.run.workers` spawns new processes, and
`run_in_processes` does the work in the calling process.
"""

import gc
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Final, NamedTuple, TypeVar

from models.errors import DiskFullError, StageError

_BYTES_PER_PROCESS: Final = 128 << 20

LOOK_EVERY: Final = 1.0
"""Seconds to wait for an answer of a child process before checking whether it is still working."""
_STOPPED_LOOKS: Final = 5
_STUCK_LOOKS: Final = 600
"""Looks are counted, not seconds: a process that was stopped with its children has not looked meanwhile."""
_CONTINUED: Final = 3
_PATIENCE: Final = 5.0

T = TypeVar("T")
R = TypeVar("R")


def can_fork() -> bool:
    """Whether this process may fork: on Linux with a single thread, since a fork copies locks held by other threads."""
    return sys.platform == "linux" and threading.active_count() == 1


def context() -> BaseContext:
    """Return the start method of processes: `fork` where `can_fork`, else `spawn`, which imports all modules again."""
    return multiprocessing.get_context("fork" if can_fork() else "spawn")


class _Answer(NamedTuple):
    """A message from a child process: a result, the text of a DiskFullError, or the traceback of another error."""

    result: object = None
    disk_error: str | None = None
    failure: str | None = None


class Child:
    """The parent's side of a child process.

    The child calls `work` with a connection to its parent and the `arguments`; `receive` returns what the child sends
    and, at the end, the return value. The child exits when its parent does. It ignores Ctrl-C: the parent terminates
    it.
    """

    def __init__(self, method: BaseContext, work: Callable[..., object], *arguments: object) -> None:
        self.connection, other = method.Pipe()
        self._process: BaseProcess = method.Process(  # type: ignore[attr-defined]
            target=_begin, args=(work, arguments, other), daemon=True
        )
        self._process.start()
        self._used = self._still = self._continued = 0
        # Only the child has this end open now: when it dies, `receive` gets an end of file instead of waiting forever.
        other.close()

    def receive(self) -> object:
        """Wait for the next object from the child and return it. Raises StageError if the child failed or died,
        DiskFullError if it raised that. A child that does not go on is ended, as `look` says.
        """
        try:
            while not self.connection.poll(LOOK_EVERY):
                self.look()
            answer: _Answer = self.connection.recv()
        except (EOFError, OSError):
            raise StageError("a worker process died; nothing of this phase was committed") from None
        if answer.disk_error is not None:
            raise DiskFullError(answer.disk_error)
        if answer.failure is not None:
            raise StageError(f"a worker process failed: {answer.failure}")
        return answer.result

    def look(self) -> None:
        """Check whether the child is still working; called each `LOOK_EVERY` seconds without an answer. A child that
        something stopped (SIGSTOP) is continued, three times. Raises StageError for one that is stopped again, or that
        has used no CPU time for ten minutes: the parent would wait for it without end.

        Without /proc (macOS, Windows) nothing is known of the child.
        """
        seen = _seen(self._process.pid)
        if seen is None:
            return
        state, used = seen
        is_stopped = state == "T"
        self._still = self._still + 1 if is_stopped or used == self._used else 0
        self._used = used
        if is_stopped and self._still >= _STOPPED_LOOKS and self._continued < _CONTINUED:
            self._continued += 1
            self._still = 0
            os.kill(self._process.pid or 0, signal.SIGCONT)
        elif self._still >= (_STOPPED_LOOKS if is_stopped else _STUCK_LOOKS):
            why = "is stopped again and again" if is_stopped else "has done nothing for ten minutes"
            pid = self._process.pid
            self._process.kill()
            raise StageError(
                f"worker process {pid} {why}, and was ended; nothing of this phase was committed: run again"
            )

    def end(self) -> None:
        """Terminate the process if it still runs, and wait for its end; a stopped one gets SIGKILL."""
        self.connection.close()
        if self._process.is_alive():
            self._process.terminate()
            self._process.join(_PATIENCE)
            self._process.kill()
        self._process.join(_PATIENCE)


def _seen(pid: int | None) -> tuple[str, int] | None:
    """Return the state of a process (T: stopped) and the CPU time that it has used, in ticks; None without /proc."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return fields[0].decode(), int(fields[11]) + int(fields[12])
    except (OSError, IndexError, ValueError):
        return None


def send(parent: Connection, result: object) -> None:
    """Send an object to the parent; called in the child process. The parent gets it from `Child.receive`."""
    parent.send(_Answer(result))


def _begin(work: Callable[..., object], arguments: Sequence[object], parent: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Parsing makes no reference cycles: a collection every 700 objects (the default) would cost up to a fifth of CPU.
    gc.set_threshold(200_000, 20, 100)
    _exit_with_parent()
    try:
        send(parent, work(parent, *arguments))
    except DiskFullError as error:
        parent.send(_Answer(disk_error=str(error)))
    except BaseException:  # noqa: BLE001  # the parent must get every error; it raises StageError
        parent.send(_Answer(failure=traceback.format_exc()))


def _exit_with_parent() -> None:
    """Exit when the parent process ends: nobody would receive the results."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_exit_after, args=(parent.sentinel,), daemon=True).start()


def _exit_after(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


def run_in_processes(do: Callable[[T], R], tasks: Sequence[T], weights: Sequence[int], processes: int) -> list[R]:
    """Return `do(task)` for each of `tasks`, in their order, computed in up to `processes` forked processes.

    `weights` are the costs of the tasks in bytes to be read; below 128 MB per process, or where forking is impossible,
    fewer are used, down to the calling one alone. Results must be picklable. Raises StageError if a process dies or
    `do` fails in it, and whatever `do` raises in the calling process.
    """
    wanted = min(processes, len(tasks), 1 + sum(weights) // _BYTES_PER_PROCESS)
    if wanted <= 1 or not can_fork():
        return [do(task) for task in tasks]
    own, *others = shares(weights, wanted)
    method = context()
    children: list[Child] = []
    # A garbage collection in a forked child would write to shared pages and so copy them.
    gc.freeze()
    try:
        children += [Child(method, _run_all, do, [tasks[number] for number in share]) for share in others]
        gc.unfreeze()
        result = {number: do(tasks[number]) for number in own}
        for child, share in zip(children, others, strict=True):
            results: list[R] = child.receive()  # type: ignore[assignment]  # what _do_all returns
            result.update(zip(share, results, strict=True))
    finally:
        for child in children:
            child.end()
    return [result[number] for number in range(len(tasks))]


def _run_all(_: Connection, do: Callable[[T], R], tasks: Sequence[T]) -> list[R]:
    return [do(task) for task in tasks]


def shares(weights: Sequence[int], count: int) -> list[list[int]]:
    """Return the indexes of `weights` in `count` sorted lists of nearly equal total weight."""
    result: list[list[int]] = [[] for _ in range(count)]
    totals = [0] * count
    for number in sorted(range(len(weights)), key=lambda number: -weights[number]):
        least = totals.index(min(totals))
        result[least].append(number)
        totals[least] += weights[number]
    return [sorted(share) for share in result]
