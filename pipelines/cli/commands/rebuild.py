"""`extract rebuild`: builds the warehouse again from the archive."""

import typer

from models.amounts import size
from models.errors import ExitCode
from pipelines.cli.console import say
from pipelines.cli.options import Data, Quiet, command, layout_of, shown_path
from pipelines.cli.progress import showing
from pipelines.upkeep.rebuild import rebuild as rebuild_warehouse


def rebuild(data: Data = None, quiet: Quiet = False) -> None:
    """Build the warehouse again from the archive.

    It reads the committed Parquet files only; no home is needed.
    """

    layout = layout_of(data)
    with showing(shown=not quiet) as observer:
        made = rebuild_warehouse(layout, observer)
    if not quiet:
        warehouse = f"{shown_path(layout.warehouse)} ({size(made.warehouse.size)})"
        say(f"warehouse: {warehouse}, checked and published")
    if made.left_out:
        for one in made.left_out[:5]:
            say(f"left out: {one}", stderr=True)
        if len(made.left_out) > 5:
            say(f"and {len(made.left_out) - 5} more; `extract verify` names all", stderr=True)
        say(f"next: {command('repair', data)}", stderr=True)
        raise typer.Exit(ExitCode.FIXITY)
