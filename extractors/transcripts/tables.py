"""The tables of transcripts: the records, and the parts of records with tables of their own."""

from models.schema import FLAG, FLOAT, INSTANT, INTEGER, JSON, TEXT, Column, Table

RECORDS = Table(
    "records",
    "One row for each record of a transcript, of whatever type.",
    (
        Column(
            "session_id",
            TEXT,
            "The session, from the path: the file's name, or the directory of a subagent's file; for a subagent's file "
            "beside the sessions, from its records.",
        ),
        Column("agent_id", TEXT, "The subagent, if the file is a subagent's."),
        Column("workflow_id", TEXT, "The workflow run, if the file is one of its subagents'."),
        Column(
            "project_dir",
            TEXT,
            "Name of the project directory. It is not unique: several paths can share one. NULL for __store.db.",
        ),
        Column("record_type", TEXT, "The record's `type`.", required=True),
        Column(
            "subtype", TEXT, "Subtype of a system record, or the type of an attachment, progress or queue operation."
        ),
        Column(
            "uuid", TEXT, "The record's id. It repeats: in forks, in other projects, within a file.", is_distinct=True
        ),
        Column("parent_uuid", TEXT, "The record that this one follows; NULL at a root.", is_distinct=True),
        Column("logical_parent_uuid", TEXT, "The record before a compaction that this one follows.", is_distinct=True),
        Column("recorded_at", INSTANT, "The record's time (UTC). Many types have none."),
        Column(
            "record_session_id", TEXT, "The record's own `sessionId`: after a resume or in a fork, another session."
        ),
        Column(
            "process_session_id",
            TEXT,
            "The record's `session_id` if it differs from its `sessionId`: the id of the process that wrote it "
            "(2.1.260 and later).",
        ),
        Column("session_kind", TEXT, "The record's `sessionKind`: `bg` for a session in the background."),
        Column("is_sidechain", FLAG, "Whether the record belongs to a subagent."),
        Column("is_meta", FLAG, "Whether Claude Code wrote the text, not the user."),
        Column("is_compact_summary", FLAG, "Whether the text is the summary of a compaction."),
        Column("is_visible_in_transcript_only", FLAG, "Whether only the transcript view shows the record."),
        Column("is_api_error", FLAG, "Whether the text is an error of the API."),
        Column("cwd", TEXT, "Working directory at that moment, in the system's form."),
        Column("git_branch", TEXT, "Branch at that moment; empty or HEAD outside a repository."),
        Column("version", TEXT, "Version of Claude Code that wrote the record."),
        Column("entrypoint", TEXT, "How Claude Code was started: cli, sdk-ts, claude-vscode, ..."),
        Column("user_type", TEXT, "The record's `userType`."),
        Column("slug", TEXT, "Name of the session's plan: plans/<slug>.md."),
        Column("prompt_id", TEXT, "Joins all records of one prompt."),
        Column("prompt_source", TEXT, "Where a prompt came from: typed, queued, sdk, system, ..."),
        Column(
            "origin_kind",
            TEXT,
            "The `kind` of the record's `origin`, or of the queued command's: human, task-notification, peer, "
            "coordinator, auto-continuation, ...",
        ),
        Column(
            "turn_origin", TEXT, "The record's `turnOrigin`: the cause of the turn, as `scheduled` (2.1.280 and later)."
        ),
        Column("command_mode", TEXT, "Of a queued command: its `commandMode`: prompt, bash, task-notification, ..."),
        Column("scheduled_task_id", TEXT, "The scheduled task that wrote the prompt or fired (8 hex digits)."),
        Column("permission_mode", TEXT, "Permission mode at that moment."),
        Column("request_id", TEXT, "Request to the API. Missing on gateways and in some versions."),
        Column("api_message_id", TEXT, "Id of the API's response; its records share it. Not unique on gateways."),
        Column("role", TEXT, "Role of the message: user or assistant."),
        Column("model", TEXT, "Model that answered; `<synthetic>` is Claude Code itself."),
        Column("stop_reason", TEXT, "Why the response ended; NULL if the record was written before its end."),
        Column("tool_use_id", TEXT, "The record's `toolUseID`."),
        Column("parent_tool_use_id", TEXT, "The tool call that a progress record belongs to."),
        Column("source_tool_use_id", TEXT, "The tool call that produced the text (skills, commands)."),
        Column(
            "source_tool_assistant_uuid", TEXT, "The assistant record whose tool call this answers.", is_distinct=True
        ),
        Column("forked_from_session_id", TEXT, "The session that a copied record was copied from."),
        Column("forked_from_uuid", TEXT, "The record that it was copied from.", is_distinct=True),
        Column(
            "message_id",
            TEXT,
            "A text of the record beside its content blocks (of a system record, summary, queue, last prompt, accepted "
            "plan): joins `messages`.",
            is_distinct=True,
        ),
        Column(
            "block_count", INTEGER, "Rows of `content_blocks` for this record, nested blocks included.", required=True
        ),
        Column(
            "is_human_prompt",
            FLAG,
            "Whether a user record is a prompt that a person submitted: not a tool result, meta, compaction summary or "
            "sidechain, of no other origin, and not only text in Claude Code's own tags. Also true for a "
            "`queued_command` attachment with such a text or an image: a prompt typed while Claude was busy, which may "
            "have no user record.",
            required=True,
        ),
        Column("input_tokens", INTEGER, "Input tokens of the record, without the cache. Placeholders before 2.1.6x."),
        Column(
            "output_tokens", INTEGER, "Output tokens of the record: in a response only the last record's are right."
        ),
        Column("cache_creation_input_tokens", INTEGER, "Tokens written to the cache."),
        Column("cache_read_input_tokens", INTEGER, "Tokens read from the cache."),
        Column("ephemeral_5m_input_tokens", INTEGER, "Of those written to the cache, kept for five minutes."),
        Column("ephemeral_1h_input_tokens", INTEGER, "Of those written to the cache, kept for an hour."),
        Column("web_search_requests", INTEGER, "Searches made by the API."),
        Column("web_fetch_requests", INTEGER, "Pages fetched by the API."),
        Column("thinking_tokens", INTEGER, "Output tokens of thinking."),
        Column("service_tier", TEXT, "Service tier of the response."),
        Column("speed", TEXT, "Speed at which the response was billed: standard or fast."),
        Column(
            "usage_iterations",
            JSON,
            "The list `usage.iterations`: the requests of the response, each with its type (message, advisor_message, "
            "...), its model if it is another one, and its token counts. NULL for an empty list.",
            is_distinct=True,
        ),
        Column("advisor_model", TEXT, "The model that advises while the advisor is on (2.1.280 and later)."),
        Column("cost_usd", FLOAT, "Cost in US dollars that Claude Code wrote beside the response (1.0.x and earlier)."),
        Column("duration_ms", INTEGER, "The record's `durationMs`: of a response or a turn, in milliseconds."),
        Column(
            "body",
            JSON,
            "All known fields without a column: the tool's structured result, progress, attachment, snapshot, other "
            'fields of message and usage. Base64 payloads become {"omitted_bytes": n, "sha256": of the decoded bytes}.',
        ),
        Column("unparsed", JSON, "Unknown fields, by their path in the record."),
    ),
)

