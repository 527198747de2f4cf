"""Spreads the reading of a phase over processes: large files first, the others by the megabyte, as their paths come."""

import gc
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import groupby
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Lock
from pathlib import Path
from typing import Final

from extractors._erasure import Tombstones
from extractors._extract import extract_file
from extractors._registry import sources
from extractors._source import HeldDirectory, Home
from extractors._task import FileResult, FileTask, Limits
from models.errors import DiskFullError, SourceError, StageError
from pipelines.files import disk_errors
from pipelines.seen import Known, Seen, SharedSet
from pipelines.spread import can_fork, end_with_parent
from pipelines.staging import Part, StagingSink

_WORTH_A_PROCESS: Final = 16 << 20
_ALL_THE_SAME: Final = 8 << 10
"""Bytes that take as long to read as opening their file and noting what it gave."""
_LARGE: Final = 4 << 20
"""Bytes of a file from which on it begins before the others, so that no process waits long for the last one."""
_ASK_EVERY: Final = 0.5


@dataclass(frozen=True, slots=True)
class Job:
    """What all workers of one phase of one home need to know; can be pickled."""

    home: Path
    home_id: str
    run_id: str
    phase: int
    directory: Path
    seed: int
    limits: Limits
    known_pieces: Path
    known_messages: Path
    known_imported: Path
    shared_pieces: Path
    shared_messages: Path
    tombstones: Tombstones | None


@dataclass(slots=True)
class Output:
    """What a phase's workers gave."""

    results: list[FileResult] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    new_messages: Counter[str] = field(default_factory=Counter)
    seen_messages: Counter[str] = field(default_factory=Counter)


Progress = Callable[[FileResult], None]
_Report = tuple[str, object]
_Batches = Sequence[Sequence[FileTask]]
_Due = tuple[int, Sequence[FileTask] | None] | None
"""What a worker is told to read: the number of a batch, with the batch if it was not forked and so has none; None when
all is read.
"""
_SENT_BEFORE: Final = FileTask("", b"", "", 0, 0, 0, 0, 0)
"""Stands for a task in what a worker sends back to who gave it the task."""


class _Bench:
    """One worker at work: the open home, the sink, and the sets of what was seen."""

    def __init__(self, job: Job, number: int, piece_lock: Lock | None, message_lock: Lock | None) -> None:
        self.job = job
        self.home = Home(job.home)
        self.shapes = {source.name: source.shapes for source in sources().values()}
        self.sets = [
            SharedSet(job.shared_pieces, piece_lock or nullcontext()),
            SharedSet(job.shared_messages, message_lock or nullcontext()),
        ]
        self.known = [Known(job.known_pieces), Known(job.known_messages), Known(job.known_imported)]
        pieces, messages = (Seen(known, shared) for known, shared in zip(self.known[:2], self.sets, strict=True))
        label = f"phase-{job.phase}-{number}"
        self.sink = StagingSink(
            job.directory, label, job.home_id, job.run_id, job.seed, pieces, messages, self.known[2]
        )

    def read(self, tasks: Sequence[FileTask]) -> Iterator[FileResult]:
        """Read what few tasks name. The way to a directory is gone once for those of its files that follow one another:
        what is swapped meanwhile is found out when everything is digested again, each file by its path.
        """
        with disk_errors():
            for directory, group in groupby(tasks, _directory):
                of_directory = list(group)
                with self._place(directory, of_directory) as place:
                    for task in of_directory:
                        shape = self.shapes[task.source][task.shape]
                        yield extract_file(place, task, shape, self.sink, self.job.limits, self.job.tombstones)

    def _place(self, directory: bytes, tasks: Sequence[FileTask]) -> AbstractContextManager[Home | HeldDirectory]:
        """Return where files of a directory are opened: in the directory; from the home where it cannot be had, so
        that each of them tells why, or would not be worth it.
        """
        if len(tasks) > 1:
            try:
                return self.home.hold(directory)
            except SourceError:
                pass
        return nullcontext(self.home)

    def close(self) -> tuple[list[Part], Counter[str], Counter[str]]:
        with disk_errors():
            parts = self.sink.close()
        self.home.close()
        for shared in self.sets:
            shared.close()
        for known in self.known:
            known.close()
        return parts, self.sink.new_messages, self.sink.seen_messages


