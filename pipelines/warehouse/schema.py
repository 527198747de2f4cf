"""Creates the tables, views and macros of the warehouse, with their comments."""

from collections import ChainMap
from hashlib import blake2b

import duckdb

from extractors.reading.registry import source_tables, sources
from models.schema import BYTES, JSON, Column, Table
from models.tables import (
    DRIFT,
    ENTRIES,
    EXTRACTIONS,
    IMPORTED,
    MANIFEST,
    MESSAGES,
    OCCURRENCES,
    PIECES,
    REJECTS,
    REPAIRS,
)
from pipelines.warehouse.engine import quoted
from pipelines.warehouse.engine_types import ENGINE_TYPES
from pipelines.warehouse.prices import PRICES
from pipelines.warehouse.run_tables import RUN_TABLES
from pipelines.warehouse.sql_files import View, derived_tables, macros, views

BASE_TABLES: tuple[Table, ...] = (MANIFEST, EXTRACTIONS, PIECES, ENTRIES, REJECTS, REPAIRS, DRIFT, OCCURRENCES)
"""Tables written by every run that the warehouse copies row by row."""


def warehouse_tables() -> list[Table]:
    """Return every table of the warehouse, in the order of the dictionary."""
    return [
        *RUN_TABLES,
        *(derived.table for derived in derived_tables()),
        PRICES,
        *source_tables(sources().values()),
        MESSAGES,
        *BASE_TABLES,
        IMPORTED,
    ]


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create every table with its types, NOT NULL constraints and compression, without comments."""
    for table in warehouse_tables():
        columns = ", ".join(
            f'"{column.name}" {ENGINE_TYPES[column.type]}{" NOT NULL" if column.required else ""}{_compression(column)}'
            for column in table.all_columns
        )
        connection.execute(f'CREATE TABLE "{table.name}" ({columns})')


def table_comments(table: Table) -> str:
    """Return the statements that write the comments of a table and its columns."""
    comments = [f'COMMENT ON TABLE "{table.name}" IS {quoted(table.comment)}']
    comments += [
        f'COMMENT ON COLUMN "{table.name}"."{column.name}" IS {quoted(column.comment)}' for column in table.all_columns
    ]
    return ";".join(comments)


def _compression(column: Column) -> str:
    return " USING COMPRESSION zstd" if column.is_long or column.type in (JSON, BYTES) else ""


def warehouse_views() -> list[View]:
    """Return every view of the warehouse, each after those that it reads."""
    return [_session_mentions(), *_now_views(), *views()]


def views_digest() -> str:
    """Return a digest of the views and macros with their comments: a warehouse with the same digest keeps its views."""
    text = macros() + "".join(f"{view.name}{view.query}{view.comment}{view.columns}" for view in warehouse_views())
    return blake2b(text.encode(), digest_size=8).hexdigest()


def create_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Create every view, without comments, and the macros that the views use."""
    connection.execute(macros())
    connection.execute(f"CREATE OR REPLACE MACRO views_digest() AS {quoted(views_digest())}")
    for view in warehouse_views():
        connection.execute(f'CREATE OR REPLACE VIEW "{view.name}" AS {view.query}')


def view_comments(connection: duckdb.DuckDBPyConnection) -> str:
    """Return the statements that write the comments of the views and their columns, which must exist. A column without
    a comment of its own has that of the column with its name in the tables and views that the view reads.
    """
    views_made = {view.name: view for view in warehouse_views()}
    comments = [f'COMMENT ON VIEW "{view.name}" IS {quoted(view.comment)}' for view in views_made.values()]
    meanings: dict[str, dict[str, str]] = {
        table.name: {column.name: column.comment for column in table.all_columns} for table in warehouse_tables()
    }
    for view in views_made.values():
        read = [meanings[name] for name in sorted(view.reads) if name in meanings and name != view.name]
        meanings[view.name] = dict(ChainMap(dict(view.columns), *read))
    described = connection.execute("SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal")
    comments += [
        f'COMMENT ON COLUMN "{view}"."{name}" IS {quoted(meanings[view][name])}'
        for view, name in described.fetchall()
        if view in views_made and name in meanings[view]
    ]
    return ";".join(comments)


def _session_mentions() -> View:
    """Return the view of all mentions of a session: the rows of source tables with a column `session_id`."""
    tables = [table for table in source_tables(sources().values()) if _columns_of_sessions(table)]
    query = " UNION ALL ".join(
        f'SELECT home_id, "{name}" AS session_id, {quoted(table.name)} AS named_in FROM "{table.name}" '
        f"WHERE \"{name}\" <> ''"
        for table in tables
        for name in _columns_of_sessions(table)
    )
    columns = {"home_id": "The home.", "session_id": "The session.", "named_in": "The table that names it."}
    comment = "One row for each row of any table of a source that names a session."
    return View("session_mentions", comment, columns, query, frozenset(table.name for table in tables))


def _columns_of_sessions(table: Table) -> list[str]:
    """Return the columns whose values are ids of sessions: of the row's own, and of others that it names."""
    others = (
        "continued_in_session_id",
        "lead_session_id",
        "longest_session_id",
        "parent_session_id",
        "resume_session_id",
    )
    return [column.name for column in table.columns if column.name in ("session_id", *others)]


def _now_views() -> list[View]:
    """Return, for each table of files that Claude Code rewrites in place, the view of the current rows."""
    return [_now_view(table) for table in source_tables(sources().values()) if table.is_rewritten]


def _now_view(table: Table) -> View:
    present = "SELECT file_id FROM files WHERE state = 'present'"
    query = f'SELECT t.* FROM "{table.name}" t SEMI JOIN ({present}) USING (file_id)'
    columns = {column.name: column.comment for column in table.all_columns}
    comment = f"The current rows of `{table.name}`: those of files that are in their home, as last read."
    return View(f"{table.name}_now", comment, columns, query, frozenset({table.name, "files"}))
