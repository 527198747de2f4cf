/*
The rows of `conversation` without their texts, inputs and results: it is quick where a session is long. The same selection applies:
one session, ORDER BY position.

- home_id: The home.
- session_id: The session.
- position: The number of the row in the session, from 1.
- said_at: Time of the record.
- speaker: person, claude, subagent, tool (a result without a call), claude_code, teammate, schedule or hook.
- kind: prompt, command, shell, context, notice, message, task (of a subagent); answer, thinking; call; result; summary (of a
    compaction); event.
- words: Of a prompt the person's own words, of an event its description.
- message_id: The first text of the record or block as it was written: joins `messages`.
- tool_name: The tool.
- result_message_id: It joins `messages`.
- is_error: Whether the result is an error.
- is_abandoned: Whether the conversation was rewound to before it.
- agent_id: The subagent, if the record is a subagent's.
- model: The model that answered.
- output_tokens: Tokens of the response, at the first of its rows.
- is_copy: Whether it is a copy: another session has it too, and counts it.
- block_number: The block of the record, from 0; -1 for a record as a whole. Of a call it joins `tool_calls`, with file and offset.
- file_id: The file of the record.
- byte_offset: Its offset.
- byte_length: Its length in bytes.
- tool_use_id: Of a call or its result, the id of the call.
- returned_at: Of a call, the time of the record with the result.
*/
with
    kept as not materialized(
        select
            r.home_id,
            r.session_id,
            max(r.recorded_at) over (
                partition by r.home_id, r.session_id, r.file_id order by r.byte_offset
            ) as known_at,
            r.record_type,
            r.subtype,
            r.is_api_error,
            r.is_compact_summary,
            r.message_id,
            r.agent_id,
            r.model,
            c.file_id is not null as is_copied,
            r.file_id,
            r.byte_offset,
            r.byte_length
        from records r
        left join record_copies c using (file_id, byte_offset)
        -- Of two copies in the same session, one is shown.
        where
            c.reason is null
            or (c.reason = 'copy' and (c.original_session_id is distinct from r.session_id or not c.is_copy_in_home))
    ),
    answers as (
        select
            home_id,
            session_id,
            run_file_id as file_id,
            unnest(byte_offsets) as byte_offset,
            byte_offsets[1] as response_offset,
            output_tokens
        from responses
        where not is_synthetic
    ),
    shown as (
        select k.* replace (s.message_id as message_id), -1 as block_number, s.speaker, s.kind, s.words
        from kept k
        join speakers s using (file_id, byte_offset)
        union all by name
        select
            k.* replace (b.message_id as message_id),
            b.block_number,
            case
                when k.record_type = 'user' or k.is_api_error or k.model = '<synthetic>'
                then 'claude_code'
                when k.agent_id is not null
                then 'subagent'
                else 'claude'
            end as speaker,
            case
                when k.record_type = 'user'
                then 'summary'
                when b.block_type = 'thinking'
                then 'thinking'
                when k.is_api_error
                then 'notice'
                else 'answer'
            end as kind
        from kept k
        join content_blocks b using (file_id, byte_offset)
        where
            b.message_id is not null
            and case
                k.record_type
                when 'assistant'
                then b.parent_block is null and b.block_type in ('text', 'thinking')
                when 'user'
                then k.is_compact_summary
            end
        union all by name
        select
            k.* replace (null as message_id),
            t.block_number,
            case
                when not t.has_call then 'tool' when k.agent_id is not null then 'subagent' else 'claude'
            end as speaker,
            case when t.has_call then 'call' else 'result' end as kind,
            t.tool_name,
            t.result_message_id,
            t.is_error,
            t.tool_use_id,
            t.returned_at
        from kept k
        join tool_call_results t using (file_id, byte_offset)
        union all by name
        select
            k.*,
            -1 as block_number,
            'claude_code' as speaker,
            'event' as kind,
            case when k.message_id is null then k.subtype end as words
        from kept k
        where k.record_type = 'system' and k.subtype is distinct from 'turn_duration'
    ),
    numbered as (
        select
            s.*,
            row_number() over (
                partition by s.home_id, s.session_id
                order by s.known_at nulls first, s.file_id, s.byte_offset, s.block_number
            ) as position,
            a.file_id is not null as is_abandoned,
            case
                when
                    row_number() over (
                        partition by s.home_id, s.session_id, s.file_id, u.response_offset
                        order by s.byte_offset, s.block_number
                    )
                    = 1
                then u.output_tokens
            end as output_tokens
        from shown s
        left join abandoned_records a on a.file_id = s.file_id and a.byte_offset = s.byte_offset
        left join answers u on u.file_id = s.file_id and u.byte_offset = s.byte_offset
    )
select
    home_id,
    session_id,
    position,
    known_at as said_at,
    speaker,
    kind,
    words,
    message_id,
    tool_name,
    result_message_id,
    is_error,
    is_abandoned,
    agent_id,
    model,
    output_tokens,
    is_copied as is_copy,
    block_number,
    file_id,
    byte_offset,
    byte_length,
    tool_use_id,
    returned_at
from numbered
