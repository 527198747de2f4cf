"""checks.json: when each check of the archive last passed, and the share of the files that the rotating check has done.

The rotating check (`extract verify --rotate`) puts each file in one of 28 slots and does the slots that wait longest.
"""

import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson

from models.errors import FixityError
from models.json import JsonObject
from pipelines.archive.damage import SLOTS
from pipelines.disk.atomic import disk_errors, read_sealed, write_sealed
from pipelines.disk.layout import Layout

FIRST_TURN: Final = 7
"""The slots of the first turn: as many as a weekly check does."""


@dataclass(slots=True)
class PastChecks:
    """`passed` and `failed` have the last time of each check by its name (the levels of `extract verify`, and `drill`);
    `slots` has the last time that the files of a slot passed. Times are ISO 8601 in UTC.
    """

    passed: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    slots: dict[str, str] = field(default_factory=dict)

    def due(self, now: datetime) -> frozenset[int]:
        """Return the slots whose turn it is: as many as days have passed since the last turn, those that wait longest
        first. So a check once a day, or once a week, does each slot within 28 days.
        """
        count = FIRST_TURN
        if self.slots:
            last = max(datetime.fromisoformat(one) for one in self.slots.values())
            count = min(SLOTS, max(1, abs((now.date() - last.date()).days)))
        waiting = sorted(range(SLOTS), key=lambda slot: (self.slots.get(str(slot), ""), slot))
        return frozenset(waiting[:count])

    def covered(self, now: datetime) -> int:
        """Return how many percent of the slots passed within the last 28 days."""
        since = now - timedelta(days=SLOTS)
        return sum(datetime.fromisoformat(one) >= since for one in self.slots.values()) * 100 // SLOTS


def slot_of(key: str) -> int:
    """Return the slot of a file, by a name that never changes."""
    return zlib.crc32(key.encode("utf-8", "surrogateescape")) % SLOTS


def read_past_checks(layout: Layout) -> PastChecks:
    """Return the past checks of an archive; none where the file is missing or damaged: then all are due again."""
    try:
        held: Mapping[str, dict[str, str]] = orjson.loads(read_sealed(layout.checks_file))
        made = PastChecks(held["passed"], held["failed"], held["slots"])
        for one in (*made.passed.values(), *made.failed.values(), *made.slots.values()):
            datetime.fromisoformat(one)
    except (OSError, FixityError, ValueError, KeyError, TypeError, AttributeError):
        return PastChecks()
    return made


def note_checks(
    layout: Layout, names: Iterable[str], *, has_passed: bool, slots: Collection[int] = (), at: datetime | None = None
) -> None:
    """Note that checks were made, and for a check of files which `slots` it did. Raises DataDirectoryError."""
    past = read_past_checks(layout)
    now = (at or datetime.now(UTC)).isoformat(timespec="seconds")
    for name in names:
        (past.passed if has_passed else past.failed)[str(name)] = now
    if has_passed:
        past.slots |= {str(slot): now for slot in slots}
    fields: JsonObject = {
        "format": 1,
        "passed": dict(past.passed),
        "failed": dict(past.failed),
        "slots": dict(past.slots),
    }
    with disk_errors():
        write_sealed(layout.checks_file, orjson.dumps(fields, option=orjson.OPT_INDENT_2), "checks")
