"""The query for the list of sessions, newest first."""

from collections.abc import Sequence
from typing import Final

from pipelines.look.filters import Conditions, Filters

COLUMNS: Final = (
    "session_id", "home_id", "project", "project_path", "git_branches", "title", "title_kind", "first_prompt",
    "last_prompt", "started_at", "ended_at", "active_seconds", "state", "prompt_count", "abandoned_prompt_count",
    "response_count", "tool_call_count", "tool_error_count", "subagent_count", "compaction_count", "files_changed",
    "models", "versions", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cost_usd",
    "recorded_cost_usd", "unpriced_part_count", "reliable_share",
)  # fmt: skip
"""The columns of the list; the view `sessions` has more."""

HAS_CONTENT: Final = Conditions("s.record_count > 0 OR s.prompt_count > 0 OR s.title IS NOT NULL")
"""The condition that a session has content: of many, only the id is known, from an empty todo list or a log."""


def sessions_query(
    filters: Filters, *, limit: int = 0, has_content: bool = True, columns: Sequence[str] = COLUMNS
) -> Conditions:
    """Return the query for the sessions that match, newest first: at most `limit` (0: all), each once, from the home
    that has most of it. `has_content` omits sessions of which only the id is known.
    """
    wanted = filters.of_sessions()
    if has_content and filters.state is None:
        wanted &= HAS_CONTENT
    end = f" LIMIT {limit:d}" if limit else ""
    return Conditions(
        f"SELECT {', '.join(f's.{name}' for name in columns)} FROM sessions s WHERE {wanted.sql} "
        "QUALIFY row_number() OVER (PARTITION BY s.session_id ORDER BY s.record_count DESC, s.home_id) = 1 "
        f"ORDER BY coalesce(s.ended_at, s.started_at) DESC NULLS LAST, s.session_id{end}",
        wanted.values,
    )


def one_session_query(session_id: str, home_id: str | None = None, *, columns: Sequence[str] = COLUMNS) -> Conditions:
    """Return the query for the row of one session in a home, by default the home that has most of it."""
    names, values = ("", ()) if home_id is None else (" AND home_id = ?", (home_id,))
    return Conditions(
        f"SELECT {', '.join(columns)} FROM sessions WHERE session_id = ?{names} "
        "ORDER BY record_count DESC, home_id LIMIT 1",
        (session_id, *values),
    )
