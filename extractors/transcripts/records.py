"""Parses transcript records: each gives exactly one row of `records`, and rows of other tables depending on its
type.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from extractors.reading.contract import Entry, Fields, Malformed
from extractors.transcripts.blocks import Blocks, is_wrapped
from extractors.transcripts.checkpoints import read_delta, read_snapshot
from extractors.transcripts.draft import AT, Draft, text_of
from extractors.transcripts.media import pruned
from extractors.transcripts.states import STATE_READERS, STATE_TABLES
from extractors.transcripts.tables import AGENT_LINKS, CONTENT_BLOCKS, FILE_CHECKPOINTS, LINKS, RECORDS, TITLES
from models.json import JsonObject
from models.message import MessageKind
from models.schema import Row

RECORD_TABLES: Final = (RECORDS, CONTENT_BLOCKS, FILE_CHECKPOINTS, TITLES, AGENT_LINKS, LINKS, *STATE_TABLES)
"""The tables that a record can have rows in."""

_AGENT_ID: Final = AT["agent_id"]
_BLOCK_COUNT: Final = AT["block_count"]
_BODY: Final = AT["body"]
_IS_COMPACT_SUMMARY: Final = AT["is_compact_summary"]
_IS_HUMAN_PROMPT: Final = AT["is_human_prompt"]
_IS_META: Final = AT["is_meta"]
_IS_SIDECHAIN: Final = AT["is_sidechain"]
_COMMAND_MODE: Final = AT["command_mode"]
_MESSAGE_ID: Final = AT["message_id"]
_ORIGIN_KIND: Final = AT["origin_kind"]
_PROCESS_SESSION_ID: Final = AT["process_session_id"]
_USAGE_ITERATIONS: Final = AT["usage_iterations"]
_PARENT_TOOL_USE_ID: Final = AT["parent_tool_use_id"]
_PROJECT_DIR: Final = AT["project_dir"]
_RECORD_SESSION_ID: Final = AT["record_session_id"]
_RECORD_TYPE: Final = AT["record_type"]
_SESSION_ID: Final = AT["session_id"]
_SUBTYPE: Final = AT["subtype"]
_UNPARSED: Final = AT["unparsed"]
_UUID: Final = AT["uuid"]
_VERSION: Final = AT["version"]
_WORKFLOW_ID: Final = AT["workflow_id"]


def parse_record(entry: Entry) -> Iterator[Row]:
    """Return the rows of one record of a transcript.

    Raises `Malformed` (missing_field, wrong_type) when it has no `type`; any other unknown or wrong part becomes drift.
    """
    draft = Draft(entry)
    cells = draft.cells
    names = entry.names
    cells[_SESSION_ID] = draft.session_id
    cells[_AGENT_ID] = names.get("agent_id")
    cells[_WORKFLOW_ID] = names.get("workflow_id")
    cells[_PROJECT_DIR] = names.get("project_dir")
    cells[_RECORD_TYPE] = draft.record_type
    cells[_BLOCK_COUNT] = 0
    cells[_IS_HUMAN_PROMPT] = False
    version = cells[_VERSION]
    entry.version = version if isinstance(version, str) else None
    read = _READERS.get(draft.record_type)
    if read is not None:
        read(draft)
    _finish(draft)
    return iter(draft.rows)


def _finish(draft: Draft) -> None:
    """Add the row of `records` itself. Fields with a column have been taken out of the kept fields before."""
    cells, kept, entry = draft.cells, draft.kept, draft.entry
    known = draft.known_type
    subtype = cells[_SUBTYPE]
    if known is not None and known.subtypes and subtype is not None and subtype not in known.subtypes:
        entry.note_unknown_type(f"{draft.record_type}/{subtype}")
    process = kept.get("session_id")
    if isinstance(process, str):
        del kept["session_id"]
        cells[_PROCESS_SESSION_ID] = process if process != cells[_RECORD_SESSION_ID] else None
    if kept.get("agentId") == cells[_AGENT_ID]:
        kept.pop("agentId", None)
    if kept:
        cells[_BODY] = draft.payloads.to_json(kept)
    if draft.left:
        entry.fields = Fields(draft.left)
        try:
            cells[_UNPARSED] = entry.unparsed(draft.record_type)
        except Malformed:
            entry.fields = Fields({name: pruned(value, 200) for name, value in draft.left.items()})
            cells[_UNPARSED] = entry.unparsed(draft.record_type)
    draft.rows.append(RECORDS.row_of(cells))


def _read_user(draft: Draft) -> None:
    cells, kept = draft.cells, draft.kept
    _take_origin(draft, kept)
    may_be_prompt = not (
        "toolUseResult" in kept
        or cells[_IS_META]
        or cells[_IS_COMPACT_SUMMARY]
        or cells[_IS_SIDECHAIN]
        or cells[_ORIGIN_KIND] not in (None, "human")
    )
    blocks = _read_message(draft, may_be_prompt=may_be_prompt)
    cells[_IS_HUMAN_PROMPT] = blocks.has_prompt
    plan = kept.get("planContent")
    if isinstance(plan, str) and plan:
        cells[_MESSAGE_ID] = draft.say(MessageKind.PLAN, plan, "assistant")[0]
        del kept["planContent"]
    result = kept.get("toolUseResult")
    if isinstance(result, dict) and ("agentId" in result or "runId" in result):
        _link_result(draft, result, blocks.first_tool_use_id)


def _take_origin(draft: Draft, found: JsonObject) -> None:
    """Put the kind of an object's `origin` into its cell; keep the origin's other fields."""
    origin = found.get("origin")
    kind = origin.pop("kind", None) if isinstance(origin, dict) else None
    if isinstance(kind, str):
        draft.cells[_ORIGIN_KIND] = kind
    elif kind is not None and isinstance(origin, dict):
        origin["kind"] = kind
    if origin == {}:
        del found["origin"]


def _read_assistant(draft: Draft) -> None:
    _read_message(draft, may_be_prompt=False)


def _read_message(draft: Draft, *, may_be_prompt: bool) -> Blocks:
    blocks = Blocks(draft, may_be_prompt=may_be_prompt)
    message = draft.kept.get("message")
    if isinstance(message, dict):
        if "content" in message:
            blocks.read(message.pop("content"))
        if message.get("type") == "message":
            del message["type"]
        usage = message.get("usage")
        if isinstance(usage, dict) and isinstance(usage.get("iterations"), list):
            iterations = usage.pop("iterations")
            draft.cells[_USAGE_ITERATIONS] = draft.payloads.to_json(iterations) if iterations else None
            if not usage:
                del message["usage"]
        if not message:
            del draft.kept["message"]
    draft.cells[_BLOCK_COUNT] = blocks.count
    return blocks


def _link_result(draft: Draft, result: JsonObject, tool_use_id: str | None) -> None:
    """Add a link from a tool's structured result, which names the subagent or workflow run that the call started."""
    agent_id, run_id = text_of(result, "agentId"), text_of(result, "runId")
    if agent_id is None and run_id is None:
        return
    usage = result.get("usage")
    draft.rows.append(
        AGENT_LINKS.row(
            session_id=draft.session_id,
            link_kind="workflow" if agent_id is None else "tool_result",
            agent_id=agent_id,
            workflow_id=run_id,
            tool_use_id=tool_use_id,
            record_uuid=draft.cells[_UUID],
            linked_at=draft.recorded_at,
            agent_type=text_of(result, "agentType"),
            status=text_of(result, "status"),
            model=text_of(result, "resolvedModel"),
            description=text_of(result, "description"),
            total_tokens=_integer(result, "totalTokens"),
            tool_call_count=_integer(result, "totalToolUseCount"),
            total_ms=_integer(result, "totalDurationMs"),
            usage=draft.payloads.to_json(usage) if isinstance(usage, dict) else None,
        )
    )


