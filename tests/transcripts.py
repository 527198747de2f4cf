"""Helpers for tests of transcripts: parse one record and return its rows by table."""

import json

from extractors.reading.contract import Entry
from extractors.transcripts.records import parse_record
from models.json import JsonObject, JsonValue
from models.message import MessageKind
from models.schema import Row, table_of

SESSION = "0a1b2c3d-1111-4222-8333-444455556666"
NAMES = {"project_dir": "-home-mira-work", "session_id": SESSION}
PNG = "iVBORw0KGgo="
"""The first eight bytes of every PNG, in base64."""

Cells = dict[str, object]


class Parsed:
    """The rows of a parsed record, by table."""

    def __init__(self, value: JsonObject, names: dict[str, str] | None = None) -> None:
        # The parser modifies its input.
        self.entry = Entry(NAMES if names is None else names, b"", json.loads(json.dumps(value)))
        self.rows: list[Row] = list(parse_record(self.entry))

    def table(self, name: str) -> list[Cells]:
        """Return the rows of a table, as dictionaries."""
        return [
            dict(zip((column.name for column in table_of(row).columns), row, strict=True))
            for row in self.rows
            if table_of(row).name == name
        ]

    @property
    def record(self) -> Cells:
        """The one row of `records`."""
        (record,) = self.table("records")
        return record

    @property
    def blocks(self) -> list[Cells]:
        """The rows of `content_blocks`, in the order of their numbers."""
        return sorted(self.table("content_blocks"), key=lambda block: int(str(block["block_number"])))

    @property
    def body(self) -> JsonValue:
        """The column `body` of the record, parsed."""
        body: JsonValue = json.loads(str(self.record["body"])) if self.record["body"] is not None else None
        return body

    @property
    def said(self) -> list[tuple[MessageKind, str]]:
        """The messages, by kind."""
        return [(said.kind, said.text) for said in self.entry.said]


def user(content: JsonValue, **more: JsonValue) -> Parsed:
    """Parse a user record."""
    return Parsed({"type": "user", "message": {"role": "user", "content": content}, **more})


def assistant(content: JsonValue, usage: JsonValue = None, **more: JsonValue) -> Parsed:
    """Parse an assistant record."""
    return Parsed({"type": "assistant", "message": {"role": "assistant", "content": content, "usage": usage}, **more})
