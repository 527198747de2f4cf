"""`extract tables`: prints the data dictionary of the warehouse."""

import sys
from difflib import get_close_matches
from typing import Annotated

import typer

from models.errors import ConfigurationError
from pipelines.cli.console import Heading, say, say_json, say_table, say_wrapped
from pipelines.cli.options import AsJson
from pipelines.warehouse import dictionary
from pipelines.warehouse.dictionary import GROUPS, TableEntry


def tables(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One table or view, with its columns.")] = None,
    as_json: AsJson = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
) -> None:
    """Show the tables of the warehouse, or the columns of one.

    Needs no warehouse: it comes from the declarations.
    """
    if as_json and as_markdown:
        raise ConfigurationError("--json and --markdown: choose one")
    entries = dictionary.dictionary()
    if name is not None:
        entries = [_named(name, entries)]
    if as_json or as_markdown or any(entry.group == "view" for entry in entries if name):
        entries = dictionary.with_view_columns(entries)
    if as_json:
        say_json([entry.to_json() for entry in entries])
    elif as_markdown:
        sys.stdout.write("\n".join(dictionary.as_markdown(entry) for entry in entries))
    elif name is not None:
        _show_columns(entries[0])
    else:
        _show_tables(entries)


def _named(name: str, entries: list[TableEntry]) -> TableEntry:
    for entry in entries:
        if entry.name == name:
            return entry
    close = get_close_matches(name, [entry.name for entry in entries])
    hint = f"; did you mean {' or '.join(close)}?" if close else "; `extract tables` lists them"
    raise ConfigurationError(f"there is no table {name!r}{hint}")


def _show_tables(entries: list[TableEntry]) -> None:
    for group, title in GROUPS.items():
        say_wrapped(title)
        rows = [[entry.name, entry.comment] for entry in entries if entry.group == group]
        say_table([Heading("view" if group == "view" else "table"), Heading("content", "sentence")], rows)
        say()


def _show_columns(entry: TableEntry) -> None:
    say(entry.name, is_bold=True)
    say_wrapped(entry.comment)
    say()
    if entry.group == "view":
        say_table([Heading("column"), Heading("type")], [[column.name, column.type] for column in entry.columns])
        return
    say_table(
        [Heading("column"), Heading("type"), Heading("NULL"), Heading("meaning", "sentence")],
        [[column.name, column.type, "" if column.is_required else "yes", column.comment] for column in entry.columns],
    )
