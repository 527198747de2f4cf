"""`extract demo`: a sample home made from nothing, and a run over it."""

from pathlib import Path
from typing import Annotated

import typer

from models.amounts import listed, plural, size
from models.errors import ConfigurationError
from pipelines.archive.archive import known_homes
from pipelines.cli.commands.run import do_run
from pipelines.cli.console import say
from pipelines.cli.options import Data, command, layout_of, shown_path
from pipelines.demo.demo import DemoSummary, make_home
from pipelines.disk.layout import Layout
from pipelines.run.extraction import Request

_SHOWN = 5


def demo(
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to make the home.")] = Path("demo-home"),
    mb: Annotated[float, typer.Option("--mb", min=0.01, help="About how many megabytes.")] = 5.0,
    seed: Annotated[int, typer.Option("--seed", help="The same seed makes the same home.")] = 1,
    no_run: Annotated[bool, typer.Option("--no-run", help="Make the home only.")] = False,
    data: Data = None,
) -> None:
    """Make a sample home and run on it.

    It has the oddities that real ones have, and nothing in it is real: no person, no path, no secret.
    """

    layout = layout_of(data)
    if not no_run:
        _refuse_a_real_archive(layout, directory, is_named=data is not None)
    try:
        made = make_home(directory, mb=mb, seed=seed)
    except ValueError as error:
        raise ConfigurationError(f"{error}. To run on it: extract run --home {directory}") from error
    _show(made)
    if no_run:
        say(f"next: {command(f'run --home {directory}', data)}")
        return

    do_run(layout, Request([(None, directory)]), data, as_json=False, quiet=False)


def _refuse_a_real_archive(layout: Layout, directory: Path, *, is_named: bool) -> None:
    """Refuse to mix a made-up home into an archive of real ones, unless its data directory was named."""

    others = {root for root in known_homes(layout).values() if Path(root) != directory.absolute()}
    if others and not is_named:
        raise ConfigurationError(
            f"{layout.root} holds an archive of other homes; name one of its own for the sample: "
            "extract demo --data demo-data"
        )


def _show(made: DemoSummary) -> None:

    largest = dict(sorted(made.entries.items(), key=lambda item: -item[1])[:_SHOWN])
    others = len(made.entries) - len(largest)
    say(f"Sample home: {shown_path(made.root.absolute())}", style="bold")
    say(
        f"{plural(made.files, 'file')}, {size(made.bytes)}, {plural(made.sessions, 'session')}, "
        f"{plural(len(made.oddities), 'oddity', 'oddities')} planted on purpose"
    )
    say(f"entries: {listed(largest)}, and of {plural(others, 'other kind')}")
    say()
