"""`extract embed`: prepares search by meaning."""

from typing import Annotated

import typer

from models.amounts import plural
from pipelines.cli.console import say
from pipelines.cli.options import Data, Quiet, layout_of
from pipelines.cli.progress import showing
from pipelines.semantic.embed import embed as give_vectors


def embed(
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=0, help="At most so many texts; 0: all.")] = 0,
    quiet: Quiet = False,
    data: Data = None,
) -> None:
    """Prepare search by meaning.

    Gives a vector to each prompt, answer, title, plan and summary that has none, the newest first, on this machine:
    about 20 seconds of one core for 1,000 texts. Ctrl-C stops it, and the same command goes on. The model knows
    English. The vectors are in the cache of the data directory; `extract forget` deletes
    those of what it erases.
    """
    with showing(shown=not quiet) as observer:
        done = give_vectors(layout_of(data), observer, limit)
    if not quiet:
        say(f"{plural(done.made, 'text')} embedded; {done.present} of {done.wanted} have a vector")
