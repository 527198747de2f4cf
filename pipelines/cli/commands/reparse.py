"""`extract reparse`: parses archived files again with the current parsers."""

from typing import Annotated

import typer

from models.amounts import count, plural
from pipelines.cli.console import Heading, say, say_table
from pipelines.cli.options import Data, Quiet, layout_of
from pipelines.cli.progress import showing
from pipelines.upkeep.reparse_archive import reparse_archive

Sources = Annotated[
    list[str] | None,
    typer.Option("--source", metavar="NAME", help="Parse every file of this source again; repeatable."),
]


def reparse(source: Sources = None, data: Data = None, quiet: Quiet = False) -> None:
    """Parse archived files again with the current parsers.

    After an upgrade, `extract run` does this automatically for each source whose parser changed. Reads the archive, not
    the homes: files that Claude Code has deleted get new rows too. Changes no committed file.
    """
    layout = layout_of(data)
    with showing(shown=not quiet) as observer:
        made = reparse_archive(layout, observer, source or ())
    if quiet:
        return
    if made is None:
        say("nothing to do: the current parsers made all rows")
        return
    say(f"Run {made.run_id}: {plural(sum(one.files for one in made.reparsed.values()), 'file')} parsed again")
    say_table(
        [Heading("source"), *(Heading(name, "number") for name in ("files", "rows before", "rows now", "left"))],
        [
            [name, count(one.files), count(one.rows_before), count(one.rows_after), count(one.files_left)]
            for name, one in made.reparsed.items()
        ],
    )
    if any(one.files_left for one in made.reparsed.values()):
        say("left: files that were partly erased, or that the store cannot return; they keep their rows")
