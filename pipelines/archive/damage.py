"""Looks at the committed parts before a run relies on them: whether each is there, of its size, and of its digest.

Every part is looked at in every run, and so many are digested that each is within a month.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from os import cpu_count
from stat import S_ISREG
from typing import Final

from models.run import DamageRecord, PartRecord, RunRecord
from pipelines.disk.atomic import sha256_of
from pipelines.disk.layout import Layout

SLOTS: Final = 28
"""Days within which every part is digested, when there is a run in each month at least."""
OTHER_BYTES: Final = "has other bytes than were committed"
_SMALL: Final = 256 << 20
"""Bytes that are digested in every run where there are as many: it takes a fraction of a second."""
_WORTH_THREADS: Final = 4 << 20


def look_at_parts(layout: Layout, runs: Sequence[RunRecord], now: datetime | None = None) -> list[DamageRecord]:
    """Return which parts of `runs`, the oldest first, are not what was committed, in their order.

    Every part is looked at; those whose slot has come since the newest of `runs` are digested, and as many others, the
    longest undigested first, as make `_SMALL` bytes with them. Without `now` (UTC), none is digested.
    """
    parts = {part.path: (run.run_id, part) for run in runs for phase in run.phases for part in phase.parts}
    found = {path: problem for path, (_, part) in parts.items() if (problem := _problem(layout, part)) is not None}
    if now is not None:
        whole = [part for path, (_, part) in parts.items() if path not in found]
        found |= _digested(layout, _chosen(whole, now.date(), _days_since(runs, now)))
    return [
        DamageRecord(path, part.table, run_id, found[path]) for path, (run_id, part) in parts.items() if path in found
    ]


def _problem(layout: Layout, part: PartRecord) -> str | None:
    """Say what a look at a part without reading it shows, or None."""
    try:
        stat = (layout.root / part.path).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return "is gone"
    except OSError as error:
        return f"cannot be looked at: {error.strerror}"
    if not S_ISREG(stat.st_mode):
        return "is no file"
    return None if stat.st_size == part.size else f"has {stat.st_size} bytes instead of {part.size}"


def _days_since(runs: Sequence[RunRecord], now: datetime) -> int:
    """Return how many days ago the newest run that looked at parts began, either way where the clock was set back."""
    for run in reversed(runs):
        if run.kind == "run":
            try:
                began = datetime.fromisoformat(run.started_at).astimezone(UTC)
            except ValueError:
                break
            return abs((now.date() - began.date()).days)
    return SLOTS


def _chosen(parts: Iterable[PartRecord], today: date, days: int) -> list[PartRecord]:
    """Return the parts to be digested. Each has the slot of its digest, so that nothing has to be kept of what was
    done: the slot of a day is done by the first run on or after it.
    """

    def age(part: PartRecord) -> int:
        return (today.toordinal() - int(part.sha256[:8], 16)) % SLOTS

    chosen, room = [], _SMALL
    for part in sorted(parts, key=lambda part: (age(part) >= days, -age(part), part.sha256)):
        if age(part) >= days and part.size > room:
            break
        chosen.append(part)
        room -= part.size
    return chosen


def _digested(layout: Layout, parts: Sequence[PartRecord]) -> dict[str, str]:
    """Digest parts; returns by path what is wrong with those that are not what was committed."""

    def problem_of(part: PartRecord) -> str | None:
        try:
            return None if sha256_of(layout.root / part.path) == part.sha256 else OTHER_BYTES
        except OSError as error:
            return f"cannot be read: {error.strerror}"

    if sum(part.size for part in parts) < _WORTH_THREADS:
        problems = list(map(problem_of, parts))
    else:
        with ThreadPoolExecutor(min(4, cpu_count() or 1)) as threads:
            problems = list(threads.map(problem_of, parts))
    return {part.path: problem for part, problem in zip(parts, problems, strict=True) if problem is not None}


def without_damaged(runs: Iterable[RunRecord], damage: Iterable[DamageRecord], table: str) -> list[PartRecord]:
    """Return the parts of one table over runs that are not known to be damaged, in order of commitment."""
    damaged = {one.path for one in damage}
    return [
        part
        for run in runs
        for phase in run.phases
        for part in phase.parts
        if part.table == table and part.path not in damaged
    ]
