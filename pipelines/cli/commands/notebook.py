"""`extract notebook`: JupyterLab over the notebooks of the project, with the data directory set."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

import typer

from models.errors import ConfigurationError
from pipelines.cli.console import say
from pipelines.cli.interrupts import ended_by_interrupt
from pipelines.cli.options import Data, layout_of
from pipelines.disk.layout import ENVIRONMENT_VARIABLE
from pipelines.warehouse.opened import no_warehouse

_NOTEBOOKS: Final = Path(__file__).resolve().parents[3] / "notebooks"
"""The notebooks of a checkout; an installed wheel has none."""
_OPTIONS: Final = (
    "--ServerApp.ip=127.0.0.1",
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
)
"""Only on the loopback interface, and without asking another machine for news or updates."""


def notebook(
    directory: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="Where the notebooks are. Default: those of the checkout, else here."),
    ] = None,
    in_browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the browser, or print the address only.")
    ] = True,
    data: Data = None,
) -> None:
    """Start JupyterLab with the notebooks and the data directory.

    It needs the extra `lab`, as in `uv tool install ".[lab]"`. It listens on the loopback interface until Ctrl-C. A
    notebook opens the warehouse for reading only; its outputs are private.
    """
    layout = layout_of(data)
    if not layout.warehouse.exists():
        raise no_warehouse(layout)
    if find_spec("jupyterlab") is None:
        raise ConfigurationError(
            'JupyterLab is not installed beside this program: pip install ".[lab]" in a checkout installs it'
        )
    place = directory or (_NOTEBOOKS if _NOTEBOOKS.is_dir() else Path.cwd())
    if not place.is_dir():
        raise ConfigurationError(f"{place} is no directory")
    say(f"JupyterLab: {place}, data directory {layout.root}; Ctrl-C ends it", stderr=True)
    with ended_by_interrupt():
        subprocess.run(
            [sys.executable, "-m", "jupyterlab", *_OPTIONS, *([] if in_browser else ["--no-browser"]), str(place)],
            env={**os.environ, ENVIRONMENT_VARIABLE: str(layout.root)},
            check=False,
        )
