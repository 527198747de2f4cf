"""`extract flow`: a run under Prefect, once or on a schedule. The only commands that import Prefect."""

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import orjson
import typer

from models.amounts import count, duration, plural
from models.errors import ConfigurationError
from pipelines.cli.console import Heading, say, say_json, say_table
from pipelines.cli.loader import run_team, run_weekly, serve_weekly
from pipelines.cli.options import AsJson, Data, Homes, command, layout_of
from pipelines.disk.atomic import disk_errors
from pipelines.disk.layout import Layout, make_private
from pipelines.run.extraction import Request, check_homes, name_homes
from pipelines.run.home_listing import refuse_within_homes
from pipelines.run.request import homes_to_read
from pipelines.schedule.deployments import POOL, local_zone, prefect_file
from pipelines.schedule.many_homes import TeamResult
from pipelines.schedule.prefect_settings import SERVER, STATE, prepare_prefect

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)

Full = Annotated[bool, typer.Option("--full", help="Read all files again and compute every SHA-256.")]
Push = Annotated[bool, typer.Option("--push", help="End with a push to every lake in use.")]


@app.callback()
def flow() -> None:
    """Run under Prefect: once, or on a schedule. `extract run` in cron does the same and needs no server.

    Without PREFECT_API_URL and PREFECT_HOME, Prefect keeps its state in the data directory.
    """


@app.command()
def run(home: Homes = None, data: Data = None, full: Full = False, push: Push = False) -> None:
    """Run the flow once.

    A temporary server is started for it, unless PREFECT_API_URL names one.
    """
    layout = layout_of(data)
    homes = _prepare(layout, home or ())

    if code := run_weekly(homes, layout.root, full=full, push=push):
        raise typer.Exit(code)


@app.command()
def serve(
    home: Homes = None,
    data: Data = None,
    full: Full = False,
    push: Push = False,
    cron: Annotated[
        str | None, typer.Option(metavar="CRON", help="When, in UTC. Default: 0 2 * * 0, as in prefect.yaml.")
    ] = None,
) -> None:
    """Run the flow on a schedule until interrupted.

    The server that PREFECT_API_URL names keeps the schedule; `extract flow server` starts one.
    """

    if SERVER not in os.environ and STATE not in os.environ:
        raise ConfigurationError(
            f"a schedule needs a server. Start one with `{command('flow server', data)}`, "
            f"and set {SERVER}=http://127.0.0.1:4200/api for this command"
        )
    layout = layout_of(data)
    homes = _prepare(layout, home or ())

    serve_weekly(homes, layout.root, full=full, push=push, cron=cron)


@app.command()
def deploy(home: Homes = None, data: Data = None, push: Push = False) -> None:
    """Deploy all flows to a server, in local time.

    They run weekly, verify monthly and drill quarterly.

    PREFECT_API_URL names the server. The deployments have the data directory and the homes of this machine; a worker
    of the pool `extract` runs them, one at a time.
    """
    if SERVER not in os.environ and STATE not in os.environ:
        raise ConfigurationError(
            f"a deployment needs a server. Start one with `{command('flow server', data)}`, "
            f"and set {SERVER}=http://127.0.0.1:4200/api for this command"
        )
    layout = layout_of(data)
    homes = _prepare(layout, home or ())
    with disk_errors():
        make_private(layout.prefect)
        file = layout.prefect / "prefect.yaml"
        # JSON is YAML.
        content = prefect_file(layout.root, homes, local_zone(), push=push)
        file.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    prefect = [sys.executable, "-P", "-m", "prefect"]
    made = [*prefect, "work-pool", "create", POOL, "--type", "process"]
    subprocess.run(made, capture_output=True, check=False)  # fails if it exists, which is as well
    code = subprocess.call([*prefect, "--no-prompt", "deploy", "--all"], cwd=layout.prefect)
    if code:
        raise typer.Exit(code)
    say(f"next: {shlex.join(['prefect', 'worker', 'start', '--pool', POOL])}")


