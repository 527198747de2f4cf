"""Reads one generation of one file: cuts it into entries, and hands entries, rows, pieces and rejects to a sink."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hmac import HMAC
from itertools import chain, pairwise
from typing import Final

from extractors.home.home import PinnedFile
from extractors.reading.contract import Block, Entry, Malformed, PlacedRecord, Reading, Shape
from extractors.reading.cutting import Cut, cut_blocks, cut_events, cut_line_blocks, cut_lines
from extractors.reading.digests import Digests
from extractors.reading.erasure import Tombstones
from extractors.reading.pieces import PieceCutter
from extractors.reading.salvage import PartKind, parse_line, salvage
from extractors.reading.task import FileResult, FileTask, Limits, Sink
from extractors.reading.utf16 import Utf16, byte_order
from models.erased import Erased
from models.identity import file_id
from models.reject import RejectCode
from models.text import printable_path

CHUNK: Final = 1 << 20
"""Bytes per read."""
_SMALLEST_BLOCK: Final = 50
"""With fewer entries in a block, parsing them one by one is faster than as columns."""
_HEAD: Final = 1 << 16


class EntryReader(PieceCutter):
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
        digests: Digests,
    ) -> None:
        number = file_id(task.home_id, task.path, generation)
        result = FileResult(task, number, generation, from_offset=start, watermark=start)
        result.erased = list(task.erased) if start else []
        super().__init__(sink, digests, result)
        self.file_id = number
        self.task = task
        self.shape = shape
        self.names = shape.names_in(printable_path(task.path))
        self.is_log = shape.reading is Reading.LOG
        self.limits = limits
        self.tombstones = tombstones
        self.utf16: Utf16 | None = None
        self.modified_at = datetime.fromtimestamp(task.modified_ns / 1e9, UTC)

    def is_erased(self, data: bytes) -> bool:
        """Return whether an entry was erased on request, or contains erased content."""
        return self.tombstones is not None and self.tombstones.holds_entry(self.task.path, data)

    def long_sealer(self, file: PinnedFile, offset: int, end: int, *, to_line_end: bool = False) -> "HMAC | None":
        """Search an entry that is too long for memory; return an HMAC object for it if it was erased, else None."""
        if self.tombstones is None:
            return None
        chunks = file.chunks(offset, end, CHUNK)
        if self.tombstones.holds_long_entry(self.task.path, _first_line(chunks) if to_line_end else chunks):
            return self.tombstones.sealer()
        return None

    def erase(self, offset: int, length: int, seal: bytes, *, kind: str = "erased") -> None:
        """Record an entry as erased without keeping its bytes; `seal` is their HMAC."""
        self.cut_piece()
        self.digests.xxh.update(seal)
        self.sink.erased(self.file_id, offset, length)
        self.sink.entry(self.file_id, offset, length, kind)
        self.result.erased.append(Erased(offset, length, seal))
        self.result.piece_count += 1
        self.piece_offset = offset + length

    def erase_entry(self, offset: int, data: bytes, *, kind: str = "erased") -> None:
        """Do the same for an entry in memory."""
        if self.tombstones is not None:
            self.erase(offset, len(data), self.tombstones.seal(data), kind=kind)

    def parse(self, entry: Entry, offset: int, length: int, *, kind: str = "entry") -> None:
        """Parse one entry, and hand its rows, messages and drift, or its reject, to the sink."""
        result = self.result
        source = self.task.source
        entry.modified_at = self.modified_at
        try:
            rows = list(self.shape.parse(entry))
        except Malformed as malformed:
            self.reject(malformed.code, malformed.detail, offset, length, kind=kind)
            return
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
        self.sink.entry(self.file_id, offset, length, kind, rows)
        result.row_count += len(rows)
        if kind == "entry":
            result.entry_count += 1
            result.entries_with_rows += 1

    def reject(self, code: RejectCode, detail: str, offset: int, length: int, *, kind: str = "entry") -> None:
        """Quarantine one entry. An unfinished tail is not a reject: the next run reads it again."""
        if kind == "tail":
            self.sink.entry(self.file_id, offset, length, kind)
            return
        self.sink.reject(self.task.source, code, detail, self.file_id, offset, length)
        self.sink.entry(self.file_id, offset, length, "reject")
        self.result.entry_count += 1
        self.result.reject_count += 1
        codes = self.result.reject_codes
        codes[str(code)] = codes.get(str(code), 0) + 1

    def padding(self, offset: int, length: int) -> None:
        """Record bytes between entries."""
        self.sink.entry(self.file_id, offset, length, "padding")
        self.result.padding_bytes += length

    def whole(self, offset: int, line: bytes) -> None:
        """Parse one event of a log or one line of JSONL; recover the records of a damaged line."""
        if self.is_log:
            self.parse(Entry(self.names, line), offset, len(line))
            return
        value = parse_line(line)
        if value is not None:
            self.parse(Entry(self.names, b"", value), offset, len(line))
            return
        parts = salvage(line, at_file_start=offset == 0, utf16=self.utf16)
        spliced = sum(part.kind is not PartKind.PADDING for part in parts) > 1
        for part in parts:
            start, length = offset + part.start, part.end - part.start
            if part.kind is PartKind.RECORD and part.value is not None:
                flags = (*part.flags, "spliced") if spliced else part.flags
                self.parse(Entry(self.names, b"", part.value, flags), start, length)
            elif part.kind is PartKind.PADDING:
                self.padding(start, length)
            else:
                self.reject(RejectCode(part.code or RejectCode.NOT_JSON), part.detail, start, length)

    def tail(self, offset: int, data: bytes) -> None:
        """Keep an unfinished end: its bytes are valid as of this run, its rows (if it is a complete record already)
        until the file grows.
        """
        self.cut_piece()
        self.result.watermark = offset
        self.result.prefix_xxh3 = self.digests.xxh.digest()
        if self.is_erased(data):
            self.erase_entry(offset, data, kind="tail")
            return
        self.held.append(data)
        self.held_size += len(data)
        if self.is_log:
            self.parse(Entry(self.names, data), offset, len(data), kind="tail")
            return
        parts = salvage(data, at_file_start=offset == 0, utf16=self.utf16)
        records = [part for part in parts if part.kind is not PartKind.PADDING]
        if len(records) == 1 and records[0].kind is PartKind.RECORD and records[0].value is not None:
            for part in parts:
                if part is records[0] and part.value is not None:
                    entry = Entry(self.names, b"", part.value, part.flags)
                    self.parse(entry, offset + part.start, part.end - part.start, kind="tail")
                else:
                    self.sink.entry(self.file_id, offset + part.start, part.end - part.start, "tail")
        else:
            self.sink.entry(self.file_id, offset, len(data), "tail")

    def read_stream(self, file: PinnedFile, start: int, size: int) -> None:
        """Read a file of many entries from `start` to `size`."""
        chunks = file.chunks(start, size, CHUNK)
        self.utf16 = None if self.is_log else byte_order(file.first_bytes())
        limit = self.limits.entry_bytes
        if self.tombstones is None:
            start, chunks = self.read_blocks(chunks, start, limit)
        header = self.shape.header or b""
        spans = cut_events(chunks, start, limit, header) if self.is_log else cut_lines(chunks, start, limit)
        long_start = -1
        sealer: HMAC | None = None
        for offset, data, cut in spans:
            if cut is Cut.WHOLE:
                if self.tombstones is not None and self.is_erased(data):
                    self.erase_entry(offset, data)
                else:
                    self.whole(offset, data)
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
                self.sink.entry(self.file_id, long_start, self.piece_offset + self.held_size - long_start, "tail")
            else:
                self.erase(long_start, end - long_start, sealer.digest(), kind="tail")

    def read_blocks(self, chunks: Iterator[bytes], start: int, limit: int) -> tuple[int, Iterator[bytes]]:
        """Read entries in blocks while they are regular; return the offset where that ended, and the remaining
        bytes.
        """
        rest = b""
        header, parse_block = self.shape.header or b"", self.shape.parse_block

        def blocks() -> Iterator[tuple[bytes, list[int], list[int]]]:
            nonlocal rest
            rest = yield from cut_blocks(chunks, limit, header) if self.is_log else cut_line_blocks(chunks, limit)

        for data, starts, lengths in blocks():
            columns = None
            if parse_block is not None and len(starts) >= _SMALLEST_BLOCK:
                columns = parse_block(Block(self.names, data, starts))
            if columns is None:
                for begin, length in zip(starts, lengths, strict=True):
                    self.whole(start + begin, data[begin : begin + length])
            else:
                self.sink.block(columns, self.file_id, [start + begin for begin in starts], lengths)
                self.result.row_count += len(starts)
                self.result.entry_count += len(starts)
                self.result.entries_with_rows += len(starts)
            self.hold_block(data, starts, lengths)
            start += len(data)
            self.result.watermark = start
        return start, chain((rest,) if rest else (), chunks)

    def too_long(self, offset: int, length: int, limit: int) -> None:
        """Quarantine an entry longer than the limit."""
        self.reject(RejectCode.TOO_LONG, f"{length} bytes, the limit is {limit}", offset, length)

    def read_document(self, file: PinnedFile, size: int) -> None:
        """Read and parse a whole-file entry."""
        data = self.read_whole(file, size)
        if data is not None:
            entry = Entry(self.names, data)
            entry.digest = self.digests.sha.hexdigest()
            self.parse(entry, 0, len(data))

    def read_database(self, file: PinnedFile, size: int) -> None:
        """Read a database file and parse its records, each with its span."""
        data = self.read_whole(file, size)
        if not data:
            return
        try:
            parts = self.database_parts(data)
        except Malformed as malformed:
            self.reject(malformed.code, malformed.detail, 0, len(data))
            return
        cursor = 0
        for part in parts:
            if part.start > cursor:
                self.padding(cursor, part.start - cursor)
            self.parse(Entry(self.names, b"", part.value), part.start, part.end - part.start)
            cursor = part.end
        if cursor < len(data):
            self.padding(cursor, len(data) - cursor)

    def database_parts(self, data: bytes) -> list[PlacedRecord]:
        """Return the records of a database, in order. Raises `Malformed`."""
        parts = [] if self.shape.parts is None else list(self.shape.parts(data))
        if any(second.start < first.end for first, second in pairwise(parts)):
            raise Malformed(RejectCode.NOT_SQLITE, "two rows have overlapping spans")
        return parts

    def read_whole(self, file: PinnedFile, size: int) -> bytes | None:
        """Read a whole file and hand its bytes to the sink; return them, None if it is too long to parse or was
        erased.
        """
        if size > self.limits.document_bytes:
            if self.read_erased(file, size):
                return None
            for chunk in file.chunks(0, size, CHUNK):
                self.hold_long(chunk)
            self.result.watermark = self.piece_offset
            self.too_long(0, self.piece_offset, self.limits.document_bytes)
            return None
        data = file.read(0, size) if size else b""
        self.result.watermark = len(data)
        if data and self.is_erased_document(data):
            self.erase_entry(0, data)
            return None
        self.held.append(data)
        self.held_size = len(data)
        self.cut_piece()
        return data

    def is_erased_document(self, data: bytes) -> bool:
        """Return whether a whole file was erased on request; of a database, whether one of its records was."""
        if self.tombstones is None or self.is_erased(data):
            return self.tombstones is not None
        try:
            return any(self.is_erased(data[part.start : part.end]) for part in self.database_parts(data))
        except Malformed:
            return False

    def read_opaque(self, file: PinnedFile, size: int) -> None:
        """Read a whole-file entry of which the parser gets only the first 64 KiB."""
        if self.read_erased(file, size):
            return
        head = b""
        for chunk in file.chunks(0, size, CHUNK):
            if not head:
                head = chunk[:_HEAD]
            self.hold_long(chunk)
        self.result.watermark = self.piece_offset
        entry = Entry(self.names, head)
        entry.size = self.piece_offset
        self.parse(entry, 0, self.piece_offset)

    def read_erased(self, file: PinnedFile, size: int) -> bool:
        """Record a whole-file entry that is too long for memory as erased, if it was; return whether it was."""
        sealer = self.long_sealer(file, 0, size)
        if sealer is None:
            return False
        length = 0
        for chunk in file.chunks(0, size, CHUNK):
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
