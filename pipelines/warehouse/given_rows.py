"""Gives rows of Python values to DuckDB as one JSON text: inside a query (`rows_query`), or as the value of a query
that is written once (`given_rows` and `as_rows`).

DuckDB's own ways are slower. It checks each value of a parameter list for types of pandas and NumPy, which it tries to
import each time if they are not installed (80 µs for each value); to read an Arrow table it imports `pyarrow.dataset`,
which takes 0.1 s.
"""

from collections.abc import Iterable, Mapping, Sequence

import orjson

from pipelines.warehouse.engine import quoted

Cell = str | int | float | bool | None
"""A value of a row: text, a whole number of at most 64 bits, a finite float, a flag, or nothing."""


def rows_query(types: Mapping[str, str], rows: Sequence[Sequence[Cell]]) -> str:
    """Return a query for the rows, which must have a cell for each column. `types` has DuckDB's type of each column by
    name.
    """
    columns = zip(*rows, strict=True) if rows else [()] * len(types)
    lists = dict(zip(types, columns, strict=True))
    shape = {name: [kind] for name, kind in types.items()}
    values = ", ".join(f'unnest(given."{name}") AS "{name}"' for name in types)
    given = f"from_json({quoted(orjson.dumps(lists).decode())}, {quoted(orjson.dumps(shape).decode())})"
    return f"(SELECT {values} FROM (SELECT {given} AS given))"


def given_rows(types: Mapping[str, str]) -> str:
    """Return a query of rows with these columns and DuckDB's types. Its one value is the result of `as_rows`."""
    shape = orjson.dumps([dict(types)]).decode()
    # Not directly of the value: DuckDB would treat the rows as a constant, and copy it while it plans the query.
    return f"SELECT unnest(from_json(given, '{shape}'), max_depth := 2) FROM (SELECT unnest([?::VARCHAR]) AS given)"


def as_rows(columns: Iterable[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Return rows as the value of a query of `given_rows` with these columns."""
    names = tuple(columns)
    return orjson.dumps([dict(zip(names, row, strict=True)) for row in rows]).decode()
