"""Options and helpers shared by the commands that query the warehouse: sessions, session, search and usage."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import takewhile
from typing import Annotated

import typer

from models.errors import ANOTHER_VERSION, ConfigurationError, LoadError
from pipelines.cli.console import is_terminal
from pipelines.cli.standard_output import reader_has_gone
from pipelines.disk.layout import Layout
from pipelines.look.filters import Conditions
from pipelines.redact.masking import Masker, masked
from pipelines.redact.rules import PrivacyLevel
from pipelines.warehouse.opened import lacks_tables
from pipelines.warehouse.query import Answer, Cell, asking, write_csv, write_json

Project = Annotated[
    str | None,
    typer.Option(
        "--project", metavar="NAME|DIR", help="Only this project: a part of its name, or a directory (. too)."
    ),
]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="DATE", help="Only from then on: yesterday, last week, 3 days ago, 2026-03-01."),
]
Until = Annotated[str | None, typer.Option("--until", metavar="DATE", help="Only until then, that day included.")]
Touched = Annotated[
    str | None,
    typer.Option("--touched", metavar="FILE", help="Only where a tool call names this file, or a part of its path."),
]
Tool = Annotated[
    str | None, typer.Option("--tool", metavar="NAME", help="Only where this tool was called; * is allowed.")
]
Model = Annotated[
    str | None, typer.Option("--model", metavar="NAME", help="Only of this model, or a part of its name.")
]
State = Annotated[
    str | None,
    typer.Option("--state", metavar="STATE", help="Only in this state: present, partial, expired, named_only."),
]
HomeId = Annotated[str | None, typer.Option("--home", metavar="HOME", help="Only of this home, by its id.")]
AsCsv = Annotated[
    bool, typer.Option("--csv", help="Print CSV; text that a spreadsheet takes for a formula gets an apostrophe.")
]

Redact = Annotated[
    str | None,
    typer.Option(
        "--redact", metavar="LEVEL", help="Mask secrets: private; and numbers of people: team; and names, mail: public."
    ),
]

Level = Annotated[
    str, typer.Option("--redact", metavar="LEVEL", help="Mask: private (secrets), team, public, or none.")
]
"""The option of commands that mask unless they are asked not to; for `level_of`."""

Named = dict[str, Cell]
"""A row of a query's result, by column name."""


def masker_of(level: str | None) -> Masker | None:
    """Return the masker for the texts of one output, None without a level. Raises ConfigurationError for an unknown
    level.
    """
    if level is None:
        return None
    if level.upper() not in PrivacyLevel.__members__:
        raise ConfigurationError(
            f"unknown level {level!r}; use one of {', '.join(one.lower() for one in PrivacyLevel.__members__)}"
        )
    return Masker(PrivacyLevel[level.upper()])


def level_of(given: str) -> PrivacyLevel | None:
    """Return the level of a name, None for `none`. Raises ConfigurationError for an unknown one."""
    if given == "none":
        return None
    if given.upper() not in PrivacyLevel.__members__:
        raise ConfigurationError(f"there is no level {given!r}; there are private, team, public and none")
    return PrivacyLevel[given.upper()]


def printed(answer: Answer, masker: Masker | None) -> Answer:
    """Return an answer with its texts masked, if there is a masker; it ends early if standard output is closed."""
    rows = takewhile(lambda _: not reader_has_gone(), answer.rows)
    if masker is None:
        return replace(answer, rows=rows)
    names = [masker.mask(name) for name in answer.names]
    return replace(answer, names=names, rows=([masked(cell, masker) for cell in row] for row in rows))


@contextmanager
def looking(layout: Layout, query: Conditions, masker: Masker | None = None) -> Iterator[Answer]:
    """Run a query on the warehouse and give its result, masked if there is a masker; its rows end early if standard
    output is closed (`| head`). Raises what `asking` raises, and LoadError where the warehouse lacks a table or column.
    """
    try:
        with asking(layout, query.sql, query.values) as whole:
            yield printed(whole, masker)
    except ConfigurationError as error:
        if lacks_tables(error.__cause__):
            raise LoadError(ANOTHER_VERSION) from error
        raise


def rows_of(layout: Layout, query: Conditions, masker: Masker | None = None) -> list[Named]:
    """Run a query and return all rows, by column name. Raises what `asking` raises."""
    with looking(layout, query, masker) as answer:
        return [dict(zip(answer.names, row, strict=True)) for row in answer.rows]


def print_rows(layout: Layout, query: Conditions, masker: Masker | None = None, *, as_json: bool, as_csv: bool) -> bool:
    """If `as_json` or `as_csv`, run a query, print the result in that format and return True; else return False.
    Raises ConfigurationError if both are set.
    """
    if as_json and as_csv:
        raise ConfigurationError("--csv and --json: choose one")
    if not (as_json or as_csv):
        return False
    with looking(layout, query, masker) as answer:
        if as_json:
            write_json(answer, 0, sys.stdout)
        else:
            write_csv(answer, 0, sys.stdout, to_terminal=is_terminal())
    return True


def newest_of(layout: Layout) -> str:
    """Return a sentence that names the day of the newest session, for an answer with nothing in it; "" without any."""
    ((newest,),) = (row.values() for row in rows_of(layout, Conditions("SELECT max(ended_at) FROM sessions")))
    return f" The newest session is of {newest.astimezone():%Y-%m-%d}." if isinstance(newest, datetime) else ""


def text(value: Cell) -> str:
    """Return a text value of a result; "" for NULL."""
    return value if isinstance(value, str) else ""


def whole(value: Cell) -> int:
    """Return an integer value of a result; 0 for NULL."""
    return value if isinstance(value, int) else 0


def amount(value: Cell) -> float | None:
    """Return a numeric value of a result; None for NULL."""
    return float(value) if isinstance(value, int | float) else None


def instant(value: Cell) -> datetime | None:
    """Return a timestamp of a result; None for NULL."""
    return value if isinstance(value, datetime) else None


def listed_texts(value: Cell) -> Sequence[str]:
    """Return a list of texts of a result; an empty one for NULL."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