@app.command()
def team(
    home: Homes = None,
    runner: Annotated[
        str, typer.Option(metavar="NAME", help="The task runner: dask, processes, or one-by-one.")
    ] = "processes",
    workers: Annotated[int, typer.Option(min=1, max=1024, help="How many workers on this machine.")] = 2,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="A scheduler of Dask that is running, such as tcp://HOST:8786."),
    ] = None,
    units: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the homes' own archives are. Default: DATA-units.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Read many homes on many workers, and join them.

    Each home is read into an archive of its own, below DIR; these are joined in the data directory by copying their
    files through a lake, and the warehouse then has all of them. A worker that dies costs one more try of its home.
    Workers on other machines need the same DIR, homes and program.

    PREFECT_API_URL names the server that the workers report to. dask needs the extra `dask`.
    """
    if SERVER not in os.environ:
        raise ConfigurationError(
            f"the workers need a server. Start one with `{command('flow server', data)}`, "
            f"and set {SERVER}=http://127.0.0.1:4200/api for this command"
        )
    layout = layout_of(data)
    _prepare(layout, home or ())
    found = homes_to_read(layout, home or ())
    named = [(one.home_id, one.root) for one in name_homes(Request(found.homes), layout)]
    where = units.absolute() if units is not None else layout.root.with_name(f"{layout.root.name}-units")
    refuse_within_homes(where, [root for _, root in named])
    made = run_team(named, layout, where, runner, workers, cluster)
    if as_json:
        say_json(made.to_json())
    else:
        _show_team(made)
    if made.exit_code:
        raise typer.Exit(made.exit_code)


def _show_team(made: TeamResult) -> None:
    numbers = ("files read", "rows", "seconds", "exit code")
    say_table(
        [Heading("home"), Heading("run"), *(Heading(name, "number") for name in numbers)],
        [
            [one.home_id, one.run_id, count(one.files_read), count(one.rows), f"{one.seconds:.1f}", str(one.exit_code)]
            for one in made.done
        ],
    )
    for home_id, why in made.failed.items():
        say(f"{home_id} failed: {why}", stderr=True)
    took = f"{duration(made.seconds_of_units)} of work in {duration(made.seconds)}"
    say(
        f"{plural(len(made.done), 'home')} read: {took}, {made.seconds_of_units / max(made.seconds, 0.001):.1f} at once"
    )


@app.command()
def server(
    data: Data = None, port: Annotated[int, typer.Option(min=1, max=65535, help="The port on this machine.")] = 4200
) -> None:
    """Run a Prefect server until interrupted.

    It listens on this machine only, and keeps its database in the data directory.
    """

    layout = layout_of(data)
    prepare_prefect(layout, for_this_process=False)
    # Without this Prefect unpacks its web pages into the installed package.
    os.environ.setdefault("PREFECT_SERVER_UI_STATIC_DIRECTORY", os.fspath(layout.prefect / "ui"))
    # Otherwise its pages send their requests to port 4200, whatever `port` is.
    os.environ.setdefault("PREFECT_SERVER_UI_API_URL", f"http://127.0.0.1:{port}/api")
    start = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    if sys.platform != "win32":
        # Prefect runs in this process: a signal then ends the server itself, not only its parent.
        os.execv(start[0], start)
    if code := subprocess.call(start):
        raise typer.Exit(code)


def _prepare(layout: Layout, given: Sequence[str]) -> list[str]:
    """Refuse homes that cannot be run, prepare Prefect's environment; return the homes with absolute paths."""

    found = homes_to_read(layout, given)
    found.refuse_none()
    homes = found.homes
    check_homes(homes, layout)
    prepare_prefect(layout, [root for _, root in homes])
    return [f"{name}={root.absolute()}" if name else str(root.absolute()) for name, root in homes] if given else []
