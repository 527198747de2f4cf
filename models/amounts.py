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
