"""`extract report`: prints the report of a run."""

import sys
import webbrowser
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markdown import Markdown

from models.errors import ConfigurationError, FixityError
from models.seal import SealError, unsealed
from models.text import safe, safe_json
from pipelines.cli.console import is_terminal, say
from pipelines.cli.looking import Redact, masker_of
from pipelines.cli.options import Data, layout_of
from pipelines.cli.terminal import terminal
from pipelines.disk.atomic import read_regular
from pipelines.redact.masking import Masker
from pipelines.run.pipeline import latest_run


class Format(StrEnum):
    """The formats of a report."""

    MD = "md"
    HTML = "html"
    JSON = "json"


def report(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="A run_id or its beginning. Default: the last run.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="The format of the report.")] = Format.MD,
    path: Annotated[bool, typer.Option("--path", help="Print the path of the report instead.")] = False,
    in_browser: Annotated[bool, typer.Option("--open", help="Open the HTML page in the browser.")] = False,
    redact: Redact = None,
    data: Data = None,
) -> None:
    """Print the report of a run.

    On a terminal, Markdown is shown formatted; a pipe gets the file's text. With --redact the output is a masked copy,
    which has no seal.
    """
    masker = masker_of(redact)
    if masker is not None and (path or in_browser):
        raise ConfigurationError("--redact masks only printed text: leave out --path and --open")
    layout = layout_of(data)
    found = latest_run(layout, run)
    place = layout.report(found.run_id, Format.HTML if in_browser else form)
    if not place.exists():
        raise ConfigurationError(f"run {found.run_id} has no report: it stopped before its end")
    if path:
        sys.stdout.write(f"{place}\n")
        return
    if in_browser:
        _open(place)
        return
    text = place.read_text(encoding="utf-8") if masker is None else _masked(place, masker)
    if form is Format.MD and is_terminal():
        # The report escapes all text that comes from a home, so none of it is rendered as markup here.
        terminal().print(Markdown(safe(text, keep_newlines=True), hyperlinks=False))
        return
    if form is Format.JSON:
        text = safe_json(text)
    elif is_terminal() or form is Format.MD:
        text = safe(text, keep_newlines=True)
    sys.stdout.write(text)


def _masked(report: Path, masker: Masker) -> str:
    try:
        content = unsealed(read_regular(report), report.suffix)
    except SealError as error:
        raise FixityError(f"{report}: {error}; `extract verify` says more") from error
    return masker.mask(content.decode())


def _open(page: Path) -> None:
    if not webbrowser.open(page.resolve().as_uri()):
        say("No browser could be opened. The page is:", stderr=True)
    say(str(page))
