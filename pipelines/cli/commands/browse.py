"""`extract browse`: the terminal browser."""

import os
import sys
from typing import Annotated

import typer

from models.errors import ConfigurationError
from pipelines.cli.browser.app import DARK, LIGHT, Browser
from pipelines.cli.browser.source import BrowserSource
from pipelines.cli.filtering import NO_FILTERS, filtered
from pipelines.cli.looking import Redact, masker_of
from pipelines.cli.options import Data, layout_of
from pipelines.look.filters import Filters
from pipelines.warehouse.opened import open_warehouse

_LIGHT_BACKGROUNDS = ("7", "15")
"""Backgrounds in COLORFGBG that are light: white and bright white."""


@filtered
def browse(
    filters: Filters = NO_FILTERS,
    light: Annotated[
        bool | None, typer.Option("--light/--dark", help="Colours for a light or a dark terminal.", show_default=False)
    ] = None,
    redact: Redact = None,
    data: Data = None,
) -> None:
    """Read sessions in the terminal.

    Sessions are on the left, the chosen conversation is on the right; / searches the archive, f filters, r shows the
    entry as Claude Code wrote it, c copies the line that resumes the session, ? shows all keys. Reads the archive alone
    and changes nothing.
    """
    layout = layout_of(data)
    filters.of_sessions()
    masker = masker_of(redact)
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()) or os.environ.get("TERM") == "dumb":
        raise ConfigurationError(
            "browse needs a terminal; `extract sessions`, `extract session` and `extract search` print the same"
        )
    open_warehouse(layout).close()
    is_light = os.environ.get("COLORFGBG", "").rpartition(";")[2] in _LIGHT_BACKGROUNDS if light is None else light
    browser = Browser(BrowserSource(layout, masker), filters, LIGHT if is_light else DARK)
    browser.run()
    if (problem := browser.problem()) is not None:
        raise problem
