"""Spreads the reading of a phase over processes: large files first, the others by the megabyte, as their paths come."""

import gc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from itertools import groupby
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.synchronize import Lock
from types import TracebackType
from typing import Final, Self

from extractors.home.home import HeldDirectory, Home
from extractors.reading.extract import extract_file
from extractors.reading.registry import followed_links, sources
from extractors.reading.task import FileResult, FileTask
from models.errors import SourceError
from pipelines.archive.parquet import StagedPart
from pipelines.disk.atomic import disk_errors
from pipelines.run.digest_sets import KnownDigests, SeenDigests, SharedSet
from pipelines.run.phase_work import PhaseWork
from pipelines.run.processes import Child, context, send
from pipelines.run.staging import StagingSink

_WORTH_A_PROCESS: Final = 16 << 20
_ALL_THE_SAME: Final = 8 << 10
"""Bytes that take as long to read as opening their file and noting what it gave."""
_LARGE: Final = 4 << 20
"""Bytes of a file from which on it begins before the others, so that no process waits long for the last one."""
_AHEAD: Final = 2
"""Batches that a worker has been told of, so that it waits for none."""


@dataclass(slots=True)
class Output:
    """What a phase's workers gave, their results aside."""

    parts: list[StagedPart] = field(default_factory=list)
    new_messages: Counter[str] = field(default_factory=Counter)
    seen_messages: Counter[str] = field(default_factory=Counter)


_Batches = Sequence[Sequence[FileTask]]
_Due = int | Sequence[FileTask] | None
"""What a worker is told to read: the number of a batch that it was forked with, or a batch; None when all is read."""
_SENT_BEFORE: Final = FileTask("", b"", "", 0, 0, 0, 0, 0)
"""Stands for a task in what a worker sends back to who gave it the task."""


class _PhaseReader:
    """One process that reads a phase: the open home, the sink, and the sets of digests."""

    def __init__(self, work: PhaseWork, number: int, locks: Sequence[AbstractContextManager[object]]) -> None:
        self.work = work
        self.home = Home(work.home, followed_links(follow_links=work.follow_links))
        self.shapes = {source.name: source.shapes for source in sources().values()}
        digests = work.digests
        self.shared = [
            SharedSet(path, lock)
            for path, lock in zip((digests.shared_pieces, digests.shared_messages), locks, strict=True)
        ]
        self.known = [KnownDigests(path) for path in (digests.pieces, digests.messages, digests.imported)]
        pieces, messages = (SeenDigests(*both) for both in zip(self.known[:2], self.shared, strict=True))
        self.sink = StagingSink(work, number, pieces, messages, self.known[2])

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
                        yield extract_file(place, task, shape, self.sink, self.work.limits, self.work.tombstones)

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

    def close(self) -> Output:
        with disk_errors():
            parts = self.sink.close()
        self.home.close()
        for shared in self.shared:
            shared.close()
        for known in self.known:
            known.close()
        return Output(parts, self.sink.new_messages, self.sink.seen_messages)


