"""How values of the views are written for people: times, projects, the first words of a text."""

from datetime import datetime
from pathlib import PurePosixPath

from pipelines.cli.looking import Named, amount, whole


def is_final(row: Named) -> bool:
    """Whether the cost of a row is all of it: every figure is final, and every part has a price."""
    share = amount(row["reliable_share"])
    return (share is None or share >= 1) and not whole(row["unpriced_part_count"])


def when(value: object) -> str:
    """Return an instant as minutes of local time."""
    return f"{value.astimezone():%Y-%m-%d %H:%M}" if isinstance(value, datetime) else "-"


def project_name(path: str) -> str:
    """Return the last part of a project's path, whatever the system it is of."""
    return PurePosixPath(path.replace("\\", "/")).name or path or "-"


def one_line(words: str) -> str:
    """Return words with each stretch of white space as one space."""
    return " ".join(words[:500].split()) or "-"


def short_time(seconds: int) -> str:
    """Return a length of time in minutes or hours."""
    if seconds < 60:
        return f"{seconds}s"
    minutes = round(seconds / 60)
    return f"{minutes}m" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02}"
