"""Keeps a query to what `extract sql` promises: it reads and nothing else, and it can be stopped at any moment."""

import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from typing import Final, TypeVar

import duckdb

from models.errors import ConfigurationError, ExitCode

T = TypeVar("T")

_QUERIES: Final = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
_CHANGES_THE_ENGINE: Final = frozenset(
    {
        "checkpoint",
        "disable_logging",
        "disable_profiling",
        "enable_logging",
        "enable_profiling",
        "force_checkpoint",
        "truncate_duckdb_logs",
        "write_log",
    }
)
"""Functions that can be called in a query and yet change how the engine works. `enable_logging` with a file that it may
not write aborts the whole process.
"""
_RUNS_TEXT: Final = frozenset({"json_execute_serialized_sql", "query", "query_table"})
_WORDS: Final = re.compile(rf"\b({'|'.join(sorted(_CHANGES_THE_ENGINE))})\b", re.IGNORECASE)
_GRACE: Final = 1.0
"""Seconds that DuckDB gets to notice an interruption."""


def check_statements(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Raise ConfigurationError unless every statement of `sql` is a query (SELECT, FROM, WITH, VALUES, DESCRIBE, SHOW,
    SUMMARIZE, PIVOT or EXPLAIN) that calls no function which changes the engine. Raises duckdb.Error for bad syntax.
    """
    for statement in connection.extract_statements(sql):
        # PIVOT becomes a CREATE of a temporary type and a SELECT, both without a text of their own.
        is_query = statement.type in _QUERIES or not statement.query
        if not is_query:
            name = str(statement.type).rpartition(".")[2].replace("_", " ")
            raise ConfigurationError(
                f"only queries are answered, and {name} is none: the warehouse is opened read-only, "
                "and CALL, PRAGMA, SET and the like would change how it is read"
            )
        if refused := _refused_function(connection, statement.query or sql):
            raise ConfigurationError(f"{refused}() changes how the engine works: it is not called here")


def _refused_function(connection: duckdb.DuckDBPyConnection, query: str) -> str | None:
    """Return the name of a function in `query` that changes the engine. A text that runs as SQL is searched by word."""
    if not (found := _WORDS.search(query)):
        return None
    (tree,) = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [query]).fetchall()[0]
    document = json.loads(tree)
    if document.get("error"):  # no plain SELECT, such as SHOW or PIVOT: it has no tree
        return found[1].lower()
    called = set(_functions(document))
    if called & _RUNS_TEXT:
        return found[1].lower()
    return min(called & _CHANGES_THE_ENGINE, default=None)


def _functions(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(name := node.get("function_name"), str):
            yield name.lower()
        for below in node.values():
            yield from _functions(below)
    elif isinstance(node, list):
        for below in node:
            yield from _functions(below)


class Watched:
    """A connection whose work can be stopped, by Ctrl-C or when its time is up.

    DuckDB works in a thread of its own while this one waits: it looks for an interruption between vectors of rows, and
    within one (an edit distance of two long texts) it can work for minutes. What does not stop by then ends with the
    process, which has written nothing.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, timeout: float) -> None:
        """`timeout` is in seconds over all calls of `do` together; 0: no limit."""
        self._connection = connection
        self._timeout = timeout
        self._left = timeout

    def do(self, work: Callable[[], T]) -> T:
        """Return what `work` returns. Raises ConfigurationError when the time is up, and whatever `work` raises."""
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
            message = f"no answer within {self._timeout:g} s: --timeout SECONDS gives it more, --timeout 0 all it takes"
            self._stop(done, message, ExitCode.USAGE)
            raise ConfigurationError(message) from None
        except KeyboardInterrupt:
            self._stop(done, "interrupted", ExitCode.INTERRUPTED)
            raise
        finally:
            self._left -= time.monotonic() - began

    def _stop(self, done: "Future[T]", message: str, code: ExitCode) -> None:
        """Interrupt the work; end the process where it goes on nevertheless."""
        self._connection.interrupt()
        try:
            done.exception(_GRACE)
        except NotInTime:
            sys.stderr.write(f"extract: {message}\n")
            sys.stderr.flush()
            os._exit(code)
