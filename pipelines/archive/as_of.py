"""Which run is meant by a run_id, by the beginning of one, or by a date; and the store as it stood at it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson

from models.errors import ConfigurationError, FixityError
from models.run import RunRecord, in_effect
from pipelines.archive.archive import Archive, effective
from pipelines.archive.store import StoreReader
from pipelines.disk.atomic import read_sealed
from pipelines.disk.layout import Layout


@dataclass(frozen=True, slots=True)
class Opened:
    """An archive as of `run`: a lenient reader of the runs that counted then. `newest` is the last run of all."""

    reader: StoreReader
    run: RunRecord
    newest: RunRecord


def open_as_of(layout: Layout, text: str | None, *, with_undone: bool = False) -> Opened:
    """Open an archive as of the run that `text` means.

    It means one of those that count now; `with_undone`, the id of one that a rollback has undone will do too. A commit
    record that cannot be read is left out and noted in the reader's `damage`. Raises ConfigurationError, FixityError
    and StoreError as `Archive.open`.
    """
    archive = Archive.open(layout)
    runs, damage = _readable_runs(layout)
    count_now = effective(runs)
    run = _undone(runs, count_now, text) or run_as_of(count_now, text)
    if run not in count_now and not with_undone:
        raise ConfigurationError(
            f"run {run.run_id} was undone by a rollback and does not count; --undone means it all the same"
        )
    if run.status == "removed":
        raise ConfigurationError(f"run {run.run_id} was undone and then removed: nothing is kept of it")
    reader = StoreReader(layout, in_effect(runs, run.run_id), archive.seed, lenient=True, others=runs)
    reader.damage |= damage
    return Opened(reader, run, runs[-1])


def _undone(runs: Sequence[RunRecord], count_now: Sequence[RunRecord], text: str | None) -> RunRecord | None:
    """Return the one run that `text` names, if that is an undone one."""
    named = [run for run in runs if text and run.run_id.startswith(text)]
    return named[0] if len(named) == 1 and named[0] not in count_now else None


def _readable_runs(layout: Layout) -> tuple[list[RunRecord], dict[str, str]]:
    """Return every run whose commit record can be read, in order, and what is wrong with the others."""
    runs, damage = [], {}
    for directory in sorted(layout.runs.iterdir()) if layout.runs.is_dir() else ():
        path = layout.commit_record(directory.name)
        if path.exists():
            try:
                runs.append(RunRecord.from_json(orjson.loads(read_sealed(path))))
            except (FixityError, ValueError, KeyError, TypeError, OSError) as error:
                damage[layout.relative(path)] = str(error)
    return sorted(runs, key=lambda run: run.epoch), damage


def run_as_of(runs: Sequence[RunRecord], text: str | None) -> RunRecord:
    """Return the run that `text` means: a run_id or its beginning; or the newest that began at or before a date.

    A date is ISO 8601, in UTC where it names no zone; one without a time means the end of that day. Without `text` it
    is the newest run. Raises ConfigurationError.
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
        raise ConfigurationError(f"there was no run by {instant:%Y-%m-%d %H:%M:%S} UTC; the first is of {first} UTC")
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
