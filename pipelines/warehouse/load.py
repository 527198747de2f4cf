"""Loads committed Parquet files into a warehouse: all into a new file, or those of later runs into a copy of the
published one.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Final

import duckdb

from extractors.reading.registry import source_tables, sources
from models.errors import FixityError, LoadError
from models.run import PartRecord, RunRecord
from models.schema import INSTANT, Column, Table
from models.tables import IMPORTED, MESSAGES, OCCURRENCES
from pipelines.archive.imported import sound_imports
from pipelines.archive.machines import Origin, origins_of
from pipelines.disk.atomic import sha256_if_readable
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import Layout
from pipelines.disk.settings import read_settings
from pipelines.warehouse.empty import comment_tasks, create_schema_without_comments, place_empty_warehouse
from pipelines.warehouse.engine import MEMORY, building, lacks_memory, quoted, remove_database
from pipelines.warehouse.engine_types import ENGINE_TYPES
from pipelines.warehouse.parallel import Task, do_tasks
from pipelines.warehouse.prices import fill_prices
from pipelines.warehouse.refresh import derived_digest, make_derived_tables, note_touched, refresh_derived_tables
from pipelines.warehouse.run_tables import PARTS, fill_records
from pipelines.warehouse.schema import (
    BASE_TABLES,
    create_views,
    view_comments,
    views_digest,
    warehouse_tables,
    warehouse_views,
)

_LARGE_TABLE_BYTES = 4 << 20
"""Tables with at least so many bytes of Parquet get a transaction of their own."""
_ROW_BYTES = 16
"""The fixed cost of loading a row, as the bytes of Parquet that load in the same time."""
_MEMORY_FOR_BLOCKS = "384MB"
"""The memory limit for adding little to a warehouse: each column of each table takes a block of 256 kB even for few
rows, and with less memory DuckDB would spill them to temporary files.
"""
_SMALL_ADDITION_BYTES = 16 << 20
_MEMORY_FOR_DERIVED: Final = "512MB"
"""The memory limit for the derived tables: their window functions and joins hold the keys of every record, and with
less memory they spill or fail. The run's worker processes have ended by then, so the total memory stays bounded.
"""


def build_warehouse(layout: Layout, runs: Sequence[RunRecord], target: Path) -> None:
    """Write a warehouse of all files that `runs` committed to `target`, which must not exist.

    Raises FixityError if a committed file does not match its record, LoadError for errors of DuckDB, DiskFullError;
    the caller must then remove `target`.
    """
    parts = _loadable(runs)
    verify_parts(layout, parts)
    for memory in MEMORY:
        try:
            _build(layout, runs, parts, target, memory)
            return
        except LoadError as error:
            if memory == MEMORY[-1] or not lacks_memory(error.__cause__):
                raise
            remove_database(target)


def _build(layout: Layout, runs: Sequence[RunRecord], parts: Sequence[PartRecord], target: Path, memory: str) -> None:
    has_schema = place_empty_warehouse(layout, target, memory)
    with building(layout, target, memory) as connection:
        if not has_schema:
            create_schema_without_comments(connection)
        _insert_imported(connection, layout)
        fill_records(connection, runs, runs, _loaded_table_names())
        _insert_parts(connection, layout, parts, origins_of(layout, runs))
        _delete_superseded(connection, runs)
        _delete_messages_without_occurrence(connection)
        _fill_prices_of_models(connection, layout)
        if memory in MEMORY[: MEMORY.index(_MEMORY_FOR_DERIVED)]:
            connection.execute(f"SET memory_limit = '{_MEMORY_FOR_DERIVED}'")
        comments = [] if has_schema else comment_tasks(connection)
        make_derived_tables(connection, comments, is_much=_size(parts) >= _SMALL_ADDITION_BYTES)


def extend_warehouse(layout: Layout, runs: Sequence[RunRecord], target: Path) -> bool:
    """Add the later ones of `runs` to `target`, a copy of an earlier warehouse; returns whether that was possible.

    It is not if `target` is not the warehouse of the first of `runs`: it has other columns, Parquet files that are no
    longer committed, or other imported stores. The caller must then remove `target`. Raises as `build_warehouse` does.
    """
    with building(layout, target, MEMORY[0]) as connection:
        held = _held_parts(connection)
        later = _later_runs(runs, held) if held is not None else None
        if later is None or not _same_imports(connection, layout):
            return False
        parts = _loadable(later)
        verify_parts(layout, parts)
        if _size(parts) < _SMALL_ADDITION_BYTES:
            connection.execute(f"SET memory_limit = '{_MEMORY_FOR_BLOCKS}'")
        if not _has_digest(connection, "views_digest", views_digest()):
            create_views(connection)
            connection.execute(view_comments(connection))
        fill_records(connection, runs, later, _loaded_table_names())
        _insert_parts(connection, layout, parts, origins_of(layout, later))
        note_touched(connection)
        _delete_superseded(connection, runs)
        _delete_messages_without_occurrence(connection)
        _fill_prices_of_models(connection, layout)
        connection.execute(f"SET memory_limit = '{_MEMORY_FOR_DERIVED}'")
        refresh_derived_tables(connection)
        return True


def _later_runs(runs: Sequence[RunRecord], held: Collection[tuple[str, str]]) -> list[RunRecord] | None:
    """Return the runs with Parquet files that are not in `held`; None if `held` has files of none of the other runs."""
    names = _loaded_table_names()
    first, later = list[RunRecord](), list[RunRecord]()
    for run in runs:  # those of other machines come in any order
        (first if all((part.path, part.sha256) in held for part in _parts_of(run, names)) else later).append(run)
    return later if len(_loadable(first)) == len(held) else None


def verify_parts(layout: Layout, parts: Sequence[PartRecord]) -> None:
    """Digest committed files. Raises FixityError if any is missing or differs from its commit record."""
    broken = _damaged(layout, parts)
    if broken:
        raise FixityError(
            f"{len(broken)} committed files are damaged or missing: {', '.join(broken[:5])}. "
            "Nothing was loaded from them; see `extract verify`"
        )


def damaged_parts(layout: Layout, runs: Iterable[RunRecord]) -> list[str]:
    """Return the paths of parts for the warehouse that are missing or differ from their commit records."""
    return _damaged(layout, _loadable(runs))


def _damaged(layout: Layout, parts: Sequence[PartRecord]) -> list[str]:
    with ThreadPoolExecutor() as threads:
        digests = list(threads.map(lambda part: sha256_if_readable(layout.root / part.path), parts))
    return [part.path for part, digest in zip(parts, digests, strict=True) if digest != part.sha256]


def _loadable(runs: Iterable[RunRecord]) -> list[PartRecord]:
    """Return the committed Parquet files whose rows the warehouse has: all but those of the store."""
    names = _loaded_table_names()
    return [part for run in runs for part in _parts_of(run, names)]


def _parts_of(run: RunRecord, tables: Collection[str]) -> list[PartRecord]:
    return [part for phase in run.phases for part in phase.parts if part.table in tables]


def _loaded_table_names() -> set[str]:
    return {table.name for table in warehouse_tables()}


def _parquet(paths: Iterable[str], *options: str) -> str:
    """Return a call of DuckDB's `read_parquet` with the paths as literals: as parameters they would be Python values,
    which are slow (see `fill_records`).
    """
    return f"read_parquet([{', '.join(map(quoted, paths))}], {', '.join(('hive_partitioning = false', *options))})"


def _held_parts(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str]] | None:
    """Return path and digest of the Parquet files loaded into a warehouse; None if its tables or views differ from the
    current declarations, or other queries filled its derived tables.
    """
    described = (
        "SELECT table_name, list([column_name, data_type] ORDER BY column_index) FROM duckdb_columns() "
        "WHERE database_name = 'warehouse' AND NOT internal GROUP BY table_name"
    )
    columns = dict(connection.execute(described).fetchall())
    wanted = {
        table.name: [[column.name, ENGINE_TYPES[column.type]] for column in table.all_columns]
        for table in warehouse_tables()
    }
    views = connection.execute(
        "SELECT view_name, comment FROM duckdb_views() WHERE database_name = 'warehouse' AND NOT internal"
    ).fetchall()
    has_tables = {name: columns.get(name) for name in wanted} == wanted
    same_tables = has_tables and _has_digest(connection, "derived_digest", derived_digest())
    if not same_tables or set(views) != {(view.name, view.comment) for view in warehouse_views()}:
        return None
    return set(connection.execute(f"SELECT part_path, sha256 FROM {PARTS.name}").fetchall())


def _has_digest(connection: duckdb.DuckDBPyConnection, name: str, digest: str) -> bool:
    try:
        return connection.execute(f"SELECT {name}()").fetchall() == [(digest,)]
    except duckdb.CatalogException:
        return False


def _same_imports(connection: duckdb.DuckDBPyConnection, layout: Layout) -> bool:
    """Whether the imported messages of a warehouse are those of the archive now."""
    paths = [str(path) for path in sound_imports(layout)]
    held = connection.execute(f"SELECT count(*), count(text) FROM {IMPORTED.name}").fetchone()
    if not paths:
        return held == (0, 0)
    kept = connection.execute(
        "SELECT count(DISTINCT message_id), count(DISTINCT message_id) FILTER (text IS NOT NULL) "
        f"FROM {_parquet(paths)}"
    ).fetchone()
    return held == kept


def _insert_parts(
    connection: duckdb.DuckDBPyConnection, layout: Layout, parts: Sequence[PartRecord], origins: Mapping[str, Origin]
) -> None:
    """Load Parquet files into the tables, large tables in two threads, and find the superseded rows. `origins` are
    those of the files of other machines, by path.
    """
    insertions: list[tuple[int, Task]] = []
    for table in (*BASE_TABLES, *source_tables(sources().values()), MESSAGES):
        table_parts = [part for part in parts if part.table == table.name and part.rows]
        paths = [str(layout.root / part.path) for part in table_parts if part.path not in origins]
        foreign = {str(layout.root / one.path): origins[one.path] for one in table_parts if one.path in origins}
        work = partial(_insert, table=table, paths=paths, foreign=foreign)
        insertions.append((_size(table_parts), Task(table.name, work)))
    small = [insertion for insertion in insertions if insertion[0] < _LARGE_TABLE_BYTES]
    large = [insertion for insertion in insertions if insertion[0] >= _LARGE_TABLE_BYTES]
    if large:
        all_small = Task("small tables", partial(_do_all, tasks=[task for _, task in small]))
        large.append((sum(size for size, _ in small), all_small))
        do_tasks(connection, [task for _, task in sorted(large, key=itemgetter(0), reverse=True)])
    else:
        _do_all(connection, [task for _, task in small])
    _find_superseded(connection)


def _size(parts: Iterable[PartRecord]) -> int:
    return sum(part.size + _ROW_BYTES * part.rows for part in parts)


def _do_all(connection: duckdb.DuckDBPyConnection, tasks: Iterable[Task]) -> None:
    for task in tasks:
        task.work(connection)


def _find_superseded(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the TEMP table `superseded` of readings whose rows a later reading replaces, with the offset from which
    on; a void reading (the file changed meanwhile) is superseded as a whole. Considers only files that the new runs
    read.
    """
    connection.execute(
        """
        CREATE TEMP TABLE superseded AS
        WITH ordered AS (
            SELECT e.*, r.epoch FROM extractions e JOIN runs r USING (run_id)
            WHERE e.file_id IN (SELECT file_id FROM extractions SEMI JOIN new_runs USING (run_id))
        )
        SELECT o.run_id, o.phase, o.file_id, CASE WHEN o.is_void THEN -1 ELSE min(p.from_offset) END AS from_offset
        FROM ordered o LEFT JOIN ordered p ON p.file_id = o.file_id AND p.epoch > o.epoch AND NOT p.is_void
        GROUP BY o.run_id, o.phase, o.file_id, o.is_void, o.size
        HAVING o.is_void OR min(p.from_offset) < greatest(o.size, 1)
        """
    )


