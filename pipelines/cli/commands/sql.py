"""`extract sql`: runs a read-only SQL query on the warehouse."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, time, timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from models.amounts import plural
from models.errors import ConfigurationError
from pipelines.cli.console import ColumnKind, Heading, is_terminal, say, say_blocks, say_fitting
from pipelines.cli.findings import show_findings
from pipelines.cli.from_copy import FromCopy, KeyFile, reading
from pipelines.cli.looking import Redact, masker_of, printed
from pipelines.cli.options import Data
from pipelines.copies.opened import is_for_sql, make_warehouse_of_copy
from pipelines.disk.layout import Layout
from pipelines.lake.opened import is_lake, opened_lake
from pipelines.warehouse.query import Answer, Cell, asking, first, is_number, text_of, write_csv, write_json

_TABLE_ROWS = 100
_TIMEOUT = 30.0
_IDS = ("id", "uuid", "digest", "sha256")
_LONGEST_ID = 64


def sql(
    query: Annotated[str, typer.Argument(metavar="SQL", help="The query; - reads it from standard input.")],
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV; text that a spreadsheet takes for a formula gets an apostrophe.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list of objects, exact.")] = False,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=0, help="At most so many rows; 0: all. Default: 100 in a table, else all."),
    ] = None,
    vertical: Annotated[
        bool, typer.Option("--vertical", help="Print each row as a block, a line for each column.")
    ] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=0, help="Cancel after so many seconds; 0: never.")
    ] = _TIMEOUT,
    redact: Redact = None,
    from_copy: FromCopy = None,
    key: KeyFile = None,
    data: Data = None,
) -> None:
    """Run a read-only SQL query on the warehouse.

    The query cannot change anything, and cannot access files or the network. `extract tables` lists the tables.
    """
    if as_csv + as_json + vertical > 1:
        raise ConfigurationError("--csv, --json and --vertical: choose one")
    masker = masker_of(redact)
    text = sys.stdin.read() if query == "-" else query
    with _opened(data, from_copy, key) as layout, asking(layout, text, timeout=timeout) as whole:
        answer = printed(whole, masker)
        if as_csv:
            write_csv(answer, limit or 0, sys.stdout, to_terminal=is_terminal())
        elif as_json:
            write_json(answer, limit or 0, sys.stdout)
        else:
            _show(answer, _TABLE_ROWS if limit is None else limit, is_vertical=vertical)


@contextmanager
def _opened(data: Path | None, given: str | None, key: Path | None) -> Iterator[Layout]:
    """Yield the layout, with a warehouse built from a copy or a lake where one was named."""
    if given is not None and key is None and is_lake(given):
        with opened_lake(given) as (layout, found):
            show_findings(found.findings)
            yield layout
        return
    with reading(data, given, key, needed=is_for_sql) as layout:
        for path in make_warehouse_of_copy(layout) if given is not None else ():
            say(f"the copy has lost {path}, or it is damaged there: its rows are left out", stderr=True)
        yield layout


def _show(answer: Answer, limit: int, *, is_vertical: bool) -> None:
    rows, more = first(answer, limit)
    shown = [["NULL" if cell is None else text_of(cell) for cell in row] for row in rows]
    if is_vertical:
        say_blocks(answer.names, shown)
    else:
        columns = list(zip(*rows, strict=True)) or [()] * len(answer.names)
        say_fitting(
            [Heading(name, _kind(name, column)) for name, column in zip(answer.names, columns, strict=True)], shown
        )
    say(f"{plural(len(rows), 'row')}" + (", and there are more: see --limit, --csv, --json" if more else ""))


def _kind(name: str, values: Sequence[Cell]) -> ColumnKind:
    present = [value for value in values if value is not None]
    if present and all(map(is_number, present)):
        return "number"
    is_id = name.endswith(_IDS) and all(len(str(value)) <= _LONGEST_ID for value in present)
    is_short = bool(present) and all(isinstance(value, bool | date | time | timedelta | UUID) for value in present)
    return "exact" if is_id or is_short else "text"
