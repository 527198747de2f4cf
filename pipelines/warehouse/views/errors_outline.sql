/*
The rows of `errors` without their texts: for counts, and to read the texts of few.

- home_id: The home.
- session_id: The session.
- agent_id: The subagent, if it happened in one.
- occurred_at: Time of the record or line (UTC).
- error_kind: api_error (the API refused, or could not be reached), retry (the request was sent again), rate_limit, tool_failed, denied (a
    person or a rule refused a tool call), interrupted (a person stopped Claude), model_fallback (another model answered), model_refusal,
    hook_failed, hook_blocked, agents_killed, or debug_error (a line of level ERROR in a debug log).
- words: The message, where it is no text of `messages`.
- message_id: The message otherwise: joins `messages`.
- status_code: The HTTP status; NULL if the record has none.
- tool_name: The tool, if a tool call failed.
- model_from: Of a model switch: the first model.
- model_to: The model that answered instead.
- file_id: The file of the record or line.
- byte_offset: Its offset.
- byte_length: Its length in bytes.
*/
with
    counted as not materialized(
        select
            r.home_id,
            r.session_id,
            r.agent_id,
            r.recorded_at,
            r.message_id,
            r.file_id,
            r.byte_offset,
            r.byte_length,
            d.error_kind,
            d.error_text,
            d.error_status,
            d.error_model_from,
            d.error_model_to
        from records r
        join record_details d using (file_id, byte_offset)
        anti join record_copies c using (file_id, byte_offset)
        where d.error_kind is not null
    ),
    said as (
        select b.file_id, b.byte_offset, min(b.message_id) as message_id
        from content_blocks b
        semi join counted c using (file_id, byte_offset)
        where b.message_id is not null
        group by all
    ),
    recorded as (
        select
            c.home_id,
            c.session_id,
            c.agent_id,
            c.recorded_at as occurred_at,
            c.error_kind,
            c.error_text as words,
            coalesce(c.message_id, s.message_id) as message_id,
            try_cast(c.error_status as integer) as status_code,
            null as tool_name,
            c.error_model_from as model_from,
            c.error_model_to as model_to,
            c.file_id,
            c.byte_offset,
            c.byte_length
        from counted c
        left join said s using (file_id, byte_offset)
    )
select *
from recorded
union all
select
    t.home_id,
    t.session_id,
    t.agent_id,
    coalesce(t.returned_at, t.called_at),
    case when q.was_denied then 'denied' else 'tool_failed' end,
    null,
    t.result_message_id,
    null,
    t.tool_name,
    null,
    null,
    coalesce(t.result_file_id, t.file_id),
    coalesce(t.result_byte_offset, t.byte_offset),
    coalesce(t.result_byte_length, t.byte_length)
from tool_call_results t
left join record_details q on q.file_id = t.result_file_id and q.byte_offset = t.result_byte_offset
where t.is_error and not t.is_copy
union all
select
    s.home_id,
    s.session_id,
    s.agent_id,
    s.said_at,
    'interrupted',
    null,
    s.message_id,
    null,
    null,
    null,
    null,
    s.file_id,
    s.byte_offset,
    s.byte_length
from speakers s
where s.is_interruption and not s.is_copy
union all
select
    u.home_id,
    u.session_id,
    u.agent_id,
    u.responded_at,
    'model_fallback',
    null,
    null,
    null,
    null,
    (
        select first(a.model order by a.part_number)
        from usage_parts a
        where a.response_key = u.response_key and a.part = 'attempt'
    ),
    u.model,
    u.file_id,
    u.byte_offset,
    u.byte_length
from usage_parts u
where u.part = 'fallback' and not u.is_copy
union all
select
    d.home_id,
    d.session_id,
    null,
    d.event_at,
    'debug_error',
    d.message,
    null,
    null,
    null,
    null,
    null,
    d.file_id,
    d.byte_offset,
    d.byte_length
from debug_events d
join files f using (file_id)
where d.level = 'ERROR' and f.state <> 'superseded'
