"""A manifest: the state of each path of a home as a run found it, compared with the previous manifest."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from operator import attrgetter

import orjson

from models.erased import Erased
from models.schema import Row
from models.tables import MANIFEST


class Change(StrEnum):
    """How a file has changed since the previous manifest of its home."""

    NEW = "new"
    UNCHANGED = "unchanged"
    APPENDED = "appended"
    REWRITTEN = "rewritten"
    VANISHED = "vanished"
    NONE = "none"


class Outcome(StrEnum):
    """The fixity outcome: how a file's bytes compare with a manifest; the column `outcome` explains the values."""

    INTACT = "intact"
    APPENDED = "appended"
    MODIFIED = "modified"
    MISSING = "missing"
    UNEXPECTED = "unexpected"
    UNREADABLE = "unreadable"
    WITHHELD = "withheld"
    CORRUPT = "corrupt"
    UNCHECKED = "unchecked"
    EXPIRED = "expired"
    MOVED = "moved"


BROKEN = frozenset({Outcome.CORRUPT})
"""Outcomes that normal use of a home cannot cause."""


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class FileState:
    """One row of a manifest: see the columns of the table `manifest`."""

    home_id: str
    run_id: str
    phase: int
    source: str
    path: str
    path_bytes: bytes
    entry_type: str
    treatment: str
    rule: str
    change: str
    outcome: str
    check_made: str
    size: int
    mtime_ns: int
    ctime_ns: int
    mode: int
    inode: int
    detail: str | None = None
    file_id: int | None = None
    generation: int | None = None
    first_run_id: str | None = None
    watermark: int | None = None
    link_target: bytes | None = None
    sha256: str | None = None
    content_xxh3: bytes | None = None
    prefix_xxh3: bytes | None = None
    erased_spans: str | None = None
    atime_kept: bool | None = None

    def row(self) -> Row:
        """Return the row of the table."""
        return MANIFEST.row(*_CELLS(self))

    @property
    def modified_at(self) -> datetime:
        """The modification time in UTC, to the microsecond."""
        return modified_at(self.mtime_ns)

    @property
    def erased(self) -> tuple[Erased, ...]:
        """The spans erased on request, sorted by offset."""
        spans = orjson.loads(self.erased_spans) if self.erased_spans is not None else ()
        return tuple(Erased(offset, length, bytes.fromhex(seal)) for offset, length, seal in spans)

    @property
    def is_present(self) -> bool:
        """Whether the path was in the home when this manifest was made."""
        return self.outcome not in NOT_PRESENT


def modified_at(mtime_ns: int) -> datetime:
    """Return nanoseconds since 1970 as an instant in UTC, rounded down to a microsecond."""
    return _EPOCH + timedelta(microseconds=mtime_ns // 1000)


def erased_json(erased: Sequence[Erased]) -> str | None:
    """Return erased spans as JSON for the column `erased_spans`; None without any."""
    spans = [[one.offset, one.length, one.seal.hex()] for one in erased]
    return orjson.dumps(spans).decode() if spans else None


NOT_PRESENT = (Outcome.MISSING, Outcome.EXPIRED, Outcome.MOVED)
COLUMNS = tuple(field.name for field in fields(FileState))
"""The columns of a manifest file."""
_CELLS = attrgetter(*(column.name for column in MANIFEST.columns))


def sql_outcomes(outcomes: Iterable[Outcome]) -> str:
    """Return outcomes as a list in SQL, as `('expired', 'moved')`."""
    return f"({', '.join(repr(str(outcome)) for outcome in outcomes)})"
