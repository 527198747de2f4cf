"""Parquet of an archive: the one module that opens, reads and writes it.

Every file is opened with the checksums of its pages verified, and written with them. Parquet's footer has none, so the
callers that need certainty compare the file with the SHA-256 of its commit record first.
"""

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from stat import S_ISREG
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from models.errors import FixityError, StoreError
from models.run import PartRecord
from models.schema import BYTES, DIGEST128, INSTANT, INTEGER, JSON, TEXT, Column, Table
from models.tables import EXTRACTIONS, MANIFEST, PIECES, STORE
from pipelines.disk.atomic import sha256_of
from pipelines.disk.layout import Layout

COMPRESSION_LEVEL: Final = 3
_PAGE_BYTES: Final = 12 << 20
_SCHEMAS: Final = {table.name: table.arrow() for table in (EXTRACTIONS, MANIFEST, PIECES, STORE)}


def open_parquet(path: Path) -> pq.ParquetFile:
    """Open a Parquet file, its pages verified while they are read. Raises OSError, pa.ArrowException.

    Not `pq.read_table`, and no Arrow filter: both import compute engines, which takes longer than most reading.
    """
    if not S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
    return pq.ParquetFile(path, page_checksum_verification=True)


def read_part(layout: Layout, part: PartRecord, columns: list[str], *, checked: bool = False) -> pa.Table:
    """Return columns of a part. With `checked`, compare it with its commit record first: rows other than pieces have no
    digest of their own.
    """
    with damage_raised(part.path):
        if checked:
            check_part(layout, part)
        with open_part(layout, part) as file:
            return file.read(columns=columns, use_threads=False)


def check_part(layout: Layout, part: PartRecord) -> None:
    """Raise FixityError when a part differs from the SHA-256 of its commit record."""
    if sha256_of(layout.root / part.path) != part.sha256:
        raise FixityError(f"{part.path} differs from the SHA-256 of its commit record; see `extract verify`")


def open_part(layout: Layout, part: PartRecord) -> pq.ParquetFile:
    """Open a part. Raises pa.ArrowTypeError when a column's type differs from its table's: the footer of a Parquet file
    has no checksum, so a wrong type in it is damage.
    """
    file = open_parquet(layout.root / part.path)
    for field in _SCHEMAS[part.table]:
        if field.name in file.schema_arrow.names and file.schema_arrow.field(field.name).type != field.type:
            file.close()
            raise pa.ArrowTypeError(f"{field.name} is not {field.type}")
    return file


@contextmanager
def damage_raised(path: str) -> Iterator[None]:
    """Raise StoreError for a missing and FixityError for an unreadable Parquet file at `path`, which the block
    reads.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise StoreError(f"{path} is gone, but a commit record lists it; see `extract verify`") from error
    except (OSError, pa.ArrowException, KeyError, UnicodeDecodeError) as error:
        raise FixityError(f"{path} is damaged and cannot be read ({error}); see `extract verify`") from error


@contextmanager
def unreadable_raised(path: str) -> Iterator[None]:
    """Raise FixityError for a Parquet file at `path`, below the data directory, that the block cannot read."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise FixityError(f"{path} cannot be read ({error}); see `extract verify`") from error


def read_columns(layout: Layout, parts: Sequence[PartRecord], table: Table, names: Sequence[str]) -> pa.Table:
    """Return columns of a table's parts, concatenated. Raises FixityError for an unreadable part."""
    schema = table.arrow()
    wanted = pa.schema([schema.field(name) for name in names])
    made = [wanted.empty_table()]
    for part in parts:
        with unreadable_raised(part.path), open_parquet(layout.root / part.path) as file:
            made.append(conformed(file.read(columns=list(names), use_threads=False), wanted))
    return pa.concat_tables(made)


def read_row_groups(layout: Layout, part: PartRecord, table: Table) -> Iterator[pa.Table]:
    """Yield a part's rows by row group, with all columns of its table. Raises FixityError for an unreadable part."""
    schema = table.arrow()
    with unreadable_raised(part.path), open_parquet(layout.root / part.path) as file:
        for group in range(file.metadata.num_row_groups):
            yield conformed(file.read_row_group(group, use_threads=False), schema)


def conformed(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return rows with exactly the columns of a schema; columns that an older version did not write are NULL."""
    here = set(rows.column_names)
    columns = [
        rows.column(field.name).cast(field.type) if field.name in here else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def integer_column(rows: pa.Table, name: str) -> list[int]:
    """Return a column of integers; NULL is 0."""
    return [value or 0 for value in rows.column(name).to_pylist()]


def text_column(rows: pa.Table, name: str) -> list[str]:
    """Return a column of text; NULL is empty."""
    return [value or "" for value in rows.column(name).to_pylist()]


def bytes_column(rows: pa.Table, name: str) -> list[bytes]:
    """Return a column of bytes; NULL is empty."""
    return [value or b"" for value in rows.column(name).to_pylist()]


@dataclass(frozen=True, slots=True)
class StagedPart:
    """A Parquet file as it was written: its table, path, size in bytes, rows and SHA-256."""

    table: str
    path: Path
    size: int
    rows: int
    sha256: str


class _Writer(pq.ParquetWriter):
    """A Parquet writer without errors on deletion: after a failed write, pyarrow's own closes the open file on
    deletion, which fails with the same error, and Python prints that as an ignored exception after the first message.
    """

    def __del__(self) -> None:
        with suppress(OSError):
            super().__del__()  # type: ignore[misc]  # its stub leaves it out


def open_writer(path: Path, table: Table) -> pq.ParquetWriter:
    """Open a Parquet writer for a table: zstd, page checksums, each column encoded as its values are."""
    columns = table.all_columns
    plain = {c.name for c in columns if c.is_distinct or c.type in (JSON, BYTES, DIGEST128)}
    encoded = {c.name: encoding for c in columns if (encoding := _encoding(c)) is not None}
    return _Writer(
        path,
        table.arrow(),
        compression="zstd",
        compression_level=COMPRESSION_LEVEL,
        use_dictionary=[c.name for c in columns if c.name not in plain and c.name not in encoded],  # type: ignore[arg-type]  # its stub knows bool only
        column_encoding=encoded or None,
        write_page_checksum=True,
        write_statistics=[c.name for c in columns if c.name not in plain],
        # A page is compressed by itself, and neighbouring records repeat one another: large pages compress better.
        data_page_size=_PAGE_BYTES,
        write_batch_size=1 << 16,
    )


def _encoding(column: Column) -> str | None:
    """Return the Parquet encoding of a column, None for plain or dictionary encoding.

    Measured on 250 MB (`DECISIONS.md`): zstd compresses numbers best in plain encoding, offsets and times of logs as
    differences, and distinct texts with their lengths stored apart.
    """
    if column.name == "byte_offset" or (column.type is INSTANT and column.is_distinct):
        return "DELTA_BINARY_PACKED"
    if column.type in (INTEGER, INSTANT):
        return "PLAIN"
    return "DELTA_LENGTH_BYTE_ARRAY" if column.type is TEXT and column.is_distinct else None


def finish_part(table: str, path: Path, rows: int) -> StagedPart:
    """Return the record of the finished file at `path`, with its size and SHA-256. Raises OSError."""
    made = sha256()
    size = 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            made.update(chunk)
            size += len(chunk)
    return StagedPart(table, path, size, rows, made.hexdigest())
