"""`extract publish`: the warehouse where a team already has its data."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from models.amounts import count, plural
from pipelines.archive.archive import read_runs
from pipelines.archive.audit import note_access
from pipelines.archive.known_copies import key_of
from pipelines.cli.console import say, say_json
from pipelines.cli.options import AsJson, Data, Quiet, layout_of
from pipelines.cli.progress import showing
from pipelines.publish.ducklake import publish_to_ducklake, shown_place
from pipelines.publish.postgres import publish_to_postgres
from pipelines.publish.result import Publication
from pipelines.publish.source import publishable, reading

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)

Level = Annotated[
    str, typer.Option("--level", metavar="LEVEL", help="The readers there: private (you alone), team or public.")
]
Why = Annotated[str | None, typer.Option("--why", metavar="TEXT", help="Why; the audit log keeps it.")]


@app.callback()
def publish() -> None:
    """Publish the warehouse to PostgreSQL or DuckLake."""


@app.command()
def postgres(
    url: Annotated[str, typer.Argument(metavar="URL", help="postgresql://USER@HOST/DATABASE; PGPASSWORD may be set.")],
    schema: Annotated[
        str, typer.Option("--schema", metavar="NAME", help="The schema, which is its own.")
    ] = "claude_code",
    reader: Annotated[
        str, typer.Option("--reader", metavar="ROLE", help="The role that may read it; made if it is missing.")
    ] = "claude_code_reader",
    level: Level = "private",
    why: Why = None,
    data: Data = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Publish all tables and views into a PostgreSQL schema.

    Copies only what differs, by run where a table has runs, in one transaction; then compares rows and checksums of
    everything. A second publication copies nothing. Needs the extra publish. With --level team or public only the
    sessions that a rule of privacy gives to them are published, masked.
    """
    layout = layout_of(data)
    with (
        showing(shown=not (as_json or quiet)) as observer,
        publishable(layout, level, layout.lakes / "postgres") as source,
        reading(source) as connection,
    ):
        newest = read_runs(layout)[-1].run_id
        made = publish_to_postgres(connection, url, observer, schema=schema, reader=reader, run_id=newest)
    counts = {"relations": made.relations, "rows": made.rows_copied}
    note_access(layout, "publish", made.place, why=why, level=level, counts=counts)
    _show(made, as_json=as_json, quiet=quiet, withheld=source.withheld_sessions)


@app.command()
def ducklake(
    place: Annotated[str, typer.Argument(metavar="DIR|URL", help="A directory, or postgresql://… for the catalog.")],
    files: Annotated[
        Path | None,
        typer.Option(
            "--files", metavar="DIR", help="The directory for DuckLake's own files, which are not in the archive."
        ),
    ] = None,
    level: Level = "private",
    why: Why = None,
    data: Data = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Publish a DuckLake catalog over the archive's files.

    The Parquet files stay where they are. The schema archive has the tables of all runs, answers the rows of the views.
    A ledger of digests keeps a file from being added twice; rows and checksums are compared after each. Needs the extra
    publish, and DuckDB 1.5.5.
    """
    layout = layout_of(data)
    shown = shown_place(place)
    where = place if "://" in place or place.startswith("postgres:") else str(Path(place).expanduser().absolute())
    base = files or (layout.lakes / f"ducklake-{key_of(where)}" if where == place and "://" in place else Path(where))
    base = base.expanduser().absolute()
    with (
        showing(shown=not (as_json or quiet)) as observer,
        publishable(layout, level, base / "masked") as source,
    ):
        made = publish_to_ducklake(source, where, base / "files", observer)
    counts = {"relations": made.relations, "rows": made.rows_copied}
    note_access(layout, "publish", f"ducklake {shown}", why=why, level=level, counts=counts)
    _show(made, as_json=as_json, quiet=quiet, withheld=source.withheld_sessions)
    if not (as_json or quiet) and where == str(Path(place).expanduser().absolute()):
        catalog = shlex.quote(str(Path(where) / "catalog.ducklake"))
        say(f"next, in DuckDB: ATTACH 'ducklake:{catalog}' AS lake; FROM lake.answers.usage_by_day")


def _show(made: Publication, *, as_json: bool, quiet: bool, withheld: int) -> None:
    if as_json:
        say_json(made.to_json() | {"withheld_sessions": withheld})
        return
    for note in made.notes:
        say(note, stderr=True)
    if quiet:
        return
    copied = f"{count(made.rows_copied)} rows copied" if made.chunks_copied else "nothing is new"
    say(f"{made.place}: {copied}", is_bold=True)
    say(f"{plural(made.relations, 'table')} with {count(made.rows)} rows compared: rows and checksums are equal")
    if withheld:
        say(f"{plural(withheld, 'session')} withheld: `extract privacy list` says why")
