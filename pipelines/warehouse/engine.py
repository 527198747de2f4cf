"""DuckDB as warehouses are made with it: a file that nobody reads before it is whole, in bounded memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Lock

import duckdb

from models.errors import DiskFullError, LoadError
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import Layout

STORAGE_VERSION = "v1.5.0"
"""Files of this version are read and written by DuckDB 1.5 and 2."""

MEMORY = ("160MB", "256MB", "512MB", "2GB")
"""What is usual, and what is tried after it: long texts that are written together do not go through temporary files,
nor does some of what is aggregated.
"""

_ROWS = 20480
"""Rows of a row group: a whole one is written to its place while rows are read, by the thread that reads them; what is
left of a table is written by one thread, in the checkpoint. With DuckDB's own 122880 that is most of many an archive.
"""

Work = Callable[[duckdb.DuckDBPyConnection], object]
"""What is done in a transaction, begun on the connection that it is given; TEMP tables of others are not there."""


@contextmanager
def building(layout: Layout, target: Path, memory: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database file for transactions, the last of which ends in a checkpoint."""
    connection = _connect(target, layout, memory)
    try:
        connection.execute("BEGIN")
        yield connection
        connection.execute("COMMIT")
        reach("load:before-checkpoint")
        connection.execute("CHECKPOINT")
    except duckdb.Error as error:
        if "No space left" in str(error):
            raise DiskFullError(f"the disk that holds the data directory is full ({error})") from error
        raise LoadError(f"the warehouse could not be built: {error}") from error
    finally:
        connection.close()
    reach("load:closed")


def side_by_side(connection: duckdb.DuckDBPyConnection, works: Iterable[Work]) -> None:
    """Do works that need not wait for one another, two at a time, each in a transaction of its own; they are begun in
    this order. What lacks memory beside another is done again, apart.

    When one fails, the others that were not begun are left, and its error is raised.
    """
    waiting, taking, lacking = deque(works), Lock(), list[Work]()

    def next_one() -> Work | None:
        with taking:
            return waiting.popleft() if waiting else None

    def do(own: duckdb.DuckDBPyConnection) -> None:
        try:
            while work := next_one():
                _try_to_do(own, work, lacking)
        except BaseException:
            waiting.clear()
            raise

    connection.execute("COMMIT")
    with connection.cursor() as other, ThreadPoolExecutor(1) as beside:
        other.execute("USE warehouse")
        done = beside.submit(do, other)
        try:
            do(connection)
            done.result()
        except BaseException:
            other.interrupt()
            raise
    connection.execute("BEGIN")
    for work in lacking:
        apart(connection, partial(work, connection))


def _try_to_do(connection: duckdb.DuckDBPyConnection, work: Work, lacking: list[Work]) -> None:
    connection.execute("BEGIN")
    try:
        work(connection)
    except duckdb.OutOfMemoryException:
        connection.execute("ROLLBACK")
        lacking.append(work)
        return
    connection.execute("COMMIT")


def apart(connection: duckdb.DuckDBPyConnection, work: Callable[[], object]) -> None:
    """Do work in a transaction of its own, again in more memory where it needs that. For what is much: what stays in a
    transaction stays in memory, or goes through temporary files, to its end.

    What lacks memory when it is committed cannot be done again: the file is lost then.
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
    """Whether more memory would do: what fails in a commit is called a fault of the transaction."""
    return isinstance(error, duckdb.Error) and "Increasing the memory limit" in str(error)


def _connect(target: Path, layout: Layout, memory: str) -> duckdb.DuckDBPyConnection:
    """Open a database file of the storage version that DuckDB 1.5 and 2 open, with bounded memory, no extensions."""
    connection = duckdb.connect(
        config={
            "memory_limit": memory,
            "temp_directory": str(layout.staging / "duckdb"),
            "preserve_insertion_order": "false",
            # Two threads of DuckDB's own take as long as one, and half as much CPU again; see `side_by_side`.
            "threads": "1",
            # Or a commit of less than 16 MB would be written to a log first and from there to its place.
            "checkpoint_threshold": "1KB",
            # A row group that waits for others waits in the temporary directory where memory is short.
            "write_buffer_row_group_count": "1",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
    )
    # No log is written of a file that is useless until it is whole.
    options = f"STORAGE_VERSION '{STORAGE_VERSION}', ROW_GROUP_SIZE {_ROWS}, RECOVERY_MODE no_wal_writes"
    connection.execute(f"ATTACH {quoted(str(target))} AS warehouse ({options})")
    connection.execute("USE warehouse")
    # Instants are read from Parquet without a zone: they are of UTC.
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def remove_database(target: Path) -> None:
    """Remove a database file that is of no use, and the log beside it; neither need be there."""
    for useless in (target, target.with_name(target.name + ".wal")):
        useless.unlink(missing_ok=True)


def quoted(text: str) -> str:
    """Return a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
