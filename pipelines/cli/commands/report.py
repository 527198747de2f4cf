"""`extract report`: the report of a run."""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from models.errors import ConfigurationError
from models.text import safe, safe_json
from pipelines.cli.console import is_terminal
from pipelines.cli.options import Data, layout_of
from pipelines.run.pipeline import latest_run, report_path


class Format(StrEnum):
    """The forms of a report."""

    MD = "md"
    HTML = "html"
    JSON = "json"


def report(
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="A run_id or its beginning; the last run.")] = None,
    form: Annotated[Format, typer.Option("--format", help="Which form of it.")] = Format.MD,
    path: Annotated[bool, typer.Option("--path", help="Print where it is instead.")] = False,
    data: Data = None,
) -> None:
    """Print the report of a run."""

    layout = layout_of(data)
    found = latest_run(layout, run)
    place = report_path(layout, found, form)
    if not place.exists():
        raise ConfigurationError(f"run {found.run_id} has no report: it was stopped before its end")
    if path:
        sys.stdout.write(f"{place}\n")
        return
    text = place.read_text(encoding="utf-8")
    if form is Format.JSON:
        text = safe_json(text)
    elif is_terminal() or form is Format.MD:
        text = safe(text, keep_newlines=True)
    sys.stdout.write(text)
