"""Makes the core tables, or brings them up to date by what came and went: the rows of a key that was touched are made
again, of the rows alone that they rest on.
"""

from functools import partial
from hashlib import blake2b

import duckdb

from pipelines.disk.failpoints import reach
from pipelines.warehouse.derived import CORE_TABLES, CoreTable
from pipelines.warehouse.engine import side_by_side


def core_digest() -> str:
    """Name the queries of the core tables: rows that others made are not to stand beside theirs."""
    return blake2b("".join(core.insert for core in CORE_TABLES).encode(), digest_size=8).hexdigest()


def make_core_tables(connection: duckdb.DuckDBPyConnection, *, is_much: bool) -> None:
    """Fill the core tables, which must be empty; side by side if they rest on much."""
    missing = list(CORE_TABLES)
    while missing:
        names = {core.table.name for core in missing}
        ready = [core for core in missing if names.isdisjoint(core.rests_on)]
        works = [partial(_make, core=core) for core in ready]
        if is_much:
            side_by_side(connection, works)
        else:
            for work in works:
                work(connection)
        missing = [core for core in missing if core not in ready]


def _make(connection: duckdb.DuckDBPyConnection, core: CoreTable) -> None:
    connection.execute(core.insert)
    reach("load:core-table")


def note_touched(connection: duckdb.DuckDBPyConnection) -> None:
    """Note what the core tables have to be brought up to date for, once the rows of `new_runs` are there and before
    those that are `superseded` are taken out.
    """
    connection.execute(
        """
        CREATE TEMP TABLE changed AS
        SELECT run_id, file_id, -1 AS from_offset FROM extractions SEMI JOIN new_runs USING (run_id)
        UNION ALL SELECT run_id, file_id, from_offset FROM superseded ANTI JOIN new_runs USING (run_id)
        """
    )
    for core in CORE_TABLES:
        if core.renewal is not None:
            connection.execute(f"CREATE TEMP TABLE {_touched(core)} AS {core.renewal.touched}")


def renew_core_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Bring the core tables up to date for what was noted, once the rows that do not count are gone."""
    for core in CORE_TABLES:
        _renew(connection, core)
        reach("load:core-table")


def _renew(connection: duckdb.DuckDBPyConnection, core: CoreTable) -> None:
    name, renewal = core.table.name, core.renewal
    if renewal is None:
        connection.execute(f'DELETE FROM "{name}"')
        connection.execute(core.insert)
        return
    inputs = "".join(f", {table} AS {query}" for table, query in renewal.inputs.items())
    columns = ", ".join(f'"{column.name}"' for column in core.table.all_columns)
    connection.execute(
        f"CREATE TEMP TABLE renewed AS WITH touched AS (FROM {_touched(core)}){inputs} "
        f"SELECT {columns} FROM ({core.query})"
    )
    connection.execute(f'DELETE FROM "{name}" WHERE {renewal.key} IN (SELECT {renewal.key} FROM {_touched(core)})')
    connection.execute(f'INSERT INTO "{name}" FROM renewed')
    connection.execute("DROP TABLE renewed")


def _touched(core: CoreTable) -> str:
    return f"touched_{core.table.name}"
