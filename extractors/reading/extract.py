"""Reads one file of a home, from its watermark to its size in the snapshot; again if it changed in place meanwhile."""

import time
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from xxhash import xxh3_128

from extractors.home.found import Stat
from extractors.home.home import HeldDirectory, Home, PinnedFile
from extractors.reading.contract import Entry, Reading, Shape
from extractors.reading.digests import Digests
from extractors.reading.entry_reader import CHUNK, EntryReader
from extractors.reading.erasure import Tombstones, without
from extractors.reading.task import FileResult, FileTask, Limits, Sink
from models.erased import Erased
from models.errors import SourceError
from models.identity import file_id
from models.text import printable_path

_ATTEMPTS: Final = 3
_RECENT_NS: Final = 2_000_000_000
"""A file modified less than this long ago may change without a new time: a write sets the times when it begins, and
file systems have coarse clocks.
"""
_LONGEST_WRITE: Final = 0.05
"""Seconds that the reader waits for a write in progress before it checks the file again."""


def extract_file(
    place: Home | HeldDirectory,
    task: FileTask,
    shape: Shape,
    sink: Sink,
    limits: Limits,
    tombstones: Tombstones | None = None,
) -> FileResult:
    """Read the file of `task`, hand its entries to `sink`, and return the counts. `place` is the home or the file's
    directory. A file that cannot be opened gives a result with `error`: SourceError is not raised. Entries that match
    `tombstones` are skipped, and their bytes are not kept.
    """
    if task.entry_type != "file":
        return _extract_nothing_read(task, shape, sink, limits)
    begun: list[FileResult] = []
    try:
        with place.open(task.path) as file:
            return _extract_open_file(file, task, shape, sink, limits, tombstones, begun)
    except SourceError as error:
        return FileResult(task, error=str(error), void=begun)


def _extract_nothing_read(task: FileTask, shape: Shape, sink: Sink, limits: Limits) -> FileResult:
    """Parse a directory or link, which is an entry without bytes."""
    reader = EntryReader(task, shape, sink, limits, None, task.generation, 0, Digests())
    target = task.link_target if task.entry_type == "link" else None  # a followed link is a file
    reader.parse(Entry(reader.names, target or b""), 0, 0)
    return reader.finish()


def _extract_open_file(
    file: PinnedFile,
    task: FileTask,
    shape: Shape,
    sink: Sink,
    limits: Limits,
    tombstones: Tombstones | None,
    begun: list[FileResult],
) -> FileResult:
    """Read an open file. Start again at byte 0 if the bytes before the watermark have changed, and again if the file
    changed in place meanwhile. Each attempt is added to `begun` before the sink gets any of its entries.
    """
    same = _same_as_before(file, task, tombstones)
    if same is not None and not task.is_anew:
        return same
    generation, start = task.generation - (same is not None), task.start
    void: list[FileResult] = []
    rewritten = False
    bytes_read = 0
    while True:
        before = file.restat() if void else file.stat
        size = min(task.size, before.size) if not void else before.size
        digests = Digests()
        if start:
            if size >= start:
                digests.feed_file(file.chunks(0, start, CHUNK), task.erased, tombstones)
                bytes_read += start
            if digests.xxh.digest() != task.prefix_xxh3:
                generation, start, rewritten = generation + 1, 0, True
                continue
            if task.is_anew:
                start, digests = 0, Digests()
        reader = EntryReader(task, shape, sink, limits, tombstones, generation, start, digests)
        begun.append(reader.result)
        result = _read_once(file, reader, start, size)
        bytes_read += result.size - start
        stable = _is_stable(file, before, result, tombstones)
        if not stable and len(begun) >= _ATTEMPTS:
            error = f"{printable_path(task.path)}: changed in place each time it was read"
            return FileResult(task, error=error, void=begun)
        if stable:
            result.was_rewritten = rewritten
            result.void = void
            result.bytes_read = bytes_read
            result.atime_kept = file.atime_kept
            return result
        void.append(result)
        generation, start, rewritten = generation + 1, 0, True


