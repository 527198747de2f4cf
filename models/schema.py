"""Tables, each declared once: the columns with types and descriptions, from which Arrow, Parquet, DuckDB and the docs
take theirs."""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import pyarrow as pa

Value = str | int | float | bool | bytes | datetime | None
"""The types of a cell's value. Instants are `datetime` in UTC; JSON is its text."""

Row = tuple[Value, ...]
"""The cells of one table in the order of its own columns, without provenance. Made by `Table.row`."""


@dataclass(frozen=True, slots=True)
class ColumnType:
    """The type of a column: its name in the docs, and its Arrow type."""

    name: str
    arrow: pa.DataType


TEXT = ColumnType("text", pa.string())
JSON = ColumnType("json", pa.string())
INTEGER = ColumnType("integer", pa.int64())
FLOAT = ColumnType("float", pa.float64())
FLAG = ColumnType("flag", pa.bool_())
INSTANT = ColumnType("instant", pa.timestamp("us"))
BYTES = ColumnType("bytes", pa.large_binary())
DIGEST128 = ColumnType("digest128", pa.binary(16))


@dataclass(frozen=True, slots=True)
class Column:
    """One column: name, type, description (`comment`), and whether NULL is refused (`required`).

    `is_distinct`: values rarely repeat, so Parquet writes no dictionary. `is_long`: long texts, which get a stronger
    compression.
    """

    name: str
    type: ColumnType
    comment: str
    required: bool = False
    is_distinct: bool = False
    is_long: bool = False

    def arrow(self) -> "pa.Field[pa.DataType]":
        """Return the Arrow field; its metadata carries the comment into Parquet."""
        return pa.field(self.name, self.type.arrow, nullable=not self.required, metadata={"comment": self.comment})


PROVENANCE = (
    Column("home_id", TEXT, "The home that the row comes from.", required=True),
    Column("run_id", TEXT, "The run that read it.", required=True),
    Column("file_id", INTEGER, "The file, in the generation that was read: joins `files.file_id`.", required=True),
    Column("byte_offset", INTEGER, "Where the entry begins in the file, in bytes from 0.", required=True),
    Column("byte_length", INTEGER, "Length of the entry in bytes, its line end included.", required=True),
)
"""The address of a row. The runner adds these columns to each source's tables; a source must not declare them."""

_RESERVED = frozenset(column.name for column in PROVENANCE)


_TABLES: "dict[type[Row], Table]" = {}


@dataclass(frozen=True)
class Table:
    """A table: its name, its description, its own columns, and whether its rows come from entries (`has_provenance`).

    `is_rewritten`: Claude Code rewrites the table's files in place, so the rows of a newer reading replace the older
    ones; the warehouse then has a view `<table>_now` of the newest rows.

    Raises TypeError when a column is declared twice or has the name of a provenance column.
    """

    name: str
    comment: str
    columns: tuple[Column, ...]
    has_provenance: bool = True
    is_rewritten: bool = False
    row: Callable[..., Row] = field(init=False, repr=False, compare=False)
    """Makes one row from keyword arguments; omitted columns are NULL."""
    row_of: Callable[[Iterable[object]], Row] = field(init=False, repr=False, compare=False)
    """Makes one row from all its cells in order; several times faster than `row`, because their number is not
    checked.
    """
    row_type: type[Row] = field(init=False, repr=False, compare=False)
    """The class of those rows."""

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise TypeError(f"table {self.name} declares a column twice")
        if self.has_provenance and _RESERVED.intersection(names):
            raise TypeError(f"table {self.name} declares a provenance column; the runner alone adds those")
        row_type = namedtuple(f"{self.name}_row", names, defaults=[None] * len(names))  # type: ignore[misc]  # names are data here
        object.__setattr__(self, "row", row_type)
        object.__setattr__(self, "row_of", partial(tuple.__new__, row_type))
        object.__setattr__(self, "row_type", row_type)
        _TABLES[row_type] = self

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """The table's own columns, followed by those of provenance if it has provenance."""
        return self.columns + PROVENANCE if self.has_provenance else self.columns

    def arrow(self) -> pa.Schema:
        """Return the Arrow schema of all columns, with comments. Parquet and DuckDB take their types from it."""
        return pa.schema([column.arrow() for column in self.all_columns], metadata={"comment": self.comment})


def table_of(row: Row) -> Table:
    """Return the table whose `row` or `row_of` made this row. Raises TypeError for another tuple."""
    table = _TABLES.get(type(row))
    if table is None:
        raise TypeError("a row must be made by Table.row")
    return table


def unique_tables(tables: Iterable[Table]) -> Mapping[str, Table]:
    """Return the tables by name. Raises TypeError when two differ under one name, or one column name has two types."""
    by_name: dict[str, Table] = {}
    types: dict[str, ColumnType] = {}
    for table in tables:
        if by_name.setdefault(table.name, table) is not table:
            raise TypeError(f"two tables are called {table.name}")
        for column in table.all_columns:
            if types.setdefault(column.name, column.type) is not column.type:
                raise TypeError(f"column {column.name} has two types; {table.name} is the second")
    return by_name
