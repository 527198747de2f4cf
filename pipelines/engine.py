"""DuckDB as warehouses are made with it: a file that nobody reads before it is whole, in bounded memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from models.errors import DiskFullError, LoadError
from pipelines.failpoints import reach
from pipelines.layout import Layout

STORAGE_VERSION = "v1.5.0"
"""Files of this version are read and written by DuckDB 1.5 and 2."""

MEMORY = ("160MB", "512MB", "2GB")
"""What is usual, and what is tried after it: long texts that are written together do not go through temporary files,
nor does some of what is aggregated.
"""


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
            # Two threads take half as long again as one, and twice its CPU (1.5.5, on two cores).
            "threads": "1",
            # Or a commit of less than 16 MB would be written to a log first and from there to its place.
            "checkpoint_threshold": "1KB",
            # A row group that waits for others waits in the temporary directory where memory is short.
            "write_buffer_row_group_count": "1",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
    )
    connection.execute(f"ATTACH {quoted(str(target))} AS warehouse (STORAGE_VERSION '{STORAGE_VERSION}')")
    connection.execute("USE warehouse")
    return connection


def remove_database(target: Path) -> None:
    """Remove a database file that is of no use, and the log beside it; neither need be there."""
    for useless in (target, target.with_name(target.name + ".wal")):
        useless.unlink(missing_ok=True)


def quoted(text: str) -> str:
    """Return a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
