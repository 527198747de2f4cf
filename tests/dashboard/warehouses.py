"""Shared by the tests of the dashboard: a database with the views that it reads, and pages with made-up data."""

import random

import duckdb

from models.json import JsonObject, JsonValue
from pipelines.dashboard.cubes import Cubes

VIEWS = """
CREATE TABLE sessions (home_id TEXT, session_id TEXT, title TEXT, first_prompt TEXT, project TEXT,
    started_at TIMESTAMPTZ, ended_at TIMESTAMPTZ, active_seconds BIGINT, state TEXT, prompt_count BIGINT,
    response_count BIGINT, tool_call_count BIGINT, tool_error_count BIGINT, models TEXT[], output_tokens BIGINT,
    cost_usd DOUBLE, record_count BIGINT);
CREATE TABLE token_usage (home_ids TEXT[], session_id TEXT, project TEXT, model_id TEXT, responded_at TIMESTAMPTZ,
    input_tokens BIGINT, output_tokens BIGINT, cache_read_tokens BIGINT, cache_write_5m_tokens BIGINT,
    cache_write_1h_tokens BIGINT, cost_usd DOUBLE, is_reliable BOOLEAN);
CREATE TABLE user_prompts (home_ids TEXT[], session_id TEXT, project TEXT, prompted_at TIMESTAMPTZ);
CREATE TABLE tool_calls (home_ids TEXT[], session_id TEXT, project TEXT, tool_name TEXT, called_at TIMESTAMPTZ,
    is_error BOOLEAN, was_denied BOOLEAN);
CREATE TABLE context_windows (home_id TEXT, session_id TEXT, model_id TEXT, responded_at TIMESTAMPTZ, share DOUBLE);
CREATE TABLE errors_outline (home_id TEXT, session_id TEXT, occurred_at TIMESTAMPTZ, error_kind TEXT);
CREATE TABLE subagent_runs (home_id TEXT, session_id TEXT, agent_type TEXT, started_at TIMESTAMPTZ, total_tokens BIGINT,
    cost_usd DOUBLE, has_transcript BOOLEAN, outcome TEXT);
CREATE TABLE recovered_messages (home_id TEXT, project TEXT, gone_from_home BIGINT);
CREATE TABLE runs (run_id TEXT, started_at TIMESTAMPTZ);
CREATE TABLE run_sources (run_id TEXT, home_id TEXT, files_found BIGINT, files_read BIGINT, files_vanished BIGINT,
    files_unreadable BIGINT, bytes_kept_new BIGINT, rejects BIGINT, messages_new BIGINT);
CREATE TABLE drift (run_id TEXT, home_id TEXT, source TEXT, what TEXT, name TEXT);
CREATE TABLE manifest (run_id TEXT, home_id TEXT, entry_type TEXT, outcome TEXT);
"""
"""The views under the names and columns that the dashboard asks for."""

