"""The growth of an archive, by its commit records alone: new bytes and messages by month and source, and when the disk
will be full at that rate.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from models.run import RunRecord, SourceCounts
from pipelines.archive.totals import added, by_source
from pipelines.disk.layout import Layout

_LOOKED_AT: Final = timedelta(days=90)
_SHORTEST: Final = timedelta(days=7)
"""A rate is said for so many days at least: a shorter time says more about these days than about those to come."""


@dataclass(frozen=True, slots=True)
class SourceGrowth:
    """The new data of one source: bytes that the store did not have, and messages."""

    bytes_new: int
    messages_new: int


@dataclass(slots=True)
class MonthGrowth:
    """The new data of the runs of one month (UTC, as 2026-11), by source and in total, and the bytes of the Parquet
    files that they wrote.
    """

    month: str
    runs: int = 0
    bytes_new: int = 0
    messages_new: int = 0
    bytes_written: int = 0
    sources: dict[str, SourceGrowth] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ArchiveGrowth:
    """The growth of an archive: its months, the oldest first; the bytes by which the data directory has grown a day
    since `since` (UTC, ISO 8601); the bytes that are free on its disk, and in how many days they are used up at that
    rate. None where it is not known.
    """

    months: Sequence[MonthGrowth]
    since: str | None = None
    bytes_per_day: int | None = None
    free_bytes: int | None = None
    days_left: int | None = None


def growth_of(layout: Layout, runs: Sequence[RunRecord], keep_warehouses: int) -> ArchiveGrowth:
    """Return the growth of an archive by `runs`, those in effect, the oldest first. `keep_warehouses` is the number of
    earlier warehouses that are kept beside the published one. Reads no file.
    """
    months: dict[str, MonthGrowth] = {}
    for run in runs:
        if run.phases:
            _add(months.setdefault(f"{_began(run):%Y-%m}", MonthGrowth(f"{_began(run):%Y-%m}")), run)
    found = [months[name] for name in sorted(months)]
    try:
        free = shutil.disk_usage(layout.root).free
    except OSError:
        return ArchiveGrowth(found)
    counted = [run for run in runs if run.kind == "run"]
    since = _since(counted)
    if since is None:
        return ArchiveGrowth(found, free_bytes=free)
    days = (_began(counted[-1]) - _began(counted[since])) / timedelta(days=1)
    later = counted[since + 1 :]
    sizes = [run.warehouse.size for run in counted[since:] if run.warehouse is not None]
    of_warehouses = max(0, sizes[-1] - sizes[0]) * (1 + keep_warehouses) if sizes else 0
    per_day = int((sum(map(_written, later)) + of_warehouses) / days)
    room = max(0, free - (sizes[-1] if sizes else 0))  # the next warehouse is built beside the published one
    return ArchiveGrowth(found, counted[since].started_at, per_day, free, room // per_day if per_day else None)


def _add(month: MonthGrowth, run: RunRecord) -> None:
    counts = by_source(run)
    total = added(counts.values())
    month.runs += 1
    month.bytes_new += total.bytes_kept_new
    month.messages_new += total.messages_new
    month.bytes_written += _written(run)
    for source, one in counts.items():
        if one.bytes_kept_new or one.messages_new:
            month.sources[source] = _sum(month.sources.get(source), one)


def _sum(before: SourceGrowth | None, more: SourceCounts) -> SourceGrowth:
    start = before or SourceGrowth(0, 0)
    return SourceGrowth(start.bytes_new + more.bytes_kept_new, start.messages_new + more.messages_new)


def _since(runs: Sequence[RunRecord]) -> int | None:
    """Return the index of the run after which the growth is counted: the oldest of the last 90 days, or the last one
    that read a home for the first time, because that one found all that had piled up. None if it is too recent.
    """
    if not runs:
        return None
    first = {home_id: number for number, run in reversed(list(enumerate(runs))) for home_id in run.homes}
    newest = _began(runs[-1])
    start = next(number for number, run in enumerate(runs) if _began(run) >= newest - _LOOKED_AT)
    since = max([start, *first.values()])
    return since if newest - _began(runs[since]) >= _SHORTEST else None


def _written(run: RunRecord) -> int:
    return sum(part.size for phase in run.phases for part in phase.parts)


def _began(run: RunRecord) -> datetime:
    return datetime.fromisoformat(run.started_at).astimezone(UTC)
