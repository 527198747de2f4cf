"""`extract import-store`: the messages of another store count as seen before."""

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
            "--hashes", metavar="FILE", help="A JSON list of hashes, or an object whose keys or values are hashes."
        ),
    ] = None,
    data: Data = None,
) -> None:
    """Import another store: its messages count as seen before.

    The store must use the same rule: the hash of a message is the SHA-256 of its exact text in UTF-8. A line whose hash
    does not match its content is refused. Such a store has unique_messages.jsonl and global_hashes.json.
    """

    if messages is None and hashes is None:
        raise ConfigurationError("name a file with --messages, --hashes or both")
    done = read_in(layout_of(data), messages=messages, hashes=hashes)
    again = "" if done.new_files else "; all of them had been imported before"
    say(f"imported: {plural(done.messages, 'message')}, {done.texts:,} of them with text{again}")
    for refusal in done.refusals:
        say(f"refused: {refusal}", stderr=True)
    if done.refused > len(done.refusals):
        say(f"refused: {done.refused - len(done.refusals):,} more", stderr=True)
    say(f"They count as seen from the next run on; {command('rebuild', data)} adds them to the warehouse now.")
    if done.refused:
        raise typer.Exit(ExitCode.REJECTS)
