"""Declares and fills the tables of the warehouse that come from the commit records: runs, run_sources, parts."""

from collections.abc import Collection, Mapping, Sequence
from operator import attrgetter
from typing import Final

import duckdb

from models.counts import summed_columns
from models.run import RunRecord
from models.schema import FLAG, INSTANT, INTEGER, TEXT, Column, Table
from pipelines.archive.machines import machine_of
from pipelines.warehouse.engine_types import ENGINE_TYPES
from pipelines.warehouse.given_rows import Cell, rows_query

RUNS = Table(
    "runs",
    "One row for each committed run.",
    (
        Column("run_id", TEXT, "The run.", required=True),
        Column("epoch", INTEGER, "The number of the run in the archive, from 1.", required=True),
        Column("status", TEXT, "complete; or open: it stopped after some phases.", required=True),
        Column("started_at", INSTANT, "When it started (UTC).", required=True),
        Column("finished_at", INSTANT, "When it ended (UTC)."),
        Column("tool_version", TEXT, "The version of extract.", required=True),
        Column("is_full", FLAG, "Whether it read every file again.", required=True),
        Column("machine", TEXT, "The machine whose archive has it, pulled from a lake; NULL for this one."),
    ),
    has_provenance=False,
)

RUN_SOURCES = Table(
    "run_sources",
    "The counts of each source in each run: files, bytes, entries, rows, rejects and messages.",
    (
        Column("run_id", TEXT, "The run.", required=True),
        Column("home_id", TEXT, "The home.", required=True),
        Column("phase", INTEGER, "The phase.", required=True),
        Column("source", TEXT, "The source.", required=True),
        Column("files_found", INTEGER, "Files in the home.", required=True),
        Column("files_read", INTEGER, "Files that were read.", required=True),
        Column("files_unchanged", INTEGER, "Files with the same content as at the run before.", required=True),
        Column("files_vanished", INTEGER, "Files gone since the run before.", required=True),
        Column("files_withheld", INTEGER, "Files that a rule withholds: never opened.", required=True),
        Column("files_listed", INTEGER, "Files that are only listed.", required=True),
        Column("files_unreadable", INTEGER, "Files that the system refused to open or read.", required=True),
        Column("bytes_found", INTEGER, "Bytes of the files found.", required=True),
        Column("bytes_read", INTEGER, "Bytes read.", required=True),
        *summed_columns(),
        Column("messages_new", INTEGER, "Messages that the archive did not have.", required=True),
        Column("messages_duplicate", INTEGER, "Occurrences of messages that the archive had.", required=True),
    ),
    has_provenance=False,
)

PARTS = Table(
    "parts",
    "One row for each committed Parquet file from which the warehouse was built.",
    (
        Column("part_path", TEXT, "Path below the data directory.", required=True, is_distinct=True),
        Column("table_name", TEXT, "The table of its rows.", required=True),
        Column("run_id", TEXT, "The run that wrote it.", required=True),
        Column("row_count", INTEGER, "Rows in it.", required=True),
        Column("size", INTEGER, "Its length in bytes.", required=True),
        Column("sha256", TEXT, "Its SHA-256.", required=True, is_distinct=True),
    ),
    has_provenance=False,
)

RUN_TABLES: Final = (RUNS, RUN_SOURCES, PARTS)
"""The tables that are filled from the commit records."""

_counts = attrgetter(*(column.name for column in RUN_SOURCES.columns[4:]))


def fill_records(
    connection: duckdb.DuckDBPyConnection, runs: Sequence[RunRecord], new: Sequence[RunRecord], tables: Collection[str]
) -> None:
    """Make RUNS, RUN_SOURCES and PARTS equal to the commit records of `runs` (PARTS only for Parquet files of
    `tables`), and create the TEMP table `new_runs` with the ids of `new`.
    """
    run_rows = [
        (
            run.run_id,
            run.epoch,
            run.status,
            run.started_at,
            run.finished_at,
            run.tool_version,
            run.is_full,
            machine_of(run),
        )
        for run in runs
        if run.kind != "rollback"
    ]
    source_rows = [
        (run.run_id, phase.home_id, phase.phase, source, *_counts(counts))
        for run in runs
        for phase in run.phases
        for source, counts in phase.sources.items()
    ]
    part_rows = [
        (part.path, part.table, run.run_id, part.rows, part.size, part.sha256)
        for run in runs
        for phase in run.phases
        for part in phase.parts
        if part.table in tables
    ]
    for table, rows in ((RUNS, run_rows), (RUN_SOURCES, source_rows), (PARTS, part_rows)):
        # An instant of a commit record is text, which DuckDB reads as it inserts it.
        types = {column.name: ENGINE_TYPES[TEXT if column.type is INSTANT else column.type] for column in table.columns}
        _bring_to(connection, table, types, rows)
    ids = rows_query({"run_id": ENGINE_TYPES[TEXT]}, [(run.run_id,) for run in new])
    connection.execute(f"CREATE TEMP TABLE new_runs AS {ids}")


def _bring_to(
    connection: duckdb.DuckDBPyConnection, table: Table, types: Mapping[str, str], rows: Sequence[Sequence[Cell]]
) -> None:
    """Make a table equal to `rows` by deleting and inserting only the rows that differ."""
    if all(column.type is not INSTANT for column in table.columns):
        _bring_plain_to(connection, table, types, rows)
        return
    wanted = rows_query(types, rows)
    if connection.execute(f'FROM "{table.name}" LIMIT 1').fetchone() is None:
        connection.execute(f'INSERT INTO "{table.name}" SELECT DISTINCT * FROM {wanted}')
        return
    same = " AND ".join(f't."{column.name}" IS NOT DISTINCT FROM s."{column.name}"' for column in table.all_columns)
    connection.execute(
        f"""
        CREATE TEMP TABLE current AS FROM "{table.name}" LIMIT 0;
        INSERT INTO current FROM {wanted};
        DELETE FROM "{table.name}" t WHERE NOT EXISTS (FROM current s WHERE {same});
        INSERT INTO "{table.name}" FROM current EXCEPT FROM "{table.name}";
        DROP TABLE current
        """
    )


def _bring_plain_to(
    connection: duckdb.DuckDBPyConnection, table: Table, types: Mapping[str, str], rows: Sequence[Sequence[Cell]]
) -> None:
    """As `_bring_to`, for values that Python compares as DuckDB does: only the rows that differ are given to it, of an
    archive of many runs a few of thousands.
    """
    held = set(connection.execute(f'FROM "{table.name}"').fetchall())
    wanted = dict.fromkeys(map(tuple, rows))
    if gone := [row for row in held if row not in wanted]:
        same = " AND ".join(f't."{name}" IS NOT DISTINCT FROM s."{name}"' for name in types)
        connection.execute(f'DELETE FROM "{table.name}" t USING {rows_query(types, gone)} s WHERE {same}')
    if new := [row for row in wanted if row not in held]:
        connection.execute(f'INSERT INTO "{table.name}" FROM {rows_query(types, new)}')
