"""Tables and views of the warehouse as another engine takes them: their columns with types, their chunks, and checksums
that both engines compute alike.

A chunk is the unit that is published anew: the rows of one run, where a table has runs; else the rows whose session,
message or file falls into one of 256 groups. A row's digest is the MD5 of its values as text; that of a chunk the sum
of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

_TYPES: Final = {
    "VARCHAR": "text",
    "JSON": "text",
    "BIGINT": "bigint",
    "INTEGER": "integer",
    "HUGEINT": "numeric",
    "DOUBLE": "double precision",
    "BOOLEAN": "boolean",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "DATE": "date",
    "BLOB": "bytea",
}
_KEYS: Final = ("session_id", "message_id", "file_id", "part_path", "home_id")


@dataclass(frozen=True, slots=True)
class PublishedColumn:
    """A column: its name, DuckDB's type, and the type in PostgreSQL; a list or any other type becomes JSON text."""

    name: str
    kind: str
    comment: str | None

    @property
    def type(self) -> str:
        """The type in PostgreSQL."""
        return _TYPES.get(self.kind, "text")

    @property
    def quoted(self) -> str:
        """The name in SQL."""
        return '"' + self.name.replace('"', '""') + '"'

    @property
    def value(self) -> str:
        """DuckDB's expression for the published value. PostgreSQL's texts cannot have a NUL character."""
        if self.kind in ("VARCHAR", "JSON"):
            return f"replace({self.quoted}::VARCHAR, chr(0), chr(65533))"
        return self.quoted if self.kind in _TYPES else f"to_json({self.quoted})::VARCHAR"

    @property
    def copied(self) -> str:
        """DuckDB's expression for the value as text that PostgreSQL reads as a value of the type."""
        return f"'\\x' || lower(hex({self.quoted}))" if self.kind == "BLOB" else f"({self.value})::VARCHAR"

    @property
    def text_here(self) -> str:
        """DuckDB's expression for the value as text in the digest of a row."""
        match self.type:
            case "boolean":
                return f"CASE WHEN {self.quoted} THEN 't' ELSE 'f' END"
            case "timestamptz":
                return f"epoch_us({self.quoted})::VARCHAR"
            case "double precision":
                return f"floor({self.quoted} * 1000000 + 0.5)::HUGEINT::VARCHAR"
            case "date":
                return f"strftime({self.quoted}, '%Y-%m-%d')"
            case "bytea":
                return f"lower(hex({self.quoted}))"
            case _:
                return f"({self.value})::VARCHAR"

    @property
    def text_there(self) -> str:
        """PostgreSQL's expression for the same text."""
        match self.type:
            case "boolean":
                return f"CASE WHEN {self.quoted} THEN 't' ELSE 'f' END"
            case "timestamptz":
                return f"(extract(epoch FROM {self.quoted}) * 1000000)::bigint::text"
            case "double precision":
                return f"floor({self.quoted} * 1000000 + 0.5)::numeric(40, 0)::text"
            case "date":
                return f"to_char({self.quoted}, 'YYYY-MM-DD')"
            case "bytea":
                return f"encode({self.quoted}, 'hex')"
            case _:
                return f"{self.quoted}::text"


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or a view, with its columns."""

    name: str
    is_view: bool
    comment: str | None
    columns: Sequence[PublishedColumn]

    @property
    def quoted(self) -> str:
        """The name in SQL."""
        return '"' + self.name.replace('"', '""') + '"'

    @property
    def chunk(self) -> str:
        """The expression for the chunk of a row, the same in both engines."""
        names = [column.name for column in self.columns]
        if "run_id" in names and not self.is_view:
            return "coalesce(\"run_id\", '')"
        key = next((name for name in _KEYS if name in names), None)
        return f"left(md5(coalesce(\"{key}\"::text, '')), 2)" if key is not None else "''"

    @property
    def digests_here(self) -> str:
        """DuckDB's query of chunks: chunk, rows, checksum."""
        texts = ", ".join(f"coalesce({column.text_here}, chr(1))" for column in self.columns)
        number = f"('0x' || left(md5(concat_ws(chr(31), {texts})), 15))::BIGINT"
        return f"SELECT {self.chunk}, count(*), sum({number})::VARCHAR FROM {self.quoted} GROUP BY 1"

    def digests_there(self, schema: str) -> str:
        """PostgreSQL's query of the same."""
        texts = ", ".join(f"coalesce({column.text_there}, chr(1))" for column in self.columns)
        # A function takes 100 arguments at most.
        number = f"('x' || left(md5(array_to_string(ARRAY[{texts}], chr(31))), 15))::bit(60)::bigint"
        return f"SELECT {self.chunk}, count(*), sum({number})::text FROM {schema}.{self.quoted} GROUP BY 1"


def relations_of(connection: duckdb.DuckDBPyConnection) -> list[Relation]:
    """Return every table and view of a warehouse, tables first."""
    columns: dict[str, list[PublishedColumn]] = {}
    query = """
        SELECT table_name, column_name, data_type, comment FROM duckdb_columns()
        WHERE NOT internal AND database_name = current_database() ORDER BY table_name, column_index
    """
    for table, name, kind, comment in connection.execute(query).fetchall():
        columns.setdefault(table, []).append(PublishedColumn(name, kind, comment))
    query = """
        SELECT table_name, false, comment FROM duckdb_tables() WHERE NOT internal AND database_name = current_database()
        UNION ALL
        SELECT view_name, true, comment FROM duckdb_views() WHERE NOT internal AND database_name = current_database()
        ORDER BY 2, 1
    """
    found = connection.execute(query).fetchall()
    return [Relation(name, is_view, comment, columns[name]) for name, is_view, comment in found]
