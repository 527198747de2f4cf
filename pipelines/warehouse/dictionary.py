"""The data dictionary of the warehouse: every table, view and column with its description, from the declarations."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import duckdb

from extractors.reading.registry import sources
from models.json import JsonObject
from models.schema import Column, Table
from pipelines.warehouse.prices import PRICES
from pipelines.warehouse.run_tables import RUN_TABLES
from pipelines.warehouse.schema import create_tables, create_views, view_comments, warehouse_tables, warehouse_views
from pipelines.warehouse.sql_files import derived_tables

GROUPS: Mapping[str, str] = {
    "record": "Runs, from the commit records.",
    "core": "Derived tables, computed with SQL from the tables below.",
    "source": "Tables of the sources: one row for each record in a file, with its address.",
    "runner": "Tables that a run writes for every source: inventory, provenance, quarantine, drift.",
    "view": "Views, for frequent questions.",
}
"""The kinds of tables, in the order of the dictionary."""


@dataclass(frozen=True, slots=True)
class ColumnEntry:
    """A column: its type, whether it is NOT NULL, and its description ("" for some columns of views)."""

    name: str
    type: str
    is_required: bool
    comment: str


@dataclass(frozen=True, slots=True)
class TableEntry:
    """A table or view: its group, the source that fills it ("" if none does), its description and its columns.

    `dictionary` leaves the columns of views empty, because only the database knows them: see `with_view_columns`.
    """

    name: str
    group: str
    source: str
    comment: str
    columns: tuple[ColumnEntry, ...]

    def to_json(self) -> JsonObject:
        """Return the entry as JSON values."""
        made: JsonObject = asdict(self)
        return made


def dictionary() -> list[TableEntry]:
    """Return every table, then every view, in the order of the dictionary."""
    filled_by = {table.name: source.name for source in sources().values() for table in source.tables}
    entries = [
        TableEntry(table.name, _group(table, filled_by), filled_by.get(table.name, ""), table.comment, _columns(table))
        for table in warehouse_tables()
    ]
    views = [TableEntry(view.name, "view", "", view.comment, ()) for view in warehouse_views()]
    return sorted([*entries, *views], key=lambda entry: list(GROUPS).index(entry.group))


def with_view_columns(entries: Sequence[TableEntry]) -> list[TableEntry]:
    """Return the entries with the columns of views filled in; creates an empty warehouse in memory to get them."""
    columns = _view_columns()
    return [replace(entry, columns=columns[entry.name]) if entry.group == "view" else entry for entry in entries]


def _view_columns() -> dict[str, tuple[ColumnEntry, ...]]:
    with duckdb.connect() as connection:
        create_tables(connection)
        create_views(connection)
        connection.execute(view_comments(connection))
        described = connection.execute(
            "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() WHERE NOT internal "
            "ORDER BY table_name, column_index"
        ).fetchall()
    columns: dict[str, list[ColumnEntry]] = {view.name: [] for view in warehouse_views()}
    for view, name, kind, comment in described:
        if view in columns:
            columns[view].append(ColumnEntry(str(name), str(kind).lower(), False, str(comment or "")))
    return {view: tuple(entries) for view, entries in columns.items()}


def _group(table: Table, filled_by: Mapping[str, str]) -> str:
    if table.name in filled_by:
        return "source"
    if table in RUN_TABLES:
        return "record"
    return "core" if table is PRICES or any(derived.table is table for derived in derived_tables()) else "runner"


def _columns(table: Table) -> tuple[ColumnEntry, ...]:
    return tuple(_entry(column) for column in table.all_columns)


def _entry(column: Column) -> ColumnEntry:
    return ColumnEntry(column.name, column.type.name, column.required, column.comment)


def as_markdown(entry: TableEntry) -> str:
    """Return an entry of the dictionary as Markdown."""
    filled = f" Filled by the source `{entry.source}`." if entry.source else ""
    lines = [f"### `{entry.name}`", "", f"{_escaped(entry.comment)}{filled}", ""]
    if entry.columns:
        is_view = entry.group == "view"
        lines += (
            ["| column | type | meaning |", "|---|---|---|"]
            if is_view
            else ["| column | type | NULL | meaning |", "|---|---|---|---|"]
        )
        for column in entry.columns:
            null = "" if is_view else f" {'' if column.is_required else 'yes'} |"
            lines.append(f"| `{column.name}` | {column.type} |{null} {_escaped(column.comment)} |")
        lines.append("")
    return "\n".join(lines)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
