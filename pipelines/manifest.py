"""The manifest of a phase of a home: written by each run, read by the next, checked with `sha256sum -c` by anybody."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import TypeVar

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from extractors._erasure import Erased
from models.schema import Row
from models.tables import MANIFEST

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class FileState:
    """One row of a manifest: see the columns of the table `manifest`."""

    home_id: str
    run_id: str
    phase: int
    source: str
    path: str
    path_bytes: bytes
    entry_type: str
    treatment: str
    rule: str
    change: str
    outcome: str
    check_made: str
    size: int
    mtime_ns: int
    ctime_ns: int
    mode: int
    inode: int
    detail: str | None = None
    file_id: int | None = None
    generation: int | None = None
    first_run_id: str | None = None
    watermark: int | None = None
    link_target: bytes | None = None
    sha256: str | None = None
    content_xxh3: bytes | None = None
    prefix_xxh3: bytes | None = None
    erased_spans: str | None = None
    atime_kept: bool | None = None

    def row(self) -> Row:
        """Return the row of the table."""
        return MANIFEST.row(*_CELLS(self))

    @property
    def modified_at(self) -> datetime:
        """When the file was modified."""
        return modified_at(self.mtime_ns)

    @property
    def erased(self) -> tuple[Erased, ...]:
        """The spans that were erased on request, in order."""
        spans = orjson.loads(self.erased_spans) if self.erased_spans is not None else ()
        return tuple(Erased(offset, length, bytes.fromhex(seal)) for offset, length, seal in spans)

    @property
    def is_present(self) -> bool:
        """Whether this manifest has the file as one that was in the home when it was made."""
        return self.outcome not in _NOT_PRESENT


def modified_at(mtime_ns: int) -> datetime:
    """Return nanoseconds since 1970 as an instant in UTC, to the microsecond before."""
    return _EPOCH + timedelta(microseconds=mtime_ns // 1000)


def erased_json(erased: Sequence[Erased]) -> str | None:
    """Return erased spans as a manifest has them; None when there are none."""
    spans = [[one.offset, one.length, one.seal.hex()] for one in erased]
    return orjson.dumps(spans).decode() if spans else None


_NOT_PRESENT = ("missing", "expired", "moved")
COLUMNS = tuple(field.name for field in fields(FileState))
"""The columns of a manifest file."""
_CELLS = attrgetter(*(column.name for column in MANIFEST.columns))
_T = TypeVar("_T")
_REPEATED = (
    *("home_id", "run_id", "first_run_id", "source", "entry_type", "treatment", "rule", "change", "outcome"),
    *("check_made", "detail", "mode"),
)


def read_manifest(path: Path, changes: Collection[str] = ()) -> list[FileState]:
    """Return the rows of a manifest file; with `changes`, only those whose change is one of them."""
    states = states_of(read_table(path))
    return [state for state in states if state.change in changes] if changes else states


def states_of(table: pa.Table) -> list[FileState]:
    """Return rows of a manifest that was read as a table; what they repeat is in memory once."""
    columns = [
        _shared(column.to_pylist()) if name in _REPEATED else column.to_pylist()
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]
    return [FileState(*values) for values in zip(*columns, strict=True)]


def _shared(values: list[_T]) -> list[_T]:
    """Return the same values, equal ones as one and the same."""
    known: dict[_T, _T] = {}
    return [known.setdefault(value, value) for value in values]


def read_table(path: Path, names: Sequence[str] = COLUMNS, rows: range | None = None) -> pa.Table:
    """Return columns of a manifest file, of some rows or of all; what an earlier version did not write is NULL."""
    with _opened(path) as file:
        return _select(_read_rows(file, names, range(file.metadata.num_rows) if rows is None else rows), names)


def _opened(path: Path) -> pq.ParquetFile:
    # Neither read_table nor a filter of Arrow's: they import engines, which takes longer than the reading.
    return pq.ParquetFile(path, page_checksum_verification=True)


def _select(table: pa.Table, names: Sequence[str]) -> pa.Table:
    for name in names:
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(table.num_rows))
    return table.select(list(names))


def _read_rows(file: pq.ParquetFile, names: Sequence[str], rows: range) -> pa.Table:
    before, groups, left_out = 0, [], 0
    for group in range(file.num_row_groups):
        count = file.metadata.row_group(group).num_rows
        if before + count <= rows.start:
            left_out += count
        elif before < rows.stop:
            groups.append(group)
        before += count
    return file.read_row_groups(groups, columns=list(names), use_threads=False).slice(rows.start - left_out, len(rows))


def read_digests(path: Path) -> Iterator[tuple[bytes, str]]:
    """Yield path and SHA-256 of each file of the home that a manifest file has a digest of.

    Not of one with erased spans: its digest is of what is left, and the file in the home has all of it.
    """
    names = ("path_bytes", "sha256", "entry_type", "outcome", "erased_spans")
    with _opened(path) as file:
        for group in range(file.num_row_groups):
            columns = _select(file.read_row_group(group, columns=list(names), use_threads=False), names).columns
            for path_bytes, digest, entry_type, outcome, erased in zip(
                *(column.to_pylist() for column in columns), strict=True
            ):
                if digest is not None and entry_type == "file" and outcome not in _NOT_PRESENT and erased is None:
                    yield path_bytes, digest


def sha256_line(path: bytes, digest: str) -> bytes:
    """Return the line of one file in a text that `sha256sum -c` accepts when it stands in the home.

    Names with a backslash or a newline are escaped as GNU coreutils does, the line then beginning with a backslash.
    Names that are not UTF-8 stand there as they are.
    """
    name = path.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    return b"%s%s  %s\n" % (b"" if name == path else b"\\", digest.encode(), name)
