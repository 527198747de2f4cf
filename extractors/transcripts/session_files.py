"""Parses the files beside transcripts: descriptions of subagents, workflows, long tool outputs, memory of a project."""

import re
from collections.abc import Iterator
from typing import Final

from extractors.reading.contract import Entry, Malformed
from extractors.transcripts.media import Payloads
from extractors.transcripts.tables import TITLES
from models.message import MessageKind
from models.schema import FLAG, INSTANT, INTEGER, JSON, TEXT, Column, Row, Table

SUBAGENTS = Table(
    "subagents",
    "One row for each agent-<id>.meta.json: the description of a subagent (2.1.71 and later).",
    (
        Column("session_id", TEXT, "The session that started it.", required=True),
        Column("agent_id", TEXT, "The subagent.", required=True),
        Column("workflow_id", TEXT, "The workflow run that it belongs to."),
        Column("agent_type", TEXT, "The kind of agent; of a teammate, its name in the team."),
        Column("custom_agent_type", TEXT, "The file's `customAgentType`."),
        Column("task_kind", TEXT, "The file's `taskKind`: in_process_teammate for a teammate."),
        Column("team_name", TEXT, "The team of a teammate: with `name` it joins `team_members`."),
        Column("name", TEXT, "The teammate's name in its team."),
        Column("color", TEXT, "The teammate's colour on the screen."),
        Column("permission_mode", TEXT, "The teammate's permission mode."),
        Column("is_plan_required", FLAG, "Whether the teammate must have its plan approved (planModeRequired)."),
        Column("description", TEXT, "Its task in a few words."),
        Column("tool_use_id", TEXT, "The tool call that started it; a workflow's agents have none."),
        Column("spawn_depth", INTEGER, "1 below the session, 2 below a subagent, and so on."),
        Column("parent_agent_id", TEXT, "The subagent that started it, if one did."),
        Column("model", TEXT, "The requested model, often by a short name."),
        Column("workflow_phase", TEXT, "Phase of the workflow."),
        Column("request_shape", TEXT, "background or foreground."),
        Column("is_non_interactive", FLAG, "The file's `requestNonInteractive`."),
        Column("unparsed", JSON, "Unknown fields, as JSON."),
    ),
    is_rewritten=True,
)

AGENT_JOURNALS = Table(
    "agent_journals",
    "One row for each line of a journal.jsonl below subagents/: subagents of a workflow as they start and return.",
    (
        Column("session_id", TEXT, "The session.", required=True),
        Column("workflow_id", TEXT, "The workflow run, if the path names one."),
        Column("event", TEXT, "launched, started, result, failed, ...", required=True),
        Column("agent_id", TEXT, "The subagent."),
        Column("label", TEXT, "Its label within the run."),
        Column("journal_phase", TEXT, "Its phase within the run."),
        Column("error_text", TEXT, "Of a failed subagent: the error, if it is a string."),
        Column("body", JSON, "All other fields of the line: the key of the call, the subagent's result."),
    ),
)

WORKFLOW_RUNS = Table(
    "workflow_runs",
    "One row for each workflows/wf_<id>.json, which Claude Code writes at the end of a workflow run.",
    (
        Column("session_id", TEXT, "The session.", required=True),
        Column("workflow_id", TEXT, "The run: the file's name.", required=True),
        Column("workflow_name", TEXT, "The workflow's name."),
        Column("status", TEXT, "completed, failed, killed, ..."),
        Column("started_at", INSTANT, "When it started (UTC)."),
        Column("recorded_at", INSTANT, "When it was written (UTC)."),
        Column("body", JSON, "All other fields: script, result, progress of each subagent."),
    ),
    is_rewritten=True,
)

SPILLED_RESULTS = Table(
    "spilled_results",
    "One row for each file of tool-results/: output too long for a transcript, or not text.",
    (
        Column("session_id", TEXT, "The session.", required=True),
        Column("name", TEXT, "The file's name, with its directory if it has one.", required=True),
        Column("tool_use_id", TEXT, "The tool call, if the name is its id."),
        Column("message_id", TEXT, "The text: joins `messages`.", is_distinct=True),
        Column("size", INTEGER, "Length in bytes.", required=True),
        Column("is_text", FLAG, "Whether the bytes are UTF-8.", required=True),
        Column("media_type", TEXT, "The type of other content, from its first bytes; NULL if unknown."),
        Column("file_modified_at", INSTANT, "The file's modification time (UTC)."),
    ),
)

