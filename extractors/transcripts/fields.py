"""The known fields of transcript records, by record type. See extractors/FORMATS.md for the types.

They come from published homes of 1.0.17 to 2.1.232 and 2.1.260; those of 2.1.24x to 2.1.28x from published records and
inventories of transcripts that agree. A field is known only in the list of its own type; in another type it is drift.
"""

from dataclasses import dataclass
from typing import Final

from extractors.reading.known_fields import KEPT, Declaration, KnownFields, known_fields
from extractors.transcripts.tables import CONTENT_BLOCKS, RECORDS

_PLACE: Final[Declaration] = {
    "uuid": "uuid",
    "parentUuid": "parent_uuid",
    "logicalParentUuid": "logical_parent_uuid",
    "timestamp": "recorded_at",
    "sessionId": "record_session_id",
    "isSidechain": "is_sidechain",
    "isMeta": "is_meta",
    "userType": "user_type",
    "cwd": "cwd",
    "gitBranch": "git_branch",
    "version": "version",
    "entrypoint": "entrypoint",
    "slug": "slug",
    "promptId": "prompt_id",
    "sessionKind": "session_kind",
    "scheduledTaskId": "scheduled_task_id",
    "forkedFrom": {"sessionId": "forked_from_session_id", "messageUuid": "forked_from_uuid"},
}
_PLACE_KEPT: Final = (
    "session_id agentId teamName effort attributionSkill attributionAgent attributionPlugin "
    "attributionMcpServer attributionMcpTool "
)
ENVELOPE: Final = known_fields(RECORDS, _PLACE, _PLACE_KEPT)
"""The fields that every record type can have."""

_USAGE: Final[Declaration] = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_creation_input_tokens": "cache_creation_input_tokens",
    "cache_read_input_tokens": "cache_read_input_tokens",
    "cache_creation": {
        "ephemeral_5m_input_tokens": "ephemeral_5m_input_tokens",
        "ephemeral_1h_input_tokens": "ephemeral_1h_input_tokens",
    },
    "server_tool_use": {"web_search_requests": "web_search_requests", "web_fetch_requests": "web_fetch_requests"},
    "output_tokens_details": {"thinking_tokens": "thinking_tokens"},
    "service_tier": "service_tier",
    "speed": "speed",
    "inference_geo": KEPT,
    "iterations": KEPT,
    "x_anthropic_cost_usd": KEPT,
    "x_cost_display": KEPT,
}
_MESSAGE: Final[Declaration] = {
    "id": "api_message_id",
    "role": "role",
    "model": "model",
    "stop_reason": "stop_reason",
    "usage": _USAGE,
    "type": KEPT,
    "content": KEPT,
    "stop_sequence": KEPT,
    "stop_details": KEPT,
    "diagnostics": KEPT,
    "context_management": KEPT,
    "container": KEPT,
    "input_transformations": KEPT,
}


@dataclass(frozen=True, slots=True)
class RecordType:
    """The declaration of a record type: its known fields, and its known subtypes if it has a list of them."""

    known: KnownFields
    subtypes: frozenset[str] = frozenset()


def _type(kept: str = "", subtypes: str = "", **columns: str | Declaration) -> RecordType:
    known = known_fields(RECORDS, {**_PLACE, **columns}, _PLACE_KEPT + kept)
    return RecordType(known, frozenset(subtypes.split()))


_SYSTEM_SUBTYPES: Final = """api_error away_summary bridge_status compact_boundary informational local_command
    microcompact_boundary model_refusal_fallback stop_hook_summary turn_duration agents_killed
    model_refusal_no_fallback scheduled_task_fire"""
_PROGRESS_TYPES: Final = """agent_progress bash_progress hook_progress mcp_progress query_update search_results_received
    waiting_for_task"""
_ATTACHMENT_TYPES: Final = """advisor_tool agent_listing_delta auto_mode bash_output_audience_note
    batching_reminder_sent command_permissions compact_file_reference date date_change
    deferred_tools_delta deferred_tools_record diagnostics directory edited_text_file environment file goal_status
    hook_additional_context hook_blocking_error hook_cancelled hook_non_blocking_error hook_success hook_system_message
    instructions invoked_skills mcp_instructions_delta model nested_memory opened_file_in_ide output_style plan_mode
    plan_mode_exit prompt_snapshot queued_command read_truncation_notice remote_session_change session_context
    silent_turn_reminder skill_listing structured_output task_reminder task_status thinking_drop thinking_stripped
    todo_reminder total_tokens_reminder"""