def _has_superseded(connection: duckdb.DuckDBPyConnection) -> bool:
    return connection.execute("SELECT 1 FROM superseded LIMIT 1").fetchone() is not None


def _delete_superseded(connection: duckdb.DuckDBPyConnection, runs: Iterable[RunRecord]) -> None:
    """Delete superseded rows from the tables into which the phases of those readings wrote."""
    phases = set(connection.execute("SELECT DISTINCT run_id, phase FROM superseded").fetchall())
    wrote = [phase for run in runs for phase in run.phases if (run.run_id, phase.phase) in phases]
    written = {part.table for phase in wrote for part in phase.parts}
    for table in (*BASE_TABLES, *source_tables(sources().values())):
        if table.has_provenance and table.name in written:
            connection.execute(
                f'DELETE FROM "{table.name}" AS t USING superseded s '
                "WHERE s.run_id = t.run_id AND s.file_id = t.file_id AND t.byte_offset >= s.from_offset"
            )


def _insert(
    connection: duckdb.DuckDBPyConnection, table: Table, paths: list[str], foreign: Mapping[str, Origin]
) -> None:
    if table is MESSAGES and (paths or foreign):
        _insert_messages(connection, [*paths, *foreign])
    elif paths:
        names = ", ".join(map(_as_loaded, table.all_columns))
        connection.execute(f'INSERT INTO "{table.name}" SELECT {names} FROM {_parquet(paths, "union_by_name = true")}')
    if table is not MESSAGES and foreign:
        _insert_foreign(connection, table, foreign)
    reach("load:table")


