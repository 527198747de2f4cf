"""Guarantees what `extract sql` promises: a query can only read, and can be stopped at any moment."""

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
"""Functions that a query can call and that change the engine's state. `enable_logging` to a file without write
permission aborts the whole process.
"""
_RUNS_TEXT: Final = frozenset({"json_execute_serialized_sql", "query", "query_table"})
_WORDS: Final = re.compile(rf"\b({'|'.join(sorted(_CHANGES_THE_ENGINE))})\b", re.IGNORECASE)
_GRACE: Final = 1.0
"""Seconds that DuckDB has to react to an interruption."""


def check_statements(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Raise ConfigurationError unless every statement of `sql` is a query (SELECT, FROM, WITH, VALUES, DESCRIBE, SHOW,
    SUMMARIZE, PIVOT or EXPLAIN) and calls no function that changes the engine's state. Raises duckdb.Error for bad
    syntax.
    """
    for statement in connection.extract_statements(sql):
        # PIVOT becomes a CREATE of a temporary type and a SELECT, both without a text of their own; DuckDB 2 keeps them
        # together and calls them MULTI.
        is_pivot = str(statement.type).endswith("MULTI") and re.match(
            r"\s*(FROM\b.*)?PIVOT\b", statement.query, re.IGNORECASE
        )
        is_query = statement.type in _QUERIES or not statement.query or bool(is_pivot)
        if not is_query:
            name = str(statement.type).rpartition(".")[2].replace("_", " ")
            raise ConfigurationError(
                f"only queries are allowed, and {name} is not one: the warehouse is read-only, "
                "and CALL, PRAGMA, SET and the like would change the engine's state"
            )
        if refused := _refused_function(connection, statement.query or sql):
            raise ConfigurationError(f"{refused}() is not allowed: it changes the engine's state")


def _refused_function(connection: duckdb.DuckDBPyConnection, query: str) -> str | None:
    """Return the name of a function called in `query` that changes the engine's state, or None. If the query has no
    parse tree, or runs a text as SQL, any occurrence of such a name as a word counts.
    """
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
        """Call `work` and return its result. Raises ConfigurationError on timeout, and whatever `work` raises."""
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
