"""__store.db: the conversations of Claude Code 0.2.x (2025-02 to 2025-05), which had no transcripts, in an SQLite
database.

Its format is known from tools that read it: three tables joined by uuid (the fields of all messages, those of the
user's messages, those of the assistant's), and one of summaries:

    base_messages(uuid, parent_uuid, session_id, timestamp, message_type, cwd, user_type, version, isSidechain)
    user_messages(uuid, message, tool_use_result, timestamp)
    assistant_messages(uuid, cost_usd, duration_ms, message, is_api_error_message, timestamp, model)
    conversation_summaries(leaf_uuid, summary, updated_at)

`message` is JSON as in transcripts, times are milliseconds since 1970. Each message is converted to a record of a
transcript, so its rows go to the tables of transcripts; its span is that of its row in the database file.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson

from extractors.reading.contract import PlacedRecord, Reading, Source, shape
from extractors.reading.database import read_tables
from extractors.transcripts.records import RECORD_TABLES, parse_record
from models.json import JsonObject, JsonValue

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BASE: Final = {
    "uuid": "uuid",
    "parent_uuid": "parentUuid",
    "session_id": "sessionId",
    "cwd": "cwd",
    "user_type": "userType",
    "version": "version",
}
_FLAGS: Final = {"isSidechain": "isSidechain", "is_api_error_message": "isApiErrorMessage"}
_MORE: Final = {"cost_usd": "costUSD", "duration_ms": "durationMs"}
_MESSAGES: Final = {"user_messages": "user", "assistant_messages": "assistant"}
_OF_TOOLS: Final = frozenset({"__drizzle_migrations"})
"""Tables of the database library, which have no conversations."""


def parts(data: bytes) -> Iterator[PlacedRecord]:
    """Yield the messages and summaries of a database, in the order of the file, each converted to a transcript record.

    Raises `Malformed` (not_sqlite) when the bytes are not an SQLite database.
    """
    tables = read_tables(data)
    base = {str(row.value.get("uuid")): row for row in tables.pop("base_messages", [])}
    sessions = {uuid: row.value.get("session_id") for uuid, row in base.items()}
    records = []
    for table, record_type in _MESSAGES.items():
        for row in tables.pop(table, []):
            above = base.pop(str(row.value.get("uuid")), None)
            records.append(replace(row, value=_record(record_type, {} if above is None else above.value, row.value)))
    records += [replace(row, value=_record("user", row.value, {})) for row in base.values()]
    for row in tables.pop("conversation_summaries", []):
        records.append(replace(row, value=_summary(row.value, sessions)))
    for table, rows in tables.items():
        if table not in _OF_TOOLS:
            records += [replace(row, value={**row.value, "type": f"store.{table}"}) for row in rows]
    yield from sorted(records, key=lambda part: part.start)


def _record(record_type: str, base: JsonObject, own: JsonObject) -> JsonObject:
    found = {**base, **own}
    kind = found.pop("message_type", record_type)
    made: JsonObject = {"type": kind if isinstance(kind, str) else record_type}
    _put_instant(made, found, "timestamp")
    for names in (_BASE, _MORE):
        made |= {names[name]: found.pop(name) for name in names if name in found}
    for name, field in _FLAGS.items():
        flag = found.pop(name, None)
        if flag is not None:
            made[field] = bool(flag) if flag in (0, 1) else flag
    message, result = _parsed(found.pop("message", None)), _parsed(found.pop("tool_use_result", None))
    model = found.pop("model", None)
    if isinstance(message, dict) and model is not None:
        message.setdefault("model", model)
    elif model is not None:
        made["model"] = model
    made |= {name: value for name, value in (("message", message), ("toolUseResult", result)) if value is not None}
    return made | found


def _summary(row: JsonObject, sessions: dict[str, JsonValue]) -> JsonObject:
    found = dict(row)
    made: JsonObject = {"type": "summary"}
    _put_instant(made, found, "updated_at")
    leaf = found.pop("leaf_uuid", None)
    session = sessions.get(str(leaf))
    made |= {name: value for name, value in (("leafUuid", leaf), ("sessionId", session)) if value is not None}
    return made | found


def _put_instant(made: JsonObject, found: JsonObject, name: str) -> None:
    """Move a field of milliseconds since 1970 to the record's `timestamp`; leave it if it is not an integer."""
    value = found.get(name)
    if not isinstance(value, int):
        return
    try:
        made["timestamp"] = (_EPOCH + timedelta(milliseconds=value)).isoformat()
    except OverflowError:
        return
    del found[name]


def _parsed(value: JsonValue) -> JsonValue:
    """Return the value of a JSON text; a text that is not JSON unchanged."""
    if not isinstance(value, str):
        return value
    try:
        made: JsonValue = orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
    return made


SOURCE = Source(
    "store-db",
    7,
    "Conversations before transcripts",
    (shape("__store.db", Reading.DATABASE, parse_record, parts=parts),),
    RECORD_TABLES,
)
