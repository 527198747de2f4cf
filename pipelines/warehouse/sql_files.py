"""Reads the SQL files of the warehouse: one for each derived table and one for each view.

A file begins with a block comment that documents it, followed by one query:

    /*
    One row for each session of a home.

    refresh: session

    - home_id (text, required): The home.
    - title (text): Its title.
    */
    select home_id, title from ...

The first paragraph is the comment of the table. For a derived table the comment also has how it is refreshed
(`Refresh`) and the type of each column; for a view neither, because the engine infers the types of its columns.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

import pyarrow as pa

from models.schema import FLAG, FLOAT, INSTANT, INTEGER, JSON, TEXT, Column, ColumnType, Table

TEXTS: Final = ColumnType("list of text", pa.list_(pa.string()))
INTEGERS: Final = ColumnType("list of integer", pa.list_(pa.int64()))
_TYPES: Final = {kind.name: kind for kind in (TEXT, JSON, INTEGER, FLOAT, FLAG, INSTANT, TEXTS, INTEGERS)}

_ROOM: Final = Path(__file__).parent
_HEADER: Final = re.compile(r"\s*/\*\n(.*?)\n\*/\n", re.DOTALL)
_COLUMN: Final = re.compile(r"- (\w+)(?: \(([^)]*)\))?: (.+)", re.DOTALL)
_SETTING: Final = re.compile(r"(\w+): (\w+)")
_NO_CODE: Final = re.compile(r"/\*.*?\*/|--[^\n]*|'(?:[^']|'')*'", re.DOTALL)
_READ: Final = re.compile(r"\b(?:from|join)\s+(?:warehouse\.)?([a-z_]+)\b", re.IGNORECASE)

WHOLE: Final = "whole"
SESSION: Final = "session"


@dataclass(frozen=True, slots=True)
class Refresh:
    """The way in which a load updates a derived table. `by` is `whole` (all rows are computed again), `session` (the
    rows of the sessions that the load touched) or the name of a key column.

    With a key column, `touched` is a query for the keys whose rows may have changed, and `inputs` has, for each input
    table by name, a query for the rows needed. Both queries may use the tables `new_runs` and `changed`, those of
    `inputs` also `touched`. `materialized`: the inputs are small and read more than once, so DuckDB materialises them.
    """

    by: str
    touched: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    materialized: bool = False


@dataclass(frozen=True, slots=True)
class DerivedTable:
    """A table that the warehouse fills with a query; `reads` names the tables that the query reads."""

    table: Table
    query: str
    refresh: Refresh
    reads: frozenset[str]

    @property
    def select(self) -> str:
        """The query with its columns in the order of the table's."""
        names = ", ".join(f'"{column.name}"' for column in self.table.all_columns)
        return f"SELECT {names} FROM ({self.query})"

    @property
    def insert(self) -> str:
        """The statement that fills the table."""
        return f'INSERT INTO "{self.table.name}" {self.select}'


@dataclass(frozen=True, slots=True)
class View:
    """A view: its name, its comment, the comments of its columns, its query, and the tables and views that it reads."""

    name: str
    comment: str
    columns: Mapping[str, str]
    query: str
    reads: frozenset[str]


@cache
def derived_tables() -> tuple[DerivedTable, ...]:
    """Return every derived table, each after those that it reads.

    Raises TypeError if a file does not have the form above.
    """
    return tuple(_ordered({table.table.name: table for table in map(_derived_table, _files("derived"))}))


@cache
def views() -> tuple[View, ...]:
    """Return the view of every file, each after those that it reads. Raises TypeError as `derived_tables` does."""
    return tuple(_ordered({view.name: view for view in map(_view, _files("views"))}))


@cache
def macros() -> str:
    """Return the statements that create the functions which derived tables and views share."""
    return (_ROOM / "macros.sql").read_text(encoding="utf-8")


def _files(directory: str) -> list[Path]:
    """Return the files of tables or views; a file `<table>.<input>.sql` belongs to the one of `<table>`."""
    return sorted(path for path in (_ROOM / directory).glob("*.sql") if "." not in path.stem)


_Item = TypeVar("_Item", DerivedTable, View)


def _ordered(items: Mapping[str, _Item]) -> Iterable[_Item]:
    waiting = dict(items)
    while waiting:
        ready = [name for name, item in waiting.items() if not (set(item.reads) - {name}) & waiting.keys()]
        if not ready:
            raise TypeError(f"these queries read one another in a circle: {', '.join(waiting)}")
        yield from (waiting.pop(name) for name in ready)


def _derived_table(path: Path) -> DerivedTable:
    header = _parsed(path)
    by = header.settings.get("refresh")
    if by is None:
        raise TypeError(f"{path.name} has no line `refresh:`")
    columns = tuple(_column(path, name, words, comment) for name, words, comment in header.columns)
    beside = {other.stem.split(".")[1]: _query(other) for other in path.parent.glob(f"{path.stem}.*.sql")}
    refresh = Refresh(by, beside.pop("touched", ""), beside, header.settings.get("inputs") == "materialized")
    table = Table(path.stem, header.comment, columns, has_provenance=False)
    return DerivedTable(table, header.query, refresh, _with_tables_of_views(tables_read(header.query)))


def _view(path: Path) -> View:
    header = _parsed(path)
    columns = {name: comment for name, _, comment in header.columns}
    return View(path.stem, header.comment, columns, header.query, tables_read(header.query))


def _with_tables_of_views(names: frozenset[str]) -> frozenset[str]:
    """Return the names, and those of the tables and views that the views among them read."""
    read = {name for view in views() if view.name in names for name in view.reads}
    return names if read <= names else _with_tables_of_views(names | read)


@dataclass(frozen=True, slots=True)
class _Parsed:
    comment: str
    settings: Mapping[str, str]
    columns: list[tuple[str, str, str]]
    query: str


def _parsed(path: Path) -> _Parsed:
    text = path.read_text(encoding="utf-8")
    match = _HEADER.match(text)
    if match is None:
        raise TypeError(f"{path.name} does not begin with a comment that documents it")
    paragraphs = match[1].split("\n\n")
    comment = " ".join(paragraphs[0].split())
    settings: dict[str, str] = {}
    columns: list[tuple[str, str, str]] = []
    for paragraph in paragraphs[1:]:
        for item in re.split(r"\n(?=\S)", paragraph):
            column, setting = _COLUMN.fullmatch(item), _SETTING.fullmatch(item)
            if column is not None:
                columns.append((column[1], column[2] or "", " ".join(column[3].split())))
            elif setting is not None:
                settings[setting[1]] = setting[2]
            else:
                raise TypeError(f"{path.name}: neither a column nor a setting: {item}")
    return _Parsed(comment, settings, columns, text[match.end() :].strip())


def _column(path: Path, name: str, words: str, comment: str) -> Column:
    kind, *flags = words.split(", ")
    if kind not in _TYPES or not {"required", "distinct", "long"}.issuperset(flags):
        raise TypeError(f"{path.name}: column {name} has no type: {words}")
    return Column(name, _TYPES[kind], comment, "required" in flags, "distinct" in flags, "long" in flags)


def _query(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip()


def tables_read(query: str) -> frozenset[str]:
    """Return the names that a query reads from, those of its own common table expressions included."""
    return frozenset(name.lower() for name in _READ.findall(_NO_CODE.sub(" ", query)))
