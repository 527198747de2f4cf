"""Gives rows of Python values to DuckDB as a subquery: one JSON text, from which DuckDB takes each column as a list.

DuckDB's own ways are slower. It checks each value of a parameter list for types of pandas and NumPy, which it tries to
import each time if they are not installed; to read an Arrow table it imports `pyarrow.dataset`, which takes 0.1 s.
"""

from collections.abc import Mapping, Sequence

import orjson

from pipelines.warehouse.engine import quoted


def rows_query(types: Mapping[str, str], rows: Sequence[Sequence[str | int | float | bool | None]]) -> str:
    """Return a query for the rows, which must have a cell for each column. `types` has DuckDB's type of each column by
    name: of text, whole numbers, finite floats or flags.
    """
    columns = zip(*rows, strict=True) if rows else [()] * len(types)
    lists = dict(zip(types, columns, strict=True))
    shape = {name: [kind] for name, kind in types.items()}
    values = ", ".join(f'unnest(given."{name}") AS "{name}"' for name in types)
    given = f"from_json({quoted(orjson.dumps(lists).decode())}, {quoted(orjson.dumps(shape).decode())})"
    return f"(SELECT {values} FROM (SELECT {given} AS given))"