RECORD_TYPES: Final = {
    "user": _type(
        "toolUseResult origin todos thinkingMetadata imagePasteIds planContent mcpMeta interruptedMessageId "
        "toolDenialKind userFeedback classifierMetaLines isSynthetic queueSkipAttachments toolEndsTurn turnCompanion",
        message=_MESSAGE,
        permissionMode="permission_mode",
        promptSource="prompt_source",
        turnOrigin="turn_origin",
        sourceToolAssistantUUID="source_tool_assistant_uuid",
        sourceToolUseID="source_tool_use_id",
        isCompactSummary="is_compact_summary",
        isVisibleInTranscriptOnly="is_visible_in_transcript_only",
    ),
    "assistant": _type(
        "error errorDetails apiErrorStatus isAbortedMidStream apiBlockIndex wireToolInputs wireIngestContext "
        "perTurnEffort supersedesUuids quotaLimits",
        message=_MESSAGE,
        advisorModel="advisor_model",
        costUSD="cost_usd",
        durationMs="duration_ms",
        requestId="request_id",
        isApiErrorMessage="is_api_error",
    ),
    "system": _type(
        "content level messageCount hookCount hookInfos hookErrors hookAdditionalContext "
        "preventedContinuation stopReason hasOutput error cause retryInMs retryAttempt maxRetries compactMetadata "
        "microcompactMetadata url pendingBackgroundAgentCount pendingWorkflowCount apiRefusalCategory "
        "apiRefusalExplanation direction fallbackModel originalModel refusedUserMessageUuid retractedMessageUuids "
        "trigger cron prompt",
        _SYSTEM_SUBTYPES,
        taskId="scheduled_task_id",
        durationMs="duration_ms",
        subtype="subtype",
        toolUseID="tool_use_id",
        requestId="request_id",
    ),
    "progress": _type("data", _PROGRESS_TYPES, toolUseID="tool_use_id", parentToolUseID="parent_tool_use_id"),
    "attachment": _type("attachment rendered renderedInHumanTurn", _ATTACHMENT_TYPES),
    "saved_hook_context": _type("content hookName hookEvent", toolUseID="tool_use_id"),
    "queue-operation": _type("content reason", "enqueue dequeue remove popAll absorb", operation="subtype"),
    "last-prompt": _type("lastPrompt leafUuid explicit"),
    "permission-mode": _type(permissionMode="permission_mode"),
    "mode": _type("mode"),
    "summary": _type("summary leafUuid"),
    "ai-title": _type("aiTitle"),
    "custom-title": _type("customTitle"),
    "agent-name": _type("agentName"),
    "file-history-snapshot": _type("messageId snapshot isSnapshotUpdate"),
    "file-history-delta": _type("messageId snapshotMessageId trackingPath backup"),
    "pr-link": _type("prNumber prUrl prRepository"),
    "frame-link": _type("path frameUrl title artifactCount"),
    "bridge-session": _type("bridgeSessionId lastSequenceNum ownerAccountUuid ownerOrganizationUuid"),
    "fork-context-ref": _type("parentSessionId parentLastUuid contextLength"),
    "cost-state": _type(
        "totalCostUSD totalAPIDuration totalAPIDurationWithoutRetries totalToolDuration totalLinesAdded "
        "totalLinesRemoved totalDuration startTime modelUsage hasUnknownModelCost"
    ),
    "atis-latch": _type("atis"),
    "history-suppression": _type("cause ts"),
    "session-mode": _type("sessionMode"),
    "agent-setting": _type("agentSetting"),
    "agent-color": _type("agentColor"),
    "tag": _type("tag"),
    "isolation-latch": _type("side"),
    "ended-by-model": _type(),
    "worktree-state": _type("worktreeSession"),
    "relocated": _type("relocatedCwd"),
    "continued-in": _type("continuedInSessionId"),
    "content-replacement": _type("replacements"),
    "attribution-snapshot": _type("messageId"),
    "artifact-autoreact-ledger": _type("v artifacts accountUuid"),
    "artifact-comment-monitor": _type("v artifacts accountUuid"),
}
"""The known record types."""


def _block(kept: str = "", **columns: str) -> KnownFields:
    return known_fields(CONTENT_BLOCKS, {**columns, "type": "block_type"}, kept + " cache_control")


_CALL: Final = _block("input caller server_name", id="tool_use_id", name="tool_name")
_ANSWER: Final = _block("content caller", tool_use_id="tool_use_id", is_error="is_error")

BLOCK_TYPES: Final = {
    "text": _block("text citations"),
    "thinking": _block("thinking signature"),
    "redacted_thinking": _block("data"),
    "tool_use": _CALL,
    "server_tool_use": _CALL,
    "mcp_tool_use": _CALL,
    "tool_result": _ANSWER,
    "mcp_tool_result": _ANSWER,
    "advisor_tool_result": _ANSWER,
    "web_search_tool_result": _ANSWER,
    "web_fetch_tool_result": _ANSWER,
    "code_execution_tool_result": _ANSWER,
    "advisor_result": _block("text"),
    "advisor_redacted_result": _block("encrypted_content"),
    "advisor_tool_result_error": _block("error_code"),
    "web_search_result": _block("title url encrypted_content page_age"),
    "web_search_tool_result_error": _block("error_code"),
    "web_fetch_result": _block("url content retrieved_at"),
    "web_fetch_tool_result_error": _block("error_code"),
    "code_execution_result": _block("stdout stderr return_code content"),
    "code_execution_tool_result_error": _block("error_code"),
    "resource": _block("resource annotations"),
    "resource_link": _block("uri name title description mimeType size annotations"),
    "tool_reference": _block("", tool_name="tool_name"),
    "image": _block("source"),
    "document": _block("source title context citations"),
    "search_result": _block("source title content citations"),
    "fallback": _block("from to"),
}
"""The known content blocks."""
