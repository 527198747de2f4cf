"""usage-data/: the input of the report of `/insights`: counts and labels of each session.

Known from other programs that read it, see extractors/FORMATS.md. A model chooses the labels. The page itself,
`usage-data/report.html`, is archived without parsing.

    usage-data/session-meta/<session>.json
    {"session_id":"…","project_path":"/home/u/code","start_time":"2026-06-30T19:24:45.994Z","duration_minutes":120,…}
    usage-data/facets/<session>.json
    {"session_id":"…","underlying_goal":"…","goal_categories":{"fix_bug":1},"outcome":"mostly_achieved",…}
"""

from collections.abc import Iterator

from extractors.reading.contract import Entry, Reading, Source, shape
from models.message import MessageKind
from models.schema import FLAG, FLOAT, INSTANT, INTEGER, JSON, TEXT, Column, Row, Table

SESSION_FACETS = Table(
    "session_facets",
    "One row for each file of usage-data/facets: the labels that a model chose for a session.",
    (
        Column("session_id", TEXT, "The session: from the file, else from its name.", required=True),
        Column("underlying_goal", TEXT, "The user's goal, in the model's words.", is_distinct=True),
        Column("goal_categories", JSON, "Kinds of goals with their counts, as a JSON object."),
        Column("outcome", TEXT, "fully_achieved, mostly_achieved, partially_achieved, not_achieved, and so on."),
        Column("user_satisfaction_counts", JSON, "Degrees of satisfaction with their counts, as a JSON object."),
        Column("claude_helpfulness", TEXT, "unhelpful to essential."),
        Column("session_type", TEXT, "single_task, multi_task, iterative_refinement, exploration, quick_question."),
        Column("friction_counts", JSON, "Kinds of friction with their counts, as a JSON object."),
        Column("friction_detail", TEXT, "The friction, in the model's words.", is_distinct=True),
        Column("primary_success", TEXT, "The main success."),
        Column("brief_summary", TEXT, "The session in one sentence, in the model's words.", is_distinct=True),
        Column("message_id", TEXT, "The same sentence: joins `messages`.", is_distinct=True),
        Column("user_instructions", JSON, "user_instructions_to_claude, as a JSON list."),
        Column("file_modified_at", INSTANT, "When the file was last written (UTC)."),
        Column("unparsed", JSON, "Unknown fields, as JSON."),
    ),
    is_rewritten=True,
)

SESSION_META = Table(
    "session_meta",
    "One row for each file of usage-data/session-meta: Claude Code's counts of a session.",
    (
        Column("session_id", TEXT, "The session: from the file, else from its name.", required=True),
        Column("project_path", TEXT, "Its working directory."),
        Column("started_at", INSTANT, "When it began (UTC)."),
        Column("duration_minutes", FLOAT, "From its first record to its last, in minutes."),
        Column("user_message_count", INTEGER, "Messages of the user."),
        Column("assistant_message_count", INTEGER, "Messages of Claude."),
        Column("tool_counts", JSON, "Tools with the number of their calls, as a JSON object."),
        Column("languages", JSON, "Programming languages with their counts, as a JSON object."),
        Column("git_commit_count", INTEGER, "Commits made."),
        Column("git_push_count", INTEGER, "Pushes made."),
        Column("input_tokens", INTEGER, "Input tokens."),
        Column("output_tokens", INTEGER, "Output tokens."),
        Column("first_prompt", TEXT, "The first prompt, possibly cut.", is_distinct=True),
        Column("summary", TEXT, "The session's summary, if it has one.", is_distinct=True),
        Column("user_interruption_count", INTEGER, "Interruptions by the user."),
        Column("user_response_seconds", JSON, "user_response_times: seconds until the user answered, as a JSON list."),
        Column("tool_error_count", INTEGER, "Tool calls that failed."),
        Column("tool_error_categories", JSON, "Kinds of failures with their counts, as a JSON object."),
        Column("has_task_agent", FLAG, "Whether subagents were used."),
        Column("has_mcp", FLAG, "Whether tools of MCP servers were used."),
        Column("has_web_search", FLAG, "Whether the web was searched."),
        Column("has_web_fetch", FLAG, "Whether pages were fetched."),
        Column("added_line_count", INTEGER, "Lines added."),
        Column("removed_line_count", INTEGER, "Lines removed."),
        Column("modified_file_count", INTEGER, "Files changed."),
        Column("message_hours", JSON, "The local hour of each message of the user, as a JSON list."),
        Column("user_message_times", JSON, "user_message_timestamps: the time of each such message, as a JSON list."),
        Column("file_modified_at", INSTANT, "When the file was last written (UTC)."),
        Column("unparsed", JSON, "Unknown fields, as JSON."),
    ),
    is_rewritten=True,
)