def _same_as_before(file: PinnedFile, task: FileTask, tombstones: Tombstones | None) -> FileResult | None:
    """Return a result without rows if a whole-file entry has its old content and only its times changed; else None."""
    if task.same_xxh3 is None or task.same_size != task.size:
        return None
    digests = Digests()
    digests.feed_file(file.chunks(0, task.size, CHUNK), task.erased, tombstones)
    if digests.xxh.digest() != task.same_xxh3:
        return None
    result = FileResult(
        task, generation=task.generation - 1, is_same=True, size=task.size, watermark=task.size, bytes_read=task.size
    )
    result.file_id = file_id(task.home_id, task.path, result.generation)
    result.sha256, result.content_xxh3, result.prefix_xxh3 = digests.sha.hexdigest(), task.same_xxh3, task.same_xxh3
    result.atime_kept = file.atime_kept
    result.erased = list(task.erased)
    return result


def _read_once(file: PinnedFile, reader: EntryReader, start: int, size: int) -> FileResult:
    match reader.shape.reading:
        case Reading.DOCUMENT:
            reader.read_document(file, size)
        case Reading.DATABASE:
            reader.read_database(file, size)
        case Reading.OPAQUE:
            reader.read_opaque(file, size)
        case _:
            reader.read_stream(file, start, size)
    return reader.finish()


def _is_stable(file: PinnedFile, before: Stat, result: FileResult, tombstones: Tombstones | None) -> bool:
    """Return whether the file still has the bytes that were read, so that the reading does not mix two versions."""
    after = file.restat()
    age = time.time_ns() - max(after.mtime_ns, after.ctime_ns)
    same = (after.size, after.mtime_ns, after.ctime_ns) == (before.size, before.mtime_ns, before.ctime_ns)
    if same and age > _RECENT_NS:
        return True
    if after.size < result.size:
        return False
    time.sleep(_until_written(after, time.time_ns()))
    again = xxh3_128()
    for data, _ in without(file.chunks(0, result.size, CHUNK), result.erased, tombstones):
        again.update(data)
    return again.digest() == result.content_xxh3


def _until_written(stat: Stat, now_ns: int) -> float:
    """Return how many seconds to wait for a write that may be in progress.

    A write sets both times to the clock's. A modification time in the future was set explicitly, which is a change too:
    then the change time is that of the write. A change time in the future was set by a clock that has been set back
    since: that write has ended.
    """
    if stat.ctime_ns > now_ns + _RECENT_NS:
        return 0.0
    ahead = stat.mtime_ns > now_ns + _RECENT_NS
    age = now_ns - (stat.ctime_ns if ahead else max(stat.mtime_ns, stat.ctime_ns))
    return min(_LONGEST_WRITE, max(0.0, _LONGEST_WRITE - age / 1e9))


def digest_file(
    place: Home | HeldDirectory,
    path: bytes,
    size: int,
    *,
    deep: bool = False,
    erased: Sequence[Erased] = (),
    tombstones: Tombstones | None = None,
) -> tuple[Stat, bytes, str | None]:
    """Return a file's status, the XXH3-128 of its first `size` bytes, and with `deep` their SHA-256 in hex. With
    `erased` spans both digests are computed as in the manifest of such a file. Raises SourceError.
    """
    with place.open(path) as file:
        fast = xxh3_128()
        if not deep and not erased:
            for data in file.chunks(0, size, CHUNK):
                fast.update(data)
            return file.restat(), fast.digest(), None
        proof = sha256()
        for data, is_seal in without(file.chunks(0, size, CHUNK), erased, tombstones):
            fast.update(data)
            if deep and not is_seal:
                proof.update(data)
        return file.restat(), fast.digest(), proof.hexdigest() if deep else None
