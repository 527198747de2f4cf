"""`extract lake`: machines share their committed runs."""

import shlex
from typing import Annotated

import typer

from models.amounts import duration, moment, plural, size
from models.errors import ExitCode, ExtractError
from models.json import JsonValue
from pipelines.archive.archive import read_runs
from pipelines.archive.machines import read_units, this_machine
from pipelines.cli.confirm import Yes, confirm
from pipelines.cli.console import Heading, say, say_json, say_table
from pipelines.cli.findings import show_findings
from pipelines.cli.lakes import show_push, status_of
from pipelines.cli.options import AsJson, Data, Quiet, command, layout_of
from pipelines.cli.progress import showing
from pipelines.disk.atomic import disk_errors
from pipelines.lake.every import push_all
from pipelines.lake.known import KnownLake, chosen_lakes, drop_lake, init_lake, using_lakes
from pipelines.lake.pull import PullResult, drop_unit, pull
from pipelines.lake.push import Waiting, waiting_for
from pipelines.lake.registry import registry, withdraw

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)

Place = Annotated[
    str, typer.Argument(metavar="DEST", help="A directory or a share, s3://BUCKET/PREFIX, gs://… or az://….")
]
KnownPlace = Annotated[
    str | None, typer.Argument(metavar="[DEST]", help="The lake. Default: all that are used.", show_default=False)
]
Why = Annotated[str | None, typer.Option("--why", metavar="TEXT", help="Why; the audit log keeps it.")]


@app.callback()
def lake() -> None:
    """Share archives between machines, through one place."""


@app.command()
def init(
    dest: Place,
    level: Annotated[
        str | None,
        typer.Option("--level", metavar="LEVEL", help="The readers: private (your own machines), team or public."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="The name of this machine in lakes.")
    ] = None,
    auto: Annotated[bool, typer.Option("--auto", help="Let every run end with a push to it.")] = False,
    data: Data = None,
) -> None:
    """Make a new lake at a place, or join the lake there.

    Nothing is pushed yet. A private lake gets everything, byte for byte; one for a team or the public only the sessions
    that a rule of privacy gives to them (extract privacy), with secrets and personal data masked.
    """
    known, machine = init_lake(layout_of(data), dest, level=level, name=name, is_automatic=auto)
    say(f"{known.place} is a lake of level {known.level}; this machine is {machine.shown}")
    say(f"next: {command(f'lake push {shlex.quote(known.place)}', data)}")


@app.command("push")
def push_command(
    dest: KnownPlace = None, why: Why = None, data: Data = None, as_json: AsJson = False, quiet: Quiet = False
) -> None:
    """Push the runs that were committed since the last push.

    Continues where it was stopped. No file there is ever changed, and no two machines write the same one. Ends with 12
    if a lake cannot be reached: the next push sends the rest.
    """
    layout = layout_of(data)
    with showing(shown=not (as_json or quiet)) as observer:
        outcomes = push_all(layout, chosen_lakes(layout, dest), observer, why=why)
    code = max((one.exit_code for one in outcomes), default=ExitCode.VERIFIED)
    if as_json:
        say_json({"exit_code": int(code), "lakes": [one.to_json() for one in outcomes]})
    for one in outcomes if not as_json else ():
        show_push(one, quiet=quiet)
    if code:
        raise typer.Exit(code)


@app.command("pull")
def pull_command(
    dest: KnownPlace = None, why: Why = None, data: Data = None, as_json: AsJson = False, quiet: Quiet = False
) -> None:
    """Pull the runs that other machines have pushed.

    Adds them to the warehouse. Before a file counts, its digest, size, columns and number of rows are compared with its
    record; a run that fails is named and left out, and the runs pulled before stay. In the warehouse a home of another
    machine is called home@machine. Ends with 3 for damage, with 1 for other findings, with 12 if a lake cannot be
    reached.
    """
    layout = layout_of(data)
    code = ExitCode.VERIFIED
    made: list[JsonValue] = []
    for known in chosen_lakes(layout, dest):
        try:
            with showing(shown=not (as_json or quiet)) as observer:
                result = pull(layout, known, observer, why=why)
        except ExtractError as error:
            code = max(code, ExitCode(error.exit_code))
            made.append({"lake": known.to_json(), "error": str(error)})
            say(f"extract: {error}", stderr=True)
            continue
        code = max(code, result.exit_code)
        made.append(result.to_json())
        if not as_json:
            _show_pull(result, quiet=quiet)
    if as_json:
        say_json({"exit_code": int(code), "lakes": made})
    if code:
        raise typer.Exit(code)


