"""history.jsonl: one line for each prompt submitted at the input line. Claude Code only appends to it, and never
deletes it; and paste-cache/, the long texts pasted into prompts.

It exists from 2.0.0 (2025-09-30); `sessionId` since 2025-11-02, pastes by `contentHash` since 2026-01-08. See
extractors/FORMATS.md:

    {"display":"fix [Pasted text #1 +33 lines]",
     "pastedContents":{"1":{"id":1,"type":"text","contentHash":"e6688ed8ccaa9aeb"}},
     "timestamp":1768724512305,"project":"/home/u/code","sessionId":"00bc8363-0ddb-40cd-b721-b49a4a97a59f"}
"""

from collections.abc import Iterator

from extractors.reading.contract import Entry, Reading, Source, shape
from models.message import MessageKind
from models.schema import BYTES, INSTANT, INTEGER, JSON, TEXT, Column, Row, Table

PROMPTS = Table(
    "prompts",
    "One row for each line of history.jsonl: a prompt typed at the input line.",
    (
        Column("prompted_at", INSTANT, "When the prompt was submitted (UTC).", required=True),
        Column("message_id", TEXT, "The prompt as displayed: joins `messages`.", required=True, is_distinct=True),
        Column(
            "prompt",
            TEXT,
            "The prompt as displayed, with placeholders for pasted texts.",
            required=True,
            is_distinct=True,
        ),
        Column("project_path", TEXT, "Working directory at that moment."),
        Column("session_id", TEXT, "The session; absent before 2025-11-02."),
        Column("paste_count", INTEGER, "How many pastes the prompt refers to.", required=True),
        Column("unparsed", JSON, "Unknown fields, as JSON."),
    ),
)

PROMPT_PASTES = Table(
    "prompt_pastes",
    "One row for each paste of a prompt: inline up to 1,024 characters, "
    "else by the hash under which paste-cache/ keeps it.",
    (
        Column("paste_number", INTEGER, "The number in the prompt's placeholder."),
        Column("paste_type", TEXT, "text or image, as the entry says."),
        Column("message_id", TEXT, "The pasted text, where it is inline: joins `messages`.", is_distinct=True),
        Column(
            "paste_hash", TEXT, "First 16 hex digits of the SHA-256 of the pasted text: names its file in paste-cache/."
        ),
        Column("prompted_at", INSTANT, "When the prompt was submitted (UTC).", required=True),
        Column("session_id", TEXT, "The session; absent before 2025-11-02."),
    ),
)

PASTES = Table(
    "pastes",
    "One row for each file of paste-cache/.",
    (
        Column("paste_hash", TEXT, "The hash in the file's name.", required=True),
        Column("message_id", TEXT, "The pasted text: joins `messages`.", is_distinct=True),
        Column("content_bytes", BYTES, "The bytes, if they are not UTF-8."),
        Column("size", INTEGER, "Length in bytes.", required=True),
    ),
)


def parse_prompt(entry: Entry) -> Iterator[Row]:
    """Yield the row of a prompt, and one for each of its pastes."""
    fields = entry.fields
    prompted_at = fields.need_epoch_ms("timestamp")
    display = fields.need_text("display")
    session_id = fields.take_text("sessionId")
    message = entry.say(MessageKind.PROMPT, display, role="user", session_id=session_id, said_at=prompted_at)
    pastes = fields.take_each("pastedContents")
    for paste in pastes:
        text = paste.take_text("content")
        said = (
            None
            if text is None
            else entry.say(MessageKind.PASTE, text, role="user", session_id=session_id, said_at=prompted_at)
        )
        yield PROMPT_PASTES.row(
            paste_number=paste.take_integer("id"),
            paste_type=paste.take_text("type"),
            message_id=said,
            paste_hash=paste.take_text("contentHash"),
            prompted_at=prompted_at,
            session_id=session_id,
        )
    yield PROMPTS.row(
        prompted_at=prompted_at,
        message_id=message,
        prompt=display,
        project_path=fields.take_text("project"),
        session_id=session_id,
        paste_count=len(pastes),
        unparsed=entry.unparsed("prompt"),
    )


def parse_paste(entry: Entry) -> Iterator[Row]:
    """Yield the row of a file of paste-cache/."""
    try:
        text = entry.data.decode()
    except UnicodeDecodeError:
        yield PASTES.row(paste_hash=entry.names["paste_hash"], content_bytes=entry.data, size=len(entry.data))
        return
    yield PASTES.row(
        paste_hash=entry.names["paste_hash"],
        message_id=entry.say(MessageKind.PASTE, text, role="user"),
        size=len(entry.data),
    )


SOURCE = Source(
    "history",
    1,
    "Prompts",
    (
        shape("history.jsonl", Reading.JSONL, parse_prompt),
        shape("paste-cache/{paste_hash}.txt", Reading.DOCUMENT, parse_paste, paste_hash="[0-9a-f]{16}"),
    ),
    (PROMPTS, PROMPT_PASTES, PASTES),
)
