"""The logical checksum of a warehouse: what it says, whatever the runs, part files and generations in which it came to
say so.
"""

from collections.abc import Mapping

import duckdb

from models.schema import Table
from models.tables import PIECES
from pipelines.warehouse.schema import warehouse_tables

_BY_RUN = frozenset({"run_id", "file_id", "first_run_id", "last_run_id", "expired_run_id", "generation", "watermark"})
_FILE_TIMES = frozenset({"file_modified_at", "directory_modified_at", "kept_at", "modified_at"})
_ABOUT_RUNS = frozenset({"runs", "run_sources", "parts", "manifest", "extractions", "drift", PIECES.name})


def logical_checksums(
    connection: duckdb.DuckDBPyConnection, *, present_only: bool = False
) -> Mapping[str, tuple[int, int]]:
    """Return rows and a checksum for each table that says something of the data itself.

    Rows are compared without their order, their run, their file's generation and the file's own times (a file whose
    content stayed the same is not read again when it was only touched), by the path of their file. With `present_only`
    only rows of files that are in their home count, and tables that sum up over files are left out. Checksums of one
    version of DuckDB can be compared with one another, never with those of another.
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
