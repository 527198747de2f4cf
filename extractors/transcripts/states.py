"""Records of a session's state: its cost, continuation, directory, mode and role. None contains a message.

Claude Code writes them repeatedly, most without a time: the last one of a kind in a file is valid.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from extractors.reading.contract import Fields
from extractors.transcripts.draft import Draft
from extractors.transcripts.fields import ENVELOPE, RECORD_TYPES
from models.json import JsonObject
from models.schema import FLAG, FLOAT, INSTANT, INTEGER, TEXT, Column, Table

_SESSION: Final = Column("session_id", TEXT, "The session, as in `records`.")

SESSION_STATES = Table(
    "session_states",
    "One row for each record that sets a state of a session: its mode, permission mode, agent, tag. The last of a kind "
    "in a file is valid; byte_offset gives the order.",
    (
        _SESSION,
        Column("agent_id", TEXT, "The subagent, if the file is a subagent's."),
        Column(
            "state_kind",
            TEXT,
            "The record's type: mode, permission-mode, session-mode, agent-setting, agent-color, tag, isolation-latch, "
            "atis-latch or ended-by-model.",
            required=True,
        ),
        Column("value", TEXT, "The value. NULL for ended-by-model, which has none."),
        Column("recorded_at", INSTANT, "The record's time (UTC), if it has one."),
    ),
)

SESSION_PLACES = Table(
    "session_places",
    "One row for each record that sets a session's directory: it entered or left a worktree, or its transcript was "
    "moved to another project directory. The last of a kind in a file is valid.",
    (
        _SESSION,
        Column("place_kind", TEXT, "The record's type: worktree-state or relocated.", required=True),
        Column("cwd", TEXT, "The session's directory from then on: the worktree, or the new directory."),
        Column("is_left", FLAG, "Of a worktree-state: whether the session left its worktree."),
        Column("original_cwd", TEXT, "Of a worktree-state: the working directory before the worktree was entered."),
        Column("worktree_path", TEXT, "Of a worktree-state: the worktree's directory."),
        Column("worktree_name", TEXT, "Of a worktree-state: its name, which also becomes the session's title."),
        Column("worktree_branch", TEXT, "Of a worktree-state: the branch of the worktree."),
        Column("original_branch", TEXT, "Of a worktree-state: the branch before the worktree was entered."),
    ),
)

SESSION_CONTINUATIONS = Table(
    "session_continuations",
    "One row for each `continued-in` record: the conversation continues under another session id, whose file repeats "
    "the records so far with the same uuids.",
    (
        _SESSION,
        Column("continued_in_session_id", TEXT, "The session in which it continues."),
        Column("continued_at", INSTANT, "When it was continued there (UTC)."),
    ),
)

SESSION_COSTS = Table(
    "session_costs",
    "One row for each `cost-state` record: the running total of a process, which Claude Code writes when the process "
    "ends or is left. Of several with one start the last is valid: never sum them.",
    (
        _SESSION,
        Column(
            "process_started_at", INSTANT, "When the process started (UTC); a process that resumes a file has its own."
        ),
        Column("totalled_at", INSTANT, "The end of the counted time (UTC): start plus duration."),
        Column("cost_usd", FLOAT, "Cost in US dollars as Claude Code computed it, subagents included."),
        Column("api_ms", INTEGER, "Time spent in requests, in milliseconds."),
        Column("api_ms_without_retries", INTEGER, "The same without repeated requests, in milliseconds."),
        Column("tool_ms", INTEGER, "Time spent in tools, in milliseconds."),
        Column("total_ms", INTEGER, "Time since the start, in milliseconds."),
        Column("lines_added", INTEGER, "Lines added to files."),
        Column("lines_removed", INTEGER, "Lines removed from files."),
        Column("has_unknown_model", FLAG, "Whether a model was used whose price Claude Code does not know."),
    ),
)

SESSION_MODEL_COSTS = Table(
    "session_model_costs",
    "One row for each model of each `cost-state` record: the running total of that model.",
    (
        _SESSION,
        Column("process_started_at", INSTANT, "When the process started (UTC): joins `session_costs`."),
        Column("model", TEXT, "The model, with `[1m]` if its long context is on.", required=True),
        Column("input_tokens", INTEGER, "Input tokens, without those of the cache."),
        Column("output_tokens", INTEGER, "Output tokens, including thinking."),
        Column("thinking_tokens", INTEGER, "Output tokens of thinking."),
        Column("cache_read_input_tokens", INTEGER, "Tokens read from the cache."),
        Column("cache_creation_input_tokens", INTEGER, "Tokens written to the cache."),
        Column("web_search_requests", INTEGER, "Searches made by the API."),
        Column("cost_usd", FLOAT, "Cost in US dollars as Claude Code computed it."),
    ),
)

STATE_TABLES: Final = (SESSION_STATES, SESSION_PLACES, SESSION_CONTINUATIONS, SESSION_COSTS, SESSION_MODEL_COSTS)
"""The tables of these records."""

_COST_FIELDS: Final = RECORD_TYPES["cost-state"].known.places.keys() - ENVELOPE.places.keys() - {"modelUsage"}

_VALUES: Final[Mapping[str, str | None]] = {
    "mode": "mode",
    "permission-mode": None,  # its value has a column in `records`
    "session-mode": "sessionMode",
    "agent-setting": "agentSetting",
    "agent-color": "agentColor",
    "tag": "tag",
    "isolation-latch": "side",
    "atis-latch": "atis",
    "ended-by-model": None,
}


def _read_state(draft: Draft) -> None:
    name = _VALUES[draft.record_type]
    value = draft.cell("permission_mode") if name is None else draft.text(name)
    draft.rows.append(
        SESSION_STATES.row(
            session_id=draft.session_id,
            agent_id=draft.entry.names.get("agent_id"),
            state_kind=draft.record_type,
            value=value,
            recorded_at=draft.recorded_at,
        )
    )


def _read_worktree(draft: Draft) -> None:
    found = draft.kept.pop("worktreeSession", None)
    if not isinstance(found, dict):
        if found is not None:
            draft.left["worktreeSession"] = found
        _place(draft, is_left=found is None)
        return
    fields = Fields(found)
    path, working = fields.take_text("worktreePath"), fields.take_text("worktreeCwd")
    _place(
        draft,
        cwd=working or path,
        is_left=False,
        original_cwd=fields.take_text("originalCwd"),
        worktree_path=path,
        worktree_name=fields.take_text("worktreeName"),
        worktree_branch=fields.take_text("worktreeBranch"),
        original_branch=fields.take_text("originalBranch"),
    )
    for name, value in fields.leftover().items():
        draft.left[f"worktreeSession.{name}"] = value


def _read_relocated(draft: Draft) -> None:
    _place(draft, cwd=draft.text("relocatedCwd"))


def _place(draft: Draft, **found: str | bool | None) -> None:
    draft.rows.append(SESSION_PLACES.row(session_id=draft.session_id, place_kind=draft.record_type, **found))


def _read_continued(draft: Draft) -> None:
    draft.rows.append(
        SESSION_CONTINUATIONS.row(
            session_id=draft.session_id,
            continued_in_session_id=draft.text("continuedInSessionId"),
            continued_at=draft.recorded_at,
        )
    )


def _read_cost(draft: Draft) -> None:
    fields = Fields(draft.kept)
    started_at, total_ms = fields.take_epoch_ms("startTime"), fields.take_integer("totalDuration")
    try:
        totalled_at = None if started_at is None or total_ms is None else started_at + timedelta(milliseconds=total_ms)
    except OverflowError:
        totalled_at = None
    models = fields.take_fields("modelUsage")
    draft.rows.append(
        SESSION_COSTS.row(
            session_id=draft.session_id,
            process_started_at=started_at,
            totalled_at=totalled_at,
            cost_usd=fields.take_float("totalCostUSD"),
            api_ms=fields.take_integer("totalAPIDuration"),
            api_ms_without_retries=fields.take_integer("totalAPIDurationWithoutRetries"),
            tool_ms=fields.take_integer("totalToolDuration"),
            total_ms=total_ms,
            lines_added=fields.take_integer("totalLinesAdded"),
            lines_removed=fields.take_integer("totalLinesRemoved"),
            has_unknown_model=fields.take_flag("hasUnknownModelCost"),
        )
    )
    if models is not None:
        _read_models(draft, models, started_at)
    for name in _COST_FIELDS & draft.kept.keys():
        draft.left[name] = draft.kept.pop(name)


def _read_models(draft: Draft, models: Fields, started_at: datetime | None) -> None:
    """Read the object with the total of each model; a value of another form is kept, and counted as drift."""
    rest: JsonObject = {}
    for model in models.names():
        usage = models.take_row(model)
        if usage is None:
            draft.count_unknown("modelUsage.*")
            continue
        draft.rows.append(
            SESSION_MODEL_COSTS.row(
                session_id=draft.session_id,
                process_started_at=started_at,
                model=model,
                input_tokens=usage.take_integer("inputTokens"),
                output_tokens=usage.take_integer("outputTokens"),
                thinking_tokens=usage.take_integer("thinkingTokens"),
                cache_read_input_tokens=usage.take_integer("cacheReadInputTokens"),
                cache_creation_input_tokens=usage.take_integer("cacheCreationInputTokens"),
                web_search_requests=usage.take_integer("webSearchRequests"),
                cost_usd=usage.take_float("costUSD"),
            )
        )
        left = usage.leftover()
        for name in left:
            draft.count_unknown(f"modelUsage.*.{name}")
        if left:
            rest[model] = left
    rest |= models.leftover()
    if rest:
        draft.kept["modelUsage"] = rest


STATE_READERS: Final[Mapping[str, Callable[[Draft], None]]] = {
    **dict.fromkeys(_VALUES, _read_state),
    "worktree-state": _read_worktree,
    "relocated": _read_relocated,
    "continued-in": _read_continued,
    "cost-state": _read_cost,
}
"""The function that reads each of these record types."""
