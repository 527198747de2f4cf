"""Asks for confirmation before a change that cannot be undone."""

import sys
from typing import Annotated, ClassVar

import typer

from models.errors import ConfigurationError, ExitCode, ExtractError

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]


class Declined(ExtractError):
    """The user did not answer a question with yes. The caller changes nothing and prints the text."""

    exit_code: ClassVar[int] = ExitCode.INTERRUPTED


def confirm(question: str) -> None:
    """Ask a yes-or-no question on the terminal; returns if the answer is yes.

    Raises Declined after any other answer, Ctrl-C and end of input included; ConfigurationError if standard input is
    not a terminal.
    """
    if not sys.stdin.isatty():
        raise ConfigurationError("nothing was changed: there is no terminal to ask on; give --yes to do it")
    try:
        is_confirmed = typer.confirm(question)
    except typer.Abort:
        typer.echo()  # ends the line of the question
        is_confirmed = False
    if not is_confirmed:
        raise Declined("Nothing was changed.")
