"""The job that every scheduler of an operating system gets: a run of `extract` at a time of day, daily or weekly."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal, Protocol

from models.errors import ConfigurationError

Every = Literal["day", "week"]

NAME: Final = "claude-extract"
"""The name of the job in every scheduler; each user of a machine can have one."""
DESCRIPTION: Final = "Archive the files of Claude Code before it deletes them"
SUNDAY: Final = 6
"""Sunday in the numbering of `datetime.weekday`."""


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
            raise ConfigurationError(f"{at!r} is not a time of day; write it as HH:MM, for example 04:00")
        return cls(every, int(hour), int(minute))

    @property
    def sentence(self) -> str:
        """The timetable in words."""
        day = "every day" if self.every == "day" else "every Sunday"
        return f"{day} at {self.hour:02}:{self.minute:02}"

    @property
    def late_after(self) -> timedelta:
        """The age of the last run from which it is late: the interval plus one day, since a machine may be off."""
        return timedelta(days=2) if self.every == "day" else timedelta(days=8)

    def next_after(self, now: datetime) -> datetime:
        """Return the first start after `now`, a local time."""
        start = now.replace(hour=self.hour, minute=self.minute, second=0, microsecond=0)
        while start <= now or (self.every == "week" and start.weekday() != SUNDAY):
            start += timedelta(days=1)
        return start


@dataclass(frozen=True, slots=True)
class Job:
    """A scheduled run: the program with its arguments, its timetable, the archive that it writes, the homes that it
    reads, the environment variables that it needs besides those that every process of the user has, and whether it
    `is_online`: a copy of the archive is on another machine.
    """

    command: Sequence[str]
    timetable: Timetable
    data: Path
    homes: Sequence[Path] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    is_online: bool = False

    def __post_init__(self) -> None:
        """Raise ConfigurationError for characters that the files of schedulers cannot contain: line ends and NUL."""
        for text in (*self.command, str(self.data), *map(str, self.homes), *self.environment.values()):
            if any(character in text for character in "\n\r\0"):
                raise ConfigurationError(f"{text!r} cannot be written into a schedule: it contains a line end")


class Scheduler(Protocol):
    """A scheduler of an operating system. Methods raise ConfigurationError, with the scheduler's message, if it
    refuses.
    """

    @property
    def name(self) -> str:
        """Its name for people."""

    def shown(self, job: Job) -> str:
        """Return the text of every file that `install` would write, each after its path."""

    def install(self, job: Job) -> None:
        """Write the schedule and start it; replaces an earlier one."""

    def remove(self) -> None:
        """Stop the schedule and delete its files; does nothing if none is installed."""

    def timetable(self) -> Timetable | None:
        """Return the timetable of the installed schedule, None if none is installed."""


def call(*command: str, given: bytes | None = None, may_fail: bool = False) -> bytes:
    """Call a program of the operating system with `given` on its standard input, and return its output. Raises
    ConfigurationError if it is missing, or if it fails and not `may_fail`.
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
    """Return files as text, each after its path."""
    return "\n".join(f"# {path}\n{content.decode()}" for path, content in files.items())