def worth(processes: int, files: int, size: int) -> int:
    """Return how many of `processes` it is worth to have for so many files, of which `size` bytes are parsed."""
    return min(processes, files, max(1, (size + files * _ALL_THE_SAME) // _WORTH_A_PROCESS + 1))


def _directory(task: FileTask) -> bytes:
    return task.path.rpartition(b"/")[0]


def _turn(task: FileTask) -> tuple[int, bytes]:
    """Return by what tasks are ordered. What lies together repeats itself: versions of a file, sessions of a project.
    Kept together it takes up to a seventh less room than in the order of sizes.
    """
    size = task.size - task.start
    return (-size if size >= _LARGE else 0), task.path


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


class Readers:
    """Reads the files of one phase of one home, here or in processes that begin with the first files to be read.

    A context manager: what was begun ends with it, whatever happens.
    """

    def __init__(self, work: PhaseWork, file_read: Callable[[FileResult], None]) -> None:
        """`file_read` is called with the result of each file that was read."""
        self._work, self._file_read = work, file_read
        self._count = worth(work.processes, work.due.files, work.due.new_bytes)
        self._reader: _PhaseReader | None = None
        self._workers: list[_Worker] = []
        self._locks: tuple[Lock, ...] = ()
        self._output = Output()

    def read(self, tasks: Sequence[FileTask], *, is_last: bool) -> list[FileResult]:
        """Read every task's file and return the results, in the order of completion. What `is_last` lets a process
        write what is left as soon as it has nothing more to read.

        Raises StageError when a worker dies, DiskFullError when there is no room.
        """
        batches = _batches(sorted(tasks, key=_turn))
        if not batches:
            return []
        if self._count <= 1:
            return list(self._read_here(batches))
        is_known = not self._workers and self._start(batches)
        return list(self._read_there(batches, is_known=is_known, is_last=is_last))

    def close(self) -> Output:
        """Have everything written that was read; returns what all of it gave. Again is no error. Raises as `read`."""
        if self._reader is not None:
            reader, self._reader = self._reader, None
            self._take(reader.close())
        for worker in self._workers:
            worker.finish()
        while self._workers:
            for worker in _ready(self._workers):
                self._take(worker.closed())
                self._workers.remove(worker)
                worker.end()
        return self._output

    def _take(self, output: Output) -> None:
        self._output.parts += output.parts
        self._output.new_messages += output.new_messages
        self._output.seen_messages += output.seen_messages

    def _read_here(self, batches: _Batches) -> Iterator[FileResult]:
        if self._reader is None:
            self._reader = _PhaseReader(self._work, 0, (nullcontext(), nullcontext()))
        for batch in batches:
            for result in self._reader.read(batch):
                self._file_read(result)
                yield result

    def _start(self, batches: _Batches) -> bool:
        """Start the processes; returns whether they know the batches already, because they were forked."""
        how = context()
        is_forked = how.get_start_method() == "fork"
        # Held here too: a process that was not forked looks for them by name when it has started.
        locks = self._locks = how.Lock(), how.Lock()
        # So that no worker copies, by looking for garbage in it, what this process holds.
        gc.freeze()
        for number in range(self._count):
            self._workers.append(_Worker(how, self._work, number, locks, batches if is_forked else ()))
        gc.unfreeze()
        return is_forked

    def _read_there(self, batches: _Batches, *, is_known: bool, is_last: bool) -> Iterator[FileResult]:
        left = iter(enumerate(batches))
        # What is told is as short as a number, or goes to who waits for it: neither side waits for the other to listen.
        for worker in self._workers * (_AHEAD if is_known else 1):
            worker.begin(left, is_known=is_known)
        while at_work := [worker for worker in self._workers if worker.is_reading]:
            for worker in _ready(at_work):
                number, results = worker.results()
                if not worker.begin(left, is_known=is_known) and is_last:
                    worker.finish()
                for task, result in zip(batches[number], results, strict=True):
                    result.task = task
                    self._file_read(result)
                    yield result

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.end()


class _Worker(Child):
    """A process that reads, as its parent sees it."""

    def __init__(
        self, how: BaseContext, work: PhaseWork, number: int, locks: tuple[Lock, Lock], batches: _Batches
    ) -> None:
        super().__init__(how, _read_in_process, work, number, locks, batches)
        self._begun: list[int] = []
        self._is_finishing = False

    @property
    def is_reading(self) -> bool:
        """Whether it has batches to read."""
        return bool(self._begun)

    def begin(self, left: Iterator[tuple[int, Sequence[FileTask]]], *, is_known: bool) -> bool:
        """Have it read the next batch; returns whether there was one."""
        due = next(left, None)
        if due is not None:
            number, batch = due
            self._begun.append(number)
            self._send(number if is_known else batch)
        return due is not None

    def finish(self) -> None:
        """Have it write what is left when it has read its batches; again does nothing."""
        if not self._is_finishing:
            self._is_finishing = True
            self._send(None)

    def _send(self, due: _Due) -> None:
        # Who has failed does not listen any more: its answer, which is waiting, says why.
        with suppress(OSError):
            self.connection.send(due)

    def results(self) -> tuple[int, Sequence[FileResult]]:
        """Return what the first batch that it had to read gave, and its number. Raises StageError, DiskFullError."""
        results: Sequence[FileResult] = self.receive()  # type: ignore[assignment]  # what _read_in_process sends
        return self._begun.pop(0), results

    def closed(self) -> Output:
        """Return what it wrote. Raises StageError, DiskFullError."""
        output: Output = self.receive()  # type: ignore[assignment]  # what _read_in_process returns
        return output


def _ready(workers: Sequence[_Worker]) -> list[_Worker]:
    """Wait until some of the workers have something to say, or have died; returns those."""
    ready = wait([worker.connection for worker in workers])
    return [worker for worker in workers if worker.connection in ready]


def _read_in_process(
    parent: Connection, work: PhaseWork, number: int, locks: tuple[Lock, Lock], batches: _Batches
) -> Output:
    """Read batches until there is none left, sending back what each gave; return what was written."""
    reader = _PhaseReader(work, number, locks)
    due: _Due
    while (due := parent.recv()) is not None:
        results = list(reader.read(batches[due] if isinstance(due, int) else due))
        for result in results:
            result.task = _SENT_BEFORE
        send(parent, results)
    return reader.close()
