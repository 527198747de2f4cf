"""`extract demo`: generates a sample home and runs on it."""

from pathlib import Path
from typing import Annotated

import typer

from models.errors import ConfigurationError
from pipelines.archive.homes import known_homes
from pipelines.cli.console import say
from pipelines.cli.options import Data, command, layout_of
from pipelines.cli.run_summary import run_and_show
from pipelines.cli.sample import make_sample
from pipelines.disk.layout import Layout
from pipelines.run.extraction import Request


def demo(
    directory: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="Where to make the home. Default: beside the data directory."),
    ] = None,
    mb: Annotated[float, typer.Option("--mb", min=0.01, help="About how many megabytes.")] = 5.0,
    seed: Annotated[int, typer.Option("--seed", help="The same seed makes the same home.")] = 1,
    no_run: Annotated[bool, typer.Option("--no-run", help="Make the home only.")] = False,
    data: Data = None,
) -> None:
    """Make a sample home and run on it.

    The home has the irregularities of real ones, but all its content is invented: persons, paths, secrets.
    """
    layout = layout_of(data)
    place = directory or layout.demo
    if not no_run:
        _refuse_a_real_archive(layout, place, is_named=data is not None)
    home = make_sample(layout, place, mb=mb, seed=seed)
    if no_run:
        say(f"next: {command(f'run --home {place}', data)}")
    else:
        run_and_show(layout, Request([home]), data, as_json=False, quiet=False, is_sample=True)


def _refuse_a_real_archive(layout: Layout, directory: Path, *, is_named: bool) -> None:
    """Raise ConfigurationError if the archive has real homes, unless the user named it with `--data`."""
    others = {root for root in known_homes(layout).values() if Path(root) != directory.absolute()}
    if others and not is_named:
        raise ConfigurationError(
            f"{layout.root} is an archive of other homes; give the sample home its own: extract demo --data demo-data"
        )
