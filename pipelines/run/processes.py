"""Processes of a run: how one is started, what it says, how it ends; and work that is spread over several of them.

A forked process has all that its parent has: nothing is sent to it and nothing imported again, which would cost more
than most of such work. Where processes cannot be forked, reading starts new ones, and everything else is done here.
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

_WORTH_A_PROCESS: Final = 128 << 20

T = TypeVar("T")
R = TypeVar("R")


def can_fork() -> bool:
    """Whether a process may be forked: on Linux, while there is one thread, so that no lock is held by another."""
    return sys.platform == "linux" and threading.active_count() == 1


def context() -> BaseContext:
    """Return how processes are started: forked where that is possible, since importing again costs more than the
    work.
    """
    return multiprocessing.get_context("fork" if can_fork() else "spawn")


class _Answer(NamedTuple):
    """What a process sends: what it made, or what went wrong."""

    made: object = None
    disk_error: str | None = None
    failure: str | None = None


class Child:
    """A process of this run, as its parent sees it.

    `work` is called in it with a connection to its parent and the `arguments`; what it returns or sends is received
    here. The process ends with its parent, and takes no notice of Ctrl-C: its parent ends it.
    """

    def __init__(self, how: BaseContext, work: Callable[..., object], *arguments: object) -> None:
        self.connection, other = how.Pipe()
        self._process: BaseProcess = how.Process(  # type: ignore[attr-defined]
            target=_begin, args=(work, arguments, other), daemon=True
        )
        self._process.start()
        # The process alone has it open now, so that its death is the end of what can be received.
        other.close()

    def receive(self) -> object:
        """Wait for what it sends next and return it. Raises StageError when it failed or died, DiskFullError."""
        try:
            answer: _Answer = self.connection.recv()
        except (EOFError, OSError):
            raise StageError("a worker process died; nothing of this phase was committed") from None
        if answer.disk_error is not None:
            raise DiskFullError(answer.disk_error)
        if answer.failure is not None:
            raise StageError(f"a worker process failed: {answer.failure}")
        return answer.made

    def end(self) -> None:
        """End the process, whatever it does."""
        self.connection.close()
        if self._process.is_alive():
            self._process.terminate()
        self._process.join()


def send(parent: Connection, made: object) -> None:
    """Send what was made to the parent, from the process that its `Child` stands for."""
    parent.send(_Answer(made))


def _begin(work: Callable[..., object], arguments: Sequence[object], parent: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What parsing makes is freed by its reference counts: to look for cycles every 700 objects costs up to a fifth.
    gc.set_threshold(200_000, 20, 100)
    _end_with_parent()
    try:
        send(parent, work(parent, *arguments))
    except DiskFullError as error:
        parent.send(_Answer(disk_error=str(error)))
    except BaseException:  # noqa: BLE001  # the parent must hear of it whatever it is; it raises StageError
        parent.send(_Answer(failure=traceback.format_exc()))


def _end_with_parent() -> None:
    """End this process when its parent does: nobody takes what it makes then."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


def spread(do: Callable[[T], R], tasks: Sequence[T], weights: Sequence[int], processes: int) -> list[R]:
    """Return what `do` gives for each of `tasks`, in their order.

    `weights` are bytes to be read, or what takes as long; little of it is not worth a process. What `do` gives has to
    be pickled. Raises StageError when a process dies or `do` fails in it, and what `do` raises here.
    """
    wanted = min(processes, len(tasks), 1 + sum(weights) // _WORTH_A_PROCESS)
    if wanted <= 1 or not can_fork():
        return [do(task) for task in tasks]
    own, *others = shares(weights, wanted)
    how = context()
    children: list[Child] = []
    # So that no child copies, by looking for garbage in it, what this process holds.
    gc.freeze()
    try:
        children += [Child(how, _do_all, do, [tasks[number] for number in share]) for share in others]
        gc.unfreeze()
        made = {number: do(tasks[number]) for number in own}
        for child, share in zip(children, others, strict=True):
            results: list[R] = child.receive()  # type: ignore[assignment]  # what _do_all returns
            made.update(zip(share, results, strict=True))
    finally:
        for child in children:
            child.end()
    return [made[number] for number in range(len(tasks))]


def _do_all(_: Connection, do: Callable[[T], R], tasks: Sequence[T]) -> list[R]:
    return [do(task) for task in tasks]


def shares(weights: Sequence[int], count: int) -> list[list[int]]:
    """Return `count` shares of the numbers of `weights`, each in order, of nearly the same weight."""
    made: list[list[int]] = [[] for _ in range(count)]
    totals = [0] * count
    for number in sorted(range(len(weights)), key=lambda number: -weights[number]):
        least = totals.index(min(totals))
        made[least].append(number)
        totals[least] += weights[number]
    return [sorted(share) for share in made]
