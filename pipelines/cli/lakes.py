"""Pushes to several lakes for the command line: a lake that is away keeps no other one from being reached."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.amounts import duration, plural, size
from models.errors import ExitCode, ExtractError
from models.json import JsonObject
from models.observer import Observer
from pipelines.archive.archive import read_runs
from pipelines.archive.machines import read_units, this_machine, to_json
from pipelines.cli.console import say
from pipelines.disk.atomic import disk_errors
from pipelines.disk.layout import Layout
from pipelines.lake.known import KnownLake, chosen_lakes, keep_lake
from pipelines.lake.push import PushResult, push, waiting_for


@dataclass(frozen=True, slots=True)
class PushOutcome:
    """The end of a push to one lake: its result, or its error."""

    known: KnownLake
    result: PushResult | None = None
    error: ExtractError | None = None

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of a command that does this push alone."""
        return ExitCode(self.error.exit_code) if self.error is not None else ExitCode.VERIFIED

    def to_json(self) -> JsonObject:
        """Return the outcome as JSON values."""
        if self.result is not None:
            return self.result.to_json()
        return {"lake": self.known.to_json(), "error": str(self.error)}

    def show(self, *, quiet: bool) -> None:
        """Print it."""
        made = self.result
        if made is None:
            say(f"extract: {self.error}", stderr=True)
            return
        if quiet:
            return
        what = f"{plural(made.files, 'file')} with {size(made.size)} pushed" if made.files else "nothing is new"
        say(f"{self.known.place}: {what}, {duration(made.seconds)}", is_bold=True)
        if made.removed:
            say(f"{plural(made.removed, 'file')} deleted there, as here")
        if made.withheld_sessions:
            say(f"{plural(made.withheld_sessions, 'session')} withheld: `extract privacy list` says why")


def push_all(
    layout: Layout, lakes: Sequence[KnownLake], observer: Observer, *, why: str | None = None
) -> list[PushOutcome]:
    """Push to lakes and return how each push ended. Raises nothing for a lake that cannot be pushed to."""
    made = []
    for known in lakes:
        try:
            made.append(PushOutcome(known, result=push(layout, known, observer, why=why)))
        except ExtractError as error:
            with disk_errors():
                keep_lake(layout, replace(known, problem=str(error)))
            made.append(PushOutcome(known, error=error))
    return made


def status_of(layout: Layout) -> JsonObject:
    """Return the runs that are not pushed yet and since when, and the units, as JSON values. Connects to no lake."""
    machine, runs = this_machine(layout), read_runs(layout)
    lakes = chosen_lakes(layout, None)
    return {
        "machine": to_json(machine) if machine is not None else None,
        "lakes": [{**one.to_json(), "waiting": waiting_for(one, runs).to_json()} for one in lakes],
        "units": [one.to_json() for one in read_units(layout)],
    }
