"""`extract run`: the whole job, or what it would do."""

from dataclasses import asdict, astuple
from pathlib import Path
from typing import Annotated

import typer

from extractors.reading.registry import PHASES
from models.amounts import count, size
from pipelines.cli.console import Heading, say, say_json, say_table
from pipelines.cli.options import AsJson, Data, Homes, Quiet, layout_of
from pipelines.cli.progress import showing
from pipelines.cli.run_summary import show_summary
from pipelines.disk.layout import Layout
from pipelines.run.extraction import Request
from pipelines.run.pipeline import run_job
from pipelines.run.preview import preview_run
from pipelines.run.request import homes_of, phases_of


def run(
    home: Homes = None,
    data: Data = None,
    phase: Annotated[
        list[str] | None,
        typer.Option("--phase", metavar="N|NAME", help="Only this phase, by number or source; can be given again."),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Read everything again, and compute every SHA-256 anew.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done for each phase; write nothing at all.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Read what is new in each home and build the warehouse.

    Nothing in a home is changed. Running again adds only what is new; killed, it goes on where it was.
    """

    layout = layout_of(data)
    request = Request(homes_of(home or ()), phases_of(phase or ()), full)
    if dry_run:
        _show_plan(layout, request, as_json=as_json)
    else:
        do_run(layout, request, data, as_json=as_json, quiet=quiet)


def do_run(layout: Layout, request: Request, data: Path | None, *, as_json: bool, quiet: bool) -> None:
    """Run, show what came of it, and exit with its code unless that is 0."""

    with showing(shown=not (as_json or quiet)) as observer:
        finished = run_job(layout, request, observer)
    show_summary(layout, finished, data, as_json=as_json, quiet=quiet)
    if finished.exit_code:
        raise typer.Exit(finished.exit_code)


def _show_plan(layout: Layout, request: Request, *, as_json: bool) -> None:

    plan = preview_run(layout, request)
    if as_json:
        homes = {home.home_id: str(home.root) for home in plan.homes}
        say_json({"homes": dict(homes), "phases": [asdict(phase) for phase in plan.phases]})
        return
    numbers = ("new", "changed", "unchanged", "vanished", "to read")
    for home in plan.homes:
        phases = [phase for phase in plan.phases if phase.home_id == home.home_id]
        say(f"home {home.home_id}: {home.root}")
        say_table(
            [Heading("phase"), *(Heading(name, "number") for name in numbers)],
            [
                [f"{one.phase} {PHASES[one.phase]}", *map(count, astuple(one)[2:6]), size(one.bytes_read)]
                for one in phases
            ],
        )
        withheld, listed = sum(one.withheld for one in phases), sum(one.listed for one in phases)
        say(f"never opened: {count(withheld)} withheld files, {count(listed)} that are only listed")
        say()
    say(f"A run would read {size(sum(one.bytes_read for one in plan.phases))}. Nothing was written.")
