"""Schedules runs by the user's crontab, where there is no user manager of systemd."""

import re
import shlex
from dataclasses import dataclass
from typing import Final

from pipelines.schedule.timer import NAME, Job, Timetable, call

_BEGIN: Final = f"# {NAME}: begin (written by `extract schedule`; it is replaced as a whole)"
_END: Final = f"# {NAME}: end"
_LINE: Final = re.compile(r"^(\d+) (\d+) \* \* (\*|0) ", re.MULTILINE)
_WAIT: Final = 300
"""Seconds after the start of the machine: it has other things to do first."""


@dataclass(frozen=True, slots=True)
class Cron:
    """The user's crontab. Lines of others in it are left as they are."""

    name: str = "cron"

    def block(self, job: Job) -> str:
        """Return the lines for the crontab. cron makes up for nothing: a second run starts with the machine."""
        command = " ".join(
            [
                *(f"{name}={shlex.quote(value)}" for name, value in job.environment.items()),
                "nice -n 19",
                shlex.join(job.command),
            ]
        ).replace("%", "\\%")  # cron takes a percent sign for a line end
        time = job.timetable
        day = "0" if time.every == "week" else "*"
        lines = [_BEGIN, f"{time.minute} {time.hour} * * {day} {command}", f"@reboot sleep {_WAIT}; {command}", _END]
        return "\n".join(lines) + "\n"

    def shown(self, job: Job) -> str:
        """Return the lines that are added to the crontab."""
        return f"# added to the crontab:\n{self.block(job)}"

    def install(self, job: Job) -> None:
        """Add the lines to the crontab, in place of earlier ones."""
        others = _without_ours(_crontab())
        call("crontab", "-", given=(others + self.block(job)).encode())

    def remove(self) -> None:
        """Take the lines out of the crontab."""
        before = _crontab()
        after = _without_ours(before)
        if after != before:
            call("crontab", "-", given=after.encode())

    def timetable(self) -> Timetable | None:
        """Return when the lines start runs."""
        _, begin, rest = _crontab().partition(_BEGIN)
        found = _LINE.search(rest.partition(_END)[0]) if begin else None
        return Timetable("week" if found[3] == "0" else "day", int(found[2]), int(found[1])) if found else None


def _crontab() -> str:
    """Return the user's crontab; an empty one where there is none, which `crontab` takes for a failure."""
    return call("crontab", "-l", may_fail=True).decode(errors="surrogateescape")


def _without_ours(crontab: str) -> str:
    others = re.sub(rf"{re.escape(_BEGIN)}\n.*?{re.escape(_END)}\n?", "", crontab, flags=re.DOTALL)
    return others if not others or others.endswith("\n") else others + "\n"
