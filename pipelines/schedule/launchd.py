"""Schedules runs by an agent of launchd, on macOS."""

import os
import plistlib
from dataclasses import dataclass
from pathlib import Path

from pipelines.schedule.timer import NAME, Job, Timetable, call, shown_files


@dataclass(frozen=True, slots=True)
class Launchd:
    """launchd, with the user's agents in `directory`; the output of runs is appended to a file in `logs`."""

    directory: Path
    logs: Path
    name: str = "launchd"

    @property
    def _agent(self) -> Path:
        return self.directory / f"{NAME}.plist"

    def files(self, job: Job) -> dict[Path, bytes]:
        """Return the agent's property list by path. launchd itself catches up on a start missed in sleep; RunAtLoad
        catches up on those missed while the machine was off, by a run at each login.
        """
        start = {"Hour": job.timetable.hour, "Minute": job.timetable.minute}
        agent = {
            "Label": NAME,
            "ProgramArguments": list(job.command),
            "EnvironmentVariables": dict(job.environment),
            "StartCalendarInterval": start | ({"Weekday": 0} if job.timetable.every == "week" else {}),
            "RunAtLoad": True,
            "ProcessType": "Background",
            "LowPriorityIO": True,
            "Nice": 19,
            "Umask": 0o077,
            "StandardOutPath": str(self.logs / f"{NAME}.log"),
            "StandardErrorPath": str(self.logs / f"{NAME}.log"),
        }
        return {self._agent: plistlib.dumps(agent, sort_keys=False)}

    def shown(self, job: Job) -> str:
        """Return the agent as text."""
        return shown_files(self.files(job))

    def install(self, job: Job) -> None:
        """Write the agent and load it."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self._unload()
        for path, content in self.files(job).items():
            path.write_bytes(content)
        call("launchctl", "bootstrap", self._domain(), str(self._agent))

    def remove(self) -> None:
        """Unload the agent and delete it."""
        self._unload()
        self._agent.unlink(missing_ok=True)

    def timetable(self) -> Timetable | None:
        """Return when the agent starts runs."""
        if not self._agent.exists():
            return None
        start = plistlib.loads(self._agent.read_bytes())["StartCalendarInterval"]
        return Timetable("week" if "Weekday" in start else "day", start["Hour"], start["Minute"])

    def _unload(self) -> None:
        call("launchctl", "bootout", f"{self._domain()}/{NAME}", may_fail=True)

    def _domain(self) -> str:
        return f"gui/{os.getuid() if hasattr(os, 'getuid') else 0}"
