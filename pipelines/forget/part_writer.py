"""Writes new Parquet files (parts) beside those that an erasure replaces."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pyarrow as pa

from models.errors import StoreError
from models.run import PartRecord
from models.schema import Table
from models.tables import EXTRACTIONS, MANIFEST
from pipelines.archive.committed import PhaseKey, known_tables
from pipelines.archive.parquet import finish_part, open_writer
from pipelines.disk.atomic import make_directories, sync_directories, sync_file
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import Layout

_NUMBERED: Final = re.compile(r"-e\d+$")


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

    def write_new(self, where: PhaseKey, table: Table, rows: Iterable[pa.Table]) -> PartRecord | None:
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
