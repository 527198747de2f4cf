"""The logical checksum of a warehouse: of its content, independent of the runs, Parquet files and generations from
which it was built.
"""

from collections.abc import Mapping
from pathlib import Path

import duckdb

from models.schema import Table
from models.tables import PIECES
from pipelines.disk.layout import Layout
from pipelines.warehouse.opened import open_warehouse
from pipelines.warehouse.schema import warehouse_tables

_BY_RUN = frozenset({"run_id", "file_id", "first_run_id", "last_run_id", "expired_run_id", "generation", "watermark"})
_FILE_TIMES = frozenset({"file_modified_at", "directory_modified_at", "kept_at", "modified_at", "seen_at"})
_ABOUT_RUNS = frozenset({"runs", "run_sources", "parts", "manifest", "extractions", "drift", PIECES.name})


def logical_checksums(
    connection: duckdb.DuckDBPyConnection, *, present_only: bool = False
) -> Mapping[str, tuple[int, int]]:
    """Return the number of rows and a checksum for each table about the data itself.

    The checksum ignores the order of rows, their run, the generation of their file and the file's times (a run does not
    read a file again that was only touched); it identifies files by path. With `present_only`, it covers only rows of
    files that are in their home, and omits tables that aggregate over files. Only checksums of the same version of
    DuckDB are comparable.
    """
    made = {}
    for table in warehouse_tables():
        if table.name in _ABOUT_RUNS or (present_only and not table.has_provenance):
            continue
        row = connection.execute(_query(table, present_only=present_only)).fetchone()
        if row is not None:
            made[table.name] = (int(row[0]), int(row[1]))
    return made


def _query(table: Table, *, present_only: bool) -> str:
    values = [f't."{column.name}"' for column in table.all_columns if column.name not in _BY_RUN | _FILE_TIMES]
    has_file = any(column.name == "file_id" for column in table.all_columns) and table.name != "files"
    if has_file:
        values += ["f.home_id", "f.path"]
    joined = " JOIN files f ON f.file_id = t.file_id" if has_file else ""
    where = " WHERE f.state = 'present'" if present_only and has_file else ""
    return f'SELECT count(*), coalesce(sum(hash({", ".join(values)})::HUGEINT), 0) FROM "{table.name}" t{joined}{where}'


def checksums_of(data: Path) -> dict[str, tuple[int, int]]:
    """Return the logical checksums of the warehouse that is published in a data directory."""
    with open_warehouse(Layout(data)) as connection:
        return dict(logical_checksums(connection))
