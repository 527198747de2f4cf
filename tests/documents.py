"""Helpers for tests of sources with small files: reads one file by the source of its path, without a run."""

from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from extractors.reading.contract import Entry, Reading
from extractors.reading.registry import Classifier, sources
from models.json import JsonValue
from models.schema import Value, table_of
from tests.support import FIXTURES

MODIFIED_AT = datetime(2026, 3, 18, 12, tzinfo=UTC)
SESSION = "0a1b2c3d-1111-4222-8333-444455556666"
OTHER_SESSION = "0a1b2c3d-2222-4222-8333-444455556666"
OLD_SESSION = "0a1b2c3d-3333-4222-8333-444455556666"

Cells = dict[str, Value]


@dataclass(frozen=True)
class Document:
    """The result of reading a file: its source, its entries, and the rows of each table as dictionaries."""

    source: str
    entries: list[Entry]
    tables: dict[str, list[Cells]]

    def one(self, table: str) -> Cells:
        """Return the only row of a table."""
        (row,) = self.tables[table]
        return row

    def messages(self) -> dict[str, str]:
        """Return the texts of the messages by message_id."""
        return {said.message_id: said.text for entry in self.entries for said in entry.said}

    def drift(self) -> set[tuple[str, str]]:
        """Return kind and name of everything unknown that the source reported as drift."""
        return {odd for entry in self.entries for odd in entry.odd}


def source_of(path: str) -> str:
    """Return the name of the source of a path."""
    return Classifier().place(path, "file").source


def read(path: str, data: bytes) -> Document:
    """Parse `data` with the source of `path`. Raises `Malformed` if the source does."""
    place = Classifier().place(path, "file")
    shape = sources()[place.source].shapes[place.shape]
    names = shape.names_in(path)
    if shape.reading is Reading.JSONL:
        entries = [Entry(names, b"", orjson.loads(line)) for line in data.splitlines()]
    else:
        entries = [Entry(names, data)]
    tables: dict[str, list[Cells]] = {}
    for entry in entries:
        entry.modified_at = MODIFIED_AT
        for row in shape.parse(entry):
            table = table_of(row)
            cells = dict(zip((column.name for column in table.columns), row, strict=True))
            assert not [column for column in table.columns if column.required and cells[column.name] is None]
            tables.setdefault(table.name, []).append(cells)
    return Document(place.source, entries, tables)


def read_json(path: str, value: JsonValue) -> Document:
    """Parse the JSON of `value` with the source of `path`."""
    return read(path, orjson.dumps(value))


def read_fixture(case: str, path: str) -> Document:
    """Parse a file of a fixture home."""
    return read(path, (FIXTURES / case / path).read_bytes())