def parse_facets(entry: Entry) -> Iterator[Row]:
    """Yield the row of a session's labels."""
    fields = entry.document()
    session_id = fields.take_text("session_id") or entry.names["session_id"]
    summary = fields.take_text("brief_summary")
    said = entry.say(MessageKind.SUMMARY, summary, role="assistant", session_id=session_id) if summary else None
    yield SESSION_FACETS.row(
        session_id=session_id,
        underlying_goal=fields.take_text("underlying_goal"),
        goal_categories=fields.take_json("goal_categories"),
        outcome=fields.take_text("outcome"),
        user_satisfaction_counts=fields.take_json("user_satisfaction_counts"),
        claude_helpfulness=fields.take_text("claude_helpfulness"),
        session_type=fields.take_text("session_type"),
        friction_counts=fields.take_json("friction_counts"),
        friction_detail=fields.take_text("friction_detail"),
        primary_success=fields.take_text("primary_success"),
        brief_summary=summary,
        message_id=said,
        user_instructions=fields.take_json("user_instructions_to_claude"),
        file_modified_at=entry.modified_at,
        unparsed=entry.unparsed("facets"),
    )


def parse_meta(entry: Entry) -> Iterator[Row]:
    """Yield the row of a session's counts."""
    fields = entry.document()
    yield SESSION_META.row(
        session_id=fields.take_text("session_id") or entry.names["session_id"],
        project_path=fields.take_text("project_path"),
        started_at=fields.take_instant("start_time"),
        duration_minutes=fields.take_float("duration_minutes"),
        user_message_count=fields.take_integer("user_message_count"),
        assistant_message_count=fields.take_integer("assistant_message_count"),
        tool_counts=fields.take_json("tool_counts"),
        languages=fields.take_json("languages"),
        git_commit_count=fields.take_integer("git_commits"),
        git_push_count=fields.take_integer("git_pushes"),
        input_tokens=fields.take_integer("input_tokens"),
        output_tokens=fields.take_integer("output_tokens"),
        # Not recorded as a message: it may be cut, and the complete prompt is in the history and the transcript.
        first_prompt=fields.take_text("first_prompt"),
        summary=fields.take_text("summary"),
        user_interruption_count=fields.take_integer("user_interruptions"),
        user_response_seconds=fields.take_json("user_response_times"),
        tool_error_count=fields.take_integer("tool_errors"),
        tool_error_categories=fields.take_json("tool_error_categories"),
        has_task_agent=fields.take_flag("uses_task_agent"),
        has_mcp=fields.take_flag("uses_mcp"),
        has_web_search=fields.take_flag("uses_web_search"),
        has_web_fetch=fields.take_flag("uses_web_fetch"),
        added_line_count=fields.take_integer("lines_added"),
        removed_line_count=fields.take_integer("lines_removed"),
        modified_file_count=fields.take_integer("files_modified"),
        message_hours=fields.take_json("message_hours"),
        user_message_times=fields.take_json("user_message_timestamps"),
        file_modified_at=entry.modified_at,
        unparsed=entry.unparsed("session_meta"),
    )


_SESSION = r"[0-9A-Za-z_-]+"

SOURCE = Source(
    "usage-data",
    8,
    "Usage reports",
    (
        shape("usage-data/facets/{session_id}.json", Reading.DOCUMENT, parse_facets, session_id=_SESSION),
        shape("usage-data/session-meta/{session_id}.json", Reading.DOCUMENT, parse_meta, session_id=_SESSION),
    ),
    (SESSION_FACETS, SESSION_META),
)
