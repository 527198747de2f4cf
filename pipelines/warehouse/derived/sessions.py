"""Core tables of what went on: sessions, API responses with their usage counted once, tool calls joined with their
results.
"""

from models.schema import FLAG, INSTANT, INTEGER, TEXT, Column, Table
from pipelines.warehouse.derived.declare import CoreTable, Renewal, View

API_RESPONSES = CoreTable(
    Table(
        "api_responses",
        "One row for each API response in a file: the record of its group with the "
        "most output tokens, which is the last. Claude Code writes a response as a record for each of its blocks, "
        "the earlier ones with figures of while it was still being streamed.",
        (
            Column("home_id", TEXT, "The home.", required=True),
            Column("session_id", TEXT, "The session.", required=True),
            Column("agent_id", TEXT, "The subagent, where the file is one's."),
            Column(
                "api_message_id",
                TEXT,
                "The response's message.id; not unique over files with third-party gateways.",
                required=True,
                is_distinct=True,
            ),
            Column("request_id", TEXT, "The API request; missing with gateways and some versions.", is_distinct=True),
            Column("model", TEXT, "The model that answered."),
            Column("responded_at", INSTANT, "Time of the first record of the group (UTC)."),
            Column("record_count", INTEGER, "Records that the response was written as.", required=True),
            Column("input_tokens", INTEGER, "Tokens sent that no cache held."),
            Column("output_tokens", INTEGER, "Tokens answered."),
            Column("cache_creation_input_tokens", INTEGER, "Tokens written to the cache."),
            Column("cache_read_input_tokens", INTEGER, "Tokens read from the cache."),
            Column("stop_reason", TEXT, "Why the answer ended, as written."),
            Column("version", TEXT, "Version of Claude Code."),
            Column(
                "usage_is_reliable",
                FLAG,
                "Whether the record says why it ended; without that the figures may be placeholders.",
                required=True,
            ),
            Column(
                "is_copy",
                FLAG,
                "Whether the same records stand in an earlier file (a fork or resumed copy): leave out when counting.",
                required=True,
            ),
            Column("is_synthetic", FLAG, "Whether Claude Code wrote it itself, without the API.", required=True),
            Column("file_id", INTEGER, "The file of the counted record.", required=True),
            Column("byte_offset", INTEGER, "Its offset.", required=True),
            Column("byte_length", INTEGER, "Its length.", required=True),
        ),
        has_provenance=False,
    ),
    """
    WITH grouped AS (
        SELECT file_id, api_message_id, count(*) AS record_count, min(recorded_at) AS responded_at, arg_min(uuid,
            byte_offset) AS first_uuid,
            arg_max(byte_offset, {'tokens': coalesce(output_tokens, -1), 'at': byte_offset}) AS byte_offset
        FROM records WHERE record_type = 'assistant' AND api_message_id IS NOT NULL
        GROUP BY file_id, api_message_id
    )
    SELECT r.home_id, r.session_id, r.agent_id, r.api_message_id, r.request_id, r.model, g.responded_at,
        g.record_count, r.input_tokens,
        r.output_tokens, r.cache_creation_input_tokens, r.cache_read_input_tokens, r.stop_reason, r.version,
        r.stop_reason IS NOT NULL AND r.model IS DISTINCT FROM '<synthetic>' AS usage_is_reliable,
        row_number() OVER (PARTITION BY g.api_message_id, coalesce(g.first_uuid, r.file_id::VARCHAR)
            ORDER BY g.responded_at, f.path, f.home_id, f.generation) > 1 AS is_copy,
        r.model IS NOT DISTINCT FROM '<synthetic>' AS is_synthetic,
        r.file_id, r.byte_offset, r.byte_length
    FROM grouped g
    JOIN records r ON r.file_id = g.file_id AND r.byte_offset = g.byte_offset AND r.api_message_id = g.api_message_id
    JOIN files f ON f.file_id = g.file_id
    """,
    Renewal(
        "api_message_id",
        """
        SELECT DISTINCT api_message_id FROM records r
        JOIN changed c ON c.run_id = r.run_id AND c.file_id = r.file_id AND r.byte_offset >= c.from_offset
        WHERE api_message_id IS NOT NULL
        """,
        {"records": "NOT MATERIALIZED (FROM warehouse.records SEMI JOIN touched USING (api_message_id))"},
    ),
    rests_on=("files",),
)