def _insert_foreign(connection: duckdb.DuckDBPyConnection, table: Table, foreign: Mapping[str, Origin]) -> None:
    """Insert rows of other machines, each with the home_id, the run_id and the file_id of its origin."""
    instead = {"home_id": "o.home_id", "run_id": "o.run_id", "file_id": "xor(p.file_id, o.salt)"}
    names = ", ".join(instead.get(column.name) or _as_loaded(column) for column in table.all_columns)
    values = ", ".join(
        f"({quoted(path)}, {quoted(one.home_id)}, {quoted(one.run_id)}, {one.salt}::BIGINT)"
        for path, one in foreign.items()
    )
    files = _parquet(foreign, "union_by_name = true", "filename = 'part_path'")
    origins = f"(VALUES {values}) AS o(part_path, home_id, run_id, salt)"
    connection.execute(f'INSERT INTO "{table.name}" SELECT {names} FROM {files} AS p JOIN {origins} USING (part_path)')


def _as_loaded(column: Column) -> str:
    """Return the expression for a column of a Parquet file. An instant is read as its number of microseconds: DuckDB's
    own conversion would call its calendar for each.
    """
    return f'make_timestamptz(epoch_us("{column.name}"))' if column.type is INSTANT else f'"{column.name}"'


def _insert_imported(connection: duckdb.DuckDBPyConnection, layout: Layout) -> None:
    paths = [str(path) for path in sound_imports(layout)]
    if paths:
        connection.execute(
            f"INSERT INTO {IMPORTED.name} SELECT DISTINCT ON (message_id) message_id, text "
            f"FROM {_parquet(paths)} ORDER BY message_id, text NULLS LAST"
        )


