"""Options shared by several commands, and helpers that evaluate them."""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from models.errors import ConfigurationError
from pipelines.disk.atomic import disk_errors
from pipelines.disk.layout import Layout

PROGRAMS: Final = ("extract", "claude-extract")
"""The names under which the program is installed; the first is the default in messages."""


def _data_directory(context: typer.Context, given: Path | None) -> Path | None:
    """Return the `--data` given after the command, else the one before it (`extract --data PATH run`)."""
    before: Path | None = context.find_root().params.get("data")
    return given or before


Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="PATH",
        readable=False,
        callback=_data_directory,
        help="The data directory, if not EXTRACT_DATA or the default one.",
    ),
]
DataBeforeCommand = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="PATH",
        readable=False,
        help="The data directory. Default: EXTRACT_DATA; in a checkout of the project its data/, else the user's data "
        "directory.",
    ),
]
Homes = Annotated[
    list[str] | None,
    typer.Option(
        "--home",
        metavar="PATH|NAME=PATH",
        help="A home, by its directory or its id in the archive; repeatable.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only problems.")]


def layout_of(data: Path | None) -> Layout:
    """Return the layout of the data directory `data`; None means EXTRACT_DATA or the default. Raises
    ConfigurationError if it is a file, DataDirectoryError if the system refuses access to it.
    """
    layout = Layout.of(data.expanduser() if data else None)
    with disk_errors():
        is_file = layout.root.exists() and not layout.root.is_dir()
    if is_file:
        raise ConfigurationError(f"the data directory {layout.root} is a file; give another one with --data")
    return layout


def program() -> str:
    """Return the name under which the program was called, if it is one of PROGRAMS, else the first of these."""
    called = Path(sys.argv[0]).stem
    return called if called in PROGRAMS else PROGRAMS[0]


def command(words: str, data: Path | None) -> str:
    """Return the command line that the user would type for this data directory; `data` is the `--data` in use."""
    return f"{program()} {words}" + (f" --data {shlex.quote(str(data))}" if data else "")


def shown_path(path: Path) -> str:
    """Return a path relative to the current directory if it is below it, else unchanged."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