TOOL_CALL_RESULTS = CoreTable(
    Table(
        "tool_call_results",
        "One row for each tool call in a file, joined with its result and with the file into which a big result was "
        "spilled; `tool_calls` adds what it was called with.",
        (
            Column("home_id", TEXT, "The home.", required=True),
            Column("session_id", TEXT, "The session.", required=True),
            Column("agent_id", TEXT, "The subagent, where the file is one's."),
            Column("tool_use_id", TEXT, "Id of the call.", is_distinct=True),
            Column("tool_name", TEXT, "The tool."),
            Column("called_at", INSTANT, "Time of the calling record (UTC)."),
            Column("returned_at", INSTANT, "Time of the record that holds the result (UTC)."),
            Column("has_result", FLAG, "Whether a result was found.", required=True),
            Column("is_error", FLAG, "Whether the result says that it is an error."),
            Column("result_message_id", TEXT, "The result's text: joins `messages`.", is_distinct=True),
            Column("result_bytes", INTEGER, "Length of the result's text in bytes."),
            Column(
                "spilled_message_id", TEXT, "The text spilled to tool-results/: joins `messages`.", is_distinct=True
            ),
            Column("model", TEXT, "The model that called."),
            Column("result_byte_offset", INTEGER, "Offset of the record with the result, in the same file."),
            Column("file_id", INTEGER, "The file.", required=True),
            Column("byte_offset", INTEGER, "Offset of the calling record.", required=True),
            Column("block_number", INTEGER, "The block of that record, from 0.", required=True),
            Column("byte_length", INTEGER, "Its length.", required=True),
        ),
        has_provenance=False,
    ),
    """
    WITH results AS (
        SELECT file_id, tool_use_id, recorded_at, is_error, message_id, text_bytes, byte_offset, block_number
        FROM content_blocks WHERE block_type = 'tool_result' AND tool_use_id IS NOT NULL AND parent_block IS NULL
        QUALIFY row_number() OVER (PARTITION BY file_id, tool_use_id ORDER BY byte_offset, block_number) = 1
    ), nested AS (
        SELECT file_id, byte_offset, parent_block, min(message_id) AS message_id, sum(text_bytes) AS text_bytes
        FROM content_blocks WHERE parent_block IS NOT NULL AND message_id IS NOT NULL GROUP BY ALL HAVING count(*) = 1
    ), spilled AS (
        SELECT home_id, session_id, tool_use_id, min(message_id) AS message_id
        FROM spilled_results WHERE tool_use_id IS NOT NULL GROUP BY ALL
    )
    SELECT c.home_id, c.session_id, c.agent_id, c.tool_use_id, c.tool_name, c.block_number, c.recorded_at AS called_at,
        r.recorded_at AS returned_at,
        r.file_id IS NOT NULL AS has_result, r.is_error, coalesce(r.message_id, n.message_id) AS result_message_id,
        coalesce(r.text_bytes, n.text_bytes)::BIGINT AS result_bytes, s.message_id AS spilled_message_id, c.model,
        r.byte_offset AS result_byte_offset, c.file_id, c.byte_offset, c.byte_length
    FROM content_blocks c
    LEFT JOIN results r ON r.file_id = c.file_id AND r.tool_use_id = c.tool_use_id
    LEFT JOIN nested n ON n.file_id = r.file_id AND n.byte_offset = r.byte_offset AND n.parent_block = r.block_number
    LEFT JOIN spilled s ON s.home_id = c.home_id AND s.session_id = c.session_id AND s.tool_use_id = c.tool_use_id
    WHERE c.block_type IN ('tool_use', 'server_tool_use')
    """,
    Renewal(
        "file_id",
        """
        WITH spilled AS (
            SELECT s.home_id, s.session_id, s.tool_use_id FROM spilled_results s
            JOIN changed c ON c.run_id = s.run_id AND c.file_id = s.file_id AND s.byte_offset >= c.from_offset
        )
        SELECT DISTINCT file_id FROM content_blocks b SEMI JOIN changed c ON c.run_id = b.run_id
            AND c.file_id = b.file_id AND b.byte_offset >= c.from_offset
        UNION SELECT file_id FROM content_blocks SEMI JOIN spilled USING (home_id, session_id, tool_use_id)
        """,
        {"content_blocks": "NOT MATERIALIZED (FROM warehouse.content_blocks SEMI JOIN touched USING (file_id))"},
    ),
)

