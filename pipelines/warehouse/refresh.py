"""Computes the derived tables, or updates them after a load: only the rows of touched keys are computed again, from
only the input rows of these keys.

The key of nearly all of them is the session. A session is touched if a load added or removed rows of it, or of a
session that shares a record, a response or a file with it: a fork, a copy in another home, a moved transcript.
"""

from collections.abc import Iterator, Sequence
from functools import cache, partial
from hashlib import blake2b

import duckdb

from extractors.reading.registry import source_tables, sources
from pipelines.disk.failpoints import reach
from pipelines.warehouse.engine import few_checkpoints
from pipelines.warehouse.parallel import Task, do_tasks
from pipelines.warehouse.schema import warehouse_tables, warehouse_views
from pipelines.warehouse.sql_files import SESSION, WHOLE, DerivedTable, derived_tables, macros

_TOUCHED_SESSIONS = "touched_sessions"

_HOPS = """
    SELECT session_id FROM records SEMI JOIN moved USING (file_id)
    UNION SELECT session_id FROM records WHERE uuid IN (SELECT unnest([uuid, forked_from_uuid]) FROM moved)
    UNION SELECT session_id FROM records WHERE forked_from_uuid IN (SELECT unnest([uuid, forked_from_uuid]) FROM moved)
    UNION SELECT r.session_id FROM records r SEMI JOIN moved m
        ON m.api_message_id = r.api_message_id AND m.request_id = r.request_id
    UNION SELECT r.session_id FROM records r SEMI JOIN moved m
        ON m.api_message_id = r.api_message_id AND m.recorded_at = r.recorded_at
    UNION SELECT r.session_id FROM records r SEMI JOIN moved m
        ON m.request_id = r.request_id AND m.recorded_at = r.recorded_at
    UNION SELECT r.session_id FROM (FROM records WHERE api_message_id IS NULL AND request_id IS NULL) r
        SEMI JOIN (FROM moved WHERE api_message_id IS NULL AND request_id IS NULL) m
        ON r.record_type = 'assistant' AND m.record_type = 'assistant' AND m.recorded_at = r.recorded_at
"""
"""The sessions that share a key of `record_copies` or `responses` with a record in the table `moved`."""


def derived_digest() -> str:
    """Return a digest of the queries of the derived tables: a warehouse made by other queries is built again."""
    text = macros() + "".join(table.insert for table in derived_tables())
    return blake2b(text.encode(), digest_size=8).hexdigest()


def make_derived_tables(connection: duckdb.DuckDBPyConnection, others: Sequence[Task], *, is_much: bool) -> None:
    """Fill the derived tables, which must be empty, and do `others` beside; with `is_much` input, in two threads."""
    tasks = [Task(derived.table.name, partial(_make, derived=derived), derived.reads) for derived in derived_tables()]
    with few_checkpoints(connection):
        if is_much:
            do_tasks(connection, [*tasks, *others])
        else:
            _make_those_with_input(connection)
            for other in others:
                other.work(connection)


def _make(connection: duckdb.DuckDBPyConnection, derived: DerivedTable) -> int:
    """Fill a derived table; returns how many rows it has."""
    count = _inserted(connection.execute(derived.insert))
    reach("load:core-table")
    return count


def _inserted(result: duckdb.DuckDBPyConnection) -> int:
    """Return how many rows a statement has inserted."""
    ((count,),) = result.fetchall()
    return int(count)


