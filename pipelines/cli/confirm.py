"""Asking before anything is changed that a person may regret."""

import sys
from typing import Annotated

import typer

from models.errors import ConfigurationError, ExitCode

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]


def confirm(question: str) -> None:
    """Ask whether to go on. Ends the process (130) after any other answer than yes, and raises ConfigurationError where
    nobody can be asked.
    """
    if not sys.stdin.isatty():
        raise ConfigurationError("nothing was changed: there is nobody to ask here; say --yes to have it done")
    if not typer.confirm(question):
        typer.echo("Nothing was changed.")
        raise typer.Exit(ExitCode.INTERRUPTED)
