"""Guarantees what `extract sql` promises: a query can be stopped at any moment."""

import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from typing import Final, TypeVar

import duckdb

from models.errors import ConfigurationError, ExitCode

T = TypeVar("T")

_GRACE: Final = 1.0
"""Seconds that DuckDB has to react to an interruption."""


class Watched:
    """A connection whose work can be stopped, by Ctrl-C or a timeout.

    DuckDB works in a second thread while this one waits. DuckDB checks for an interruption between vectors of rows, and
    one vector (edit distances of long texts, for example) can take minutes. So if DuckDB does not stop within a second,
    the whole process exits; it has written nothing.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, timeout: float) -> None:
        """`timeout` is in seconds for all calls of `do` together; 0: no limit."""
        self._connection = connection
        self._timeout = timeout
        self._left = timeout

    def do(self, work: Callable[[], T]) -> T:
        """Call `work` and return its result. Raises ConfigurationError on timeout, and the exceptions of `work`."""
        done: Future[T] = Future()

        def run() -> None:
            try:
                done.set_result(work())
            except BaseException as error:  # noqa: BLE001 (raised again where it is waited for)
                done.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
        began = time.monotonic()
        try:
            return done.result(max(self._left, 0.001) if self._timeout else None)
        except NotInTime:
            if done.done():  # the work itself raised it
                raise
            message = f"no result within {self._timeout:g} s: --timeout SECONDS allows more, --timeout 0 has no limit"
            self._stop(done, message, ExitCode.USAGE)
            raise ConfigurationError(message) from None
        except KeyboardInterrupt:
            self._stop(done, "interrupted", ExitCode.INTERRUPTED)
            raise
        finally:
            self._left -= time.monotonic() - began

    def _stop(self, done: "Future[T]", message: str, code: ExitCode) -> None:
        """Interrupt the work; exit with `code` if it continues nevertheless."""
        self._connection.interrupt()
        try:
            done.exception(_GRACE)
        except NotInTime:
            sys.stderr.write(f"extract: {message}\n")
            sys.stderr.flush()
            os._exit(code)
