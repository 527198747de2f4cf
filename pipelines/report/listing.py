"""Lists of a report: their first items, their length, and the SQL that lists all; and safe text for their items."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from models.text import safe

T = TypeVar("T")
LIMIT: Final = 50
"""Items shown of one list."""
EXAMPLES: Final = 10
"""Items shown of each group in a list of groups."""
_LONGEST: Final = 300


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """The first of `total` items, and the SQL that lists all, if a table of the warehouse has them."""

    total: int
    shown: Sequence[T]
    sql: str | None = None

    @property
    def left_out(self) -> int:
        """The number of items that are not shown."""
        return self.total - len(self.shown)


def bounded(text: str) -> str:
    """Return untrusted text in one safe line of bounded length, cut in its middle."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]}…{text[-_LONGEST // 2 :]}"
    shown = safe(text)
    return shown if len(shown) <= 4 * _LONGEST else f"{shown[: 4 * _LONGEST]}…"


def sql_text(text: str) -> str:
    """Return a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
