"""tasks/: the open tasks of a session or of a named list, one file each, and two small files of the list itself.

It replaces todos/ from 2.1.16 on. Claude Code deletes the files of completed tasks, so few exist. See
extractors/FORMATS.md:

    tasks/<session or list>/3.json           {"id":"3","subject":"Check the build","description":"Run it and …",
                                              "status":"pending","blocks":[],"blockedBy":["2"]}
    tasks/<session or list>/.highwatermark   8
    tasks/<session or list>/.lock            (empty)
"""

import re
from collections.abc import Iterator
from typing import Final

from extractors.reading.contract import UUID, Entry, Malformed, Reading, Source, shape
from models.message import MessageKind
from models.reject import RejectCode
from models.schema import INSTANT, INTEGER, JSON, TEXT, Column, Row, Table

_UUID: Final = re.compile(UUID)
_NUMBER: Final = re.compile(rb"\s*([0-9]{1,18})\s*")

TASKS = Table(
    "tasks",
    "One row for each task with a file: tasks that are neither completed nor deleted.",
    (
        Column("list_name", TEXT, "The list: its directory's name.", required=True),
        Column("session_id", TEXT, "The session, where the list is named by one; NULL for teams' and named lists."),
        Column("task_number", INTEGER, "The number in the file's name.", required=True),
        Column("task_id", TEXT, "The task's id in the file: that number, as text."),
        Column("subject", TEXT, "The task in one line.", required=True, is_distinct=True),
        Column("description", TEXT, "The description of the task.", is_distinct=True),
        Column("message_id", TEXT, "The description: joins `messages`.", is_distinct=True),
        Column("active_form", TEXT, "The text displayed while it is in progress.", is_distinct=True),
        Column("status", TEXT, "pending, in_progress or completed."),
        Column("owner", TEXT, "The agent that has claimed it."),
        Column("blocks", JSON, "The ids of the tasks that it blocks, as a JSON list."),
        Column("blocked_by", JSON, "The ids of the tasks that block it, as a JSON list."),
        Column("metadata", JSON, "Data that tools added to it, as JSON."),
        Column("file_modified_at", INSTANT, "When the file was last written (UTC)."),
        Column("unparsed", JSON, "Unknown fields, as JSON."),
    ),
    is_rewritten=True,
)

TASK_LISTS = Table(
    "task_list_files",
    "One row for each file that a task list keeps about itself.",
    (
        Column("list_name", TEXT, "The list: its directory's name.", required=True),
        Column("session_id", TEXT, "The session, where the list is named by one; NULL for teams' and named lists."),
        Column("name", TEXT, ".highwatermark or .lock.", required=True),
        Column("highest_task_number", INTEGER, "The highest number ever given in the list; of .highwatermark only."),
        Column("size", INTEGER, "Length in bytes.", required=True),
        Column("file_modified_at", INSTANT, "When the file was last written (UTC)."),
    ),
    is_rewritten=True,
)


def parse_task(entry: Entry) -> Iterator[Row]:
    """Yield the row of a task."""
    fields = entry.document()
    session_id = _session_of(entry)
    subject = fields.need_text("subject")
    description = fields.take_text("description")
    said = entry.say(MessageKind.TASK, description, role="assistant", session_id=session_id) if description else None
    yield TASKS.row(
        list_name=entry.names["list_name"],
        session_id=session_id,
        task_number=int(entry.names["task_number"]),
        task_id=fields.take_text("id"),
        subject=subject,
        description=description,
        message_id=said,
        active_form=fields.take_text("activeForm"),
        status=fields.take_text("status"),
        owner=fields.take_text("owner"),
        blocks=fields.take_json("blocks"),
        blocked_by=fields.take_json("blockedBy"),
        metadata=fields.take_json("metadata"),
        file_modified_at=entry.modified_at,
        unparsed=entry.unparsed("task"),
    )


def parse_high_water_mark(entry: Entry) -> Iterator[Row]:
    """Yield the row of a list's .highwatermark."""
    number = _NUMBER.fullmatch(entry.data)
    if number is None:
        raise Malformed(RejectCode.BAD_VALUE, "not a number")
    yield _list_file(entry, ".highwatermark", int(number[1]))


def parse_lock(entry: Entry) -> Iterator[Row]:
    """Yield the row of a list's .lock; the file remains when the list is not locked."""
    yield _list_file(entry, ".lock", None)


def _list_file(entry: Entry, name: str, highest: int | None) -> Row:
    return TASK_LISTS.row(
        list_name=entry.names["list_name"],
        session_id=_session_of(entry),
        name=name,
        highest_task_number=highest,
        size=len(entry.data),
        file_modified_at=entry.modified_at,
    )


def _session_of(entry: Entry) -> str | None:
    name = entry.names["list_name"]
    return name if _UUID.fullmatch(name) else None


SOURCE = Source(
    "tasks",
    4,
    "Tasks",
    (
        shape("tasks/{list_name}/{task_number}.json", Reading.DOCUMENT, parse_task, task_number="[0-9]{1,18}"),
        shape("tasks/{list_name}/.highwatermark", Reading.DOCUMENT, parse_high_water_mark),
        shape("tasks/{list_name}/.lock", Reading.DOCUMENT, parse_lock),
    ),
    (TASKS, TASK_LISTS),
)
