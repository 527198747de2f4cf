"""Builds the warehouse from the committed Parquet of all runs: under a new name, checked, closed, and only then
published.
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple
from pathlib import Path

import duckdb

from extractors._registry import source_tables, sources
from models.errors import LoadError
from models.run import PartRecord, RunRecord
from models.schema import Table
from models.tables import DRIFT, ENTRIES, EXTRACTIONS, MANIFEST, MESSAGES, OCCURRENCES, PIECES, REJECTS, REPAIRS
from pipelines.archive import committed_parts
from pipelines.core import CORE_TABLES, CORE_VIEWS
from pipelines.core.archive import RECORD_TABLES, RUN_SOURCES, RUNS
from pipelines.failpoints import reach
from pipelines.imports import IMPORTED, verified_imports
from pipelines.layout import Layout

STORAGE_VERSION = "v1.5.0"
"""Files of this version are read and written by DuckDB 1.5 and 2."""

BASE_TABLES: tuple[Table, ...] = (MANIFEST, EXTRACTIONS, PIECES, ENTRIES, REJECTS, REPAIRS, DRIFT, OCCURRENCES)
"""Tables of the runner that the warehouse holds row for row."""


def warehouse_tables() -> list[Table]:
    """Return every table of the warehouse, in the order of the dictionary."""
    return [
        *RECORD_TABLES,
        *(core.table for core in CORE_TABLES),
        *source_tables(sources().values()),
        *BASE_TABLES,
        IMPORTED,
    ]


def build_warehouse(layout: Layout, runs: Sequence[RunRecord], target: Path) -> None:
    """Write a warehouse of everything that `runs` committed to `target`, which must not exist.

    Raises LoadError when DuckDB refuses; `target` is then no warehouse and is to be removed.
    """
    connection = connect_for_building(target, layout)
    try:
        connection.execute("BEGIN")
        create_tables(connection)
        _fill_records(connection, runs)
        _load_committed(connection, layout, runs)
        for core in CORE_TABLES:
            connection.execute(core.insert)
            reach(f"load:{core.table.name}")
        create_views(connection)
        _create_macros(connection)
        connection.execute("COMMIT")
        connection.execute("CHECKPOINT")
    except duckdb.Error as error:
        raise LoadError(f"the warehouse could not be built: {error}") from error
    finally:
        connection.close()
    reach("load:closed")


def connect_for_building(target: Path, layout: Layout) -> duckdb.DuckDBPyConnection:
    """Open a new database file of the storage version that both DuckDB 1.5 and 2 can open, with bounded memory and no
    extensions.
    """
    spill = layout.staging / "duckdb"
    connection = duckdb.connect(
        config={
            "memory_limit": "400MB",
            "temp_directory": str(spill),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "preserve_insertion_order": "true",
        }
    )
    connection.execute(f"ATTACH {quoted(str(target))} AS warehouse (STORAGE_VERSION '{STORAGE_VERSION}')")
    connection.execute("USE warehouse")
    return connection


def quoted(text: str) -> str:
    """Return a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create every table: types from its empty Arrow table, then what must not be NULL, then comments."""
    for table in warehouse_tables():
        shape = table.arrow().empty_table()
        connection.register("shape", shape)
        connection.execute(f'CREATE TABLE "{table.name}" AS FROM shape')
        connection.unregister("shape")
        connection.execute(f'COMMENT ON TABLE "{table.name}" IS {quoted(table.comment)}')
        for column in table.all_columns:
            name = f'"{table.name}"."{column.name}"'
            connection.execute(f"COMMENT ON COLUMN {name} IS {quoted(column.comment)}")
            if column.required:
                connection.execute(f'ALTER TABLE "{table.name}" ALTER COLUMN "{column.name}" SET NOT NULL')


def create_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Create every view over the tables."""
    for view in CORE_VIEWS:
        connection.execute(f'CREATE VIEW "{view.name}" AS {view.query}')
        connection.execute(f'COMMENT ON VIEW "{view.name}" IS {quoted(view.comment)}')


def _fill_records(connection: duckdb.DuckDBPyConnection, runs: Sequence[RunRecord]) -> None:
    for run in runs:
        row = (run.run_id, run.epoch, run.status, run.started_at, run.finished_at, run.tool_version, run.is_full)
        connection.execute(f"INSERT INTO {RUNS.name} VALUES (?, ?, ?, ?::TIMESTAMPTZ, ?::TIMESTAMPTZ, ?, ?)", row)
    rows = [
        (run.run_id, phase.home_id, phase.phase, source, *astuple(counts))
        for run in runs
        for phase in run.phases
        for source, counts in phase.sources.items()
    ]
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {RUN_SOURCES.name} VALUES ({marks})", rows)


