"""A transcript record while it is parsed: the cells of its row, its fields to keep, its unknown fields, and its other
rows."""

from datetime import datetime
from typing import Final

from extractors.reading.contract import Entry
from extractors.reading.known_fields import cell_numbers, sort_fields
from extractors.transcripts.fields import ENVELOPE, RECORD_TYPES
from extractors.transcripts.media import Payloads
from extractors.transcripts.tables import RECORDS
from models.json import JsonObject
from models.message import MessageKind
from models.schema import Row

AT: Final = cell_numbers(RECORDS)
"""The index of each column in a row of `records`."""

_WIDTH: Final = len(RECORDS.columns)
_RECORD_SESSION_ID: Final = AT["record_session_id"]
_RECORDED_AT: Final = AT["recorded_at"]


class Draft:
    """A record while it is parsed.

    `cells` become the row of `records`, `kept` its body and `left` its unknown fields; `rows` are rows of other tables.
    `known_type` is the declaration of the record's type, None for an unknown type.
    """

    __slots__ = (
        "cells",
        "entry",
        "kept",
        "known_type",
        "left",
        "payloads",
        "record_type",
        "recorded_at",
        "rows",
        "session_id",
    )

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.record_type = entry.fields.need_text("type")
        self.rows: list[Row] = []
        self.payloads = Payloads()
        self.cells: list[object] = [None] * _WIDTH
        self.left: JsonObject = {}
        known = self.known_type = RECORD_TYPES.get(self.record_type)
        fields = entry.fields.leftover()
        if known is None:
            entry.note_unknown_type(self.record_type)
            self.kept = sort_fields(fields, ENVELOPE, self.cells, self.left)
            self.kept |= self.left
            self.left = {}
        else:
            self.kept = sort_fields(fields, known.known, self.cells, self.left)
        named = entry.names.get("session_id")
        session_id = self.cells[_RECORD_SESSION_ID] if named is None else named
        self.session_id = session_id if isinstance(session_id, str) else None
        recorded_at = self.cells[_RECORDED_AT]
        self.recorded_at = recorded_at if isinstance(recorded_at, datetime) else None

    def say(self, kind: MessageKind, text: str, role: str | None) -> tuple[str | None, int]:
        """Record a message of this record; return its message_id and length in bytes; (None, 0) for an empty text."""
        if not text:
            return None, 0
        said = self.entry.note(kind, text, role, self.session_id, self.recorded_at)
        return said.message_id, said.text_bytes

    def text(self, name: str) -> str | None:
        """Take a string out of the kept fields. A value of another type is counted as unknown, and gives None."""
        value = self.kept.pop(name, None)
        if value is None or isinstance(value, str):
            return value
        self.left[name] = value
        return None

    def integer(self, name: str) -> int | None:
        """Take an integer out of the kept fields, in the same way."""
        value = self.kept.pop(name, None)
        if value is None or (type(value) is int and abs(value) < 2**63):
            return value
        self.left[name] = value
        return None

    def object(self, name: str) -> JsonObject:
        """Return an object of the kept fields. A value of another type is counted as unknown, and gives an empty
        object.
        """
        value = self.kept.get(name)
        if isinstance(value, dict):
            return value
        if value is not None:
            self.left[name] = self.kept.pop(name)
        return {}

    def cell(self, name: str) -> str | None:
        """Return this record's text for the column `name` of `records`; None if it has none."""
        value = self.cells[AT[name]]
        return value if isinstance(value, str) else None

    def count_unknown(self, name: str, what: str = "field") -> None:
        """Count a part of the record as drift; the part itself is kept."""
        self.entry.odd.append((what, f"{self.record_type}.{name}"))


def text_of(found: JsonObject, name: str) -> str | None:
    """Return a string field of an object; None if it is missing or of another type."""
    value = found.get(name)
    return value if isinstance(value, str) else None
