"""`extract token`: creates, lists and revokes the tokens of the API."""

import sys
from dataclasses import asdict
from platform import node
from typing import Annotated

import typer

from models.text import safe
from pipelines.api.tokens import LEVELS, create_token, read_tokens, revoke_token
from pipelines.cli.console import Heading, say, say_json, say_table
from pipelines.cli.options import AsJson, Data, layout_of

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@app.callback()
def token() -> None:
    """Make, list and revoke the tokens of the API."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The holder of the token: a program or a person.")],
    level: Annotated[
        str, typer.Option("--level", metavar="LEVEL", help=f"The masks of its answers: {', '.join(LEVELS)}.")
    ] = "private",
    machine: Annotated[
        str | None, typer.Option("--machine", metavar="NAME", help="The machine of the holder. Default: this one.")
    ] = None,
    days: Annotated[int, typer.Option("--days", metavar="N", min=1, max=3650, help="How long it is valid.")] = 90,
    data: Data = None,
) -> None:
    """Make a token and print it: it is kept nowhere."""
    made, text = create_token(layout_of(data), name, machine or node() or "unknown", level, days)
    sys.stdout.write(f"{text}\n")
    say(f"token {made.token_id} for {safe(name)}, level {made.level}, valid until {made.expires_at[:10]}", stderr=True)


@app.command("list")
def list_tokens(as_json: AsJson = False, data: Data = None) -> None:
    """List the tokens: names, levels and times."""
    tokens = read_tokens(layout_of(data))
    if as_json:
        say_json([{**asdict(one), "is_valid": one.is_valid} for one in tokens])
        return
    headings = [Heading(name, "text") for name in ("id", "name", "machine", "level", "expires", "state")]
    rows = [
        [one.token_id, one.name, one.machine, one.level, one.expires_at[:10], _state(one.revoked_at, one.is_valid)]
        for one in tokens
    ]
    say_table(headings, rows)


@app.command()
def revoke(
    which: Annotated[str, typer.Argument(metavar="NAME|ID", help="The token's name or id.")], data: Data = None
) -> None:
    """Revoke a token: the next request with it is refused."""
    gone = revoke_token(layout_of(data), which)
    say(f"token {gone.token_id} of {safe(gone.name)} is revoked")


def _state(revoked_at: str | None, is_valid: bool) -> str:
    return "valid" if is_valid else f"revoked {revoked_at[:10]}" if revoked_at else "expired"
