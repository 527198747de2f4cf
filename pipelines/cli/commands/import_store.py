"""`extract import-store`: what another store holds counts as seen."""

from pathlib import Path
from typing import Annotated

import typer

from models.amounts import plural
from models.errors import ConfigurationError, ExitCode
from pipelines.cli.console import say
from pipelines.cli.options import Data, command, layout_of
from pipelines.upkeep.import_store import import_store as read_in


def import_store(
    messages: Annotated[
        Path | None,
        typer.Option("--messages", metavar="FILE", help="JSON lines with `hash`, `content`, or both."),
    ] = None,
    hashes: Annotated[
        Path | None,
        typer.Option(
            "--hashes", metavar="FILE", help="A JSON list of hashes, or an object whose keys or values they are."
        ),
    ] = None,
    data: Data = None,
) -> None:
    """Read in an existing store: what it knew counts as seen.

    It must be built on the same rule: the hash of a message is the SHA-256 of its exact text in UTF-8. A line whose
    hash is not that of its content is refused. Such a store has unique_messages.jsonl and global_hashes.json.
    """

    if messages is None and hashes is None:
        raise ConfigurationError("name a file with --messages, --hashes or both")
    done = read_in(layout_of(data), messages=messages, hashes=hashes)
    again = "" if done.new_files else "; all of it had been read in before"
    say(f"read in: {plural(done.messages, 'message')}, {done.texts:,} of them with the text{again}")
    for refusal in done.refusals:
        say(f"refused: {refusal}", stderr=True)
    if done.refused > len(done.refusals):
        say(f"refused: {done.refused - len(done.refusals):,} more", stderr=True)
    say(f"They count as seen from the next run on; {command('rebuild', data)} shows them in the warehouse now.")
    if done.refused:
        raise typer.Exit(ExitCode.REJECTS)
