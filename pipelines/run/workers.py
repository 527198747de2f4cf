"""Reads the files of a phase in several worker processes: large files first, then batches of a megabyte in path
order.
"""

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
from pipelines.run.processes import LOOK_EVERY, Child, context, send
from pipelines.run.staging import StagingSink

_BYTES_PER_PROCESS: Final = 16 << 20
_COST_PER_FILE: Final = 8 << 10
"""The fixed cost of a file (opening it, recording its result), as the bytes that can be read in that time."""
_LARGE_FILE: Final = 4 << 20
"""Files of at least so many bytes are read first: a large file read last would keep one worker busy alone."""
_BATCHES_AHEAD: Final = 2
"""Batch numbers queued for each worker, so that it never waits for its next one."""


@dataclass(slots=True)
class Output:
    """The Parquet files that a phase's workers staged, and their counts of new and duplicate messages by source."""

    parts: list[StagedPart] = field(default_factory=list)
    new_messages: Counter[str] = field(default_factory=Counter)
    seen_messages: Counter[str] = field(default_factory=Counter)


_Batches = Sequence[Sequence[FileTask]]
_Due = int | Sequence[FileTask] | None
"""A message to a worker: the number of a batch that it inherited by fork, or a whole batch; None: write and end."""
_OMITTED_TASK: Final = FileTask("", b"", "", 0, 0, 0, 0, 0)
"""Replaces the task in results that a worker sends back: the parent has the task already."""


