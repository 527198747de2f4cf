"""`extract gc`: deletes undone runs, leftovers of failed runs, and old warehouses."""

from typing import Annotated

import typer

from models.amounts import moment, plural, size
from pipelines.cli.confirm import Yes, confirm
from pipelines.cli.console import say, say_json
from pipelines.cli.options import AsJson, Data, Quiet, layout_of
from pipelines.upkeep.garbage import Garbage, find_garbage, free


def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be deleted; change nothing.")] = False,
    yes: Yes = False,
    data: Data = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Delete undone runs, leftovers and old warehouses.

    Shows first what it would delete, and asks. An undone run is deleted a day after its rollback at the earliest, and
    only when two runs were completed since; leftovers of failed runs at once; old warehouses unless another process has
    them open. With --json and without --yes it only shows.
    """

    layout = layout_of(data)
    found = find_garbage(layout)
    if not as_json and not (quiet and yes):
        _show(found)
    is_done = not (dry_run or found.is_nothing or (as_json and not yes))
    if is_done:
        if not yes:
            confirm(f"Free {size(found.size)}?")
        free(layout, found)
    if as_json:
        say_json({"done": is_done, **found.to_json()})
    elif is_done and not quiet:
        say(f"freed {size(found.size)}")
    elif dry_run:
        say("Nothing was changed.")


def _show(found: Garbage) -> None:
    for run in found.runs:
        say(f"run {run.run_id}, undone since {moment(run.undone_at)}: {size(run.size)}")
    for title, files in (("leftovers of failed runs", found.leftovers), ("old warehouses", found.warehouses)):
        if files:
            say(f"{title}: {plural(len(files), 'file')}, {size(sum(one.size for one in files))}")
    for run in found.waiting:
        age = f"until {moment(run.until)}" if run.until else ""
        runs = f"for {plural(run.runs_missing, 'more run')}" if run.runs_missing else ""
        say(f"run {run.run_id}, undone, {size(run.size)}: kept {' and '.join(filter(None, (age, runs)))}")
    for path in found.in_use:
        say(f"{path}: kept, because another process has it open")
    if found.is_nothing:
        say("There is nothing to delete now.")