def read_files(job: Job, tasks: Sequence[FileTask], processes: int, progress: Progress) -> Output:
    """Read every task's file and return results, parts and counts. The order of results is that of completion.

    Raises StageError when a worker dies, DiskFullError when there is no room.
    """
    ordered = sorted(tasks, key=_turn)
    total = sum(task.size - task.start + _ALL_THE_SAME for task in tasks)
    wanted = min(processes, len(ordered), max(1, total // _WORTH_A_PROCESS + 1))
    if wanted <= 1:
        return _read_here(job, ordered, progress)
    return _read_in_processes(job, ordered, wanted, progress)


def _directory(task: FileTask) -> bytes:
    return task.path.rpartition(b"/")[0]


def _turn(task: FileTask) -> tuple[int, bytes]:
    """Return by what tasks are ordered. What lies together repeats itself: versions of a file, sessions of a project.
    Kept together it takes up to a seventh less room than in the order of sizes.
    """
    size = task.size - task.start
    return (-size if size >= _LARGE else 0), task.path


def _read_here(job: Job, tasks: Sequence[FileTask], progress: Progress) -> Output:
    bench = _Bench(job, 0, None, None)
    output = Output()
    for batch in _batches(tasks):
        for result in bench.read(batch):
            output.results.append(result)
            progress(result)
    output.parts, output.new_messages, output.seen_messages = bench.close()
    return output


def context() -> BaseContext:
    """Return how processes are started: forked on Linux while there is one thread, since importing again costs more
    than the work.
    """
    return multiprocessing.get_context("fork" if can_fork() else "spawn")


def _batches(tasks: Sequence[FileTask]) -> list[list[FileTask]]:
    """Group tasks so that a message to a worker is worth its cost, by the megabyte."""
    batches: list[list[FileTask]] = []
    size = 0
    for task in tasks:
        if not batches or size + task.size - task.start > 1 << 20 or len(batches[-1]) >= 200:
            batches.append([])
            size = 0
        batches[-1].append(task)
        size += task.size - task.start
    return batches


def _read_in_processes(job: Job, tasks: Sequence[FileTask], count: int, progress: Progress) -> Output:
    how = context()
    is_forked = how.get_start_method() == "fork"
    todo: Queue[_Due] = how.Queue()
    done: Queue[_Report] = how.Queue()
    locks = (how.Lock(), how.Lock())
    batches = _batches(tasks)
    given = ((job, number, locks, batches if is_forked else (), todo, done) for number in range(count))
    workers = [how.Process(target=_work, args=args, daemon=True) for args in given]  # type: ignore[attr-defined]
    # So that no worker copies, by looking for garbage in it, what this process holds.
    gc.freeze()
    for worker in workers:
        worker.start()
    gc.unfreeze()
    # After the start: a queue that was written to has a thread, and threads and forks do not go together.
    for number, batch in enumerate(batches):
        todo.put((number, None if is_forked else batch))
    for _ in workers:
        todo.put(None)
    try:
        return _collect(workers, batches, done, progress)
    finally:
        for worker in workers:
            if worker.is_alive():
                worker.terminate()
            worker.join()


def _collect(workers: Sequence[BaseProcess], batches: _Batches, done: "Queue[_Report]", progress: Progress) -> Output:
    import queue

    output = Output()
    open_workers = len(workers)
    while open_workers:
        try:
            kind, value = done.get(timeout=_ASK_EVERY)
        except queue.Empty:
            if any(worker.exitcode not in (None, 0) for worker in workers):
                raise StageError("a worker process died while it read; nothing of this phase was committed") from None
            continue
        if kind == "result" and isinstance(value, tuple):
            number, results = value
            for task, result in zip(batches[number], results, strict=True):
                result.task = task
                output.results.append(result)
                progress(result)
        elif kind == "closed" and isinstance(value, tuple):
            parts, new_messages, seen_messages = value
            output.parts += parts
            output.new_messages += new_messages
            output.seen_messages += seen_messages
            open_workers -= 1
        elif kind == "disk":
            raise DiskFullError(str(value))
        else:
            raise StageError(f"a worker process failed: {value}")
    return output


def _work(
    job: Job,
    number: int,
    locks: tuple[Lock, Lock],
    batches: _Batches,
    todo: "Queue[_Due]",
    done: "Queue[_Report]",
) -> None:
    import signal
    import traceback

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What parsing makes is freed by its reference counts: to look for cycles every 700 objects costs up to a fifth.
    gc.set_threshold(200_000, 20, 100)
    end_with_parent()
    try:
        bench = _Bench(job, number, *locks)
        while (due := todo.get()) is not None:
            at, batch = due
            results = list(bench.read(batches[at] if batch is None else batch))
            for result in results:
                result.task = _SENT_BEFORE
            done.put(("result", (at, results)))
        done.put(("closed", bench.close()))
    except DiskFullError as error:
        done.put(("disk", str(error)))
    except BaseException:  # noqa: BLE001  # the parent must hear of it whatever it is; it raises StageError
        done.put(("failed", traceback.format_exc()))
