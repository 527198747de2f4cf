"""Resolves `--as-of` (a run_id, its beginning, or a date) to a run, and opens the store as of that run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from models.errors import ConfigurationError
from models.run import RunRecord, in_effect
from pipelines.archive.archive import Archive, effective, read_records
from pipelines.archive.store import StoreReader
from pipelines.disk.layout import Layout


@dataclass(frozen=True, slots=True)
class Opened:
    """An archive as of `run`: a lenient reader of the runs in effect then. `newest` is the last run of the archive."""

    reader: StoreReader
    run: RunRecord
    newest: RunRecord


def open_as_of(layout: Layout, text: str | None, *, with_undone: bool = False) -> Opened:
    """Open an archive as of the run that `text` names (None: the newest run).

    `text` names a run in effect; with `with_undone` also one that a rollback has undone. An unreadable commit record is
    skipped and added to the reader's `damage`. Raises ConfigurationError when no run matches, and FixityError and
    StoreError as `Archive.open` does.
    """
    archive = Archive.open(layout)
    runs, damage = read_records(layout)
    count_now = effective(runs)
    run = _undone(runs, count_now, text) or run_as_of(count_now, text)
    if run not in count_now and not with_undone:
        raise ConfigurationError(f"run {run.run_id} was undone by a rollback: use it with --undone")
    if run.status == "removed":
        raise ConfigurationError(f"run {run.run_id} was undone, and `extract gc` has removed its files")
    if run.status == "lost":
        raise ConfigurationError(f"run {run.run_id} was lost: nothing of it is left; see `extract verify`")
    reader = StoreReader(layout, in_effect(runs, run.run_id), archive.seed, lenient=True, others=runs)
    reader.damage |= {one.path: f"{one.path} {one.problem}" for one in damage if not one.mended}
    return Opened(reader, run, runs[-1])


def _undone(runs: Sequence[RunRecord], count_now: Sequence[RunRecord], text: str | None) -> RunRecord | None:
    """Return the run that `text` names if it is undone, else None."""
    named = [run for run in runs if text and run.run_id.startswith(text)]
    return named[0] if len(named) == 1 and named[0] not in count_now else None


def run_as_of(runs: Sequence[RunRecord], text: str | None) -> RunRecord:
    """Return the run that `text` names: a run_id or its beginning, or the newest run that started at or before a date.

    A date is ISO 8601, in UTC unless it has an offset; one without a time means the end of that day. None means the
    newest run. Raises ConfigurationError when no run matches.
    """
    if not runs:
        raise ConfigurationError("no run has been committed yet; `extract run` makes one")
    if text is None:
        return runs[-1]
    named = [run for run in runs if run.run_id.startswith(text)] if text else []
    if len(named) == 1:
        return named[0]
    instant = _instant(text)
    if instant is None:
        raise ConfigurationError(_why_none(runs, named, text))
    earlier = [run for run in runs if datetime.fromisoformat(run.started_at) <= instant]
    if not earlier:
        first = f"{datetime.fromisoformat(runs[0].started_at):%Y-%m-%d %H:%M:%S}"
        raise ConfigurationError(f"no run had started by {instant:%Y-%m-%d %H:%M:%S} UTC; the first is of {first} UTC")
    return earlier[-1]


def _instant(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=UTC)
        if "T" not in text and " " not in text:
            instant += timedelta(days=1, microseconds=-1)
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _why_none(runs: Sequence[RunRecord], named: Sequence[RunRecord], text: str) -> str:
    if named:
        return f"{len(named)} runs begin with {text}: {', '.join(run.run_id for run in named[:3])}, …"
    newest = ", ".join(run.run_id for run in reversed(runs[-3:]))
    return f"{text!r} is neither a committed run nor a date like 2026-01-31 or 2026-01-31T09:30; the newest: {newest}"