CONTENT_BLOCKS = Table(
    "content_blocks",
    "One row for each block of a message's content; a content that is a string is one block.",
    (
        Column("session_id", TEXT, "The session, as in `records`."),
        Column("agent_id", TEXT, "The subagent, if the file is a subagent's."),
        Column("record_uuid", TEXT, "The record's id.", is_distinct=True),
        Column("recorded_at", INSTANT, "The record's time (UTC)."),
        Column("role", TEXT, "Role of the block's message."),
        Column("api_message_id", TEXT, "Id of the API's response."),
        Column("model", TEXT, "Model that answered."),
        Column(
            "block_number", INTEGER, "Counts the record's blocks from 0, nested ones after their parent.", required=True
        ),
        Column("parent_block", INTEGER, "The block that contains this one: a tool's result."),
        Column("block_type", TEXT, "The block's type; `unknown` if it has none.", required=True),
        Column(
            "message_id",
            TEXT,
            "The block's text, where it has one and it is not empty: joins `messages`.",
            is_distinct=True,
        ),
        Column("text_bytes", INTEGER, "Length of the text in bytes of UTF-8; 0 for thinking without text."),
        Column("tool_use_id", TEXT, "The tool call that the block makes or answers.", is_distinct=True),
        Column("tool_name", TEXT, "The tool, as the model named it."),
        Column("input", JSON, "The tool call's input.", is_distinct=True),
        Column("is_error", FLAG, "Whether the tool's result is an error."),
        Column("media_type", TEXT, "Type of an image or document."),
        Column("media_bytes", INTEGER, "Its length in bytes, decoded."),
        Column(
            "media_sha256",
            TEXT,
            "SHA-256 of its decoded bytes, in hex; of the text where it is no base64.",
            is_distinct=True,
        ),
        Column("signature_length", INTEGER, "Length of a thinking block's signature (or sealed data) in characters."),
        Column("rest", JSON, "All other fields of the block.", is_distinct=True),
    ),
)

