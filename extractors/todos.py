"""todos/: the to-do list of each session and subagent, rewritten as a whole and reset to `[]` when all is done.

They exist from 1.0.x to 2.1.1x; tasks/ replaces them. Items have no times. Three schemas, oldest first (see
extractors/FORMATS.md):

    [{"content":"Add a DTO","status":"pending","priority":"medium","id":"3"}]
    [{"content":"Add a DTO","status":"completed","id":"2"}]
    [{"content":"Add a DTO","status":"in_progress","activeForm":"Adding a DTO"}]
"""

from collections.abc import Iterator

from extractors.reading.contract import UUID, Entry, Fields, Reading, Source, shape
from models.message import MessageKind
from models.schema import FLAG, INSTANT, INTEGER, JSON, TEXT, Column, Row, Table

TODO_LISTS = Table(
    "todo_lists",
    "One row for each file of todos/: the list of a session or of a subagent, empty ones included.",
    (
        Column("session_id", TEXT, "The session, from the file's name.", required=True),
        Column("agent_id", TEXT, "The agent, from the file's name; NULL in the oldest versions."),
        Column(
            "is_main_thread", FLAG, "Whether the list is the session's own: its agent is the session.", required=True
        ),
        Column("item_count", INTEGER, "Items in the list.", required=True),
        Column("file_modified_at", INSTANT, "When the file was last written (UTC)."),
    ),
    is_rewritten=True,
)

TODOS = Table(
    "todos",
    "One row for each item of a to-do list, as the file was last written.",
    (
        Column("session_id", TEXT, "The session, from the file's name.", required=True),
        Column("agent_id", TEXT, "The agent, from the file's name; NULL in the oldest versions."),
        Column("item_number", INTEGER, "The item's place in the list, from 1.", required=True),
        Column("todo_text", TEXT, "The to-do.", required=True, is_distinct=True),
        Column("message_id", TEXT, "The same text: joins `messages`.", required=True, is_distinct=True),
        Column("status", TEXT, "pending, in_progress or completed."),
        Column("priority", TEXT, "high, medium or low; versions 1.0.x only."),
        Column("active_form", TEXT, "The text displayed while it is in progress; from 1.0.110.", is_distinct=True),
        Column("todo_id", TEXT, "The item's own id; older versions only."),
        Column("unparsed", JSON, "Unknown fields, as JSON."),
    ),
    is_rewritten=True,
)


def parse(entry: Entry) -> Iterator[Row]:
    """Yield the row of a list, and one for each of its items."""
    session_id = entry.names["session_id"]
    agent_id = entry.names.get("agent_id")
    items = entry.elements()
    yield TODO_LISTS.row(
        session_id=session_id,
        agent_id=agent_id,
        is_main_thread=agent_id in (None, session_id),
        item_count=len(items),
        file_modified_at=entry.modified_at,
    )
    for number, item in enumerate(items, 1):
        yield _item(entry, item, number)


def _item(entry: Entry, item: Fields, number: int) -> Row:
    session_id = entry.names["session_id"]
    content = item.need_text("content")
    return TODOS.row(
        session_id=session_id,
        agent_id=entry.names.get("agent_id"),
        item_number=number,
        todo_text=content,
        message_id=entry.say(MessageKind.TODO, content, role="assistant", session_id=session_id),
        status=item.take_text("status"),
        priority=item.take_text("priority"),
        active_form=item.take_text("activeForm"),
        todo_id=item.take_text("id"),
        unparsed=entry.unparsed("todo", item),
    )


_AGENT = r"[0-9A-Za-z_-]+"

SOURCE = Source(
    "todos",
    4,
    "To-do lists",
    (
        shape("todos/{session_id}-agent-{agent_id}.json", Reading.DOCUMENT, parse, session_id=UUID, agent_id=_AGENT),
        shape("todos/{session_id}.json", Reading.DOCUMENT, parse, session_id=UUID),
    ),
    (TODO_LISTS, TODOS),
)
