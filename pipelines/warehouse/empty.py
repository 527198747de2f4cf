"""Creates an empty warehouse: its tables, views and macros with their comments, without rows.

DuckDB takes 0.3 s for that, most of it for 2,400 comments: each `COMMENT ON` is a statement of its own, and copies the
table's whole entry in the catalog. A process that builds several warehouses therefore creates them once, and copies the
file afterwards.
"""

from functools import partial
from hashlib import blake2b
from pathlib import Path

import duckdb

from pipelines.disk.atomic import disk_errors
from pipelines.disk.layout import Layout
from pipelines.warehouse.engine import building, quoted, without_optimizer
from pipelines.warehouse.parallel import Task
from pipelines.warehouse.refresh import derived_digest
from pipelines.warehouse.schema import (
    create_tables,
    create_views,
    table_comments,
    view_comments,
    views_digest,
    warehouse_tables,
)

_files: dict[bytes, bytes | None] = {}
"""The bytes of the empty warehouse by the digest of its schema; None if this process created one that it did not keep:
most processes build only one warehouse, and reading the file back would cost them time for nothing.
"""


def place_empty_warehouse(layout: Layout, target: Path, memory: str) -> bool:
    """Write an empty warehouse to the new file `target`, if this process has built one before; returns whether it has.

    `memory` is DuckDB's memory limit. Raises DiskFullError, DataDirectoryError, LoadError for errors of DuckDB.
    """
    digest = _schema_digest()
    if digest not in _files:
        _files[digest] = None
        return False
    content = _files[digest]
    if content is None:
        with building(layout, target, memory) as connection:
            create_schema(connection)
        _files[digest] = target.read_bytes()
    else:
        with disk_errors():
            target.write_bytes(content)
    return True


def keep_empty_warehouse(path: Path) -> None:
    """Let this process, and those forked from it, copy the empty warehouse at `path`, which a process of the same code
    has created with `create_schema`, instead of creating it.
    """
    _files[_schema_digest()] = path.read_bytes()


def create_schema(connection: duckdb.DuckDBPyConnection) -> None:
    """Create every table, view and macro, with comments, in the empty database of the connection."""
    create_schema_without_comments(connection)
    for task in comment_tasks(connection):
        task.work(connection)


def create_schema_without_comments(connection: duckdb.DuckDBPyConnection) -> None:
    """Create every table, view and macro in the empty database of the connection."""
    with without_optimizer(connection):
        create_tables(connection)
        create_views(connection)
        connection.execute(f"CREATE MACRO derived_digest() AS {quoted(derived_digest())}")


def comment_tasks(connection: duckdb.DuckDBPyConnection) -> list[Task]:
    """Return the tasks that write the comments of every table and view. They take a tenth of a load's time, and fill
    the time in which only one of its threads has other work. That of a derived table needs the task that fills it:
    DuckDB refuses an insert into a table that another transaction has changed meanwhile.
    """
    tables = [
        Task(f"comments of {table.name}", partial(_execute, statements=table_comments(table)), frozenset({table.name}))
        for table in warehouse_tables()
    ]
    return [Task("comments of views", partial(_execute, statements=view_comments(connection))), *tables]


def _execute(connection: duckdb.DuckDBPyConnection, statements: str) -> None:
    with without_optimizer(connection):
        connection.execute(statements)


def _schema_digest() -> bytes:
    text = f"{warehouse_tables()}{views_digest()}{derived_digest()}"
    return blake2b(text.encode(), digest_size=16).digest()