FILE_CHECKPOINTS = Table(
    "file_checkpoints",
    "One row for each file that a checkpoint tracks. Snapshots are cumulative: each repeats the files of the last.",
    (
        Column("session_id", TEXT, "The session, as in `records`."),
        Column("message_uuid", TEXT, "The record at which the checkpoint was written.", is_distinct=True),
        Column("snapshot_message_uuid", TEXT, "The user record whose checkpoint this is.", is_distinct=True),
        Column("is_update", FLAG, "Whether it replaces an earlier snapshot of the same message; NULL for a delta."),
        Column("is_delta", FLAG, "Whether it adds a file to a snapshot (2.1.217 and later).", required=True),
        Column("checkpoint_at", INSTANT, "When the checkpoint was made (UTC)."),
        Column(
            "tracking_path", TEXT, "The file: relative to the session's first directory when inside it.", required=True
        ),
        Column("backup_file_name", TEXT, "Its version in file-history/; NULL if the file did not exist then."),
        Column("path_hash", TEXT, "First 16 hex digits of the SHA-256 of its absolute path: joins `file_versions`."),
        Column("version_number", INTEGER, "The version: joins `file_versions`."),
        Column("backup_at", INSTANT, "When the version was kept (UTC)."),
        Column("real_parent_path", TEXT, "The file's directory with links resolved."),
    ),
)

TITLES = Table(
    "titles",
    "One row for each title of a session. Claude Code writes them repeatedly; the last of a kind is valid.",
    (
        Column("session_id", TEXT, "The session whose file has the title."),
        Column("title_kind", TEXT, "summary, ai-title, custom-title or agent-name.", required=True),
        Column("title", TEXT, "The title."),
        Column("leaf_uuid", TEXT, "The record that a summary belongs to; it can be in another session's file."),
        Column("named_session_id", TEXT, "The session that the record names."),
        Column("unparsed", JSON, "Unknown fields of a title with a file of its own."),
    ),
)

AGENT_LINKS = Table(
    "agent_links",
    "One row for each record that links a subagent to its start. One link can occur several times.",
    (
        Column("session_id", TEXT, "The session, as in `records`."),
        Column("link_kind", TEXT, "tool_result, progress, fork or workflow.", required=True),
        Column("agent_id", TEXT, "The subagent."),
        Column("workflow_id", TEXT, "The workflow run, if the tool started one."),
        Column("tool_use_id", TEXT, "The tool call that started it."),
        Column("record_uuid", TEXT, "The record with the link.", is_distinct=True),
        Column("linked_at", INSTANT, "The record's time (UTC)."),
        Column("agent_type", TEXT, "The kind of agent."),
        Column("status", TEXT, "State when the tool answered: completed, async_launched, ..."),
        Column("model", TEXT, "The subagent's model."),
        Column("description", TEXT, "Its task in a few words, if the result has one."),
        Column("total_tokens", INTEGER, "Of a result: tokens of the subagent's last request (`totalTokens`)."),
        Column("tool_call_count", INTEGER, "Of a result: tool calls that the subagent made (`totalToolUseCount`)."),
        Column("total_ms", INTEGER, "Of a result: the subagent's duration in milliseconds (`totalDurationMs`)."),
        Column("usage", JSON, "Of a result: its usage, in the API's form.", is_distinct=True),
        Column("parent_session_id", TEXT, "For a fork: the session of its context."),
        Column("parent_last_uuid", TEXT, "For a fork: the last record of that context."),
        Column("context_length", INTEGER, "For a fork: records of context."),
    ),
)

LINKS = Table(
    "links",
    "One row for each link from a session to a pull request, an artifact or a remote session.",
    (
        Column("session_id", TEXT, "The session, as in `records`."),
        Column("link_kind", TEXT, "pr-link, frame-link or bridge-session.", required=True),
        Column("url", TEXT, "Its address."),
        Column("title", TEXT, "Its title."),
        Column("number", INTEGER, "Number of a pull request."),
        Column("repository", TEXT, "Its repository."),
        Column("local_path", TEXT, "The published file."),
        Column("bridge_session_id", TEXT, "Id of the remote session."),
        Column("linked_at", INSTANT, "When it was linked (UTC)."),
    ),
)
