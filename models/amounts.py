"""Numbers as people read them: counts, sizes, durations, instants."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime


def count(number: int) -> str:
    """Return a number with its thousands set apart."""
    return f"{number:,}"


def size(number: int) -> str:
    """Return a number of bytes for people, in units of a thousand."""
    if number < 1000:
        return f"{number} B"
    amount = float(number)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:,.1f} TB"


def duration(seconds: float) -> str:
    """Return a length of time for people."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def moment(instant: str | None) -> str:
    """Return an instant in ISO 8601 as minutes of UTC; `-` when there is none."""
    if instant is None:
        return "-"
    return f"{datetime.fromisoformat(instant).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def plural(number: int, one: str, many: str | None = None) -> str:
    """Return a number with the word for that many things."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def listed(counts: Mapping[str, int], show: Callable[[int], str] = count) -> str:
    """Return counts in one line, zeros left out."""
    return ", ".join(f"{show(number)} {name}" for name, number in counts.items() if number) or "none"
