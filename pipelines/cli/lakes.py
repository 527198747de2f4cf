"""Prints the results of pushes to lakes, and the data that waits for a push."""

from models.amounts import duration, plural, size
from models.json import JsonObject
from pipelines.archive.archive import read_runs
from pipelines.archive.machines import read_units, this_machine, to_json
from pipelines.cli.console import say
from pipelines.disk.layout import Layout
from pipelines.lake.every import PushOutcome
from pipelines.lake.known import chosen_lakes
from pipelines.lake.push import waiting_for


def show_push(outcome: PushOutcome, *, quiet: bool) -> None:
    """Print how a push ended; `quiet`: only its error."""
    made = outcome.result
    if made is None:
        say(f"extract: {outcome.error}", stderr=True)
        return
    if quiet:
        return
    what = f"{plural(made.files, 'file')} with {size(made.size)} pushed" if made.files else "nothing is new"
    say(f"{outcome.known.place}: {what}, {duration(made.seconds)}", is_bold=True)
    if made.removed:
        say(f"{plural(made.removed, 'file')} deleted there, as here")
    if made.withheld_sessions:
        say(f"{plural(made.withheld_sessions, 'session')} withheld: `extract privacy list` says why")


def status_of(layout: Layout) -> JsonObject:
    """Return the runs that are not pushed yet and since when, and the units, as JSON values. Connects to no lake."""
    machine, runs = this_machine(layout), read_runs(layout)
    lakes = chosen_lakes(layout, None)
    return {
        "machine": to_json(machine) if machine is not None else None,
        "lakes": [{**one.to_json(), "waiting": waiting_for(one, runs).to_json()} for one in lakes],
        "units": [one.to_json() for one in read_units(layout)],
    }
