"""`extract rollback`: makes the state as of another run the current one."""

from collections.abc import Sequence
from typing import Annotated

import typer

from models.amounts import count, plural, size
from pipelines.cli.confirm import Yes, confirm
from pipelines.cli.console import Heading, say, say_json, say_table
from pipelines.cli.options import AsJson, Data, Quiet, command, layout_of, shown_path
from pipelines.cli.progress import showing
from pipelines.upkeep.rollback import Rollback, RunChange, plan_rollback, roll_back


def rollback(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run to go back to: its id, or the beginning of it.")],
    yes: Yes = False,
    data: Data = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Make the state as of a run the current one.

    Shows first what it changes, and asks. Later runs are undone: the warehouse ignores them, and the next run reads
    their files again. Nothing is deleted: a rollback to an undone run brings it back, until `extract gc` removes it.
    With --json and without --yes it only shows.
    """

    layout = layout_of(data)
    planned = plan_rollback(layout, run)
    if not as_json and not (quiet and yes):
        _show(planned)
    if planned.changes_nothing or (as_json and not yes):
        if as_json:
            say_json({"done": False, **planned.to_json()})
        return
    if not yes:
        confirm(f"Go back to run {planned.back_to}?")
    with showing(shown=not (as_json or quiet)) as observer:
        made = roll_back(layout, planned, observer)
    if as_json:
        say_json({"done": True, **planned.to_json(), "run_id": made.run_id, "warehouse": str(layout.warehouse)})
    elif not quiet:
        say(f"done, as run {made.run_id}; warehouse: {shown_path(layout.warehouse)}")
        say(f"{plural(len(planned.undone), 'run')} undone; {command('gc', data)} shows when they can be deleted")


def _show(planned: Rollback) -> None:
    if planned.changes_nothing:
        say(f"The state as of run {planned.back_to} is already the current one.")
        return
    if planned.unfinished:
        say(f"Rollback {planned.unfinished} to this run was stopped before its warehouse was built.")
    say(f"back to run {planned.back_to}", is_bold=True)
    for title, runs in (("undoes:", planned.undone), ("brings back:", planned.again)):
        if runs:
            say(title)
            _show_runs(runs)
    say("Nothing is deleted.")


def _show_runs(runs: Sequence[RunChange]) -> None:
    numbers = ("files read", "entries", "new messages", "new bytes")
    say_table(
        [Heading("run"), *(Heading(name, "number") for name in numbers)],
        [
            [run.run_id, *map(count, (run.files_read, run.entries, run.messages_new)), size(run.bytes_kept_new)]
            for run in runs
        ],
    )