def _integer(found: JsonObject, name: str) -> int | None:
    value = found.get(name)
    return value if type(value) is int and abs(value) < 2**63 else None


def _read_system(draft: Draft) -> None:
    kind = MessageKind.SUMMARY if draft.cells[_SUBTYPE] == "away_summary" else MessageKind.SYSTEM
    _say(draft, "content", kind, "system")


def _read_queue(draft: Draft) -> None:
    _say(draft, "content", MessageKind.QUEUED_PROMPT, "user")


def _read_last_prompt(draft: Draft) -> None:
    # Not a prompt of its own: Claude Code repeats the last prompt with each turn, cut to 200 characters.
    _say(draft, "lastPrompt", MessageKind.SYSTEM, "user")


def _say(draft: Draft, name: str, kind: MessageKind, role: str) -> str | None:
    text = draft.text(name)
    if text:
        draft.cells[_MESSAGE_ID] = draft.say(kind, text, role)[0]
    elif text is not None:
        draft.kept[name] = text
    return text


def _read_progress(draft: Draft) -> None:
    data = draft.object("data")
    draft.cells[_SUBTYPE] = text_of(data, "type")
    agent_id = text_of(data, "agentId")
    if agent_id is not None:
        draft.rows.append(
            AGENT_LINKS.row(
                session_id=draft.session_id,
                link_kind="progress",
                agent_id=agent_id,
                tool_use_id=draft.cells[_PARENT_TOOL_USE_ID],
                record_uuid=draft.cells[_UUID],
                linked_at=draft.recorded_at,
            )
        )


