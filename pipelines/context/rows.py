"""Rows of the warehouse, by column name."""

import duckdb

from pipelines.look.filters import Conditions

Named = dict[str, object]
"""A row, by column name."""


def rows_of(connection: duckdb.DuckDBPyConnection, query: Conditions) -> list[Named]:
    """Run a query and return all rows, by column name."""
    found = connection.execute(query.sql, list(query.values))
    names = [str(column[0]) for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
