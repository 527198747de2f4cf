"""`extract drill`: restores everything, and says whether it is worth anything."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import AsJson, Data, layout_of
from pipelines.cli.selecting import ArchivedHomes, AsOf


def drill(
    home: ArchivedHomes = None,
    as_of: AsOf = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="Restore there, new or empty. Default: below the data directory."),
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Restore everything, compare it, and remove it again.

    Each file is compared with its manifest and, where the home is still there, with the home; each session is looked
    at as Claude Code would, were it resumed. Ends with 0 only when all holds. Writes its record beside the last run.
    """
    from models.text import safe
    from pipelines.cli.console import say, say_json
    from pipelines.cli.options import shown_path
    from pipelines.cli.progress import showing
    from pipelines.drill.drill import DrillRequest
    from pipelines.drill.drill import drill as do_drill
    from pipelines.drill.text import drill_text

    with showing(shown=not as_json) as observer:
        made = do_drill(layout_of(data), DrillRequest(home or (), as_of, to.expanduser() if to else None), observer)
    if as_json:
        say_json(made.to_json())
    else:
        say(safe(drill_text(made), keep_newlines=True).rstrip("\n"))
        if made.record is not None:
            say(f"Its record: {shown_path(made.record)}")
    if made.exit_code:
        raise typer.Exit(made.exit_code)
