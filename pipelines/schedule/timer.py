"""What every scheduler of an operating system is asked for: a run of `extract` at a time of day, by day or by week."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal, Protocol

from models.errors import ConfigurationError

Every = Literal["day", "week"]

NAME: Final = "claude-extract"
"""Under this name a scheduler knows the runs; there is one schedule for each user of a machine."""
DESCRIPTION: Final = "Archive what Claude Code keeps, before it deletes it"
SUNDAY: Final = 6
"""As `datetime.weekday` counts."""


@dataclass(frozen=True, slots=True)
class Timetable:
    """When runs start: every day, or every week on Sunday, at a local time of day."""

    every: Every
    hour: int
    minute: int

    @classmethod
    def parse(cls, every: Every, at: str) -> "Timetable":
        """Return the timetable for a time written as HH:MM. Raises ConfigurationError for anything else."""
        hour, sign, minute = at.partition(":")
        if not (sign and hour.isdecimal() and minute.isdecimal() and int(hour) < 24 and int(minute) < 60):
            raise ConfigurationError(f"{at!r} is no time of day; write it as HH:MM, for example 04:00")
        return cls(every, int(hour), int(minute))

    @property
    def sentence(self) -> str:
        """The timetable in words."""
        day = "every day" if self.every == "day" else "every Sunday"
        return f"{day} at {self.hour:02}:{self.minute:02}"

    @property
    def late_after(self) -> timedelta:
        """How old the last run may be: a day more than is between two runs, since a machine may be off for a while."""
        return timedelta(days=2) if self.every == "day" else timedelta(days=8)

    def next_after(self, now: datetime) -> datetime:
        """Return the first start after `now`, a local time."""
        start = now.replace(hour=self.hour, minute=self.minute, second=0, microsecond=0)
        while start <= now or (self.every == "week" and start.weekday() != SUNDAY):
            start += timedelta(days=1)
        return start


@dataclass(frozen=True, slots=True)
class Job:
    """A run by schedule: the program with its arguments, when it starts, the archive that it writes, the homes that it
    reads, and the variables that it needs besides those that every process of the user has.
    """

    command: Sequence[str]
    timetable: Timetable
    data: Path
    homes: Sequence[Path] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what the formats of schedulers cannot hold: line ends and NUL."""
        for text in (*self.command, str(self.data), *map(str, self.homes), *self.environment.values()):
            if any(character in text for character in "\n\r\0"):
                raise ConfigurationError(f"{text!r} cannot be written into a schedule: it has a line end in it")


class Scheduler(Protocol):
    """A scheduler of an operating system. What it refuses is raised as ConfigurationError, with its own words."""

    @property
    def name(self) -> str:
        """What people call it."""

    def shown(self, job: Job) -> str:
        """Return all that `install` would write, each file under its path."""

    def install(self, job: Job) -> None:
        """Write the schedule and start it, in place of an earlier one."""

    def remove(self) -> None:
        """Stop the schedule and delete what was written; does nothing where there is none."""

    def timetable(self) -> Timetable | None:
        """Return when the installed schedule starts runs; None where none is installed."""


def call(*command: str, given: bytes | None = None, may_fail: bool = False) -> bytes:
    """Call a program of the operating system with `given` on its standard input, and return what it printed. Raises
    ConfigurationError when it is not there, or fails and must not.
    """
    try:
        done = subprocess.run(command, input=given, capture_output=True, check=False)
    except OSError as error:
        raise ConfigurationError(f"{command[0]} cannot be called: {error.strerror}") from error
    if done.returncode and not may_fail:
        said = (done.stderr or done.stdout).decode(errors="backslashreplace").strip()
        raise ConfigurationError(f"{' '.join(command)} ended with {done.returncode}: {said}")
    return done.stdout


def shown_files(files: Mapping[Path, bytes]) -> str:
    """Return files as text, each under its path."""
    return "\n".join(f"# {path}\n{content.decode()}" for path, content in files.items())
