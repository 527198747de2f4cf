"""The warehouse for notebooks: each view as a polars LazyFrame, an Arrow table or a DuckDB relation, and the bytes of
any row.

    from pipelines.warehouse import open_warehouse

    with open_warehouse("data") as warehouse:
        prompts = warehouse.lazy("user_prompts").filter(pl.col("project") == "/home/mira/work").collect()
        print(warehouse.bytes_of(prompts.row(0, named=True)))
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import duckdb
import pyarrow as pa

from models.errors import ConfigurationError
from pipelines.archive.store import StoreReader
from pipelines.disk.layout import Layout
from pipelines.warehouse import opened
from pipelines.warehouse.engine import quoted

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class OpenWarehouse:
    """A published warehouse, open for reading; `connection` is for the caller's own SQL.

    Methods take the name of a table or view and raise ConfigurationError for an unknown one. Instants are in the time
    zone of the connection: the machine's, unless `SET TimeZone` changes it. Results are fetched from the warehouse when
    they are used, so it must still be open then.
    """

    layout: Layout
    connection: duckdb.DuckDBPyConnection

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the warehouse; rows already fetched stay valid."""
        self.connection.close()

    def names(self) -> dict[str, str]:
        """Return the description of each table and view by its name."""
        found = self.connection.execute(
            "SELECT table_name, comment FROM duckdb_tables() WHERE NOT internal AND NOT temporary "
            "UNION ALL SELECT view_name, comment FROM duckdb_views() WHERE NOT internal AND NOT temporary ORDER BY ALL"
        )
        return {str(name): str(comment or "") for name, comment in found.fetchall()}

    def columns(self, name: str) -> dict[str, str]:
        """Return the description of each documented column of a table or view by its name."""
        self._check(name)
        found = self.connection.execute(
            "SELECT column_name, comment FROM duckdb_columns() WHERE NOT internal AND table_name = ? "
            "AND database_name = current_database() ORDER BY column_index",
            [name],
        )
        return {str(column): str(comment or "") for column, comment in found.fetchall()}

    def relation(self, name: str) -> duckdb.DuckDBPyRelation:
        """Return a table or view as a DuckDB relation."""
        self._check(name)
        return self.connection.sql(f'FROM "{name}"')

    def lazy(self, name: str) -> "pl.LazyFrame":
        """Return a table or view as a polars LazyFrame: polars reads only the columns and rows that it needs."""
        return self.relation(name).pl(lazy=True)

    def arrow(self, name: str) -> pa.Table:
        """Return a table or view as an Arrow table, whose fields carry the comments of the columns."""
        table: pa.Table = self.relation(name).to_arrow_table()
        comments = self.columns(name)
        fields = [field.with_metadata({"comment": comments.get(field.name, "")}) for field in table.schema]
        return table.cast(pa.schema(fields, metadata={"comment": self.names()[name]}))

    def bytes_of(self, row: Mapping[str, object]) -> bytes:
        """Return the exact bytes of the entry that a row comes from, by its file_id, byte_offset and byte_length.

        Raises ConfigurationError for a row without them, FixityError and StoreError as `StoreReader.read_range`.
        """
        file_id, offset, length = (row.get(name) for name in ("file_id", "byte_offset", "byte_length"))
        if not isinstance(file_id, int) or not isinstance(offset, int) or not isinstance(length, int):
            raise ConfigurationError("the row has no address: it needs file_id, byte_offset and byte_length")
        return b"".join(StoreReader.open(self.layout).read_range(file_id, offset, length, None))

    def _check(self, name: str) -> None:
        found = self.connection.execute(
            f"SELECT 1 FROM information_schema.tables WHERE table_name = {quoted(name)}"
        ).fetchone()
        if found is None:
            raise ConfigurationError(f"the warehouse has no table or view {name!r}; `extract tables` lists them")


def open_warehouse(data: str | Path | Layout) -> OpenWarehouse:
    """Open the published warehouse of a data directory for reading, without access to files or the network from SQL.

    Raises ConfigurationError when none is published.
    """
    layout = data if isinstance(data, Layout) else Layout(Path(data))
    return OpenWarehouse(layout, opened.open_warehouse(layout))