class _PhaseReader:
    """The state of one reading process: the open home, the sink, and the digest sets."""

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
        """Read the files of one batch. Consecutive files of a directory share one open directory, which saves resolving
        its path for each. If a directory is replaced meanwhile, the later fixity check, which opens each file by its
        full path, finds out.
        """
        with disk_errors():
            for directory, group in groupby(tasks, _directory):
                of_directory = list(group)
                with self._place(directory, of_directory) as place:
                    for task in of_directory:
                        shape = self.shapes[task.source][task.shape]
                        yield extract_file(place, task, shape, self.sink, self.work.limits, self.work.tombstones)

    def _place(self, directory: bytes, tasks: Sequence[FileTask]) -> AbstractContextManager[Home | HeldDirectory]:
        """Return where to open files of a directory: in the directory itself, held open. If it holds a single task or
        cannot be opened, return the home: each file then reports its own error.
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


def useful_processes(processes: int, files: int, size: int) -> int:
    """Return how many processes, at most `processes`, pay for their start when reading `files` files and parsing
    `size` bytes.
    """
    return min(processes, files, max(1, (size + files * _COST_PER_FILE) // _BYTES_PER_PROCESS + 1))


def _directory(task: FileTask) -> bytes:
    return task.path.rpartition(b"/")[0]


def _reading_order(task: FileTask) -> tuple[int, bytes]:
    """Return the sort key of tasks: large files first, largest first, then by path. Neighbouring paths hold similar
    content (versions of a file, sessions of a project): stored together it compresses up to a seventh better than in
    order of size.
    """
    size = task.size - task.start
    return (-size if size >= _LARGE_FILE else 0), task.path


def _batches(tasks: Sequence[FileTask]) -> list[list[FileTask]]:
    """Group tasks into batches of about a megabyte and at most 200 files, so that messages to workers are few."""
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
    """Reads the files of one phase of one home: in this process, or in worker processes, started at the first `read`.

    A context manager: on leaving it, worker processes are terminated, also after an error.
    """

    def __init__(self, work: PhaseWork, file_read: Callable[[FileResult], None]) -> None:
        """`file_read` is called, in this process, with the result of each file."""
        self._work, self._file_read = work, file_read
        self._count = useful_processes(work.processes, work.due.files, work.due.new_bytes)
        self._reader: _PhaseReader | None = None
        self._workers: list[_Worker] = []
        self._locks: tuple[Lock, ...] = ()
        self._output = Output()

    def read(self, tasks: Sequence[FileTask], *, is_last: bool) -> list[FileResult]:
        """Read every task's file and return the results, in the order of completion. With `is_last`, a worker writes
        its remaining rows as soon as no batch is left for it.

        Raises StageError if a worker dies, DiskFullError if the disk is full.
        """
        batches = _batches(sorted(tasks, key=_reading_order))
        if not batches:
            return []
        if self._count <= 1:
            return list(self._read_here(batches))
        is_inherited = not self._workers and self._start(batches)
        return list(self._read_in_workers(batches, is_inherited=is_inherited, is_last=is_last))

    def close(self) -> Output:
        """Make all workers write their remaining rows, and return the joint output. May be called twice. Raises what
        `read` raises.
        """
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
        """Start the processes; returns whether they inherited the batches, that is, were forked."""
        method = context()
        is_forked = method.get_start_method() == "fork"
        # The parent keeps a reference: a spawned process opens the locks by name after its start.
        locks = self._locks = method.Lock(), method.Lock()
        # A garbage collection in a forked child would write to shared pages and so copy them.
        gc.freeze()
        for number in range(self._count):
            self._workers.append(_Worker(method, self._work, number, locks, batches if is_forked else ()))
        gc.unfreeze()
        return is_forked

    def _read_in_workers(self, batches: _Batches, *, is_inherited: bool, is_last: bool) -> Iterator[FileResult]:
        remaining = iter(enumerate(batches))
        # Messages are batch numbers, so a pipe cannot fill and deadlock. Where whole batches have to be sent (spawned
        # workers), each worker gets the next one only after it has answered, when it is waiting to receive.
        for worker in self._workers * (_BATCHES_AHEAD if is_inherited else 1):
            worker.begin(remaining, is_inherited=is_inherited)
        while at_work := [worker for worker in self._workers if worker.is_reading]:
            for worker in _ready(at_work):
                number, results = worker.results()
                if not worker.begin(remaining, is_inherited=is_inherited) and is_last:
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
    """The parent's side of a reading process."""

    def __init__(
        self, method: BaseContext, work: PhaseWork, number: int, locks: tuple[Lock, Lock], batches: _Batches
    ) -> None:
        super().__init__(method, _read_in_process, work, number, locks, batches)
        self._begun: list[int] = []
        self._is_finishing = False

    @property
    def is_reading(self) -> bool:
        """Whether batches were sent to it that it has not answered yet."""
        return bool(self._begun)

    def begin(self, remaining: Iterator[tuple[int, Sequence[FileTask]]], *, is_inherited: bool) -> bool:
        """Send it the next batch of `left`; returns whether there was one."""
        due = next(remaining, None)
        if due is not None:
            number, batch = due
            self._begun.append(number)
            self._send(number if is_inherited else batch)
        return due is not None

    def finish(self) -> None:
        """Make it write its remaining rows after its batches; a second call does nothing."""
        if not self._is_finishing:
            self._is_finishing = True
            self._send(None)

    def _send(self, due: _Due) -> None:
        # A worker that failed has closed its end: its last message, still unread, carries the error.
        with suppress(OSError):
            self.connection.send(due)

    def results(self) -> tuple[int, Sequence[FileResult]]:
        """Return the number and the results of its oldest unanswered batch. Raises StageError, DiskFullError."""
        results: Sequence[FileResult] = self.receive()  # type: ignore[assignment]  # what _read_in_process sends
        return self._begun.pop(0), results

    def closed(self) -> Output:
        """Return its output. Raises StageError, DiskFullError."""
        output: Output = self.receive()  # type: ignore[assignment]  # what _read_in_process returns
        return output


def _ready(workers: Sequence[_Worker]) -> list[_Worker]:
    """Wait until at least one worker has sent a message or died; returns these workers. Raises StageError for one that
    does not go on.
    """
    while not (ready := wait([worker.connection for worker in workers], LOOK_EVERY)):
        for worker in workers:
            worker.look()
    return [worker for worker in workers if worker.connection in ready]


def _read_in_process(
    parent: Connection, work: PhaseWork, number: int, locks: tuple[Lock, Lock], batches: _Batches
) -> Output:
    """Run in a worker process: read batches and send back their results until None is received; return the output."""
    reader = _PhaseReader(work, number, locks)
    due: _Due
    while (due := parent.recv()) is not None:
        results = list(reader.read(batches[due] if isinstance(due, int) else due))
        for result in results:
            result.task = _OMITTED_TASK
        send(parent, results)
    return reader.close()
