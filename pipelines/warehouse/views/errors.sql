/*
One row for each failure, refusal, retry or model switch in a session, without copies.

- home_id: The home.
- session_id: The session.
- agent_id: The subagent, if it happened in one.
- occurred_at: Time of the record or line (UTC).
- error_kind: api_error (the API refused, or could not be reached), retry (the request was sent again), rate_limit, tool_failed, denied (a
    person or a rule refused a tool call), interrupted (a person stopped Claude), model_fallback (another model answered), model_refusal,
    hook_failed, hook_blocked, agents_killed, or debug_error (a line of level ERROR in a debug log).
- text: The message.
- status_code: The HTTP status; NULL if the record has none.
- tool_name: The tool, if a tool call failed.
- model_from: Of a model switch: the first model.
- model_to: The model that answered instead.
- file_id: The file of the record or line.
- byte_offset: Its offset.
- byte_length: Its length in bytes.
- message_id: The message, where it is a text of `messages`.
*/
select
    o.home_id,
    o.session_id,
    o.agent_id,
    o.occurred_at,
    o.error_kind,
    coalesce(m.text, o.words) as text,
    o.status_code,
    o.tool_name,
    o.model_from,
    o.model_to,
    o.file_id,
    o.byte_offset,
    o.byte_length,
    o.message_id
from errors_outline o
left join message_texts m using (message_id)
