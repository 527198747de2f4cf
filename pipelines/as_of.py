"""Which run is meant by a run_id, by the beginning of one, or by a date."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from models.errors import ConfigurationError
from models.run import RunRecord


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
