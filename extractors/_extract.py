"""Reads one file of a home once, from its watermark to its pinned size, and hands entries, rows, pieces and rejects to
a sink.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from hmac import HMAC
from typing import Final, Protocol

from xxhash import xxh3_128

from extractors._contract import Entry, Malformed, Reading, Shape
from extractors._erasure import Erased, Tombstones, without
from extractors._readers import Cut, cut_events, cut_lines
from extractors._salvage import PartKind, parse_line, salvage
from extractors._source import Home, PinnedFile, Stat
from models.identity import file_id
from models.reject import RejectCode
from models.schema import Row
from models.text import printable_path

_CHUNK: Final = 1 << 20
_LARGEST_PIECE: Final = 1 << 20
_SMALLEST_PIECE: Final = 1 << 16
_HEAD: Final = 1 << 16
_ATTEMPTS: Final = 3
_RECENT_NS: Final = 2_000_000_000
"""A file whose times are younger than this may be changing without their showing it: they are set when a write begins,
and clocks tick coarsely.
"""
_LONGEST_WRITE: Final = 0.05
"""Seconds that a write is given to end before its file is looked at again."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on memory: the longest entry, and the largest whole-file entry, that is parsed, in bytes. Longer ones are
    kept, not parsed.
    """

    entry_bytes: int = 32 << 20
    document_bytes: int = 32 << 20


@dataclass(frozen=True, slots=True)
class FileTask:
    """What to read of one file: decided by the snapshot and the last manifest, carried to a worker.

    `erased` are the spans of what is not read again that were erased on request: digests are of the other bytes.
    """

    home_id: str
    path: bytes
    source: str
    shape: int
    names: Mapping[str, str]
    generation: int
    start: int
    size: int
    modified_ns: int
    prefix_xxh3: bytes | None = None
    same_size: int | None = None
    same_xxh3: bytes | None = None
    entry_type: str = "file"
    link_target: bytes | None = None
    erased: tuple[Erased, ...] = ()


@dataclass(slots=True)
class FileResult:
    """What reading one file gave. `error` names why nothing could be read; then only `task` and `error` count."""

    task: FileTask
    file_id: int = 0
    generation: int = 1
    from_offset: int = 0
    watermark: int = 0
    size: int = 0
    sha256: str | None = None
    content_xxh3: bytes | None = None
    prefix_xxh3: bytes | None = None
    entry_count: int = 0
    entries_with_rows: int = 0
    reject_count: int = 0
    padding_bytes: int = 0
    row_count: int = 0
    message_count: int = 0
    piece_count: int = 0
    new_piece_bytes: int = 0
    bytes_read: int = 0
    was_rewritten: bool = False
    is_same: bool = False
    atime_kept: bool = True
    void: list["FileResult"] = field(default_factory=list)
    erased: list[Erased] = field(default_factory=list)
    error: str | None = None
    reject_codes: Counter[str] = field(default_factory=Counter)

    @property
    def tail_bytes(self) -> int:
        """Bytes after the watermark, waiting for the end of their entry."""
        return self.size - self.watermark


class Sink(Protocol):
    """Takes what is read. Provenance is the sink's: it gets the address with each call."""

    def row(self, row: Row, file_id: int, offset: int, length: int) -> None:
        """Take one row of a source table."""

    def piece(self, file_id: int, offset: int, data: bytes) -> bool:
        """Take the bytes of one piece; returns whether the store did not hold them yet."""

    def entry(self, file_id: int, offset: int, length: int, kind: str, row_count: int) -> None:
        """Take one span of the provenance index."""

    def erased(self, file_id: int, offset: int, length: int) -> None:
        """Take note that the bytes of a span are not kept, because they were erased on request."""

    def reject(self, source: str, code: RejectCode, detail: str, file_id: int, offset: int, length: int) -> None:
        """Take one entry that could not be understood."""

    def repair(self, source: str, flag: str, file_id: int, offset: int, length: int) -> None:
        """Take note that an entry was won from damaged bytes."""

    def said(self, entry: Entry, source: str, file_id: int, offset: int, length: int) -> None:
        """Take the messages that an entry holds."""

    def drift(self, what: str, name: str, source: str, version: str, file_id: int, offset: int, length: int) -> None:
        """Count one thing that we do not know."""