SESSIONS = CoreTable(
    Table(
        "sessions",
        "One row for each session that any source of a home names, whether or not its transcript is there.",
        (
            Column("home_id", TEXT, "The home.", required=True),
            Column("session_id", TEXT, "The session.", required=True, is_distinct=True),
            Column("project_path", TEXT, "Working directory of its first record, else of its first prompt."),
            Column("title", TEXT, "Its last title: custom before generated before summary."),
            Column("started_at", INSTANT, "Time of its first record, else of its first prompt (UTC)."),
            Column("ended_at", INSTANT, "Time of its last record, else of its last prompt (UTC)."),
            Column("first_version", TEXT, "Version of Claude Code of its first record."),
            Column("has_transcript", FLAG, "Whether a transcript was kept.", required=True),
            Column("record_count", INTEGER, "Records, those of subagents included.", required=True),
            Column("prompt_count", INTEGER, "Prompts of a human in the transcript.", required=True),
            Column("history_prompt_count", INTEGER, "Prompts in history.jsonl.", required=True),
            Column("response_count", INTEGER, "API responses that are no copies.", required=True),
            Column("tool_call_count", INTEGER, "Tool calls.", required=True),
            Column("subagent_count", INTEGER, "Subagents with a transcript.", required=True),
            Column("output_tokens", INTEGER, "Output tokens of responses that are no copies."),
            Column("file_version_count", INTEGER, "Versions of files in file-history/.", required=True),
            Column("debug_event_count", INTEGER, "Events in its debug log.", required=True),
        ),
        has_provenance=False,
    ),
    """
    WITH replaced AS (
        SELECT file_id FROM files WHERE state = 'superseded'
    ), told AS (
        SELECT home_id, session_id, arg_min(cwd, {'at': coalesce(recorded_at, TIMESTAMP '9999-01-01'),
            'offset': byte_offset})
                FILTER (cwd IS NOT NULL) AS cwd,
            arg_min(version, recorded_at) FILTER (version IS NOT NULL) AS version, min(recorded_at) AS first_at,
                max(recorded_at) AS last_at,
            count(*) AS records, count(*) FILTER (is_human_prompt) AS prompts, count(DISTINCT agent_id) AS subagents
        FROM records WHERE file_id NOT IN (SELECT file_id FROM replaced) GROUP BY ALL
    ), typed AS (
        SELECT home_id, session_id, arg_min(project_path, prompted_at) AS cwd, min(prompted_at) AS first_at,
            max(prompted_at) AS last_at, count(*) AS prompts
        FROM prompts WHERE session_id IS NOT NULL AND file_id NOT IN (SELECT file_id FROM replaced) GROUP BY ALL
    ), named AS (
        SELECT home_id, session_id, title FROM titles
        QUALIFY row_number() OVER (PARTITION BY home_id, session_id ORDER BY
            CASE title_kind WHEN 'custom-title' THEN 0 WHEN 'ai-title' THEN 1 WHEN 'agent-name' THEN 2 ELSE 3 END,
                byte_offset DESC, file_id) = 1
    ), answered AS (
        SELECT home_id, session_id, count(*) AS responses, sum(output_tokens)::BIGINT AS output_tokens
        FROM api_responses WHERE NOT is_copy AND NOT is_synthetic GROUP BY ALL
    ), called AS (
        SELECT home_id, session_id, count(*) AS calls
        FROM tool_call_results WHERE file_id NOT IN (SELECT file_id FROM replaced) GROUP BY ALL
    ), versions AS (
        SELECT home_id, session_id, count(*) AS versions FROM file_versions GROUP BY ALL
    ), debugged AS (
        SELECT home_id, session_id, count(*) AS events FROM debug_events WHERE session_id IS NOT NULL GROUP BY ALL
    ), ids AS (
        SELECT home_id, session_id FROM told UNION SELECT home_id, session_id FROM typed UNION SELECT home_id,
            session_id FROM versions
        UNION SELECT home_id, session_id FROM debugged
        UNION SELECT home_id, session_id FROM todo_lists UNION SELECT home_id, session_id FROM session_env_directories
    )
    SELECT i.home_id, i.session_id, coalesce(t.cwd, h.cwd) AS project_path, n.title, coalesce(t.first_at,
        h.first_at) AS started_at,
        coalesce(t.last_at, h.last_at) AS ended_at, t.version AS first_version,
            t.session_id IS NOT NULL AS has_transcript,
        coalesce(t.records, 0) AS record_count, coalesce(t.prompts, 0) AS prompt_count, coalesce(h.prompts,
            0) AS history_prompt_count,
        coalesce(a.responses, 0) AS response_count, coalesce(c.calls, 0) AS tool_call_count, coalesce(t.subagents,
            0) AS subagent_count,
        a.output_tokens, coalesce(v.versions, 0) AS file_version_count, coalesce(d.events, 0) AS debug_event_count
    FROM ids i
    LEFT JOIN told t USING (home_id, session_id) LEFT JOIN typed h USING (home_id, session_id) LEFT
        JOIN named n USING (home_id, session_id)
    LEFT JOIN answered a USING (home_id, session_id) LEFT JOIN called c USING (home_id, session_id)
    LEFT JOIN versions v USING (home_id, session_id) LEFT JOIN debugged d USING (home_id, session_id)
    WHERE i.session_id IS NOT NULL
    """,
    rests_on=("files", "api_responses", "tool_call_results"),
)

