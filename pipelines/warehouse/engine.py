"""Runs DuckDB to build a warehouse: a new file without a write-ahead log, in bounded memory, in transactions."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from models.errors import DiskFullError, LoadError
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import Layout

STORAGE_VERSION = "v1.5.0"
"""DuckDB 1.5 and 2 read and write files of this version."""

MEMORY = ("160MB", "256MB", "512MB", "2GB")
"""The default memory limit, and the ones to try after an out-of-memory error: DuckDB cannot spill long texts that it
writes together to temporary files, nor some aggregates.
"""

_ROWS = 20480
"""Rows of a row group. DuckDB writes a full row group during the insert, in the inserting thread; the rest of a table
is written by one thread in the checkpoint. With DuckDB's default of 122,880 rows, that rest is most of a small archive.
"""

_ALWAYS = "1KB"
_FOR_MUCH = "4MB"

Work = Callable[[duckdb.DuckDBPyConnection], object]
"""Work in a transaction that was begun on the given connection; it does not see TEMP tables of other connections."""


@contextmanager
def building(layout: Layout, target: Path, memory: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Create the database file `target` and give a connection in a transaction; on leaving, commit and checkpoint.

    `memory` is DuckDB's memory limit. Raises DiskFullError if the disk is full, LoadError for other errors of DuckDB.
    """
    connection = _connect(target, layout, memory)
    try:
        connection.execute("BEGIN")
        yield connection
        connection.execute("COMMIT")
        reach("load:before-checkpoint")
        connection.execute("CHECKPOINT")
    except duckdb.Error as error:
        if "No space left" in str(error):
            raise DiskFullError(f"the disk of the data directory is full ({error})") from error
        raise LoadError(f"the warehouse could not be built: {error}") from error
    finally:
        connection.close()
    reach("load:closed")


@contextmanager
def few_checkpoints(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let small transactions end without a checkpoint, which writes the whole catalog each time; `building` makes one
    at the end. Until then their rows stay in memory: at most 4 MB of each.
    """
    connection.execute(f"SET checkpoint_threshold = '{_FOR_MUCH}'")
    yield
    connection.execute(f"SET checkpoint_threshold = '{_ALWAYS}'")


@contextmanager
def without_optimizer(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Do not optimise statements that have nothing to optimise: DuckDB's optimiser takes a quarter of a `COMMENT`."""
    connection.execute("PRAGMA disable_optimizer")
    yield
    connection.execute("PRAGMA enable_optimizer")


def apart(connection: duckdb.DuckDBPyConnection, work: Callable[[], object]) -> None:
    """Do work in a transaction of its own; if it runs out of memory, repeat it with the next larger limit. For large
    amounts: DuckDB holds the changes of a transaction in memory or temporary files until its end.

    A commit that runs out of memory cannot be repeated: the file is useless then, and the error is raised.
    """
    connection.execute("COMMIT")
    usual = connection.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]
    for memory in (usual, *MEMORY[1:]):
        if memory != usual:
            connection.execute(f"SET memory_limit = '{memory}'")
        connection.execute("BEGIN")
        try:
            work()
            break
        except duckdb.OutOfMemoryException:
            connection.execute("ROLLBACK")
            if memory == MEMORY[-1]:
                raise
    connection.execute("COMMIT")
    if memory != usual:
        connection.execute(f"SET memory_limit = '{usual}'")
    connection.execute("BEGIN")


def lacks_memory(error: BaseException | None) -> bool:
    """Whether an error means that more memory would help. Checks the text: an out-of-memory error in a commit is raised
    as TransactionException.
    """
    return isinstance(error, duckdb.Error) and "Increasing the memory limit" in str(error)


def _connect(target: Path, layout: Layout, memory: str) -> duckdb.DuckDBPyConnection:
    """Create a database file of STORAGE_VERSION and return a connection with bounded memory and without extensions."""
    connection = duckdb.connect(
        config={
            "memory_limit": memory,
            "temp_directory": str(layout.staging / "duckdb"),
            "preserve_insertion_order": "false",
            # Two threads of DuckDB take as long as one and half as much CPU again; `parallel.do_tasks` does better.
            "threads": "1",
            # With the default, a commit of less than 16 MB would be written to the log first, and then to the file.
            "checkpoint_threshold": _ALWAYS,
            # DuckDB would buffer row groups to write several at once; short of memory, it spills them to disk.
            "write_buffer_row_group_count": "1",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
    )
    # No write-ahead log: an incomplete file is deleted anyway.
    options = f"STORAGE_VERSION '{STORAGE_VERSION}', ROW_GROUP_SIZE {_ROWS}, RECOVERY_MODE no_wal_writes"
    connection.execute(f"ATTACH {quoted(str(target))} AS warehouse ({options})")
    connection.execute("USE warehouse")
    # Timestamps in the Parquet files have no time zone; they are UTC.
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def remove_database(target: Path) -> None:
    """Remove a database file and its write-ahead log, if they exist."""
    for useless in (target, target.with_name(target.name + ".wal")):
        useless.unlink(missing_ok=True)


def quoted(text: str) -> str:
    """Return a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
