"""The task of reading one file, its result, and the protocol of the sink that receives the entries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Protocol

from extractors.reading.contract import Columns, Entry
from models.erased import Erased
from models.reject import RejectCode
from models.schema import Row


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on memory: the longest entry and the largest whole-file entry that are parsed, in bytes. Longer ones are
    kept but not parsed.
    """

    entry_bytes: int = 32 << 20
    document_bytes: int = 32 << 20


@dataclass(frozen=True, slots=True)
class FileTask:
    """The task of reading one file: made from the snapshot and the last manifest, sent to a worker process.

    With `is_anew`, the bytes consumed before are read again too, in the same generation, because rows or recipes of
    them were lost. `erased` are the erased spans in the bytes that are not read again: the file's digests treat them
    specially.
    """

    home_id: str
    path: bytes
    source: str
    shape: int
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
    is_anew: bool = False


@dataclass(slots=True)
class FileResult:
    """The result of reading one file. With an `error` only `task` and `error` are valid."""

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
    reject_codes: dict[str, int] = field(default_factory=dict)

    def __reduce__(self) -> tuple[type["FileResult"], tuple[object, ...]]:
        """Pickle as a tuple: three times as fast as with the names of all fields."""
        return FileResult, _values(self)

    @property
    def path(self) -> bytes:
        """The file's path below the home."""
        return self.task.path

    @property
    def bytes_due(self) -> int:
        """The size of the file in the snapshot, in bytes."""
        return self.task.size

    @property
    def tail_bytes(self) -> int:
        """Bytes after the watermark: the beginning of an unfinished entry."""
        return self.size - self.watermark


_values: Callable[[FileResult], tuple[object, ...]] = attrgetter(*(one.name for one in fields(FileResult)))


class Sink(Protocol):
    """Receives everything that is read. Each call has the address, from which the sink adds provenance."""

    def piece(self, file_id: int, offset: int, data: bytes) -> bool:
        """Take the bytes of one piece; return whether they are new to the store."""

    def entry(self, file_id: int, offset: int, length: int, kind: str, rows: Sequence[Row] = ()) -> None:
        """Take one span for the table `entries`, and the rows that its parser gave."""

    def block(self, columns: Columns, file_id: int, offsets: Sequence[int], lengths: Sequence[int]) -> None:
        """Take the spans of entries with one row each, and the rows as columns."""

    def erased(self, file_id: int, offset: int, length: int) -> None:
        """Take the span of bytes that are not kept, because they were erased on request."""

    def reject(self, source: str, code: RejectCode, detail: str, file_id: int, offset: int, length: int) -> None:
        """Take one entry that could not be parsed."""

    def repair(self, source: str, flag: str, file_id: int, offset: int, length: int) -> None:
        """Take a repair of a damaged entry."""

    def said(self, entry: Entry, source: str, file_id: int, offset: int, length: int) -> None:
        """Take the messages of an entry."""

    def drift(self, what: str, name: str, source: str, version: str, file_id: int, offset: int, length: int) -> None:
        """Count one unknown field, field type or record type."""