def _read_attachment(draft: Draft) -> None:
    attachment = draft.object("attachment")
    draft.cells[_SUBTYPE] = text_of(attachment, "type")
    if attachment.get("type") == "queued_command":
        _read_queued_command(draft, attachment)


def _read_queued_command(draft: Draft, attachment: JsonObject) -> None:
    """A prompt typed while Claude was busy, or a notification of a task: a string or a list of blocks."""
    cells = draft.cells
    _take_origin(draft, attachment)
    mode = attachment.get("commandMode")
    if isinstance(mode, str):
        cells[_COMMAND_MODE] = attachment.pop("commandMode")
    may_be_prompt = not (
        cells[_IS_META]
        or attachment.get("isMeta") is True
        or cells[_IS_SIDECHAIN]
        or mode not in (None, "prompt")
        or cells[_ORIGIN_KIND] not in (None, "human")
    )
    prompt = attachment.get("prompt")
    if isinstance(prompt, str) and prompt:
        del attachment["prompt"]
        cells[_MESSAGE_ID] = draft.say(MessageKind.QUEUED_PROMPT, prompt, "user")[0]
        cells[_IS_HUMAN_PROMPT] = may_be_prompt and not is_wrapped(prompt)
    elif isinstance(prompt, list):
        del attachment["prompt"]
        blocks = Blocks(draft, may_be_prompt=may_be_prompt, role="user", prompt_kind=MessageKind.QUEUED_PROMPT)
        blocks.read(prompt)
        cells[_BLOCK_COUNT] = blocks.count
        cells[_IS_HUMAN_PROMPT] = blocks.has_prompt


def _read_summary(draft: Draft) -> None:
    title = _say(draft, "summary", MessageKind.SUMMARY, "system")
    _title(draft, title, draft.text("leafUuid"))


def _read_ai_title(draft: Draft) -> None:
    _title(draft, draft.text("aiTitle"))


def _read_custom_title(draft: Draft) -> None:
    _title(draft, draft.text("customTitle"))


def _read_agent_name(draft: Draft) -> None:
    _title(draft, draft.text("agentName"))


def _title(draft: Draft, title: str | None, leaf_uuid: str | None = None) -> None:
    draft.rows.append(
        TITLES.row(
            session_id=draft.session_id,
            title_kind=draft.record_type,
            title=title,
            leaf_uuid=leaf_uuid,
            named_session_id=draft.cells[_RECORD_SESSION_ID],
        )
    )


def _read_pull_request(draft: Draft) -> None:
    _link(draft, url=draft.text("prUrl"), number=draft.integer("prNumber"), repository=draft.text("prRepository"))


def _read_frame(draft: Draft) -> None:
    _link(draft, url=draft.text("frameUrl"), title=draft.text("title"), local_path=draft.text("path"))


def _read_bridge(draft: Draft) -> None:
    _link(draft, bridge_session_id=draft.text("bridgeSessionId"))


def _link(draft: Draft, **found: str | int | None) -> None:
    row = LINKS.row(session_id=draft.session_id, link_kind=draft.record_type, linked_at=draft.recorded_at, **found)
    draft.rows.append(row)


def _read_fork(draft: Draft) -> None:
    draft.rows.append(
        AGENT_LINKS.row(
            session_id=draft.session_id,
            link_kind="fork",
            agent_id=text_of(draft.kept, "agentId"),
            parent_session_id=draft.text("parentSessionId"),
            parent_last_uuid=draft.text("parentLastUuid"),
            context_length=draft.integer("contextLength"),
        )
    )


_READERS: Final[Mapping[str, Callable[[Draft], None]]] = {
    "user": _read_user,
    "assistant": _read_assistant,
    "system": _read_system,
    "progress": _read_progress,
    "attachment": _read_attachment,
    "queue-operation": _read_queue,
    "last-prompt": _read_last_prompt,
    "summary": _read_summary,
    "ai-title": _read_ai_title,
    "custom-title": _read_custom_title,
    "agent-name": _read_agent_name,
    "file-history-snapshot": read_snapshot,
    "file-history-delta": read_delta,
    "pr-link": _read_pull_request,
    "frame-link": _read_frame,
    "bridge-session": _read_bridge,
    "fork-context-ref": _read_fork,
    **STATE_READERS,
}
