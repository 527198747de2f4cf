"""The queries of the dashboard: one per cube.

A cube has a row for each combination of the dimensions that the filters and its chart need, so that the page can filter
without the warehouse. Days and hours are in the time zone of the connection, by default that of this machine.
"""

from dataclasses import dataclass
from typing import Final

from models.manifest import Outcome, sql_outcomes

_CHANGED: Final = sql_outcomes((Outcome.MODIFIED, Outcome.MISSING, Outcome.APPENDED))
"""Outcomes of files that changed while a run read them."""


def _day(instant: str) -> str:
    return f"date_diff('day', DATE '1970-01-01', ({instant})::date) AS day"


@dataclass(frozen=True, slots=True)
class Question:
    """The query of one cube: the cube's name in the page, the views and columns that it reads, the SQL, and the
    resulting columns that are dimensions (each distinct value is sent once, and rows have indexes into the values).
    """

    name: str
    needs: dict[str, str]
    sql: str
    dimensions: tuple[str, ...] = ()


QUESTIONS: Final = (
    Question(
        "sessions",
        {
            "sessions": "home_id session_id title first_prompt project started_at ended_at active_seconds state "
            "record_count prompt_count response_count tool_call_count tool_error_count models output_tokens cost_usd"
        },
        f"""
        SELECT session_id AS session, [home_id] AS homes, project, models, state,
            left(coalesce(title, first_prompt, ''), 4000) AS title,
            epoch(started_at)::BIGINT AS started, epoch(ended_at)::BIGINT AS ended,
            {_day("coalesce(started_at, ended_at)")}, {_day("coalesce(ended_at, started_at)")}_end,
            active_seconds AS active, prompt_count AS prompts, response_count AS responses, tool_call_count AS tools,
            tool_error_count AS errors, output_tokens AS output, round(cost_usd, 4) AS cost
        FROM sessions WHERE record_count > 0 OR prompt_count > 0 OR title IS NOT NULL
        ORDER BY coalesce(started_at, ended_at) DESC NULLS LAST, session_id, home_id
        """,
        ("session", "homes", "project", "models", "state"),
    ),
    Question(
        "usage",
        {
            "token_usage": "home_ids session_id project model_id responded_at input_tokens output_tokens "
            "cache_read_tokens cache_write_5m_tokens cache_write_1h_tokens cost_usd is_reliable"
        },
        f"""
        SELECT session_id AS session, home_ids AS homes, project, coalesce(model_id, 'not recorded') AS model,
            {_day("responded_at")}, sum(coalesce(output_tokens, 0))::BIGINT AS output,
            sum(coalesce(input_tokens, 0))::BIGINT AS input, sum(coalesce(cache_read_tokens, 0))::BIGINT AS cache_read,
            sum(coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0))::BIGINT AS cache_write,
            round(sum(cost_usd), 6) AS cost, count(*) AS parts, count(*) - count(cost_usd) AS unpriced,
            count(*) FILTER (NOT is_reliable) AS unreliable
        FROM token_usage GROUP BY ALL ORDER BY day, session, model
        """,
        ("session", "homes", "project", "model"),
    ),
    Question(
        "prompts",
        {"user_prompts": "home_ids session_id project prompted_at"},
        f"""
        SELECT session_id AS session, home_ids AS homes, project, {_day("prompted_at")},
            hour(prompted_at) AS hour, count(*) AS count
        FROM user_prompts WHERE prompted_at IS NOT NULL GROUP BY ALL ORDER BY day, session
        """,
        ("session", "homes", "project"),
    ),
    Question(
        "tools",
        {"tool_calls": "home_ids session_id project tool_name called_at is_error was_denied"},
        f"""
        SELECT session_id AS session, home_ids AS homes, project, tool_name AS tool, {_day("called_at")},
            count(*) AS count, count(*) FILTER (is_error AND NOT coalesce(was_denied, false)) AS failed,
            count(*) FILTER (was_denied) AS denied
        FROM tool_calls GROUP BY ALL ORDER BY day, session, tool
        """,
        ("session", "homes", "project", "tool"),
    ),
    Question(
        "context",
        {"context_windows": "home_id session_id model_id responded_at share", "sessions": "home_id session_id project"},
        f"""
        SELECT c.session_id AS session, [c.home_id] AS homes, s.project AS project,
            coalesce(c.model_id, 'not recorded') AS model, {_day("c.responded_at")},
            least(floor(c.share * 20), 20)::INTEGER AS band, count(*) AS count
        FROM context_windows c LEFT JOIN sessions s USING (home_id, session_id)
        WHERE c.share IS NOT NULL GROUP BY ALL ORDER BY day, session, band
        """,
        ("session", "homes", "project", "model"),
    ),
    Question(
        "errors",
        {"errors_outline": "home_id session_id occurred_at error_kind", "sessions": "home_id session_id project"},
        f"""
        SELECT e.session_id AS session, [e.home_id] AS homes, s.project AS project, e.error_kind AS kind,
            {_day("e.occurred_at")}, count(*) AS count
        FROM errors_outline e LEFT JOIN sessions s USING (home_id, session_id) GROUP BY ALL ORDER BY day, session, kind
        """,
        ("session", "homes", "project", "kind"),
    ),
    Question(
        "subagents",
        {
            "subagent_runs": "home_id session_id agent_type started_at total_tokens cost_usd has_transcript outcome",
            "sessions": "home_id session_id project",
        },
        f"""
        SELECT a.session_id AS session, [a.home_id] AS homes, s.project AS project,
            coalesce(a.agent_type, 'not recorded') AS agent, {_day("a.started_at")}, count(*) AS count,
            sum(coalesce(a.total_tokens, 0))::BIGINT AS tokens, round(sum(a.cost_usd), 6) AS cost,
            count(*) FILTER (NOT a.has_transcript) AS without_transcript
        FROM subagent_runs a LEFT JOIN sessions s USING (home_id, session_id)
        GROUP BY ALL ORDER BY day, session, agent
        """,
        ("session", "homes", "project", "agent"),
    ),
    Question(
        "recovered",
        {"recovered_messages": "home_id project gone_from_home"},
        """
        SELECT [home_id] AS homes, project, sum(gone_from_home)::BIGINT AS count
        FROM recovered_messages GROUP BY ALL HAVING sum(gone_from_home) > 0 ORDER BY ALL
        """,
        ("homes", "project"),
    ),
    Question(
        "runs",
        {
            "runs": "run_id started_at",
            "run_sources": "run_id home_id files_found files_read files_vanished files_unreadable bytes_kept_new "
            "rejects messages_new",
            "drift": "run_id home_id source what name",
            "manifest": "run_id home_id entry_type outcome",
        },
        f"""
        WITH drifted AS (
            SELECT run_id, home_id, count(DISTINCT (source, what, name)) AS unknown FROM drift GROUP BY ALL
        ), odd AS (
            SELECT run_id, home_id, count(*) FILTER (outcome = '{Outcome.CORRUPT}') AS corrupt,
                count(*) FILTER (outcome IN {_CHANGED}) AS changed
            FROM manifest WHERE entry_type = 'file' GROUP BY ALL
        )
        SELECT r.run_id AS run, [s.home_id] AS homes, epoch(r.started_at)::BIGINT AS started, {_day("r.started_at")},
            sum(s.files_found)::BIGINT AS files, sum(s.files_read)::BIGINT AS read,
            sum(s.files_vanished)::BIGINT AS gone, sum(s.files_unreadable)::BIGINT AS unreadable,
            sum(s.bytes_kept_new)::BIGINT AS bytes_new, sum(s.messages_new)::BIGINT AS messages_new,
            sum(s.rejects)::BIGINT AS rejects, coalesce(any_value(o.corrupt), 0) AS corrupt,
            coalesce(any_value(o.changed), 0) AS changed, coalesce(any_value(d.unknown), 0) AS unknown
        FROM runs r JOIN run_sources s USING (run_id)
        LEFT JOIN odd o ON o.run_id = r.run_id AND o.home_id = s.home_id
        LEFT JOIN drifted d ON d.run_id = r.run_id AND d.home_id = s.home_id
        GROUP BY r.run_id, s.home_id, r.started_at ORDER BY r.started_at, s.home_id
        """,
        ("homes", "run"),
    ),
)
