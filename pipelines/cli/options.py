"""Options that several commands share, and what they stand for."""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from models.errors import ConfigurationError
from pipelines.disk.atomic import disk_errors
from pipelines.disk.layout import Layout

PROGRAMS: Final = ("extract", "claude-extract")
"""The names under which the command is installed; the first is the usual one."""


def _data_directory(context: typer.Context, given: Path | None) -> Path | None:
    """Return the data directory that was named after the command, else the one that was named before it."""
    before: Path | None = context.find_root().params.get("data")
    return given or before


Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="PATH",
        readable=False,
        callback=_data_directory,
        help="The data directory, if not EXTRACT_DATA or the usual one.",
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
        help="A home, by its directory or by the id that the archive knows; can be given again.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only what is not as it should be.")]


def layout_of(data: Path | None) -> Layout:
    """Return the layout of the data directory that was named. Raises ConfigurationError when it is a file,
    DataDirectoryError when the system does not let it be looked at.
    """
    layout = Layout.of(data.expanduser() if data else None)
    with disk_errors():
        is_file = layout.root.exists() and not layout.root.is_dir()
    if is_file:
        raise ConfigurationError(f"the data directory {layout.root} is a file; name another with --data")
    return layout


def program() -> str:
    """Return the name under which the command was called, where it is one of PROGRAMS, else the usual one."""
    called = Path(sys.argv[0]).stem
    return called if called in PROGRAMS else PROGRAMS[0]


def command(words: str, data: Path | None) -> str:
    """Return a command as the user would type it for this data directory."""
    return f"{program()} {words}" + (f" --data {shlex.quote(str(data))}" if data else "")


def shown_path(path: Path) -> str:
    """Return a path as short as it can be written from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