MEMORY_FILES = Table(
    "memory_files",
    "One row for each memory file of a project.",
    (
        Column("project_dir", TEXT, "Name of the project directory.", required=True),
        Column("name", TEXT, "The file's name, below memory/: topics/<name>.md for a topic.", required=True),
        Column("message_id", TEXT, "The text: joins `messages`.", is_distinct=True),
        Column("size", INTEGER, "Length in bytes.", required=True),
        Column("file_modified_at", INSTANT, "The file's modification time (UTC)."),
    ),
    is_rewritten=True,
)

SESSION_SIDE_FILES = Table(
    "session_side_files",
    "One row for each file beside a transcript with the same name: the records before a compaction, a hint, a "
    "recording of the terminal.",
    (
        Column("session_id", TEXT, "The session; NULL if the file's name has none."),
        Column("project_dir", TEXT, "Name of the project directory.", required=True),
        Column("side_kind", TEXT, "precompact, ccr-tip or cast: the end of the file's name.", required=True),
        Column("size", INTEGER, "Length in bytes.", required=True),
        Column("file_modified_at", INSTANT, "The file's modification time (UTC)."),
        Column("body", JSON, "The file's JSON; NULL for a recording, which is not parsed."),
    ),
    is_rewritten=True,
)

SESSION_DIRECTORIES = Table(
    "session_directories",
    "One row for each directory of a project named after a session, even if the session's transcript is deleted.",
    (
        Column("session_id", TEXT, "The session.", required=True),
        Column("project_dir", TEXT, "Name of the project directory.", required=True),
    ),
)

SESSION_ALIASES = Table(
    "session_aliases",
    "One row for each line of a project's .session-aliases: another directory whose sessions belong to the project.",
    (
        Column("project_dir", TEXT, "Name of the project directory.", required=True),
        Column("line_number", INTEGER, "The line, from 1.", required=True),
        Column("alias_path", TEXT, "The text of the line.", required=True),
    ),
    is_rewritten=True,
)

PROJECT_DIRECTORIES = Table(
    "project_directories",
    "One row for each directory of projects/, with transcripts or without.",
    (
        Column(
            "project_dir", TEXT, "Its name: the path with each character but letters and digits as `-`.", required=True
        ),
    ),
    is_rewritten=True,
)

_CALL_ID: Final = re.compile(r"((?:toolu|tooluse|srvtoolu|call)_\w[\w-]*)(?:\.\w+)?", re.ASCII)
_MEDIA: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
)


def parse_subagent(entry: Entry) -> Iterator[Row]:
    """Yield the row of an agent-<id>.meta.json."""
    fields = entry.document()
    yield SUBAGENTS.row(
        session_id=entry.names["session_id"],
        agent_id=entry.names["agent_id"],
        workflow_id=entry.names.get("workflow_id"),
        agent_type=fields.take_text("agentType"),
        custom_agent_type=fields.take_text("customAgentType"),
        task_kind=fields.take_text("taskKind"),
        team_name=fields.take_text("teamName"),
        name=fields.take_text("name"),
        color=fields.take_text("color"),
        permission_mode=fields.take_text("permissionMode"),
        is_plan_required=fields.take_flag("planModeRequired"),
        description=fields.take_text("description"),
        tool_use_id=fields.take_text("toolUseId"),
        spawn_depth=fields.take_integer("spawnDepth"),
        parent_agent_id=fields.take_text("parentAgentId"),
        model=fields.take_text("model"),
        workflow_phase=fields.take_text("workflowPhase"),
        request_shape=fields.take_text("requestShape"),
        is_non_interactive=fields.take_flag("requestNonInteractive"),
        unparsed=entry.unparsed("subagent"),
    )


def parse_journal(entry: Entry) -> Iterator[Row]:
    """Yield the row of a journal's line."""
    fields = entry.fields
    event = fields.need_text("type")
    agent_id, label, phase = fields.take_text("agentId"), fields.take_text("label"), fields.take_text("phase")
    error = fields.take_text("error")
    rest = fields.leftover()
    yield AGENT_JOURNALS.row(
        session_id=entry.names["session_id"],
        workflow_id=entry.names.get("workflow_id"),
        event=event,
        agent_id=agent_id,
        label=label,
        journal_phase=phase,
        error_text=error,
        body=Payloads().to_json(rest) if rest else None,
    )


