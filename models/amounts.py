"""Formats counts, sizes, durations and instants for people."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime


def count(number: int) -> str:
    """Return a number with thousands separators, as `1,234`."""
    return f"{number:,}"


def size(number: int) -> str:
    """Return a number of bytes in decimal units, as `1.2 MB`."""
    if number < 1000:
        return f"{number} B"
    amount = float(number)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:,.1f} TB"


def compact(number: int | None) -> str:
    """Return a count in at most five characters, as 950, 12.3k or 4.5M; `-` where it is not known."""
    if number is None:
        return "-"
    if number < 1000:
        return str(number)
    amount = float(number)
    for unit in ("k", "M", "G"):
        amount /= 1000
        if amount < 99.95:
            return f"{amount:.1f}{unit}"
        if amount < 999.5:
            return f"{amount:.0f}{unit}"
    return f"{amount / 1000:.1f}T"


def dollars(amount: float | None, *, is_exact: bool = True) -> str:
    """Return an amount of US dollars, with `~` before one that is not final; `-` where it is not known."""
    if amount is None:
        return "-"
    return f"{'' if is_exact else '~'}${amount:,.2f}"


def duration(seconds: float) -> str:
    """Return a duration in seconds as `2.3 s`, `5 min 03 s` or `1 h 20 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def moment(instant: str | None) -> str:
    """Return an instant in ISO 8601 as `2026-08-14 18:00 UTC`; `-` for None."""
    if instant is None:
        return "-"
    return f"{datetime.fromisoformat(instant).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def plural(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun, as `1 file` or `2 files`; `many` is an irregular plural."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def listed(counts: Mapping[str, int], show: Callable[[int], str] = count) -> str:
    """Return counts in one line, as `3 intact, 1 missing`, without zeros; `none` if all are zero."""
    return ", ".join(f"{show(number)} {name}" for name, number in counts.items() if number) or "none"
