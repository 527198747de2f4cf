"""Adds runs that found nothing new to the table `runs` of a connection: they built no warehouse, so the published file
does not have them.
"""

import duckdb

from models.errors import ANOTHER_VERSION, FixityError, LoadError, StoreError
from models.run import RunRecord
from pipelines.archive.archive import last_epoch, read_runs
from pipelines.disk.layout import Layout
from pipelines.warehouse.engine import quoted


def show_later_runs(connection: duckdb.DuckDBPyConnection, layout: Layout) -> None:
    """If runs were committed after the warehouse of `connection` was built, create a temporary view `runs` that hides
    the table and adds them. Does not change the file.

    If a commit record cannot be read, no run is added: `extract verify` reports the record. Raises LoadError if an
    older version of the program built the warehouse, with other columns.
    """
    try:
        found = connection.execute("SELECT max(run_id), max(epoch) FROM runs WHERE machine IS NULL").fetchone()
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        raise LoadError(ANOTHER_VERSION) from error
    newest, epoch = found or (None, None)
    if newest is None or (last_epoch(layout) <= epoch and not any(one.name > newest for one in layout.runs.iterdir())):
        return
    try:
        later = [run for run in read_runs(layout) if run.epoch > epoch and run.kind == "run"]
    except (FixityError, StoreError):
        return
    if not later:
        return
    (database,) = connection.execute("SELECT current_database()").fetchone() or ("",)
    table = f'"{str(database).replace(chr(34), chr(34) * 2)}".main.runs'
    rows = ", ".join(f"({', '.join(_literals(run))})" for run in later)
    connection.execute(f"CREATE TEMP TABLE later_runs AS FROM {table} LIMIT 0")
    connection.execute(f"INSERT INTO later_runs VALUES {rows}")
    connection.execute(f"CREATE TEMP VIEW runs AS FROM {table} UNION ALL FROM later_runs")


def _literals(run: RunRecord) -> list[str]:
    """Return the row of a run in the table `runs` as SQL literals, in the order of its columns."""
    finished = "NULL" if run.finished_at is None else quoted(run.finished_at)
    texts = [quoted(run.run_id), str(run.epoch), quoted(run.status), quoted(run.started_at), finished]
    return [*texts, quoted(run.tool_version), str(run.is_full).lower(), "NULL"]
