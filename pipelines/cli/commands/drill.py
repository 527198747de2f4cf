"""`extract drill`: tests the archive by restoring everything."""

from pathlib import Path
from typing import Annotated

import typer

from models.text import safe
from pipelines.cli.console import say, say_json
from pipelines.cli.from_copy import FromCopy, KeyFile, reading
from pipelines.cli.options import AsJson, Data, shown_path
from pipelines.cli.progress import showing
from pipelines.cli.selecting import ArchivedHomes, AsOf
from pipelines.drill.drill import DrillRequest
from pipelines.drill.drill import drill as do_drill
from pipelines.drill.text import drill_text


def drill(
    home: ArchivedHomes = None,
    as_of: AsOf = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to", metavar="DIR", help="A new or empty directory to restore to. Default: below the data directory."
        ),
    ] = None,
    from_copy: FromCopy = None,
    key: KeyFile = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Test the archive: restore everything and compare it.

    Compares each restored file with its manifest and, if the home still exists, with the home; checks that Claude Code
    could resume each session; removes the restored files again. Ends with 0 only if everything is right. Writes its
    record beside the newest run; of a copy (--from) it writes none.
    """

    with reading(data, from_copy, key, to) as layout, showing(shown=not as_json) as observer:
        result = do_drill(layout, DrillRequest(home or (), as_of, to.expanduser() if to else None), observer)
    if from_copy is not None:
        result.record = None
    if as_json:
        say_json(result.to_json())
    else:
        say(safe(drill_text(result), keep_newlines=True).rstrip("\n"))
        if result.record is not None:
            say(f"Its record: {shown_path(result.record)}")
    if result.exit_code:
        raise typer.Exit(result.exit_code)
