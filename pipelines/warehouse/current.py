"""The published warehouse for many questions at once: opened once, and again when a run has published another."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock, Timer
from typing import Final

import duckdb

from models.errors import ConfigurationError
from pipelines.disk.layout import Layout
from pipelines.warehouse.opened import open_warehouse

_SECONDS: Final = 20.0
"""The longest time of one of our own queries."""
_AT_ONCE: Final = 4
"""Queries that run at the same time: more would only wait for the same cores, and share DuckDB's memory."""


class CurrentWarehouse:
    """The published warehouse of a data directory. Its methods may be called from several threads."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._lock = Lock()
        self._turn = BoundedSemaphore(_AT_ONCE)
        self._open_version = ""
        self._connection: duckdb.DuckDBPyConnection | None = None

    @property
    def version(self) -> str:
        """A text that changes with each published warehouse; "" if there is none."""
        try:
            status = os.stat(self.layout.warehouse)
        except OSError:
            return ""
        return f"{status.st_ino:x}-{status.st_mtime_ns:x}"

    @contextmanager
    def reading(self, *, is_limited: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a connection of its own to the newest warehouse, whose work is interrupted after 20 seconds unless it
        is not `is_limited`.

        Raises ConfigurationError when that happened, and as `open_warehouse` does.
        """
        with self._turn, self._cursor() as cursor:
            timer = Timer(_SECONDS, cursor.interrupt)
            if is_limited:
                timer.start()
            try:
                yield cursor
            except duckdb.InterruptException as error:
                raise ConfigurationError(f"no answer within {_SECONDS:g} s: ask for less") from error
            finally:
                timer.cancel()

    def close(self) -> None:
        """Close the warehouse; the next question opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection, self._open_version = None, ""

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            version = self.version
            if self._connection is None or version != self._open_version:
                opened = open_warehouse(self.layout)
                if self._connection is not None:
                    self._connection.close()  # cursors on the former warehouse keep it open until they end
                self._connection, self._open_version = opened, version
            return self._connection.cursor()
