"""Runs queries on the warehouse, read-only and without access to files or the network; writes results as CSV or
JSON.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from typing import Final, TextIO

import duckdb

from models.errors import ConfigurationError
from models.text import safe, safe_json
from pipelines.disk.layout import Layout
from pipelines.warehouse.guard import Watched
from pipelines.warehouse.opened import open_warehouse
from pipelines.warehouse.statements import check_statements

Cell = object
"""A value as DuckDB returns it to Python."""

_BATCH: Final = 1000
# Spreadsheets also take the full-width signs as the start of a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_CSV_MARKS: Final = re.compile(r"[,\"\r\n]")
_NUMBERS: Final = (int, float, Decimal)


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a query: unique column names, and the rows, fetched when iterated."""

    names: list[str]
    rows: Iterator[Sequence[Cell]]


@contextmanager
def asking(layout: Layout, sql: str, values: Sequence[object] = (), *, timeout: float = 0) -> Iterator[Answer]:
    """Run a query on the published warehouse and give its result; of several statements, that of the last.

    `values` replace the question marks in `sql`. `timeout` limits DuckDB's working time in seconds, 0 for no limit; the
    caller's time between rows does not count. Raises ConfigurationError if there is no warehouse, if a statement is not
    a query, on timeout, and for errors of DuckDB, in one line.
    """
    with open_warehouse(layout) as connection:
        engine = Watched(connection, timeout)
        with _refusals():
            engine.do(lambda: check_statements(connection, sql))
            engine.do(lambda: connection.execute(sql, values))
        if not connection.description:
            raise ConfigurationError("there is no query in the text")
        yield Answer(_each_once([str(column[0]) for column in connection.description]), _fetched(connection, engine))


def _fetched(connection: duckdb.DuckDBPyConnection, engine: Watched) -> Iterator[Sequence[Cell]]:
    while True:
        with _refusals():
            rows = engine.do(lambda: connection.fetchmany(_BATCH))
        if not rows:
            return
        yield from rows


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise ConfigurationError(_in_one_line(str(error))) from error


def _in_one_line(message: str) -> str:
    """Return the message of an error in one line, without DuckDB's drawing of the position in the query."""
    lines = message.split("\nLINE ")[0].splitlines()
    return safe("; ".join(line.strip() for line in lines if line.strip()))


def _each_once(names: Iterable[str]) -> list[str]:
    """Number repeated names, so that no field of a JSON object hides another."""
    made: list[str] = []
    for name in names:
        number, unique = 1, name
        while unique in made:
            number += 1
            unique = f"{name}_{number}"
        made.append(unique)
    return made


def first(answer: Answer, limit: int) -> tuple[list[Sequence[Cell]], bool]:
    """Return the first `limit` rows (all of them for 0), and whether there are more."""
    if limit == 0:
        return list(answer.rows), False
    rows = list(islice(answer.rows, limit + 1))
    return rows[:limit], len(rows) > limit


def limited(answer: Answer, limit: int) -> Iterator[Sequence[Cell]]:
    """Yield the first `limit` rows, all of them for 0."""
    return islice(answer.rows, limit) if limit else answer.rows


def text_of(cell: Cell) -> str:
    """Return a value as text: bytes in hex, timestamps in ISO 8601, lists and structs as JSON, NULL as ""."""
    match cell:
        case None:
            return ""
        case str():
            return cell
        case bool():
            return "true" if cell else "false"
        case bytes() | bytearray() | memoryview():
            return bytes(cell).hex()
        case datetime():
            instant = cell.isoformat(sep=" ")
            return instant.rstrip("0") if cell.microsecond and not cell.tzinfo else instant
        case Decimal():
            return format(cell, "f")
        case list() | tuple() | dict():
            return json_of(cell)
        case _:
            return str(cell)


def is_number(cell: Cell) -> bool:
    """Whether a value is a number."""
    return isinstance(cell, _NUMBERS) and not isinstance(cell, bool)


def json_of(cell: Cell) -> str:
    """Return a value as JSON: numbers exact; types that JSON does not have as text."""
    match cell:
        case None:
            return "null"
        case bool() | int():
            return json.dumps(cell)
        case float():
            return json.dumps(cell if math.isfinite(cell) else str(cell))
        case Decimal():
            return format(cell, "f")
        case list() | tuple():
            return f"[{', '.join(json_of(one) for one in cell)}]"
        case dict():
            fields = (f"{_quoted(text_of(name))}: {json_of(value)}" for name, value in cell.items())
            return f"{{{', '.join(fields)}}}"
        case date() | time():  # a datetime is a date
            return _quoted(cell.isoformat())
        case _:
            return _quoted(text_of(cell))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def write_json(answer: Answer, limit: int, out: TextIO) -> None:
    """Write the rows as a JSON list of objects, one per line, with control characters as JSON escapes. `limit` 0: all
    rows.
    """
    out.write("[")
    names = [_quoted(name) for name in answer.names]
    separator = "\n"
    for row in limited(answer, limit):
        fields = (f"{name}: {json_of(cell)}" for name, cell in zip(names, row, strict=True))
        out.write(safe_json(f"{separator}{{{', '.join(fields)}}}"))
        separator = ",\n"
    out.write("\n]\n" if separator != "\n" else "]\n")


def write_csv(answer: Answer, limit: int, out: TextIO, *, to_terminal: bool) -> None:
    """Write the rows as CSV; `limit` 0: all rows. Text that a spreadsheet would take for a formula gets an apostrophe
    in front.

    Otherwise text is exact; with `to_terminal`, control characters are escaped. NULL is an empty field, the empty text
    a quoted one.
    """

    def written(cell: Cell) -> str:
        text = text_of(cell)
        if cell is None or is_number(cell):
            return text
        guarded = f"'{text}" if text.startswith(_FORMULA) else text
        shown = safe(guarded, keep_newlines=True) if to_terminal else guarded
        return _csv_quoted(shown)

    out.write(",".join(map(written, answer.names)) + "\n")
    out.writelines(",".join(map(written, row)) + "\n" for row in limited(answer, limit))


def _csv_quoted(text: str) -> str:
    """Return a field, quoted if necessary; csv.writer would not quote a lone carriage return."""
    if text and text == text.strip() and not _CSV_MARKS.search(text):
        return text
    return '"' + text.replace('"', '""') + '"'
