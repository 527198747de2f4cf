"""`extract run`: reads the homes and builds the warehouse; with `--dry-run`, shows what a run would read."""

from dataclasses import asdict, astuple
from typing import Annotated

import typer

from extractors.reading.registry import PHASES
from models.amounts import count, size
from models.text import safe
from pipelines.alerts.rules import whole_homes_gone
from pipelines.archive.homes import read_homes
from pipelines.cli.alerting import Announcing, Notify, OnAlert, Unattended, announce_alerts, say_alerts
from pipelines.cli.console import Heading, say, say_json, say_table
from pipelines.cli.loader import make_sample
from pipelines.cli.options import AsJson, Data, Homes, Quiet, layout_of
from pipelines.cli.run_summary import run_and_show
from pipelines.disk.layout import Layout
from pipelines.disk.settings import read_settings
from pipelines.run.extraction import Request
from pipelines.run.preview import preview_run
from pipelines.run.request import HomesToRead, homes_to_read, phases_of


def run(
    home: Homes = None,
    data: Data = None,
    phase: Annotated[
        list[str] | None,
        typer.Option("--phase", metavar="N|NAME", help="Only this phase, by number or source; repeatable."),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Read every file again and compute its SHA-256 again.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show for each phase what a run would read; write nothing.")
    ] = False,
    push: Annotated[bool, typer.Option("--push", help="End with a push to every lake in use.")] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    unattended: Unattended = False,
    on_alert: OnAlert = None,
    notify: Notify = False,
    or_demo: Annotated[
        bool, typer.Option("--or-demo", hidden=True, help="Without any home, make a sample home.")
    ] = False,
) -> None:
    """Read what is new in each home and build the warehouse.

    Without --home: every home that the archive knows (extract home list) and the default ones of this machine.
    Changes nothing in a home. Another run adds only what is new; after a killed run, it continues from the last commit.
    """
    layout = layout_of(data)
    quiet, how = quiet or unattended, Announcing(on_alert, notify or unattended, unattended)
    phases = phases_of(phase or ())
    found = homes_to_read(layout, home or ())
    if or_demo and not dry_run and not found.homes and not read_homes(layout):
        request = Request([make_sample(layout, layout.demo, is_silent=as_json or quiet)], phases, full)
        run_and_show(layout, request, data, as_json=as_json, quiet=quiet, is_sample=True)
        return
    if not dry_run:
        _announce_lost_homes(layout, found, how)
    found.refuse_none()
    request = Request(found.homes, phases, full, found.not_found)
    if dry_run:
        _show_plan(layout, request, as_json=as_json)
    else:
        is_sample = all(path == layout.demo for _, path in found.homes)
        show = {"as_json": as_json, "quiet": quiet, "is_sample": is_sample, "is_pushed": push}
        run_and_show(layout, request, data, how, **show)


def _announce_lost_homes(layout: Layout, found: HomesToRead, how: Announcing) -> None:
    """Announce homes that vanished if there is none to read: no run takes place that could do it."""
    if not found.homes and found.not_found:
        gone = whole_homes_gone(found.not_found, read_homes(layout), read_settings(layout))
        if gone:
            say_alerts(announce_alerts(layout, gone, how, are_all=False), stderr=True)


def _show_plan(layout: Layout, request: Request, *, as_json: bool) -> None:
    plan = preview_run(layout, request)
    if as_json:
        homes = {home.home_id: str(home.root) for home in plan.homes}
        say_json({"homes": dict(homes), "phases": [asdict(phase) for phase in plan.phases]})
        return
    numbers = ("new", "changed", "unchanged", "vanished", "to read")
    for home in plan.homes:
        phases = [phase for phase in plan.phases if phase.home_id == home.home_id]
        say(f"home {home.home_id}: {safe(str(home.root))}")
        say_table(
            [Heading("phase"), *(Heading(name, "number") for name in numbers)],
            [
                [f"{one.phase} {PHASES[one.phase]}", *map(count, astuple(one)[2:6]), size(one.bytes_read)]
                for one in phases
            ],
        )
        withheld, listed = sum(one.withheld for one in phases), sum(one.listed for one in phases)
        say(f"not read: {count(withheld)} withheld files, {count(listed)} only listed")
        say()
    say(f"A run would read {size(sum(one.bytes_read for one in plan.phases))}. Nothing was written.")
