"""The rows of all sessions in memory, read once for each published warehouse: they are found without a query."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

from pipelines.context.rows import Named, rows_of
from pipelines.look.filters import Conditions, Filters
from pipelines.look.sessions import COLUMNS, sessions_query
from pipelines.warehouse.current import CurrentWarehouse

_MOST: Final = 20_000
"""Of more sessions, the oldest are found by their whole id alone, with a query."""
_ADDRESS: Final = (
    "concat(f.home_id, ':', f.path, CASE WHEN f.generation > 1 THEN concat('#', f.generation) ELSE '' END)"
)


@dataclass(frozen=True, slots=True)
class _Known:
    version: str
    rows: dict[str, Named]


class KnownSessions:
    """The sessions of a warehouse, newest first, each from the home that has most of it, with the columns of the list,
    `record_count`, and the `address` of its first file. Its methods may be called from several threads.
    """

    def __init__(self, warehouse: CurrentWarehouse) -> None:
        self._warehouse = warehouse
        self._lock = Lock()
        self._known: _Known | None = None

    def rows(self) -> dict[str, Named]:
        """Return the rows by their session_id. Raises as `CurrentWarehouse.reading` does."""
        with self._lock:
            version = self._warehouse.version
            if self._known is None or self._known.version != version:
                self._known = _Known(version, self._read())
            return self._known.rows

    def _read(self) -> dict[str, Named]:
        with self._warehouse.reading() as connection:
            rows = rows_of(connection, with_first_address(_all_sessions(_MOST)))
        return {str(row["session_id"]): row for row in rows}


def with_first_address(query: Conditions) -> Conditions:
    """Return a query of sessions with `file_ids` that has the `address` of the first file of each instead, in order."""
    return Conditions(
        f"SELECT q.* EXCLUDE (file_ids, place), {_ADDRESS} AS address "
        f"FROM (SELECT *, row_number() OVER () AS place FROM ({query.sql})) q "
        "LEFT JOIN files f ON f.file_id = q.file_ids[1] ORDER BY q.place",
        query.values,
    )


def columns() -> Sequence[str]:
    """Return the columns for `with_first_address`."""
    return (*COLUMNS, "record_count", "file_ids")


def _all_sessions(most: int) -> Conditions:
    return sessions_query(Filters(), limit=most, has_content=False, columns=columns())


def has_content(row: Named) -> bool:
    """Whether more than the id of a session is known."""
    return bool(row["record_count"] or row["prompt_count"] or row["title"] is not None)
