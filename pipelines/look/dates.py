"""Dates as people write them: `yesterday`, `last week`, `3 days ago`, `2026-03`, `12 march 2026`, `2026-03-01 14:30`.

Each names a period: `--since` takes its start, `--until` its end. Days are those of the machine's time zone.
"""

import re
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from models.errors import ConfigurationError

_UNITS: Final = ("minute", "hour", "day", "week", "month", "year")
_SHORT: Final = {"min": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year"}
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_AGO: Final = re.compile(r"(\d{1,5}|an?)\s*([a-z]+?)s?(?:\s+ago)?")
_RELATIVE: Final = re.compile(r"(this|last)\s+([a-z]+)")
_LAST_SOME: Final = re.compile(r"(?:the\s+)?(?:last|past)\s+(\d{1,5})\s*([a-z]+?)s?")
_DATE: Final = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_MONTH_FIRST: Final = re.compile(r"([a-z]{3,9})(?:\s+(\d{1,2})(?:st|nd|rd|th)?)?(?:,?\s+(\d{4}))?")
_DAY_FIRST: Final = re.compile(r"(\d{1,2})(?:st|nd|rd|th|\.)?\s+([a-z]{3,9})(?:,?\s+(\d{4}))?")


class Period(NamedTuple):
    """A period from `start` to `end`, exclusive; both have the machine's time zone."""

    start: datetime
    end: datetime


def period(text: str, now: datetime | None = None) -> Period:
    """Return the period that a text names relative to `now` (with a time zone; default: the current time).

    Raises ConfigurationError, with examples, if the text names none.
    """
    at = now or datetime.now().astimezone()
    words = " ".join(text.lower().split())
    for read in (_named, _relative, _ago, _calendar, _instant):
        try:
            if found := read(words, at):
                return found
        except (ValueError, OverflowError):  # the 31st of February, a million years ago
            break
    raise ConfigurationError(
        f"{text!r} is no date. Examples: today, yesterday, monday, last week, 3 days ago, 2026-03, 2026-03-01, "
        "12 march, 2026-03-01 14:30"
    )


def _named(words: str, now: datetime) -> Period | None:
    if words == "now":
        return Period(now, now)
    if words in ("today", "yesterday"):
        return _span("day", now, 1 if words == "yesterday" else 0)
    day = words.removeprefix("last ").removeprefix("on ")
    if day in _WEEKDAYS:
        back = (now.weekday() - _WEEKDAYS.index(day)) % 7
        return _span("day", now, back or (7 if words.startswith("last ") else 0))
    return None


def _relative(words: str, now: datetime) -> Period | None:
    if (found := _LAST_SOME.fullmatch(words)) and (unit := _unit(found[2])):
        return Period(_back(unit, now, int(found[1])), now)
    if (found := _RELATIVE.fullmatch(words)) and (unit := _unit(found[2])):
        return _span(unit, now, 1 if found[1] == "last" else 0)
    return None


def _ago(words: str, now: datetime) -> Period | None:
    found = _AGO.fullmatch(words)
    if not found or not (unit := _unit(found[2])):
        return None
    number = int(found[1]) if found[1].isdigit() else 1
    at = _back(unit, now, number)
    # "3 hours ago" is an instant, "3 days ago" a whole day.
    return Period(at, at) if unit in ("minute", "hour") else _span("day", at, 0)


def _calendar(words: str, now: datetime) -> Period | None:
    if found := _DATE.fullmatch(words):
        year, month, day = (int(part) if part else None for part in found.groups())
        return _dated(year or 0, month, day)
    if (found := _MONTH_FIRST.fullmatch(words)) and (month := _month(found[1])):
        return _latest(month, found[2], found[3], now)
    if (found := _DAY_FIRST.fullmatch(words)) and (month := _month(found[2])):
        return _latest(month, found[1], found[3], now)
    return None


def _instant(words: str, _: datetime) -> Period | None:
    at = datetime.fromisoformat(words.upper())
    at = at.astimezone()
    return Period(at, at + timedelta(minutes=1) if at.second == 0 else at + timedelta(seconds=1))


def _latest(month: int, day: str | None, year: str | None, now: datetime) -> Period:
    """Return the period of a date; without a year, the most recent one that has begun."""
    found = _dated(int(year) if year else now.year, month, int(day) if day else None)
    if year is None and found.start > now:
        return _dated(now.year - 1, month, int(day) if day else None)
    return found


def _dated(year: int, month: int | None, day: int | None) -> Period:
    start = _local(year, month or 1, day or 1)
    return _span("day" if day else "month" if month else "year", start, 0)


def _span(unit: str, now: datetime, back: int) -> Period:
    """Return the calendar unit that contains `now`, or the one `back` units before."""
    start = _start(unit, _back(unit, _start(unit, now), back))
    # Two days are more than the longest day and less than the shortest unit after it.
    longest = {"minute": 1 / 1440, "hour": 1 / 24, "day": 1.5, "week": 8, "month": 33, "year": 370}[unit]
    return Period(start, _start(unit, start + timedelta(days=longest)))


def _start(unit: str, at: datetime) -> datetime:
    if unit in ("minute", "hour"):
        return at.replace(second=0, microsecond=0, minute=at.minute if unit == "minute" else 0)
    day = _local(at.year, at.month, at.day)
    match unit:
        case "week":
            earlier = day - timedelta(days=day.weekday())
            return _local(earlier.year, earlier.month, earlier.day)
        case "month":
            return _local(at.year, at.month, 1)
        case "year":
            return _local(at.year, 1, 1)
        case _:
            return day


def _back(unit: str, at: datetime, number: int) -> datetime:
    if unit in ("month", "year"):
        months = at.year * 12 + at.month - 1 - number * (12 if unit == "year" else 1)
        first = _local(months // 12, months % 12 + 1, 1)
        last_day = (_start("month", first + timedelta(days=33)) - timedelta(hours=12)).day
        return _local(first.year, first.month, min(at.day, last_day)).replace(hour=at.hour, minute=at.minute)
    if unit in ("day", "week"):  # by the calendar: a day may have 23 or 25 hours
        earlier = at.replace(tzinfo=None) - timedelta(days=number * (7 if unit == "week" else 1))
        return earlier.astimezone()
    return at - timedelta(minutes=number * (60 if unit == "hour" else 1))


def _local(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day).astimezone()


def _unit(word: str) -> str | None:
    return word if word in _UNITS else _SHORT.get(word)


def _month(word: str) -> int | None:
    return next((number for number, name in enumerate(_MONTHS, 1) if len(word) >= 3 and name.startswith(word)), None)