def parse_workflow(entry: Entry) -> Iterator[Row]:
    """Yield the row of a workflow run."""
    fields = entry.document()
    yield WORKFLOW_RUNS.row(
        session_id=entry.names["session_id"],
        workflow_id=entry.names["workflow_id"],
        workflow_name=fields.take_text("workflowName"),
        status=fields.take_text("status"),
        started_at=fields.take_epoch_ms("startTime"),
        recorded_at=fields.take_instant("timestamp"),
        body=Payloads().to_json(fields.leftover()),
    )


def parse_spilled_result(entry: Entry) -> Iterator[Row]:
    """Yield the row of a file of tool-results/."""
    session_id, name = entry.names["session_id"], entry.names["name"]
    call = _CALL_ID.fullmatch(name)
    text = _text(entry)
    message = None
    if text:
        message = entry.say(MessageKind.TOOL_RESULT, text, role="tool", session_id=session_id)
    yield SPILLED_RESULTS.row(
        session_id=session_id,
        name=name,
        tool_use_id=None if call is None else call[1],
        message_id=message,
        size=entry.size,
        is_text=text is not None,
        media_type=None if text is not None else _media_type(entry.data),
        file_modified_at=entry.modified_at,
    )


def parse_memory(entry: Entry) -> Iterator[Row]:
    """Yield the row of a memory file."""
    text = _text(entry)
    yield MEMORY_FILES.row(
        project_dir=entry.names["project_dir"],
        name=entry.names["name"],
        message_id=entry.say(MessageKind.MEMORY, text) if text else None,
        size=entry.size,
        file_modified_at=entry.modified_at,
    )


def parse_custom_title(entry: Entry) -> Iterator[Row]:
    """Yield the row of the title in a session's custom-title.json."""
    yield TITLES.row(
        session_id=entry.names["session_id"],
        title_kind="custom-title",
        title=entry.document().need_text("customTitle"),
        unparsed=entry.unparsed("custom-title"),
    )


def parse_precompact(entry: Entry) -> Iterator[Row]:
    """Yield the row of a <session>.precompact.json. Raises `Malformed` (not_json, not_utf8, too_deep)."""
    yield _side_file(entry, "precompact", Payloads().to_json(entry.json()))


def parse_tip(entry: Entry) -> Iterator[Row]:
    """Yield the row of a .ccr-tip.json. Raises `Malformed` (not_json, not_utf8, too_deep)."""
    yield _side_file(entry, "ccr-tip", Payloads().to_json(entry.json()))


def parse_recording(entry: Entry) -> Iterator[Row]:
    """Yield the row of a recording of the terminal."""
    yield _side_file(entry, "cast", None)


def _side_file(entry: Entry, kind: str, body: str | None) -> Row:
    return SESSION_SIDE_FILES.row(
        session_id=entry.names.get("session_id"),
        project_dir=entry.names["project_dir"],
        side_kind=kind,
        size=entry.size,
        file_modified_at=entry.modified_at,
        body=body,
    )


def parse_session_directory(entry: Entry) -> Iterator[Row]:
    """Yield the row of a session's directory."""
    yield SESSION_DIRECTORIES.row(session_id=entry.names["session_id"], project_dir=entry.names["project_dir"])


def parse_aliases(entry: Entry) -> Iterator[Row]:
    """Yield a row for each line that is not blank. Raises `Malformed` (not_utf8)."""
    for number, line in enumerate(entry.text().removeprefix("\ufeff").split("\n"), 1):
        if line.strip():
            yield SESSION_ALIASES.row(
                project_dir=entry.names["project_dir"], line_number=number, alias_path=line.removesuffix("\r")
            )


def parse_project_directory(entry: Entry) -> Iterator[Row]:
    """Yield the row of a directory of projects/."""
    yield PROJECT_DIRECTORIES.row(project_dir=entry.names["project_dir"])


def _text(entry: Entry) -> str | None:
    try:
        return entry.text()
    except Malformed:
        return None


def _media_type(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((media_type for start, media_type in _MEDIA if data.startswith(start)), None)