class _Digests:
    """SHA-256 and XXH3-128 of a file's bytes, fed in order.

    Of an erased span XXH3-128 gets what stands for it, so that one sees whether the span is still there, and SHA-256
    nothing, so that what is given back without the span can be proved.
    """

    def __init__(self) -> None:
        self.sha = sha256()
        self.xxh = xxh3_128()

    def feed(self, data: bytes) -> None:
        self.sha.update(data)
        self.xxh.update(data)

    def feed_file(self, chunks: Iterable[bytes], erased: Sequence[Erased], tombstones: Tombstones | None) -> None:
        """Feed a file from byte 0 on, of which `erased` was erased."""
        for data, is_seal in without(chunks, erased, tombstones):
            self.xxh.update(data)
            if not is_seal:
                self.sha.update(data)


class _Reader:
    """One attempt to read one file in one generation."""

    def __init__(
        self,
        task: FileTask,
        shape: Shape,
        sink: Sink,
        limits: Limits,
        tombstones: Tombstones | None,
        generation: int,
        start: int,
        digests: _Digests,
    ) -> None:
        self.task = task
        self.shape = shape
        self.sink = sink
        self.limits = limits
        self.tombstones = tombstones
        self.digests = digests
        self.file_id = file_id(task.home_id, task.path, generation)
        self.result = FileResult(task, self.file_id, generation, from_offset=start, watermark=start)
        self.result.erased = list(task.erased) if start else []
        self.held: list[bytes] = []
        self.held_size = 0
        self.piece_offset = start
        self.modified_at = datetime.fromtimestamp(task.modified_ns / 1e9, UTC)

    def hold(self, data: bytes) -> None:
        """Add an entry's bytes to the current piece; cut it where the content says so, so that equal runs of entries
        cut equally.
        """
        self.held.append(data)
        self.held_size += len(data)
        if self.held_size >= _SMALLEST_PIECE and (len(data) % 8 == 0 or self.held_size >= _LARGEST_PIECE):
            self.cut_piece()

    def cut_piece(self) -> None:
        """Hand what is held to the sink as pieces and to the digests."""
        if not self.held_size:
            return
        data = self.held[0] if len(self.held) == 1 else b"".join(self.held)
        self.held.clear()
        self.held_size = 0
        self.digests.feed(data)
        for start in range(0, len(data), _LARGEST_PIECE * 4):
            piece = data[start : start + _LARGEST_PIECE * 4]
            self.result.piece_count += 1
            if self.sink.piece(self.file_id, self.piece_offset, piece):
                self.result.new_piece_bytes += len(piece)
            self.piece_offset += len(piece)

    def is_erased(self, data: bytes) -> bool:
        """Whether an entry was erased on request, or has in it what was."""
        return self.tombstones is not None and self.tombstones.holds_entry(self.task.path, data)

    def long_sealer(self, file: PinnedFile, offset: int, end: int, *, to_line_end: bool = False) -> "HMAC | None":
        """Look through an entry that is too long to be held; return what seals it if it was erased, else None."""
        if self.tombstones is None:
            return None
        chunks = file.chunks(offset, end, _CHUNK)
        if self.tombstones.holds_long_entry(self.task.path, _first_line(chunks) if to_line_end else chunks):
            return self.tombstones.sealer()
        return None

    def erase(self, offset: int, length: int, seal: bytes, *, kind: str = "erased") -> None:
        """Pass over an entry without keeping its bytes; `seal` stands for them."""
        self.cut_piece()
        self.digests.xxh.update(seal)
        self.sink.erased(self.file_id, offset, length)
        self.sink.entry(self.file_id, offset, length, kind, 0)
        self.result.erased.append(Erased(offset, length, seal))
        self.result.piece_count += 1
        self.piece_offset = offset + length

    def erase_entry(self, offset: int, data: bytes, *, kind: str = "erased") -> None:
        """The same of an entry that is held."""
        if self.tombstones is not None:
            self.erase(offset, len(data), self.tombstones.seal(data), kind=kind)

    def parse(self, entry: Entry, offset: int, length: int, *, kind: str = "entry") -> None:
        """Parse one entry: its rows, messages and drift, or its reject."""
        result = self.result
        source = self.task.source
        entry.modified_at = self.modified_at
        try:
            rows = list(self.shape.parse(entry))
        except Malformed as malformed:
            self.reject(malformed.code, malformed.detail, offset, length, kind=kind)
            return
        for row in rows:
            self.sink.row(row, self.file_id, offset, length)
        if entry.said:
            self.sink.said(entry, source, self.file_id, offset, length)
            result.message_count += len(entry.said)
        for flag in entry.flags:
            self.sink.repair(source, flag, self.file_id, offset, length)
        version = entry.version or ""
        if entry.unknown_type is not None:
            self.sink.drift("record_type", entry.unknown_type, source, version, self.file_id, offset, length)
        for what, name in entry.odd:
            self.sink.drift(what, name, source, version, self.file_id, offset, length)
        self.sink.entry(self.file_id, offset, length, kind, len(rows))
        result.row_count += len(rows)
        if kind == "entry":
            result.entry_count += 1
            result.entries_with_rows += 1

    def reject(self, code: RejectCode, detail: str, offset: int, length: int, *, kind: str = "entry") -> None:
        """Quarantine one entry. An unfinished tail is no reject: it waits."""
        if kind == "tail":
            self.sink.entry(self.file_id, offset, length, kind, 0)
            return
        self.sink.reject(self.task.source, code, detail, self.file_id, offset, length)
        self.sink.entry(self.file_id, offset, length, "reject", 0)
        self.result.entry_count += 1
        self.result.reject_count += 1
        self.result.reject_codes[str(code)] += 1

    def padding(self, offset: int, length: int) -> None:
        """Note bytes between entries."""
        self.sink.entry(self.file_id, offset, length, "padding", 0)
        self.result.padding_bytes += length

    def line(self, offset: int, line: bytes) -> None:
        """Parse one physical line of JSONL, or win what it holds."""
        value = parse_line(line)
        if value is not None:
            self.parse(Entry(self.task.names, b"", value), offset, len(line))
            return
        parts = salvage(line, at_file_start=offset == 0)
        spliced = sum(part.kind is not PartKind.PADDING for part in parts) > 1
        for part in parts:
            start, length = offset + part.start, part.end - part.start
            if part.kind is PartKind.RECORD and part.value is not None:
                flags = (*part.flags, "spliced") if spliced else part.flags
                self.parse(Entry(self.task.names, b"", part.value, flags), start, length)
            elif part.kind is PartKind.PADDING:
                self.padding(start, length)
            else:
                self.reject(RejectCode(part.code or RejectCode.NOT_JSON), part.detail, start, length)

    def tail(self, offset: int, data: bytes) -> None:
        """Keep an unfinished end: its bytes hold as of this run, its rows (when it is whole already) until the file
        grows.
        """
        self.cut_piece()
        self.result.watermark = offset
        self.result.prefix_xxh3 = self.digests.xxh.digest()
        if self.is_erased(data):
            self.erase_entry(offset, data, kind="tail")
            return
        self.held.append(data)
        self.held_size += len(data)
        if self.shape.reading is Reading.LOG:
            self.parse(Entry(self.task.names, data), offset, len(data), kind="tail")
            return
        parts = salvage(data, at_file_start=offset == 0)
        records = [part for part in parts if part.kind is not PartKind.PADDING]
        if len(records) == 1 and records[0].kind is PartKind.RECORD and records[0].value is not None:
            for part in parts:
                if part is records[0] and part.value is not None:
                    entry = Entry(self.task.names, b"", part.value, part.flags)
                    self.parse(entry, offset + part.start, part.end - part.start, kind="tail")
                else:
                    self.sink.entry(self.file_id, offset + part.start, part.end - part.start, "tail", 0)
        else:
            self.sink.entry(self.file_id, offset, len(data), "tail", 0)

    def read_stream(self, file: PinnedFile, start: int, size: int) -> None:
        """Read a file of many entries to its end."""
        chunks = file.chunks(start, size, _CHUNK)
        limit = self.limits.entry_bytes
        is_log = self.shape.reading is Reading.LOG
        spans = (
            cut_events(chunks, start, limit, self.shape.header or b"") if is_log else cut_lines(chunks, start, limit)
        )
        long_start = -1
        sealer: HMAC | None = None
        for offset, data, cut in spans:
            if cut is Cut.WHOLE:
                if self.tombstones is not None and self.is_erased(data):
                    self.erase_entry(offset, data)
                else:
                    if is_log:
                        self.parse(Entry(self.task.names, data), offset, len(data))
                    else:
                        self.line(offset, data)
                    self.hold(data)
                self.result.watermark = offset + len(data)
            elif cut is Cut.TAIL and long_start < 0:
                self.tail(offset, data)
            else:
                if long_start < 0:
                    long_start = offset
                    self.cut_piece()
                    self.result.prefix_xxh3 = self.digests.xxh.digest()
                    sealer = self.long_sealer(file, offset, size, to_line_end=True)
                if sealer is None:
                    self.hold_long(data)
                else:
                    sealer.update(data)
                end = offset + len(data)
                if cut is Cut.LAST_FRAGMENT:
                    if sealer is None:
                        self.too_long(long_start, end - long_start, limit)
                    else:
                        self.erase(long_start, end - long_start, sealer.digest())
                    long_start = -1
                    self.result.watermark = end
        if long_start >= 0:
            self.result.watermark = long_start
            if sealer is None:
                self.sink.entry(self.file_id, long_start, self.piece_offset + self.held_size - long_start, "tail", 0)
            else:
                self.erase(long_start, end - long_start, sealer.digest(), kind="tail")

    def too_long(self, offset: int, length: int, limit: int) -> None:
        """Quarantine an entry beyond the limit."""
        self.reject(RejectCode.TOO_LONG, f"{length} bytes, the limit is {limit}", offset, length)

    def hold_long(self, data: bytes) -> None:
        """Hand on a part of an entry beyond the limit at once."""
        self.held.append(data)
        self.held_size += len(data)
        self.cut_piece()

    def read_document(self, file: PinnedFile, size: int) -> None:
        """Read a whole-file entry and parse it whole."""
        if size > self.limits.document_bytes:
            if self.read_erased(file, size):
                return
            for chunk in file.chunks(0, size, _CHUNK):
                self.hold_long(chunk)
            self.result.watermark = self.piece_offset
            self.too_long(0, self.piece_offset, self.limits.document_bytes)
            return
        data = b"".join(file.chunks(0, size, _CHUNK))
        if data and self.is_erased(data):
            self.erase_entry(0, data)
            self.result.watermark = len(data)
            return
        self.held.append(data)
        self.held_size = len(data)
        self.result.watermark = len(data)
        self.parse(Entry(self.task.names, data), 0, len(data))

    def read_opaque(self, file: PinnedFile, size: int) -> None:
        """Read a whole-file entry of which the parser sees the first bytes only."""
        if self.read_erased(file, size):
            return
        head = b""
        for chunk in file.chunks(0, size, _CHUNK):
            if not head:
                head = chunk[:_HEAD]
            self.hold_long(chunk)
        self.result.watermark = self.piece_offset
        entry = Entry(self.task.names, head)
        entry.size = self.piece_offset
        self.parse(entry, 0, self.piece_offset)

    def read_erased(self, file: PinnedFile, size: int) -> bool:
        """Pass over a whole-file entry, too long to be held, if it was erased; returns whether it was."""
        sealer = self.long_sealer(file, 0, size)
        if sealer is None:
            return False
        length = 0
        for chunk in file.chunks(0, size, _CHUNK):
            sealer.update(chunk)
            length += len(chunk)
        self.erase(0, length, sealer.digest())
        self.result.watermark = length
        return True

    def finish(self) -> FileResult:
        """Close the digests and return the result."""
        has_tail = self.result.watermark < self.piece_offset + self.held_size and self.result.prefix_xxh3 is not None
        self.cut_piece()
        self.result.size = self.piece_offset
        self.result.content_xxh3 = self.digests.xxh.digest()
        if not has_tail:
            self.result.prefix_xxh3 = self.result.content_xxh3
        self.result.sha256 = self.digests.sha.hexdigest()
        return self.result


