"""`extract schedule`: sets up runs by the operating system's scheduler, and shows whether they happened."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from models.amounts import moment
from models.errors import ExitCode
from models.json import JsonObject
from pipelines.cli.alerting import OnAlert
from pipelines.cli.confirm import Yes, confirm
from pipelines.cli.console import say, say_json, say_wrapped
from pipelines.cli.options import AsJson, Data, command, layout_of
from pipelines.schedule.native import SCHEDULERS, LastRead, NoScheduler, job_for, last_reads, scheduler
from pipelines.schedule.timer import Timetable

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)

System = Annotated[
    str | None,
    typer.Option(metavar="NAME", help=f"{', '.join(SCHEDULERS)}. Default: the scheduler of this machine."),
]

_WHY_DAILY = (
    "Daily runs are recommended: Claude Code deletes old files, and whole homes have been lost by accident; files that "
    "no run has read by then are gone. A run that finds nothing new takes a second."
)


@app.callback()
def schedule() -> None:
    """Run regularly, by the operating system's scheduler."""


@app.command()
def install(
    weekly: Annotated[bool, typer.Option("--weekly/--daily", help="Every Sunday, or every day (recommended).")] = False,
    at: Annotated[str, typer.Option(metavar="HH:MM", help="The local time of day.")] = "04:00",
    system: System = None,
    on_alert: OnAlert = None,
    push: Annotated[bool, typer.Option("--push", help="End each run with a push to every lake in use.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the files to be written; write nothing.")] = False,
    yes: Yes = False,
    data: Data = None,
) -> None:
    """Run every day, or every week, over all known homes.

    Shows the files to be written, and asks. Each run then checks a share of the archive and syncs its copies. Runs
    have low priority, and no network access unless a copy or a lake needs it. After a missed run, the next one starts
    when the machine is on again.
    """
    layout = layout_of(data)
    chosen = scheduler(system, Path.home(), os.environ)
    timetable = Timetable.parse("week" if weekly else "day", at)
    job = job_for(layout, timetable, os.environ, on_alert, push=push)
    say(chosen.shown(job))
    say_wrapped(_WHY_DAILY)
    if dry_run:
        return
    before = chosen.timetable()
    if before:
        say(f"This replaces a schedule that runs {before.sentence}.")
    if not yes:
        confirm(f"Make {chosen.name} run this {timetable.sentence}?")
    chosen.install(job)
    say(
        f"{chosen.name} runs it {timetable.sentence}; next: {_local(timetable.next_after(datetime.now().astimezone()))}"
    )
    say(f"to see whether the runs happen: {command('schedule status', data)}")


@app.command()
def status(system: System = None, data: Data = None, as_json: AsJson = False) -> None:
    """Show the next run, the last results, and overdue homes.

    The exit code is 1 if a home has not been read for longer than the schedule allows.
    """
    layout = layout_of(data)
    name, timetable = _installed(system)
    reads = last_reads(layout, timetable, datetime.now(UTC))
    following = timetable.next_after(datetime.now().astimezone()) if timetable else None
    if as_json:
        say_json(_as_json(name, timetable, following, reads))
    else:
        if timetable and following:
            say(f"{name}: {timetable.sentence}; next run: {_local(following)}", is_bold=True)
        else:
            say(f"No schedule is installed. To install one: {command('schedule install', data)}")
        for one in reads:
            say(_sentence(one))
    if any(one.is_overdue for one in reads):
        raise typer.Exit(ExitCode.UNEXPECTED)


def _installed(system: str | None) -> tuple[str | None, Timetable | None]:
    """Return the name of the scheduler and the installed timetable; (None, None) on a machine without a scheduler."""
    try:
        chosen = scheduler(system, Path.home(), os.environ)
    except NoScheduler:
        return None, None
    return chosen.name, chosen.timetable()


def _as_json(
    name: str | None, timetable: Timetable | None, following: datetime | None, reads: Sequence[LastRead]
) -> JsonObject:
    return {
        "scheduler": name,
        "schedule": timetable.sentence if timetable else None,
        "next_run_at": following.astimezone(UTC).isoformat() if following else None,
        "homes": [
            {
                "home_id": one.home.home_id,
                "run_id": one.run_id,
                "read_at": one.read_at.isoformat() if one.read_at else None,
                "exit_code": int(one.exit_code) if one.exit_code is not None else None,
                "is_overdue": one.is_overdue,
            }
            for one in reads
        ],
    }


@app.command()
def remove(system: System = None) -> None:
    """Stop the scheduled runs and delete what `install` wrote. The archive stays."""
    chosen = scheduler(system, Path.home(), os.environ)
    was_there = chosen.timetable() is not None
    chosen.remove()
    say("The schedule was removed." if was_there else "No schedule was installed.")


def _sentence(one: LastRead) -> str:
    late = "OVERDUE: " if one.is_overdue else ""
    if one.read_at is None or one.exit_code is None:
        return f"{late}home {one.home.shown} has never been read"
    return f"{late}home {one.home.shown}: last read {moment(one.read_at.isoformat())}, exit code {one.exit_code:d}"


def _local(start: datetime) -> str:
    return f"{start:%A %Y-%m-%d %H:%M} (local time)"
