"""Runs scheduled by the operating system, without Prefect: finds the scheduler of this machine, describes the job for
it, and checks whether the scheduled runs took place.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from models.errors import ConfigurationError, ExitCode
from pipelines.archive.archive import read_runs
from pipelines.archive.homes import KnownHome, read_homes
from pipelines.archive.known_copies import read_known_copies
from pipelines.copies.places import is_url
from pipelines.disk.layout import Layout
from pipelines.lake.known import read_lakes
from pipelines.run.pipeline import exit_code_of
from pipelines.run.request import HOMES_VARIABLE, usual_homes
from pipelines.schedule.cron import Cron
from pipelines.schedule.launchd import Launchd
from pipelines.schedule.systemd import Systemd
from pipelines.schedule.timer import Job, Scheduler, Timetable
from pipelines.schedule.windows import WindowsTask

SCHEDULERS: Final = ("systemd", "launchd", "cron", "windows")
"""The names of schedulers for the option `--system`."""


class NoScheduler(ConfigurationError):
    """The machine has none of the known schedulers. The caller prints the command for the user's own scheduler."""


def scheduler(wanted: str | None, user: Path, environment: Mapping[str, str]) -> Scheduler:
    """Return the scheduler named `wanted`, or without it the one of this machine: launchd on macOS, the Task Scheduler
    on Windows, elsewhere the user manager of systemd where one runs, else cron. `user` is the user's own directory.

    Raises NoScheduler when the machine has none, ConfigurationError for an unknown name.
    """
    name = wanted or _of_this_machine(environment)
    if name == "systemd":
        return Systemd(Path(environment.get("XDG_CONFIG_HOME") or user / ".config") / "systemd" / "user")
    if name == "launchd":
        return Launchd(user / "Library" / "LaunchAgents", user / "Library" / "Logs")
    if name == "cron":
        return Cron()
    if name == "windows":
        return WindowsTask()
    raise ConfigurationError(f"unknown scheduler {name!r}; use one of {', '.join(SCHEDULERS)}")


def _of_this_machine(environment: Mapping[str, str]) -> str:
    if sys.platform == "darwin":
        return "launchd"
    if sys.platform == "win32":
        return "windows"
    runtime = environment.get("XDG_RUNTIME_DIR")
    if runtime and Path(runtime, "systemd", "private").exists():
        return "systemd"
    if shutil.which("crontab"):
        return "cron"
    raise NoScheduler(
        "this machine has neither a user manager of systemd nor cron; let another scheduler call `extract run`"
    )


def job_for(
    layout: Layout,
    timetable: Timetable,
    environment: Mapping[str, str],
    on_alert: str | None = None,
    *,
    push: bool = False,
) -> Job:
    """Return the job that a schedule starts: an unattended run over every home that the archive knows and the usual
    homes of this machine, as the environment variables of this process name them. `on_alert` is the user's command;
    `push`: each run ends with a push to every lake. Raises FixityError or StoreError if it is not known which copies
    and lakes are in use.
    """
    kept = {name: environment[name] for name in (HOMES_VARIABLE,) if environment.get(name)}
    known = [Path(home.root) for home in read_homes(layout).values() if home.is_read]
    homes = dict.fromkeys(path.absolute() for path in (*known, *usual_homes(environment)))
    # -P: otherwise a directory `models` in the working directory would be imported in place of the package.
    command = (sys.executable, "-P", "-m", "pipelines", "--data", os.fspath(layout.root), "run", "--unattended")
    announced = ("--on-alert", on_alert) if on_alert is not None else ()
    pushed = ("--push",) if push else ()
    places = [*(copy.place for copy in read_known_copies(layout)), *(lake.place for lake in read_lakes(layout))]
    is_online = any(map(is_url, places))
    return Job((*command, *announced, *pushed), timetable, layout.root, list(homes), kept, is_online)


@dataclass(frozen=True, slots=True)
class LastRead:
    """When a home was last read (UTC), how that run ended, and whether that is too long ago for the timetable."""

    home: KnownHome
    run_id: str | None
    read_at: datetime | None
    exit_code: ExitCode | None
    is_overdue: bool


def last_reads(layout: Layout, timetable: Timetable | None, now: datetime) -> list[LastRead]:
    """Return for each home that runs read when it was last read, as of `now` (UTC). Raises StoreError or FixityError if
    the archive cannot be read.
    """
    runs = {home_id: run for run in read_runs(layout) for home_id in run.homes}
    found = []
    for home_id, home in sorted(read_homes(layout).items()):
        if not home.is_read:
            continue
        run = runs.get(home_id)
        read_at = datetime.fromisoformat(run.finished_at or run.started_at).astimezone(UTC) if run else None
        is_overdue = timetable is not None and (read_at is None or now - read_at > timetable.late_after)
        code = exit_code_of(run) if run else None
        found.append(LastRead(home, run.run_id if run else None, read_at, code, is_overdue))
    return found


def allowed_days(user: Path, environment: Mapping[str, str]) -> int | None:
    """Return the days without a run that the schedule installed on this machine allows, None without one."""
    try:
        timetable = scheduler(None, user, environment).timetable()
    except NoScheduler:
        return None
    return timetable.late_after.days if timetable is not None else None