def _first_line(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        end = chunk.find(b"\n") + 1
        yield chunk[:end] if end else chunk
        if end:
            return


def extract_file(
    home: Home, task: FileTask, shape: Shape, sink: Sink, limits: Limits, tombstones: Tombstones | None = None
) -> FileResult:
    """Read what `task` names and return the balance. A file that cannot be opened gives a result with `error`;
    SourceError is not raised. What has a tombstone is passed over and not kept.
    """
    if task.entry_type != "file":
        return _extract_nothing_read(task, shape, sink, limits)
    from models.errors import SourceError

    begun: list[FileResult] = []
    try:
        with home.open(task.path) as file:
            return _extract_open_file(file, task, shape, sink, limits, tombstones, begun)
    except SourceError as error:
        return FileResult(task, error=str(error), void=begun)


def _extract_nothing_read(task: FileTask, shape: Shape, sink: Sink, limits: Limits) -> FileResult:
    """A directory or a link is an entry of no bytes."""
    reader = _Reader(task, shape, sink, limits, None, task.generation, 0, _Digests())
    reader.parse(Entry(task.names, task.link_target or b""), 0, 0)
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
    """Read an open file, again from 0 when its prefix is not what was consumed, and again when it changed in place
    meanwhile. Each attempt is in `begun` before the sink gets anything of it.
    """
    same = _same_as_before(file, task, tombstones)
    if same is not None:
        return same
    generation, start = task.generation, task.start
    void: list[FileResult] = []
    rewritten = False
    bytes_read = 0
    while True:
        before = file.restat() if void else file.stat
        size = min(task.size, before.size) if not void else before.size
        digests = _Digests()
        if start:
            if size >= start:
                digests.feed_file(file.chunks(0, start, _CHUNK), task.erased, tombstones)
                bytes_read += start
            if digests.xxh.digest() != task.prefix_xxh3:
                generation, start, rewritten = generation + 1, 0, True
                continue
        reader = _Reader(task, shape, sink, limits, tombstones, generation, start, digests)
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
    """Return a result without rows when a whole-file entry holds what it held, though its times changed."""
    if task.same_xxh3 is None or task.same_size != task.size:
        return None
    digests = _Digests()
    digests.feed_file(file.chunks(0, task.size, _CHUNK), task.erased, tombstones)
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


def _read_once(file: PinnedFile, reader: _Reader, start: int, size: int) -> FileResult:
    match reader.shape.reading:
        case Reading.DOCUMENT:
            reader.read_document(file, size)
        case Reading.OPAQUE:
            reader.read_opaque(file, size)
        case _:
            reader.read_stream(file, start, size)
    return reader.finish()


def _is_stable(file: PinnedFile, before: Stat, result: FileResult, tombstones: Tombstones | None) -> bool:
    """Whether the consumed bytes are still in the file, so that no two generations were mixed."""
    after = file.restat()
    age = time.time_ns() - max(after.mtime_ns, after.ctime_ns)
    same = (after.size, after.mtime_ns, after.ctime_ns) == (before.size, before.mtime_ns, before.ctime_ns)
    if same and age > _RECENT_NS:
        return True
    if after.size < result.size:
        return False
    time.sleep(min(_LONGEST_WRITE, max(0.0, _LONGEST_WRITE - age / 1e9)))
    again = xxh3_128()
    for data, _ in without(file.chunks(0, result.size, _CHUNK), result.erased, tombstones):
        again.update(data)
    return again.digest() == result.content_xxh3


def digest_file(
    home: Home,
    path: bytes,
    size: int,
    *,
    deep: bool = False,
    erased: Sequence[Erased] = (),
    tombstones: Tombstones | None = None,
) -> tuple[Stat, bytes, str | None]:
    """Return a file's stat, the XXH3-128 of its first `size` bytes, and if `deep` their SHA-256, both as a manifest has
    them of a file of which `erased` was erased. Raises SourceError.
    """
    with home.open(path) as file:
        fast = xxh3_128()
        proof = sha256()
        for data, is_seal in without(file.chunks(0, size, _CHUNK), erased, tombstones):
            fast.update(data)
            if deep and not is_seal:
                proof.update(data)
        return file.restat(), fast.digest(), proof.hexdigest() if deep else None
