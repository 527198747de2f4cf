"""What is to be read of one file, what reading it gave, and who takes what is read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Protocol

from extractors.reading.contract import Columns, Entry
from models.manifest import Erased
from models.reject import RejectCode
from models.schema import Row


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
    reject_codes: dict[str, int] = field(default_factory=dict)

    def __reduce__(self) -> tuple[type["FileResult"], tuple[object, ...]]:
        """Be sent to another process as a tuple, in a third of the time that the names of all fields take."""
        return FileResult, _values(self)

    @property
    def path(self) -> bytes:
        """The file's path below the home."""
        return self.task.path

    @property
    def bytes_due(self) -> int:
        """The size of the file when the home was pinned: what was to be read, in bytes."""
        return self.task.size

    @property
    def tail_bytes(self) -> int:
        """Bytes after the watermark, waiting for the end of their entry."""
        return self.size - self.watermark


_values: Callable[[FileResult], tuple[object, ...]] = attrgetter(*(one.name for one in fields(FileResult)))


class Sink(Protocol):
    """Takes what is read. Provenance is the sink's: it gets the address with each call."""

    def piece(self, file_id: int, offset: int, data: bytes) -> bool:
        """Take the bytes of one piece; returns whether the store did not hold them yet."""

    def entry(self, file_id: int, offset: int, length: int, kind: str, rows: Sequence[Row] = ()) -> None:
        """Take one span of the provenance index, and the rows of source tables that it gave."""

    def block(self, columns: Columns, file_id: int, offsets: Sequence[int], lengths: Sequence[int]) -> None:
        """Take entries that gave one row each, as columns, and their spans."""

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
