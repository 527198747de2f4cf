"""One SQL query of a client: read-only, and limited in time, rows and bytes."""

import contextlib
import json
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass
from threading import Lock, Thread
from typing import Final

import duckdb

from models.errors import ConfigurationError
from models.json import JsonObject, JsonValue
from models.text import safe
from pipelines.context.values import cut, plain
from pipelines.disk.layout import Layout
from pipelines.redact.masking import Masker, masked
from pipelines.warehouse.opened import open_warehouse
from pipelines.warehouse.statements import check_statements

_BATCH: Final = 100
_GRACE: Final = 1.0
"""Seconds that DuckDB has to react to an interruption."""
_MOST_STUCK: Final = 2


@dataclass(frozen=True, slots=True)
class SqlLimits:
    """The limits of a query: DuckDB's time in seconds, rows, and bytes of the answer as JSON."""

    seconds: float = 10.0
    rows: int = 1_000
    bytes: int = 100_000


class BoundedSql:
    """Runs queries on the published warehouse of `layout` within limits.

    DuckDB looks for an interruption between vectors of rows, so some queries run on for minutes. Such a one is left
    behind, in its thread: a server must not end for it. With two of them no other query is begun until one has ended.
    """

    def __init__(self, layout: Layout, limits: SqlLimits = SqlLimits()) -> None:
        self._layout = layout
        self._limits = limits
        self._lock = Lock()
        self._running = 0

    def ask(self, sql: str, rows: int, masker: Masker | None) -> JsonObject:
        """Return the columns and at most `rows` rows of a query, and whether there are more of them.

        Raises ConfigurationError for a statement that is no query, for an error of DuckDB in one line, and on timeout.
        """
        with self._lock:
            if self._running >= _MOST_STUCK:
                raise ConfigurationError("earlier queries still run: try again later, and ask for less")
            self._running += 1
        done: Future[JsonObject] = Future()
        connections: list[duckdb.DuckDBPyConnection] = []

        def work() -> None:
            try:
                with open_warehouse(self._layout) as connection:
                    connections.append(connection)
                    done.set_result(self._answer(connection, sql, rows, masker))
            except BaseException as error:  # noqa: BLE001 (raised again where it is waited for)
                done.set_exception(error)
            finally:
                with self._lock:
                    self._running -= 1

        Thread(target=work, daemon=True).start()
        return self._waited(done, connections)

    def _waited(self, done: Future[JsonObject], connections: Sequence[duckdb.DuckDBPyConnection]) -> JsonObject:
        late = f"no result within {self._limits.seconds:g} s, and a query here gets no more: ask for less"
        try:
            return done.result(self._limits.seconds)
        except NotInTime:
            for connection in connections:
                connection.interrupt()
            with contextlib.suppress(NotInTime):
                done.exception(_GRACE)
            raise ConfigurationError(late) from None
        except duckdb.Error as error:
            lines = str(error).split("\nLINE ")[0].splitlines()
            raise ConfigurationError(safe("; ".join(line.strip() for line in lines if line.strip()))) from error

    def _answer(self, connection: duckdb.DuckDBPyConnection, sql: str, rows: int, masker: Masker | None) -> JsonObject:
        check_statements(connection, sql)
        connection.execute(sql)
        if not connection.description:
            raise ConfigurationError("there is no query in the text")
        names = [str(column[0]) for column in connection.description]
        shown = names if masker is None else [masker.mask(name) for name in names]
        most, left = min(rows or self._limits.rows, self._limits.rows), self._limits.bytes
        made: list[JsonValue] = []
        while batch := connection.fetchmany(_BATCH):
            for row in batch:
                cells = [cell if masker is None else masked(cell, masker) for cell in row]
                values = [cut(plain(cell), self._limits.bytes) for cell in cells]
                left -= len(json.dumps(values, ensure_ascii=False).encode("utf-8", "replace"))
                if len(made) == most or (left < 0 and made):
                    return {"columns": list(shown), "rows": made, "is_complete": False}
                made.append(values)
        return {"columns": list(shown), "rows": made, "is_complete": True}
