"""`extract home`: lists and changes the homes that runs read."""

import os
import platform
import shlex
from pathlib import Path
from typing import Annotated

import typer

from models.amounts import moment
from pipelines.archive.archive import Archive, writing
from pipelines.archive.homes import known_homes, name_home, remember_homes, rename_home, stop_reading
from pipelines.cli.console import say, say_json
from pipelines.cli.options import AsJson, Data, command, layout_of
from pipelines.run.extraction import check_homes
from pipelines.run.request import homes_of
from pipelines.run.usual_places import HomeState, UsualPlace, overview, wsl_mounts

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)

HomeId = Annotated[str, typer.Argument(metavar="ID", help="The id of the home, as `extract home list` shows it.")]


@app.callback()
def home() -> None:
    """Show or change which homes every run reads."""


@app.command("list")
def list_homes(data: Data = None, as_json: AsJson = False) -> None:
    """Show the known homes, and where others may be.

    Only the names of these other places are examined; nothing in them is opened. A run reads the default ones
    (~/.claude, or those in CLAUDE_CONFIG_DIR) and those added with `extract home add`.
    """
    found = overview(layout_of(data), Path.home(), os.environ, wsl_mounts(platform.release()))
    if as_json:
        say_json(found.to_json())
        return
    if not found.homes:
        say("The archive knows no home yet.")
    for state in found.homes:
        _show_home(state)
    if found.places:
        say()
        say("Also on this machine:", is_bold=True)
    for place in found.places:
        _show_place(place, data)


def _show_home(state: HomeState) -> None:
    say(f"{state.home.shown}: {state.home.root}", is_bold=True)
    how = "read by every run" if state.home.is_read else "removed: no run reads it; its archived content stays"
    if state.home.is_read and state.problem:
        how = f"cannot be read: {state.problem}"
    say(f"  {how}; last read {moment(state.last_run_at) if state.last_run_at else 'never'}")


def _show_place(place: UsualPlace, data: Path | None) -> None:
    say(f"  {place.path}: {place.kind}")
    if place.is_next:
        say("    the next run reads it, unless it is empty")
    elif place.is_home:
        say(f"    to read it too: {command(f'home add {shlex.quote(str(place.path))}', data)}")


@app.command()
def add(
    home: Annotated[str, typer.Argument(metavar="PATH|NAME=PATH", help="The directory, optionally with an id.")],
    data: Data = None,
) -> None:
    """Make every run read a home from now on. Reads nothing yet."""
    layout = layout_of(data)
    homes = homes_of([home])
    check_homes(homes, layout)
    ((given, root),) = homes
    with writing(layout, "home"):
        Archive.open_or_make(layout)
        named = name_home(known_homes(layout), given, root.absolute())
        remember_homes(layout, [named])
    say(f"{named.home_id}: {named.root}: every run reads it from now on")
    say(f"next: {command('run', data)}")


@app.command()
def rename(
    home_id: HomeId,
    name: Annotated[str, typer.Argument(help="The new display name; empty: show the id alone.")],
    data: Data = None,
) -> None:
    """Set the display name of a home. Its id, which every row has, stays."""
    layout = layout_of(data)
    Archive.open(layout)
    with writing(layout, "home"):
        renamed = rename_home(layout, home_id, name)
    say(f"{renamed.shown}: {renamed.root}")


@app.command()
def remove(home_id: HomeId, data: Data = None) -> None:
    """Make runs skip a home from now on. Its archived content stays.

    To erase archived content: extract forget.
    """
    layout = layout_of(data)
    Archive.open(layout)
    with writing(layout, "home"):
        removed = stop_reading(layout, home_id)
    say(f"{removed.shown}: no run reads {removed.root} any more; its archived content stays")
    say(f"to read it again: {command(f'home add {removed.home_id}={removed.root}', data)}")
