"""`extract gc`: frees what nothing that counts refers to."""

from typing import Annotated

import typer

from models.amounts import moment, plural, size
from pipelines.cli.confirm import Yes, confirm
from pipelines.cli.console import say, say_json
from pipelines.cli.options import AsJson, Data, Quiet, layout_of
from pipelines.upkeep.garbage import Garbage, find_garbage, free


def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be freed; change nothing.")] = False,
    yes: Yes = False,
    data: Data = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Free what nothing that counts refers to.

    Says first what it would free, and asks. Undone runs go when they have been undone for a day and two runs were
    completed since; what runs that died have left, at once; old warehouses, unless somebody has them open. With --json
    and without --yes nothing is changed.
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
    for title, files in (("left behind", found.leftovers), ("old warehouses", found.warehouses)):
        if files:
            say(f"{title}: {plural(len(files), 'thing')}, {size(sum(one.size for one in files))}")
    for run in found.waiting:
        age = f"until {moment(run.until)}" if run.until else ""
        runs = f"for {plural(run.runs_missing, 'more run')}" if run.runs_missing else ""
        say(f"run {run.run_id}, undone, {size(run.size)}: waits {' and '.join(filter(None, (age, runs)))}")
    for path in found.in_use:
        say(f"{path}: somebody has it open; it stays")
    if found.is_nothing:
        say("There is nothing to free now.")
