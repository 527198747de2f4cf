"""Schedules runs by a timer of systemd's user manager."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipelines.schedule.timer import DESCRIPTION, NAME, Job, Timetable, call, shown_files

_CALENDAR: Final = re.compile(r"^OnCalendar=(Sun )?\*-\*-\* (\d\d):(\d\d):00$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Systemd:
    """The user manager of systemd; `directory` is the directory of the user's units."""

    directory: Path
    name: str = "systemd"

    def files(self, job: Job) -> dict[Path, bytes]:
        """Return the two units: the run, and the timer that starts it."""
        return {
            self.directory / f"{NAME}.service": _service(job).encode(),
            self.directory / f"{NAME}.timer": _timer(job.timetable).encode(),
        }

    def shown(self, job: Job) -> str:
        """Return both units as text."""
        return shown_files(self.files(job))

    def install(self, job: Job) -> None:
        """Write the units and start the timer."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for path, content in self.files(job).items():
            path.write_bytes(content)
        call("systemctl", "--user", "daemon-reload")
        call("systemctl", "--user", "enable", "--now", f"{NAME}.timer")
        call("systemctl", "--user", "restart", f"{NAME}.timer")  # applies new times if the timer was running already

    def remove(self) -> None:
        """Stop the timer and delete the units."""
        call("systemctl", "--user", "disable", "--now", f"{NAME}.timer", may_fail=True)
        for kind in ("service", "timer"):
            (self.directory / f"{NAME}.{kind}").unlink(missing_ok=True)
        call("systemctl", "--user", "daemon-reload", may_fail=True)

    def timetable(self) -> Timetable | None:
        """Return when the timer starts runs."""
        unit = self.directory / f"{NAME}.timer"
        found = _CALENDAR.search(unit.read_text(encoding="utf-8")) if unit.exists() else None
        return Timetable("week" if found[1] else "day", int(found[2]), int(found[3])) if found else None


def _service(job: Job) -> str:
    lines = [
        "[Unit]",
        f"Description={DESCRIPTION}",
        "",
        "[Service]",
        "Type=oneshot",
        f"ExecStart={' '.join(map(_quoted, job.command))}",
        *(f"Environment={_quoted(f'{name}={value}')}" for name, value in job.environment.items()),
        "# Exit code 4 (entries in quarantine) is no failure: the entries are kept, and the report lists them.",
        "SuccessExitStatus=4",
        "Nice=19",
        "CPUSchedulingPolicy=batch",
        "IOSchedulingClass=idle",
        "UMask=0077",
        "NoNewPrivileges=yes",
        *([] if job.is_online else ["PrivateNetwork=yes", "RestrictAddressFamilies=AF_UNIX"]),
        *_read_only(job.homes),
        "",
    ]
    return "\n".join(lines)


def _read_only(homes: Iterable[Path]) -> list[str]:
    """Return the lines that make homes read-only for the service, so that not even a fault of the program can write to
    one. With the minus sign systemd ignores a home that does not exist.
    """
    return [f"ReadOnlyPaths={_quoted(f'-{home}')}" for home in homes]


def _timer(timetable: Timetable) -> str:
    day = "Sun " if timetable.every == "week" else ""
    return "\n".join(
        [
            "[Unit]",
            f"Description={DESCRIPTION}, {timetable.sentence}",
            "",
            "[Timer]",
            f"OnCalendar={day}*-*-* {timetable.hour:02}:{timetable.minute:02}:00",
            "# A run that was missed while the machine was off is done after its next start.",
            "Persistent=true",
            "RandomizedDelaySec=10min",
            "",
            "[Install]",
            "WantedBy=timers.target",
            "",
        ]
    )


def _quoted(text: str) -> str:
    """Return a word quoted for a unit file, with the characters doubled that systemd would replace."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'
