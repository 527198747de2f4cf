"""The differences between the transcripts of Claude Code's versions, in one place."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

from pipelines.demo.times import at

Usage = Literal["early", "placeholder", "last", "last_with_stop", "final"]
Subagents = Literal["inline", "beside", "folder"]

RELEASES = (
    ("1.0.17", "2025-06-12"),
    ("1.0.98", "2025-09-02"),
    ("1.0.126", "2025-09-24"),
    ("2.0.0", "2025-10-01"),
    ("2.0.15", "2025-10-15"),
    ("2.0.21", "2025-10-18"),
    ("2.0.28", "2025-10-28"),
    ("2.0.76", "2025-12-30"),
    ("2.1.2", "2026-01-09"),
    ("2.1.12", "2026-01-17"),
    ("2.1.19", "2026-01-24"),
    ("2.1.23", "2026-01-28"),
    ("2.1.27", "2026-01-31"),
    ("2.1.29", "2026-02-02"),
    ("2.1.31", "2026-02-05"),
    ("2.1.39", "2026-02-12"),
    ("2.1.44", "2026-02-18"),
    ("2.1.59", "2026-02-26"),
    ("2.1.61", "2026-03-03"),
    ("2.1.70", "2026-03-10"),
    ("2.1.78", "2026-03-20"),
    ("2.1.96", "2026-04-09"),
    ("2.1.112", "2026-04-27"),
    ("2.1.121", "2026-05-02"),
    ("2.1.138", "2026-05-12"),
    ("2.1.158", "2026-05-29"),
    ("2.1.173", "2026-06-09"),
    ("2.1.177", "2026-06-13"),
    ("2.1.217", "2026-07-26"),
    ("2.1.222", "2026-08-02"),
    ("2.1.229", "2026-08-09"),
    ("2.1.232", "2026-08-13"),
)
NOW = at("2026-08-16", 18)


@dataclass(frozen=True)
class Traits:
    """The traits in which one version's transcripts differ from those of other versions."""

    version: str
    released: int
    number: tuple[int, ...]
    usage: Usage
    subagent_usage: Usage
    subagents: Subagents
    agent_digits: int
    debug: Literal["", "plain", "timed"]

    def since(self, *number: int) -> bool:
        """Return whether this version is the given one or newer."""
        return self.number >= number

    def within(self, first: tuple[int, ...], last: tuple[int, ...]) -> bool:
        """Return whether this version is between two versions, both included."""
        return first <= self.number <= last

    @property
    def is_envelope_first(self) -> bool:
        """Whether the envelope's fields precede those of the message."""
        return not self.since(2, 1, 71)

    @property
    def has_progress(self) -> bool:
        """Whether records of type `progress` are written."""
        return self.within((2, 1, 9), (2, 1, 71))

    @property
    def has_slug(self) -> bool:
        """Whether records carry the name of the plan."""
        return self.within((2, 1, 5), (2, 1, 173))

    @property
    def has_file_history(self) -> bool:
        """Whether files are backed up before they are changed."""
        return self.since(2, 0)

    @property
    def has_tasks(self) -> bool:
        """Whether the task tools have replaced TodoWrite."""
        return self.since(2, 1, 16)


def _usage(number: tuple[int, ...]) -> tuple[Usage, Usage]:
    """Return how a version fills `output_tokens`, in main transcripts and in those of subagents."""
    if number < (2, 1, 12):
        return "early", "early"
    if number < (2, 1, 31):
        return "placeholder", "placeholder"
    if number < (2, 1, 61):
        return "last", "placeholder"
    if number < (2, 1, 112):
        return "last_with_stop", "last_with_stop"
    return "final", "last_with_stop"


@cache
def traits(version: str) -> Traits:
    """Return the traits of a version; an unlisted one counts as newer than all listed ones."""
    number = tuple(map(int, version.split(".")))
    day = dict(RELEASES).get(version, "2026-08-14")
    main, sub = _usage(number)
    place: Subagents = "inline" if number < (2, 0, 29) else "beside" if number < (2, 1, 5) else "folder"
    digits = 8 if place == "beside" else 7 if number < (2, 1, 50) else 17
    timed: Literal["", "plain", "timed"] = "timed" if number < (2, 1, 79) else ""
    debug: Literal["", "plain", "timed"] = "plain" if (2,) <= number < (2, 0, 70) else timed if number >= (2,) else ""
    return Traits(version, at(day), number, main, sub, place, digits, debug)
