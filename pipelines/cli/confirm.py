"""Asking before anything is changed that a person may regret."""

import sys
from typing import Annotated, ClassVar

import typer

from models.errors import ConfigurationError, ExitCode, ExtractError

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]


class Declined(ExtractError):
    """The user answered a question with anything but yes. The caller prints the text and changes nothing."""

    exit_code: ClassVar[int] = ExitCode.INTERRUPTED


def confirm(question: str) -> None:
    """Ask whether to go on.

    Raises Declined after any other answer than yes, Ctrl-C and the end of the input among them; ConfigurationError
    where nobody can be asked.
    """
    if not sys.stdin.isatty():
        raise ConfigurationError("nothing was changed: there is nobody to ask here; say --yes to have it done")
    try:
        is_confirmed = typer.confirm(question)
    except typer.Abort:
        typer.echo()  # the cursor stands behind the question
        is_confirmed = False
    if not is_confirmed:
        raise Declined("Nothing was changed.")
