"""Spreads work that gives little back over forked processes, by weight, the heaviest first.

What is forked has all that its parent has: nothing is sent to it, and nothing imported again, which would cost more
than most of such work. Where processes cannot be forked the work is done here.
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
from typing import Final, Generic, TypeVar

from models.errors import StageError

_WORTH_A_PROCESS: Final = 128 << 20

T = TypeVar("T")
R = TypeVar("R")


def can_fork() -> bool:
    """Whether a process may be forked: on Linux, while there is one thread, so that no lock is held by another."""
    return sys.platform == "linux" and threading.active_count() == 1


def spread(do: Callable[[T], R], tasks: Sequence[T], weights: Sequence[int], processes: int) -> list[R]:
    """Return what `do` gives for each of `tasks`, in their order.

    `weights` are bytes to be read, or what takes as long; little of it is not worth a process. What `do` gives has to
    be pickled. Raises StageError when a process dies or `do` fails in it, and what `do` raises here.
    """
    wanted = min(processes, len(tasks), 1 + sum(weights) // _WORTH_A_PROCESS)
    if wanted <= 1 or not can_fork():
        return [do(task) for task in tasks]
    own, *others = shares(weights, wanted)
    workers: list[_Worker[R]] = []
    # So that no worker copies, by looking for garbage in it, what this process holds.
    gc.freeze()
    try:
        workers += [_Worker([tasks[number] for number in share], do) for share in others]
        gc.unfreeze()
        made = {number: do(tasks[number]) for number in own}
        for worker, share in zip(workers, others, strict=True):
            made.update(zip(share, worker.results(), strict=True))
    finally:
        for worker in workers:
            worker.end()
    return [made[number] for number in range(len(tasks))]


def shares(weights: Sequence[int], count: int) -> list[list[int]]:
    """Return `count` shares of the numbers of `weights`, each in order, of nearly the same weight."""
    made: list[list[int]] = [[] for _ in range(count)]
    totals = [0] * count
    for number in sorted(range(len(weights)), key=lambda number: -weights[number]):
        least = totals.index(min(totals))
        made[least].append(number)
        totals[least] += weights[number]
    return [sorted(share) for share in made]


class _Worker(Generic[R]):
    """A forked process, at work from the start."""

    def __init__(self, tasks: Sequence[T], do: Callable[[T], R]) -> None:
        how = multiprocessing.get_context("fork")
        self._receiver, sender = how.Pipe(duplex=False)
        self._process = how.Process(target=_work, args=(tasks, do, sender), daemon=True)
        self._process.start()
        # The process alone has it open now, so that its death is the end of what can be received.
        sender.close()

    def results(self) -> list[R]:
        """Return what it made of its tasks, when it is done. Raises StageError when it never will be."""
        try:
            is_done, value = self._receiver.recv()
        except EOFError:
            raise StageError("a worker process died; nothing of this phase was committed") from None
        if not is_done:
            raise StageError(f"a worker process failed: {value}")
        results: list[R] = value
        return results

    def end(self) -> None:
        """End the process, whatever it does."""
        self._receiver.close()
        if self._process.is_alive():
            self._process.terminate()
        self._process.join()


def _work(tasks: Sequence[T], do: Callable[[T], R], sender: "connection.Connection[object, object]") -> None:

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    try:
        sender.send((True, [do(task) for task in tasks]))
    except BaseException:  # noqa: BLE001  # the parent must hear of it whatever it is; it raises StageError
        sender.send((False, traceback.format_exc()))


def end_with_parent() -> None:
    """End this process when its parent does: nobody takes what it makes then."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
