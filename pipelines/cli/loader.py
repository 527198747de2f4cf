"""Loads a command when it is called: the one place of this project where modules are imported inside functions.

Engines take tenths of a second to import and Prefect takes seconds; `extract --help` needs none of them. So a table
here has the names and one-line helps of the commands, and the module of a command is imported when the command is
called or its own help is shown. A group of commands is declared with `add_completion=False`: completion belongs to
the program.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from models.errors import ExitCode
from pipelines.cli.interrupts import importing
from pipelines.disk.layout import Layout


class Listed(NamedTuple):
    """A command: its name, its one-line help, and where it is: `module` of `pipelines.cli.commands`, and `attribute`,
    a function or a group of commands.

    `dashes` lets what is given begin with a dash, and be no option. Without `has_short_help`, `-h` does not ask for
    help: it may be part of a word with a dash before it.
    """

    name: str
    help: str
    module: str
    attribute: str
    dashes: bool = False
    has_short_help: bool = True


COMMANDS: Final = (
    Listed("run", "Read what is new in each home and build the warehouse.", "run", "run"),
    Listed("demo", "Make a sample home and run on it.", "demo", "demo"),
    Listed("status", "Show each home, the last run, and what is new since.", "status", "status"),
    Listed("inventory", "Show what each home holds, and what is withheld.", "inventory", "inventory"),
    Listed("report", "Print the report of a run.", "report", "report"),
    Listed("sessions", "List sessions, the newest first.", "sessions", "sessions"),
    Listed("search", "Find words in everything that is kept.", "search", "search", dashes=True, has_short_help=False),
    Listed("session", "Show a conversation.", "session", "session"),
    Listed("usage", "Show tokens and what they cost by the list of prices.", "usage", "usage"),
    Listed("dashboard", "Write one HTML file with charts of everything.", "dashboard", "dashboard"),
    # A query may begin with a comment, a file_id with a minus sign.
    Listed("sql", "Ask the warehouse, read-only.", "sql", "sql", dashes=True),
    Listed("show", "Print the bytes at an address, verified.", "show", "show", dashes=True),
    Listed("tables", "Show the tables of the warehouse, or the columns of one.", "tables", "tables"),
    Listed("files", "List what the archive holds, present or long gone.", "files", "files"),
    Listed("restore", "Restore files byte for byte, as of any run.", "restore", "restore"),
    Listed("drill", "Test the archive: restore everything and compare it.", "drill", "drill"),
    Listed("verify", "Verify the archive: bytes, counts, references, permissions.", "verify", "verify"),
    Listed("rebuild", "Build the warehouse again from the archive.", "rebuild", "rebuild"),
    Listed("reparse", "Parse again what is kept, by today's parsers.", "reparse", "reparse"),
    Listed("import-store", "Import another store: its messages count as seen before.", "import_store", "import_store"),
    Listed("rollback", "Make the state as of a run the current one.", "rollback", "rollback"),
    Listed("gc", "Delete undone runs, leftovers and old warehouses.", "garbage", "gc"),
    Listed("forget", "Erase content from every file of the archive, for good.", "forget", "forget"),
    Listed("home", "Show or change which homes every run reads.", "home", "app"),
    Listed("schedule", "Run by itself, on the operating system's schedule.", "schedule", "app"),
    Listed("flow", "Run under Prefect: once, or on a schedule.", "flow", "app"),
)
"""Every command, in the order in which `extract --help` lists them. A test compares the helps with the commands'."""


class Deferred(TyperCommand):
    """A command that is listed, and not imported before it is called or its help is asked for."""

    def __init__(self, listed: Listed) -> None:
        super().__init__(listed.name, help=listed.help)
        self._listed = listed

    def load(self) -> TyperCommand | TyperGroup:
        """Import the command and return it. Raises ImportError."""
        one = self._listed
        with importing():
            module = import_module(f"pipelines.cli.commands.{one.module}")
        found = getattr(module, one.attribute)
        if not isinstance(found, typer.Typer):
            found = self._alone(found)
        command = get_command(found)
        assert isinstance(command, TyperCommand | TyperGroup)
        return command

    def _alone(self, function: Callable[..., None]) -> typer.Typer:
        """Return a program of one command, from which Typer makes the command."""
        one = self._listed
        holder = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        settings: dict[str, object] = {"ignore_unknown_options": True} if one.dashes else {}
        if not one.has_short_help:
            settings["help_option_names"] = ["--help"]
        holder.command(one.name, context_settings=settings)(function)
        return holder

    def make_context(self, *given: Any, **named: Any) -> Any:  # passed on: their types are private to Typer
        """Import the command and return its context: it, not this one, parses arguments and is invoked."""
        return self.load().make_context(*given, **named)


class AllCommands(TyperGroup):
    """The group of all commands, each of them deferred."""

    def __init__(self, *, commands: None = None, **attributes: Any) -> None:  # passed on as Typer gives them
        super().__init__(commands={one.name: Deferred(one) for one in COMMANDS}, **attributes)


def make_sample(layout: Layout, directory: Path, *, is_silent: bool) -> tuple[str, Path]:
    """Do as `pipelines.cli.sample.make_sample`, imported now: a run over a home needs none of its thirty modules."""
    from pipelines.cli import sample

    return sample.make_sample(layout, directory, is_silent=is_silent)


def run_weekly(homes: Sequence[str], data: Path, *, full: bool) -> ExitCode:
    """Do as `pipelines.schedule.flows.run_weekly`, imported now: Prefect reads its settings when it is imported."""
    from pipelines.schedule import flows

    return flows.run_weekly(homes, data, full=full)


def serve_weekly(homes: Sequence[str], data: Path, *, full: bool, cron: str | None) -> None:
    """Do as `pipelines.schedule.flows.serve_weekly`, imported now; without `cron` at the usual time."""
    from pipelines.schedule import flows

    flows.serve_weekly(homes, data, full=full, cron=cron or flows.CRON)
