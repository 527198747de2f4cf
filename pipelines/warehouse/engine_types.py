"""DuckDB's name of each type of a column."""

from collections.abc import Mapping
from typing import Final

from models.schema import BYTES, DIGEST128, FLAG, FLOAT, INSTANT, INTEGER, JSON, TEXT, ColumnType
from pipelines.warehouse.sql_files import INTEGERS, TEXTS

ENGINE_TYPES: Final[Mapping[ColumnType, str]] = {
    TEXT: "VARCHAR",
    JSON: "VARCHAR",
    INTEGER: "BIGINT",
    FLOAT: "DOUBLE",
    FLAG: "BOOLEAN",
    # Parquet has timestamps in UTC without a time zone; DuckDB would take those for local time of the session.
    INSTANT: "TIMESTAMP WITH TIME ZONE",
    BYTES: "BLOB",
    DIGEST128: "BLOB",
    TEXTS: "VARCHAR[]",
    INTEGERS: "BIGINT[]",
}
"""The types that DuckDB gives columns of Parquet files, an instant's excepted. They are declared, since asking DuckDB
for them, with an Arrow table of these types, imports `pyarrow.dataset`: 0.1 s.
"""