def _fill_prices_of_models(connection: duckdb.DuckDBPyConnection, layout: Layout) -> None:
    """Fill the table `prices` for every model in the warehouse."""
    met = connection.execute(
        """
        SELECT DISTINCT model_id(model) FROM (
            SELECT model FROM records
            UNION SELECT model FROM agent_links
            UNION SELECT unnest(usage_iterations ->> '$[*].model') FROM records WHERE usage_iterations IS NOT NULL
        ) WHERE model <> '<synthetic>'
        """
    ).fetchall()
    fill_prices(connection, [model for (model,) in met], read_settings(layout).prices)


def _delete_messages_without_occurrence(connection: duckdb.DuckDBPyConnection) -> None:
    """Delete messages without an occurrence, after the superseded rows were deleted."""
    if _has_superseded(connection):
        connection.execute(
            f"DELETE FROM {MESSAGES.name} WHERE message_id NOT IN (SELECT message_id FROM {OCCURRENCES.name})"
        )


def _insert_messages(connection: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> None:
    """Insert the messages that the table lacks. Two workers may have written the same message, so insert first and then
    delete duplicates: DISTINCT would hold every text in memory.
    """
    name = MESSAGES.name
    newest = connection.execute(f"SELECT max(rowid) FROM {name}").fetchone()
    held = -1 if newest is None or newest[0] is None else newest[0]
    unknown = f"WHERE message_id NOT IN (SELECT message_id FROM {name})" if held >= 0 else ""
    connection.execute(f"INSERT INTO {name} SELECT message_id, text, text_bytes FROM {_parquet(paths)} {unknown}")
    connection.execute(
        f"""
        CREATE TEMP TABLE doubled AS
        SELECT message_id, min(rowid) AS first FROM {name} WHERE rowid > {held} GROUP BY message_id HAVING count(*) > 1
        """
    )
    connection.execute(f"DELETE FROM {name} t USING doubled d WHERE d.message_id = t.message_id AND t.rowid > d.first")
    connection.execute("DROP TABLE doubled")