SESSION_TABLES = (API_RESPONSES, TOOL_CALL_RESULTS, SESSIONS)

SESSION_VIEWS = (
    View(
        "tool_calls",
        "Each tool call with what it was called with and what came of it.",
        """
        SELECT r.*, b.input
        FROM tool_call_results r
        JOIN content_blocks b USING (file_id, byte_offset, block_number)
        WHERE b.block_type IN ('tool_use', 'server_tool_use')
        """,
    ),
    View(
        "projects",
        "Each working directory that sessions were begun in, by the records' own cwd.",
        """
        SELECT home_id, project_path, count(*) AS session_count, sum(prompt_count)::BIGINT AS prompt_count,
            sum(output_tokens)::BIGINT AS output_tokens,
            min(started_at) AS started_at, max(ended_at) AS ended_at
        FROM sessions WHERE project_path IS NOT NULL GROUP BY ALL
        """,
    ),
    View(
        "usage_by_day",
        "Tokens by day (UTC), home and model, over responses that are no copies; "
        "with the share of responses whose figures are reliable.",
        """
        SELECT responded_at::DATE AS day, home_id, model, count(*) AS response_count,
            sum(input_tokens)::BIGINT AS input_tokens,
            sum(output_tokens)::BIGINT AS output_tokens,
                sum(cache_creation_input_tokens)::BIGINT AS cache_creation_input_tokens,
            sum(cache_read_input_tokens)::BIGINT AS cache_read_input_tokens,
                avg(usage_is_reliable::INTEGER) AS reliable_share
        FROM api_responses WHERE NOT is_copy AND NOT is_synthetic GROUP BY ALL
        """,
    ),
    View(
        "compactions",
        "Where a conversation was compacted, with the tokens before and after as the record says.",
        """
        SELECT home_id, session_id, recorded_at, subtype, uuid, logical_parent_uuid, file_id, byte_offset,
            byte_length, run_id,
            coalesce(body->'compactMetadata', body->'microcompactMetadata')->>'trigger' AS trigger,
            try_cast(coalesce(body->'compactMetadata', body->'microcompactMetadata')->>'preTokens' AS BIGINT)
                AS pre_tokens,
            try_cast(body->'compactMetadata'->>'postTokens' AS BIGINT) AS post_tokens
        FROM records WHERE record_type = 'system' AND subtype IN ('compact_boundary', 'microcompact_boundary')
        """,
    ),
    View(
        "forks",
        "Sessions that were forked from another: how many records they copied.",
        """
        SELECT home_id, session_id, forked_from_session_id, count(*) AS copied_records
        FROM records WHERE forked_from_session_id IS NOT NULL GROUP BY ALL
        """,
    ),
)