@app.command()
def status(data: Data = None, as_json: AsJson = False) -> None:
    """Show the runs that are not pushed yet, and the pulled ones. Connects to no lake."""
    layout = layout_of(data)
    machine = this_machine(layout)
    lakes = chosen_lakes(layout, None)
    runs = read_runs(layout)
    units = read_units(layout)
    if as_json:
        say_json(status_of(layout))
        return
    if machine is not None:
        say(f"this machine: {machine.shown}")
    for known in lakes:
        _show_status(known, waiting_for(known, runs))
    for unit in units:
        whole = "" if unit.head.is_whole else ", not all of it could be used"
        say(f"pulled from {unit.machine.shown}: {moment(unit.head.pulled_at)}{whole}")


def _show_status(known: KnownLake, waiting: Waiting) -> None:
    say(f"{known.place} ({known.level})", is_bold=True)
    say(f"  pushed {moment(known.pushed_at)}, pulled {moment(known.pulled_at)}")
    if known.problem is not None:
        say(f"  the last try failed: {known.problem}")
    if waiting.files:
        what = f"{plural(waiting.runs, 'run')} with {plural(waiting.files, 'file')}, {size(waiting.size)}"
        say(f"  not pushed yet: {what}, since {moment(waiting.since)}")
    elif waiting.runs:
        say(f"  not pushed yet: changes of {plural(waiting.runs, 'run')}")
    else:
        say("  everything is pushed")


@app.command("list")
def list_machines(dest: KnownPlace = None, data: Data = None, as_json: AsJson = False) -> None:
    """Show the machines of lakes: their homes, projects, and last push."""
    layout = layout_of(data)
    own = this_machine(layout)
    found = [(known, registry(known)) for known in chosen_lakes(layout, dest)]
    if as_json:
        say_json([{"lake": known.to_json(), "machines": [one.to_json() for one in heads]} for known, heads in found])
        return
    for known, heads in found:
        say(f"{known.place} ({known.level})", is_bold=True)
        headings = [Heading("machine"), Heading("homes", "sentence"), Heading("projects", "number")]
        headings += [Heading("runs", "number"), Heading("size", "number"), Heading("last push (UTC)")]
        rows = [
            [
                one.name + (" (this one)" if own and own.machine_id == one.machine_id else ""),
                ", ".join(one.homes.values()),
                str(len(one.projects)),
                str(len(one.records)),
                size(one.size),
                moment(one.pushed_at).removesuffix(" UTC"),
            ]
            for one in heads
        ]
        say_table(headings, rows)


@app.command()
def remove(
    dest: Place,
    withdraw_all: Annotated[
        bool, typer.Option("--withdraw", help="Delete from the lake all that this machine has pushed.")
    ] = False,
    yes: Yes = False,
    data: Data = None,
) -> None:
    """Stop using a lake. Pushed files stay there, unless --withdraw is given; pulled files stay here.

    With --withdraw the lake loses all that this machine pushed, and the others delete it with their next pull.
    """
    layout = layout_of(data)
    (known,) = chosen_lakes(layout, dest)
    if withdraw_all:
        if not yes:
            confirm(f"Delete from {known.place} all that this machine has pushed?")
        removed = withdraw(layout, known)
        say(f"{plural(removed, 'file')} deleted in {known.place}")
    with using_lakes(layout), disk_errors():
        drop_lake(layout, known)
    say(f"{known.place}: no push and no pull uses it any more")


@app.command()
def drop(
    machine: Annotated[str, typer.Argument(metavar="MACHINE", help="Its name, or the beginning of its id.")],
    data: Data = None,
    quiet: Quiet = False,
) -> None:
    """Delete the pulled runs of a machine here. The next pull copies them again if the lake still has them."""
    layout = layout_of(data)
    with showing(shown=not quiet) as observer:
        dropped = drop_unit(layout, machine, observer)
    say(f"the pulled runs of {dropped.shown} are deleted, here and from the warehouse")


def _show_pull(result: PullResult, *, quiet: bool) -> None:
    if not quiet:
        what = f"{plural(result.files, 'file')} with {size(result.size)} pulled" if result.files else "nothing is new"
        say(f"{result.known.place}: {what}, {duration(result.seconds)}", is_bold=True)
        if result.removed:
            say(f"{plural(result.removed, 'file')} deleted here, as on their machines")
        if result.machines:
            say("machines: " + ", ".join(one.shown for one in result.machines))
    for path in result.left_out:
        say(f"left out of the warehouse, since it cannot be loaded: {path}", stderr=True)
    show_findings(result.findings)