def _make_those_with_input(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill the derived tables one by one, without those whose inputs are empty: of a small load, DuckDB spends most of
    the time on plans of queries, and of a home without transcripts most derived tables are empty.
    """
    filled = _tables_with_rows(connection)
    for derived in derived_tables():
        if not filled.isdisjoint(inputs_of(derived)) and _make(connection, derived):
            filled.add(derived.table.name)


def _tables_with_rows(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the names of the tables that derived tables read, and of the derived tables, that have rows."""
    names = {derived.table.name for derived in derived_tables()}.union(*map(inputs_of, derived_tables()))
    # DuckDB plans this in a quarter of the time that as many EXISTS take.
    first_rows = " UNION ALL ".join(f"(SELECT '{name}' FROM warehouse.\"{name}\" LIMIT 1)" for name in sorted(names))
    return {str(name) for (name,) in connection.execute(first_rows).fetchall()}


def inputs_of(derived: DerivedTable) -> frozenset[str]:
    """Return the names of the tables of which one must have rows for the derived table to have any. The rows of a
    session come from tables of sessions; others, such as `files`, only add to them.
    """
    if derived.refresh.by == SESSION:
        return derived.reads & _tables_of_sessions()
    by_views = (view.reads for view in warehouse_views() if view.name in derived.reads)
    return derived.reads.union(*by_views) & _table_names()


def note_touched(connection: duckdb.DuckDBPyConnection) -> None:
    """Record the touched keys of the derived tables. Call it after the rows of `new_runs` were inserted and before the
    `superseded` rows are deleted.
    """
    connection.execute(
        """
        CREATE TEMP TABLE changed AS
        SELECT run_id, file_id, -1 AS from_offset FROM extractions SEMI JOIN new_runs USING (run_id)
        UNION ALL SELECT run_id, file_id, from_offset FROM superseded ANTI JOIN new_runs USING (run_id)
        """
    )
    for derived in derived_tables():
        if derived.refresh.touched:
            connection.execute(f"CREATE TEMP TABLE {_touched(derived)} AS {derived.refresh.touched}")
    connection.execute("CREATE TEMP TABLE replaced AS SELECT file_id FROM files WHERE state = 'superseded'")
    came_or_went = " UNION ".join(
        f'SELECT session_id FROM "{name}" t JOIN changed c '
        "ON c.run_id = t.run_id AND c.file_id = t.file_id AND t.byte_offset >= c.from_offset"
        for name in session_sources()
    )
    connection.execute(f"CREATE TEMP TABLE {_TOUCHED_SESSIONS} AS {came_or_went}")
    _add_tied(
        connection,
        "SELECT r.* FROM records r JOIN changed c "
        "ON c.run_id = r.run_id AND c.file_id = r.file_id AND r.byte_offset >= c.from_offset",
    )


def _add_tied(connection: duckdb.DuckDBPyConnection, moved: str) -> None:
    """Add to the touched sessions those that share a key with the records of the query `moved`."""
    columns = "file_id, record_type, uuid, forked_from_uuid, api_message_id, request_id, recorded_at"
    connection.execute(f"CREATE TEMP TABLE moved AS SELECT DISTINCT {columns} FROM ({moved})")
    connection.execute(f"INSERT INTO {_TOUCHED_SESSIONS} ({_HOPS}) EXCEPT FROM {_TOUCHED_SESSIONS}")
    connection.execute("DROP TABLE moved")


def _close_touched_sessions(connection: duckdb.DuckDBPyConnection) -> None:
    """Add the sessions of files whose state `superseded` changed, and all sessions connected to any by a chain
    of ties.
    """
    flipped = """
        SELECT * FROM records WHERE file_id IN (
            (SELECT file_id FROM files WHERE state = 'superseded' EXCEPT SELECT file_id FROM replaced)
            UNION (SELECT file_id FROM replaced EXCEPT SELECT file_id FROM files WHERE state = 'superseded')
        )
    """
    _add_tied(connection, flipped)
    connection.execute(
        f"""
        CREATE TEMP TABLE tied AS
        WITH RECURSIVE ties AS (
            SELECT session_id AS one, tied_session_id AS other FROM session_ties
            UNION SELECT tied_session_id, session_id FROM session_ties
        ), tied AS (
            FROM {_TOUCHED_SESSIONS}
            UNION SELECT t.other FROM tied k JOIN ties t ON t.one IS NOT DISTINCT FROM k.session_id
        )
        FROM tied
        """
    )
    connection.execute(f"DROP TABLE {_TOUCHED_SESSIONS}; ALTER TABLE tied RENAME TO {_TOUCHED_SESSIONS}")


def refresh_derived_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Update the derived tables for the touched keys, after the superseded rows were deleted."""
    filled = _tables_with_rows(connection)
    are_touched: bool | None = None
    for derived in sorted(derived_tables(), key=lambda derived: derived.refresh.by in (SESSION, WHOLE)):
        if derived.refresh.by == SESSION and are_touched is None:
            _close_touched_sessions(connection)
            are_touched = bool(connection.execute(f"FROM {_TOUCHED_SESSIONS} LIMIT 1").fetchall())
        has_keys = derived.refresh.by != SESSION or are_touched
        # An empty table whose inputs are empty stays empty.
        has_rows = not filled.isdisjoint({derived.table.name, *inputs_of(derived)})
        if has_keys and has_rows and _refresh(connection, derived):
            filled.add(derived.table.name)
        reach("load:core-table")


def _refresh(connection: duckdb.DuckDBPyConnection, derived: DerivedTable) -> int:
    """Compute the rows of the touched keys again; returns how many they are now."""
    name, refresh = derived.table.name, derived.refresh
    if refresh.by == WHOLE:
        connection.execute(f'DELETE FROM "{name}"')
        return _inserted(connection.execute(derived.insert))
    key = "session_id" if refresh.by == SESSION else refresh.by
    inputs = "".join(f", {definition}" for definition in _inputs(derived))
    touched = f"touched AS MATERIALIZED (FROM {_touched(derived)})"
    connection.execute(f"CREATE TEMP TABLE updated AS WITH {touched}{inputs} {derived.select}")
    connection.execute(f'DELETE FROM "{name}" t USING {_touched(derived)} k WHERE t.{key} IS NOT DISTINCT FROM k.{key}')
    count = _inserted(connection.execute(f'INSERT INTO "{name}" FROM updated'))
    connection.execute("DROP TABLE updated")
    return count


def _inputs(derived: DerivedTable) -> Iterator[str]:
    """Yield a common table expression for each input table that limits it to the rows of the touched keys."""
    if derived.refresh.by == SESSION:
        for name in sorted(derived.reads & _tables_of_sessions()):
            yield (
                f'"{name}" AS NOT MATERIALIZED (SELECT t.* FROM warehouse."{name}" t '
                "SEMI JOIN touched k ON k.session_id IS NOT DISTINCT FROM t.session_id)"
            )
    how = "MATERIALIZED" if derived.refresh.materialized else "NOT MATERIALIZED"
    for name, query in derived.refresh.inputs.items():
        yield f'"{name}" AS {how} ({query})'


def _touched(derived: DerivedTable) -> str:
    return _TOUCHED_SESSIONS if derived.refresh.by == SESSION else f"touched_{derived.table.name}"


@cache
def _table_names() -> frozenset[str]:
    return frozenset(table.name for table in warehouse_tables())


@cache
def _tables_of_sessions() -> frozenset[str]:
    """Return the tables with a column session_id; a refresh by session reads only the touched sessions of them."""
    derived = {table.table.name for table in derived_tables() if table.refresh.by == SESSION}
    return frozenset(derived | {name for name, columns in _source_columns() if "session_id" in columns})


@cache
def session_sources() -> tuple[str, ...]:
    """Return the tables of sources that derived tables read session by session."""
    read = {name for table in derived_tables() if table.refresh.by == SESSION for name in table.reads}
    return tuple(name for name, columns in _source_columns() if name in read and "session_id" in columns)


def _source_columns() -> Iterator[tuple[str, set[str]]]:
    for table in source_tables(sources().values()):
        yield table.name, {column.name for column in table.columns}