ROWS = """
INSERT INTO sessions VALUES
    ('mac', 's1', $title, 'first', '/work/tide', '2026-01-31 22:30:00+00', '2026-01-31 23:30:00+00', 600, 'expired',
        2, 2, 3, 1, ['claude-opus-5', 'claude-haiku-5'], 130, 1.5, 9),
    ('work', 's2', NULL, 'second prompt', '/work/harbor', '2026-02-03 08:00:00+00', '2026-02-03 09:00:00+00', 1200,
        'present', 1, 1, 1, 0, ['claude-haiku-5'], 7, NULL, 0),
    ('work', 's3', NULL, NULL, NULL, NULL, NULL, 0, 'named_only', 0, 0, 0, 0, NULL, NULL, NULL, 0);
INSERT INTO token_usage VALUES
    (['mac'], 's1', '/work/tide', 'claude-opus-5', '2026-01-31 22:40:00+00', 10, 100, 1000, 20, 3, 1.25, true),
    (['mac'], 's1', '/work/tide', 'claude-haiku-5', '2026-01-31 23:10:00+00', 1, 30, NULL, NULL, NULL, 0.25, false),
    (['work', 'mac'], 's2', '/work/harbor', 'claude-haiku-5', '2026-02-03 08:10:00+00', 2, 7, 0, 0, 0, NULL, true);
INSERT INTO user_prompts VALUES
    (['mac'], 's1', '/work/tide', '2026-01-31 22:30:00+00'), (['mac'], 's1', '/work/tide', '2026-01-31 23:00:00+00'),
    (['work', 'mac'], 's2', '/work/harbor', '2026-02-03 08:00:00+00');
INSERT INTO tool_calls VALUES
    (['mac'], 's1', '/work/tide', 'Bash', '2026-01-31 22:41:00+00', true, false),
    (['mac'], 's1', '/work/tide', 'Bash', '2026-01-31 22:42:00+00', true, true),
    (['mac'], 's1', '/work/tide', 'Read', '2026-01-31 22:43:00+00', false, false),
    (['work', 'mac'], 's2', '/work/harbor', 'Read', '2026-02-03 08:11:00+00', false, NULL);
INSERT INTO context_windows VALUES
    ('mac', 's1', 'claude-opus-5', '2026-01-31 22:40:00+00', 0.52), ('mac', 's1', 'claude-opus-5', NULL, NULL);
INSERT INTO errors_outline VALUES ('mac', 's1', '2026-01-31 22:41:00+00', 'tool_failed'), ('mac', 's1', NULL, 'retry');
INSERT INTO subagent_runs VALUES ('mac', 's1', 'Explore', '2026-01-31 22:45:00+00', 900, 0.1, false, 'completed');
INSERT INTO recovered_messages VALUES ('mac', '/work/tide', 12), ('work', '/work/harbor', 0);
INSERT INTO runs VALUES ('r1', '2026-02-01 03:30:00+00'), ('r2', '2026-02-08 03:30:00+00');
INSERT INTO run_sources VALUES ('r1', 'mac', 10, 10, 0, 0, 5000, 1, 40), ('r1', 'mac', 2, 2, 0, 0, 100, 0, 0),
    ('r2', 'mac', 8, 1, 4, 1, 70, 0, 2);
INSERT INTO drift VALUES ('r1', 'mac', 'projects', 'field', 'a'), ('r1', 'mac', 'projects', 'field', 'a'),
    ('r1', 'mac', 'projects', 'field', 'b');
INSERT INTO manifest VALUES ('r1', 'mac', 'file', 'intact'), ('r2', 'mac', 'file', 'modified'),
    ('r2', 'mac', 'directory', 'modified'), ('r2', 'mac', 'file', 'corrupt');
"""


def small_warehouse(title: str = "Tides", zone: str = "UTC") -> duckdb.DuckDBPyConnection:
    """Return a database in memory with two sessions in two homes; `title` is that of the first, `zone` the time zone of
    the connection.
    """
    connection = duckdb.connect()
    connection.execute(f"SET TimeZone = '{zone}'")
    connection.execute(VIEWS)
    for statement in ROWS.split(";\n"):
        if statement.strip():
            connection.execute(statement, {"title": title} if "$title" in statement else {})
    return connection


def large_data(sessions: int) -> JsonObject:
    """Return made-up data of many sessions over two years, as `Cubes.to_json` returns it with the rest of a page."""
    chance = random.Random(1)
    made = Cubes("UTC")
    made.texts = {
        "session": [f"session-{number}" for number in range(sessions)],
        "homes": [["mac"], ["work"]],
        "project": [f"/work/project-{number}" for number in range(60)],
        "models": [["claude-opus-5"], ["claude-haiku-5", "claude-opus-5"]],
        "model": ["claude-opus-5", "claude-haiku-5"],
        "state": ["present", "expired"],
        "tool": [f"Tool{number}" for number in range(25)],
    }
    begin = [1_700_000_000 + chance.randrange(63_000_000) for _ in range(sessions)]
    places: list[JsonValue] = list(range(sessions))
    days: list[JsonValue] = [second // 86400 for second in begin]

    def numbers(below: int, length: int = sessions) -> list[JsonValue]:
        return [chance.randrange(below) for _ in range(length)]

    shared = {"session": places, "homes": numbers(2), "project": numbers(60), "day": days}
    made.cubes = {
        "sessions": {
            **shared,
            "day_end": days,
            "models": numbers(2),
            "state": numbers(2),
            "title": [f"Session number {number}" for number in range(sessions)],
            "started": list(begin),
            "ended": list(begin),
            **{name: numbers(900) for name in ("active", "prompts", "responses", "tools", "errors", "output", "cost")},
        },
        "usage": {
            **shared,
            "model": numbers(2),
            **{name: numbers(9000) for name in ("output", "input", "cache_read", "cache_write", "cost")},
            **{name: numbers(5) for name in ("parts", "unpriced", "unreliable")},
        },
        "prompts": {**shared, "hour": numbers(24), "count": numbers(9)},
        "tools": {**shared, "tool": numbers(25), **{name: numbers(9) for name in ("count", "failed", "denied")}},
    }
    made.missing = {name: [name] for name in ("context", "errors", "subagents", "runs")}
    return made.to_json() | {"made_at": "2026-01-01T00:00:00+00:00", "version": "test"}
