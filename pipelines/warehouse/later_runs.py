"""Shows runs that found nothing new in the table `runs`: they published no warehouse of their own, so the file of the
published one does not hold them.
"""

import duckdb

from models.errors import FixityError, StoreError
from models.run import RunRecord
from pipelines.archive.archive import read_runs
from pipelines.disk.layout import Layout
from pipelines.warehouse.engine import quoted


def show_later_runs(connection: duckdb.DuckDBPyConnection, layout: Layout) -> None:
    """Put a temporary view `runs` before the table where committed runs came after the warehouse of `connection`.

    The file stays as it is. A commit record that cannot be read hides no row of the table: `extract verify` names it.
    """
    newest, epoch = connection.execute("SELECT max(run_id), max(epoch) FROM runs").fetchone() or (None, None)
    if newest is None or not any(one.name > newest for one in layout.runs.iterdir()):
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
    """Return the values of a row of `runs` in the order of its columns, as SQL."""
    finished = "NULL" if run.finished_at is None else quoted(run.finished_at)
    texts = [quoted(run.run_id), str(run.epoch), quoted(run.status), quoted(run.started_at), finished]
    return [*texts, quoted(run.tool_version), str(run.is_full).lower()]
