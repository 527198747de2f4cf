"""`extract sql`: a question to the warehouse."""

import sys
from typing import Annotated

import typer

from models.amounts import plural
from models.errors import ConfigurationError
from pipelines.cli.console import is_terminal, say, say_rows
from pipelines.cli.options import Data, layout_of
from pipelines.warehouse.query import Answer, asking, first, is_number, text_of, write_csv, write_json

_TABLE_ROWS = 100


def sql(
    query: Annotated[str, typer.Argument(metavar="SQL", help="The query; - reads it from standard input.")],
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV; text that a spreadsheet would obey gets an apostrophe in front.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list of objects, exact.")] = False,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=0, help="At most so many rows; 0: all. Default: 100 in a table, else all."),
    ] = None,
    data: Data = None,
) -> None:
    """Ask the warehouse, read-only.

    SQL can change nothing and reaches no file and no network. `extract tables` lists what can be asked for.
    """

    if as_csv and as_json:
        raise ConfigurationError("--csv and --json: choose one")
    text = sys.stdin.read() if query == "-" else query
    with asking(layout_of(data), text) as answer:
        if as_csv:
            write_csv(answer, limit or 0, sys.stdout, to_terminal=is_terminal())
        elif as_json:
            write_json(answer, limit or 0, sys.stdout)
        else:
            _show(answer, _TABLE_ROWS if limit is None else limit)


def _show(answer: Answer, limit: int) -> None:

    rows, more = first(answer, limit)
    shown = [["NULL" if cell is None else text_of(cell) for cell in row] for row in rows]
    cells = list(zip(*rows, strict=True)) or [()] * len(answer.names)
    numbers = [any(map(is_number, column)) and all(c is None or is_number(c) for c in column) for column in cells]
    say_rows(answer.names, shown, numbers)
    say(f"{plural(len(rows), 'row')}" + (", and there are more: see --limit, --csv, --json" if more else ""))
