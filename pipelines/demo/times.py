"""Instants as Claude Code writes them: epoch milliseconds, and ISO-8601 in UTC with milliseconds and a Z."""

from datetime import UTC, datetime, timedelta
from functools import cache

DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@cache
def _date(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).strftime("%Y-%m-%d")


def date(ms: int) -> str:
    """Return the day of an instant in UTC, as 2026-08-14."""
    return _date(ms // DAY_MS)


def iso(ms: int) -> str:
    """Return an instant as 2026-08-14T18:00:00.000Z."""
    day, rest = divmod(ms, DAY_MS)
    seconds, thousandths = divmod(rest, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{_date(day)}T{hour:02}:{minute:02}:{second:02}.{thousandths:03}Z"


def at(day: str, hour: int = 9, minute: int = 0) -> int:
    """Return the epoch milliseconds of a time (UTC) on a day given as 2026-08-14."""
    moment = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC, hour=hour, minute=minute)
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def parse(text: str) -> int:
    """Return the epoch milliseconds of an instant written as `iso` writes it."""
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(milliseconds=1)
