"""Rich's console, for commands whose output has colours, Markdown or bars."""

from typing import Final

from rich.console import Console
from rich.theme import Theme

# Without the black ground that Rich gives it, which is a bar on a light terminal.
_THEME: Final = Theme({"markdown.code": "bold cyan"})


def terminal(*, stderr: bool = False) -> Console:
    """Return a console on the current standard output or standard error.

    Markup, highlighting and emoji codes are off: text of a transcript must not be able to colour or link the output.
    """
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False, theme=_THEME)
