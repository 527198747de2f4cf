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
"""Seconds between the start of the machine and the run, so that the run does not slow the start down."""


@dataclass(frozen=True, slots=True)
class Cron:
    """The user's crontab. All other lines in it are left unchanged."""

    name: str = "cron"

    def block(self, job: Job) -> str:
        """Return the lines for the crontab: the run by time, and one at each start, because cron skips missed times."""
        command = " ".join(
            [
                *(f"{name}={shlex.quote(value)}" for name, value in job.environment.items()),
                "nice -n 19",
                shlex.join(job.command),
            ]
        ).replace("%", "\\%")  # cron replaces a bare percent sign by a line end
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
        """Remove the lines from the crontab."""
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
    """Return the user's crontab, empty if there is none: `crontab -l` fails in that case."""
    return call("crontab", "-l", may_fail=True).decode(errors="surrogateescape")


def _without_ours(crontab: str) -> str:
    others = re.sub(rf"{re.escape(_BEGIN)}\n.*?{re.escape(_END)}\n?", "", crontab, flags=re.DOTALL)
    return others if not others or others.endswith("\n") else others + "\n"
