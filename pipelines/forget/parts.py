"""Reads committed Parquet files (parts) column by column, and writes new ones beside them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from extractors.reading.registry import source_tables, sources
from models.errors import FixityError, StoreError
from models.run import PartRecord, PhaseRecord, RunRecord
from models.schema import Table
from models.tables import EXTRACTIONS, MANIFEST, RUNNER_TABLES
from pipelines.disk.atomic import make_directories, sync_directories, sync_file
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import Layout
from pipelines.run.staging import finish_part, open_writer

Where = tuple[str, str, int]
"""The key of a committed phase: run_id, home_id, phase number."""

_NUMBERED: Final = re.compile(r"-e\d+$")


def phases_of(runs: Iterable[RunRecord]) -> Iterator[tuple[Where, PhaseRecord]]:
    """Yield every committed phase of `runs` with its key, in the order of commits."""
    for run in runs:
        for phase in run.phases:
            yield (run.run_id, phase.home_id, phase.phase), phase


def parts_of(phase: PhaseRecord, table: Table) -> list[PartRecord]:
    """Return the parts of a table that a phase committed."""
    return [part for part in phase.parts if part.table == table.name]


@cache
def known_tables() -> Mapping[str, Table]:
    """Return every table that can have parts, by name."""
    return {table.name: table for table in (*RUNNER_TABLES, *source_tables(sources().values()))}


def read_columns(layout: Layout, parts: Sequence[PartRecord], table: Table, names: Sequence[str]) -> pa.Table:
    """Return columns of a table's parts, concatenated. Raises FixityError for an unreadable part."""
    schema = table.arrow()
    wanted = pa.schema([schema.field(name) for name in names])
    made = [wanted.empty_table()]
    for part in parts:
        try:
            with pq.ParquetFile(layout.root / part.path, page_checksum_verification=True) as file:
                made.append(conformed(file.read(columns=list(names), use_threads=False), wanted))
        except (OSError, pa.ArrowException) as error:
            raise FixityError(f"{part.path} cannot be read ({error}); see `extract verify`") from error
    return pa.concat_tables(made)


def read_row_groups(layout: Layout, part: PartRecord, table: Table) -> Iterator[pa.Table]:
    """Yield a part's rows by row group, with all columns of its table. Raises FixityError for an unreadable part."""
    schema = table.arrow()
    try:
        with pq.ParquetFile(layout.root / part.path, page_checksum_verification=True) as file:
            for group in range(file.metadata.num_row_groups):
                yield conformed(file.read_row_group(group, use_threads=False), schema)
    except (OSError, pa.ArrowException) as error:
        raise FixityError(f"{part.path} cannot be read ({error}); see `extract verify`") from error


def conformed(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return rows with exactly the columns of a schema; columns that an older version did not write are NULL."""
    here = set(rows.column_names)
    columns = [
        rows.column(field.name).cast(field.type) if field.name in here else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def integer_column(rows: pa.Table, name: str) -> list[int]:
    """Return a column of integer_column; NULL is 0."""
    return [value or 0 for value in rows.column(name).to_pylist()]


def text_column(rows: pa.Table, name: str) -> list[str]:
    """Return a column of text; NULL is empty."""
    return [value or "" for value in rows.column(name).to_pylist()]


def bytes_column(rows: pa.Table, name: str) -> list[bytes]:
    """Return a column of bytes; NULL is empty."""
    return [value or b"" for value in rows.column(name).to_pylist()]


class PartWriter:
    """Writes new parts beside the old ones, under names that no commit record lists yet.

    `number` is the number of the erasure: it ends the new names (`-e2`), so each erasure's file has its own name.
    """

    def __init__(self, layout: Layout, number: int) -> None:
        self._layout = layout
        self._number = number
        self._changed: set[Path] = set()

    def write(self, old: PartRecord, table: Table, rows: Iterable[pa.Table]) -> PartRecord | None:
        """Write the rows that replace a part; return its record, None when no rows remain and the part may be
        absent.
        """
        path = self._layout.root / old.path
        return self._write(path.with_name(f"{_NUMBERED.sub('', path.stem)}-e{self._number}.parquet"), table, rows)

    def write_new(self, where: Where, table: Table, rows: Iterable[pa.Table]) -> PartRecord | None:
        """Write a part of a table that the phase had no part of; return its record, None without rows."""
        run_id, home_id, phase = where
        directory = self._layout.part_directory(table.name, home_id, run_id)
        self._changed |= make_directories(directory)
        return self._write(directory / f"phase-{phase}-new-e{self._number}.parquet", table, rows)

    def sync(self) -> None:
        """Flush the directories of all written parts to the disk."""
        sync_directories(self._changed)

    def _write(self, path: Path, table: Table, rows: Iterable[pa.Table]) -> PartRecord | None:
        reach("forget:before-part")
        path.unlink(missing_ok=True)
        count = 0
        with open_writer(path, table) as writer:
            for some in rows:
                if some.num_rows:
                    writer.write_table(some, row_group_size=some.num_rows)
                    count += some.num_rows
            if not count:
                writer.write_table(table.arrow().empty_table())
        if not count and table not in (MANIFEST, EXTRACTIONS):
            path.unlink()
            return None
        sync_file(path)
        self._changed.add(path.parent)
        made = finish_part(table.name, path, count)
        reach("forget:after-part")
        return PartRecord(self._layout.relative(path), table.name, made.rows, made.size, made.sha256)


def table_of_part(part: PartRecord) -> Table:
    """Return the table of a part. Raises StoreError when this version does not know it, so cannot rewrite it."""
    table = known_tables().get(part.table)
    if table is None:
        raise StoreError(f"{part.path} is of a table {part.table} that this version does not know: use a newer one")
    return table
