"""Rich's console, for commands whose output has colours, Markdown or bars."""

from rich.console import Console


def terminal(*, stderr: bool = False) -> Console:
    """Return a console on the current standard output or standard error.

    Markup, highlighting and emoji codes are off: text of a transcript must not be able to colour or link the output.
    """
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)
