"""The command line: parse arguments, call, print, exit code."""

from typing import Annotated

import typer

from pipelines.version import VERSION

app = typer.Typer(name="extract", no_args_is_help=True, add_completion=False)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"extract {VERSION}")
        raise typer.Exit


@app.callback()
def extract(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Extract everything that a ~/.claude holds into a warehouse one can query."""


def main() -> None:
    """Run the command line and exit with its code."""
    app()
