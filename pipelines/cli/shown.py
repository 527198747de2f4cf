"""Formats values of the views for people: times, project names, the beginning of a text."""

from datetime import datetime
from pathlib import PurePosixPath

from pipelines.cli.looking import Named, amount, whole


def is_final(row: Named) -> bool:
    """Whether the cost of a row is exact: all token counts are final, and every billed part has a price."""
    share = amount(row["reliable_share"])
    return (share is None or share >= 1) and not whole(row["unpriced_part_count"])


def when(value: object) -> str:
    """Return a timestamp as local time to the minute; "-" for None."""
    return f"{value.astimezone():%Y-%m-%d %H:%M}" if isinstance(value, datetime) else "-"


def project_name(path: str) -> str:
    """Return the last part of a project's path, in POSIX or Windows form; "-" if it is empty."""
    return PurePosixPath(path.replace("\\", "/")).name or path or "-"


def one_line(words: str) -> str:
    """Return the first 500 characters of a text with each run of whitespace as one space; "-" if it is empty."""
    return " ".join(words[:500].split()) or "-"


def about_session(title: str, first_prompt: str) -> str:
    """Return the line about a session in a list: its title, else its first prompt."""
    return one_line(title or first_prompt or "(no prompt)")


def short_time(seconds: int) -> str:
    """Return a duration in seconds (below a minute), minutes, or hours and minutes."""
    if seconds < 60:
        return f"{seconds}s"
    minutes = round(seconds / 60)
    return f"{minutes}m" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02}"
