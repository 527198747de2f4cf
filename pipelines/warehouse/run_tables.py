"""Fills the tables of the warehouse that say what the commit records say."""

from collections.abc import Collection, Sequence
from dataclasses import fields
from operator import attrgetter

import duckdb
import pyarrow as pa

from models.run import RunRecord, SourceCounts
from models.schema import INSTANT, Table
from pipelines.warehouse.derived.archive import PARTS, RUN_SOURCES, RUNS

_counts = attrgetter(*(field.name for field in fields(SourceCounts)))


def fill_records(
    connection: duckdb.DuckDBPyConnection, runs: Sequence[RunRecord], new: Sequence[RunRecord], tables: Collection[str]
) -> None:
    """Have the tables of the commit records say what these say, of the parts only those of `tables`; and note in the
    table `new_runs` which of the runs are new.
    """
    run_rows = [
        (run.run_id, run.epoch, run.status, run.started_at, run.finished_at, run.tool_version, run.is_full)
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
        # As Arrow: of each Python value that it is given, DuckDB asks whether it is one of pandas or NumPy, and looks
        # for these packages each time where they are not installed.
        kinds = {column.name: pa.string() if column.type is INSTANT else column.type.arrow for column in table.columns}
        columns = zip(*rows, strict=True) if rows else [()] * len(kinds)
        arrays = {name: pa.array(values, kinds[name]) for name, values in zip(kinds, columns, strict=True)}
        connection.register("given", pa.table(arrays))
        _bring_to(connection, table, "given")
        connection.unregister("given")
    connection.register("given", pa.table({"run_id": pa.array([run.run_id for run in new], pa.string())}))
    connection.execute("CREATE TEMP TABLE new_runs AS FROM given")
    connection.unregister("given")


def _bring_to(connection: duckdb.DuckDBPyConnection, table: Table, wanted: str) -> None:
    """Have a table hold the rows of another; rows that it has already stay where they are."""
    same = " AND ".join(f't."{column.name}" IS NOT DISTINCT FROM s."{column.name}"' for column in table.all_columns)
    connection.execute(
        f"""
        CREATE TEMP TABLE said AS FROM "{table.name}" LIMIT 0;
        INSERT INTO said FROM {wanted};
        DELETE FROM "{table.name}" t WHERE NOT EXISTS (FROM said s WHERE {same});
        INSERT INTO "{table.name}" FROM said EXCEPT FROM "{table.name}";
        DROP TABLE said
        """
    )
