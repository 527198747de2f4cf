"""<organisation>/<account>/local_<id>: the files that Claude Desktop writes beside the homes of its local agent mode
(Cowork).

Each of its sessions has a home of its own, `local_<id>/.claude/`, which is read like any other home. Beside it are
`local_<id>.json`, with the session's title and the id of its transcript, and `local_<id>/audit.jsonl`, a copy of the
conversation with its cost. Known from tools that read them, from 2026-01 on:

    local_77.json   {"sessionId":"local_77","processName":"calm-otter","cwd":"/sessions/calm-otter",
                     "title":"Sort invoices","createdAt":1788900000000,"lastActivityAt":1788900100000,
                     "cliSessionId":"c778f9fc-…","model":"claude-sonnet-5"}
    audit.jsonl     {"type":"result","session_id":"c778f9fc-…","_audit_timestamp":"2026-09-10T10:01:00.000Z",
                     "modelUsage":{…}}
"""

from collections.abc import Iterator

from extractors.reading.contract import DESKTOP_SESSION, UUID, Entry, Reading, Source, shape
from extractors.transcripts.media import Payloads
from extractors.transcripts.tables import TITLES
from models.schema import FLAG, FLOAT, INSTANT, INTEGER, JSON, TEXT, Column, Row, Table

DESKTOP_SESSIONS = Table(
    "desktop_sessions",
    "One row for each local_<id>.json: a session of Claude Desktop's local agent mode as it was last written.",
    (
        Column("session_id", TEXT, "The session, as its transcript names it (`cliSessionId`)."),
        Column("desktop_session_id", TEXT, "The session, as Claude Desktop names it: local_<id>.", required=True),
        Column("process_name", TEXT, "The name of its process and of its directory, /sessions/<name>."),
        Column("title", TEXT, "Its title."),
        Column("cwd", TEXT, "Its working directory."),
        Column("model", TEXT, "The chosen model."),
        Column("created_at", INSTANT, "When it was created (UTC)."),
        Column("last_active_at", INSTANT, "The time of its last activity (UTC)."),
        Column("is_archived", FLAG, "Whether the user archived it."),
        Column("file_modified_at", INSTANT, "When the file was last written (UTC)."),
        Column("unparsed", JSON, "Unknown fields, as JSON."),
    ),
    is_rewritten=True,
)

DESKTOP_AUDIT = Table(
    "desktop_audit",
    "One row for each line of an audit.jsonl: the conversation of a session of Claude Desktop's local agent mode, with "
    "its cost. It repeats the transcript.",
    (
        Column("session_id", TEXT, "The session, as its transcript names it."),
        Column("desktop_session_id", TEXT, "The session, as Claude Desktop names it: local_<id>.", required=True),
        Column("event", TEXT, "The line's type: system, user, assistant, result, ..."),
        Column("subtype", TEXT, "Its subtype: init, success, ..."),
        Column("audited_at", INSTANT, "When it was written (UTC)."),
        Column("cost_usd", FLOAT, "Of a result: cost in US dollars (`total_cost_usd`)."),
        Column("duration_ms", INTEGER, "Of a result: its duration in milliseconds."),
        Column("model_usage", JSON, "Of a result: tokens and cost of each model (`modelUsage`)."),
        Column("body", JSON, "All other fields of the line, without base64 payloads."),
    ),
)


def parse_session(entry: Entry) -> Iterator[Row]:
    """Yield the row of a session, and that of its title if it has one."""
    fields = entry.document()
    desktop_id = entry.names["desktop_id"]
    if fields.peek("sessionId") == desktop_id:
        fields.take_any("sessionId")
    session_id, title = fields.take_text("cliSessionId"), fields.take_text("title")
    if title:
        yield TITLES.row(session_id=session_id, title_kind="desktop-title", title=title, named_session_id=desktop_id)
    yield DESKTOP_SESSIONS.row(
        session_id=session_id,
        desktop_session_id=desktop_id,
        process_name=fields.take_text("processName"),
        title=title,
        cwd=fields.take_text("cwd"),
        model=fields.take_text("model"),
        created_at=fields.take_epoch_ms("createdAt"),
        last_active_at=fields.take_epoch_ms("lastActivityAt"),
        is_archived=fields.take_flag("isArchived"),
        file_modified_at=entry.modified_at,
        unparsed=entry.unparsed("desktop_session"),
    )


def parse_audit(entry: Entry) -> Iterator[Row]:
    """Yield the row of an audited line."""
    fields = entry.fields
    made = {
        "session_id": fields.take_text("session_id"),
        "event": fields.take_text("type"),
        "subtype": fields.take_text("subtype"),
        "audited_at": fields.take_instant("_audit_timestamp"),
        "cost_usd": fields.take_float("total_cost_usd"),
        "duration_ms": fields.take_integer("duration_ms"),
        "model_usage": fields.take_json("modelUsage"),
    }
    rest = fields.leftover()
    yield DESKTOP_AUDIT.row(
        desktop_session_id=entry.names["desktop_id"], body=Payloads().to_json(rest) if rest else None, **made
    )


_BESIDE = "{organisation}/{account}/{desktop_id}"

SOURCE = Source(
    "desktop",
    8,
    "Claude Desktop's local agent mode",
    (
        shape(
            f"{_BESIDE}.json",
            Reading.DOCUMENT,
            parse_session,
            organisation=UUID,
            account=UUID,
            desktop_id=DESKTOP_SESSION,
        ),
        shape(
            f"{_BESIDE}/audit.jsonl",
            Reading.JSONL,
            parse_audit,
            organisation=UUID,
            account=UUID,
            desktop_id=DESKTOP_SESSION,
        ),
    ),
    (DESKTOP_SESSIONS, DESKTOP_AUDIT, TITLES),
)
