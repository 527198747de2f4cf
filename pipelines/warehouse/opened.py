"""Opens the published warehouse for reading. It imports little: every command that only reads waits for its imports."""

import os

import duckdb

from models.errors import ConfigurationError, DataDirectoryError, LoadError
from pipelines.archive.archive import no_archive
from pipelines.disk.layout import Layout
from pipelines.warehouse.engine import quoted
from pipelines.warehouse.later_runs import show_later_runs


def no_warehouse(layout: Layout) -> ConfigurationError:
    """Return the error of a command that needs the warehouse, where there is none, or not even an archive."""
    if not layout.archive_file.exists() and not layout.runs.is_dir():
        return no_archive(layout)
    return ConfigurationError(f"the archive in {layout.root} has no warehouse; `extract rebuild` builds it")


def lacks_tables(error: BaseException | None) -> bool:
    """Whether an error of DuckDB means that a table or column does not exist: for a query of the program itself, that
    another version built the warehouse.
    """
    return isinstance(error, duckdb.CatalogException | duckdb.BinderException)


def open_warehouse(layout: Layout) -> duckdb.DuckDBPyConnection:
    """Open the published warehouse for reading, without access to files or the network from SQL.

    Raises ConfigurationError if none is published, DataDirectoryError if the permissions forbid reading it, LoadError
    if it is damaged.
    """
    if not layout.warehouse.exists():
        raise no_warehouse(layout)
    options: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "memory_limit": "1GB",
    }
    path = layout.warehouse.resolve()
    try:
        connection = duckdb.connect(os.fspath(path), read_only=True, config=options)
    except duckdb.IOException as error:
        if not os.access(path, os.R_OK):
            raise DataDirectoryError(f"no permission to read the warehouse {path}: change its permissions") from error
        raise LoadError(
            f"the warehouse {path} cannot be opened ({error}); `extract rebuild` builds a new one"
        ) from error
    # All connections of a process to one file share its settings, and an earlier one may have locked them.
    (is_locked,) = connection.execute("SELECT current_setting('lock_configuration')").fetchone() or (False,)
    if not is_locked:
        connection.execute(f"SET temp_directory = {quoted('')}")
    show_later_runs(connection, layout)
    if not is_locked:
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    return connection