def _load_committed(connection: duckdb.DuckDBPyConnection, layout: Layout, runs: Sequence[RunRecord]) -> None:
    _insert(connection, layout, EXTRACTIONS, committed_parts(runs, EXTRACTIONS.name), "")
    where = _superseded(connection)
    for table in (*BASE_TABLES, *source_tables(sources().values())):
        if table is not EXTRACTIONS:
            _insert(connection, layout, table, committed_parts(runs, table.name), where if table.has_provenance else "")
            reach(f"load:{table.name}")
    _insert_imported(connection, layout)
    _view_message_texts(connection, layout, committed_parts(runs, MESSAGES.name))


def _superseded(connection: duckdb.DuckDBPyConnection) -> str:
    """Note which rows do not count, and return the condition for the others: those of a file that was read again from
    its watermark.
    """
    connection.execute(
        """
        CREATE TEMP TABLE superseded AS
        WITH ordered AS (SELECT e.*, r.epoch FROM extractions e JOIN runs r USING (run_id))
        SELECT run_id, file_id, CASE WHEN is_void THEN -1 ELSE watermark END AS from_offset FROM ordered o
        WHERE is_void OR (size > watermark AND EXISTS (
            SELECT 1 FROM ordered p WHERE p.file_id = o.file_id AND p.epoch > o.epoch AND NOT p.is_void))
        """
    )
    count = connection.execute("SELECT count(*) FROM superseded").fetchone()
    if count is None or count[0] == 0:
        return ""
    return """
        WHERE NOT EXISTS (SELECT 1 FROM superseded s
            WHERE s.run_id = part.run_id AND s.file_id = part.file_id AND part.byte_offset >= s.from_offset)
    """


def _insert(
    connection: duckdb.DuckDBPyConnection, layout: Layout, table: Table, parts: Iterable[PartRecord], where: str
) -> None:
    paths = [str(layout.root / part.path) for part in parts]
    if not paths:
        return
    names = ", ".join(f'part."{column.name}"' for column in table.all_columns)
    connection.execute(
        f'INSERT INTO "{table.name}" SELECT {names} '
        f"FROM read_parquet(?, hive_partitioning = false, union_by_name = true) part {where}",
        [paths],
    )


def _insert_imported(connection: duckdb.DuckDBPyConnection, layout: Layout) -> None:
    paths = [str(path) for path in verified_imports(layout)]
    if paths:
        connection.execute(
            f"INSERT INTO {IMPORTED.name} SELECT DISTINCT ON (message_id) * "
            f"FROM read_parquet(?, hive_partitioning = false) "
            "ORDER BY message_id, text NULLS LAST",
            [paths],
        )


def _view_message_texts(connection: duckdb.DuckDBPyConnection, layout: Layout, parts: Sequence[PartRecord]) -> None:
    """Let `message_texts` be each message's text once: workers that met it at one time may both have written it."""
    paths = ", ".join(quoted(str(layout.root / part.path)) for part in parts)
    if not paths:
        connection.execute(
            f"CREATE TEMP VIEW {MESSAGES.name} AS SELECT message_id, text, "
            f"0::BIGINT AS text_bytes FROM {IMPORTED.name} WHERE false"
        )
        return
    read = f"read_parquet([{paths}], hive_partitioning = false)"
    connection.execute(f"CREATE TEMP TABLE twice AS SELECT message_id FROM {read} GROUP BY 1 HAVING count(*) > 1")
    connection.execute(
        f"""
        CREATE TEMP VIEW {MESSAGES.name} AS
        SELECT message_id, text, text_bytes FROM {read} ANTI JOIN twice USING (message_id)
        UNION ALL
        SELECT message_id, any_value(text), any_value(text_bytes)
        FROM {read} SEMI JOIN twice USING (message_id) GROUP BY 1
        """
    )


def _create_macros(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        """
        CREATE MACRO address(file, first_byte, bytes) AS (
            SELECT concat(f.home_id, ':', f.path, CASE WHEN f.generation > 1 THEN concat('#', f.generation) ELSE '' END,
                '@', first_byte, '+', bytes)
            FROM files f WHERE f.file_id = file)
        """
    )
