/*
One row for each record that states tokens but belongs to no API response: no figure counts them. Records that are copies, or that only
an earlier generation of a file has, are not listed.

- home_id: The home.
- session_id: The session.
- agent_id: The subagent that the record names.
- recorded_at: The record's time.
- record_type: The record's type.
- stated_by: record (a record of another type than assistant has a `usage`), synthetic (Claude Code wrote the answer itself, with
    tokens), progress (a progress record repeats the answer of a subagent of which no transcript is there), or result (the result of a
    call states only the total of a subagent of which no transcript is there).
- model: The model, as written.
- input_tokens: Tokens sent that no cache held.
- output_tokens: Tokens answered.
- total_tokens: Tokens of both kinds, where a result states only these.
- file_id: The file of the record.
- byte_offset: Its offset.
- byte_length: Its length in bytes.
*/
with
    counted as (
        select r.*
        from records r
        anti join (select file_id, byte_offset from record_copies where is_copy_in_home) c using (file_id, byte_offset)
    ),
    progress as (
        select c.*, c.body -> '$.data.message.message' as message, c.body ->> '$.data.agentId' as named_agent
        from counted c
        where c.record_type = 'progress'
    )
select
    home_id,
    session_id,
    agent_id,
    recorded_at,
    record_type,
    case when record_type = 'assistant' then 'synthetic' else 'record' end as stated_by,
    model,
    input_tokens,
    output_tokens,
    null as total_tokens,
    file_id,
    byte_offset,
    byte_length
from counted
where
    coalesce(input_tokens, 0) + coalesce(output_tokens, 0) > 0 and (record_type <> 'assistant' or model = '<synthetic>')
union all
select
    p.home_id,
    p.session_id,
    p.named_agent,
    p.recorded_at,
    p.record_type,
    'progress',
    p.message ->> '$.model',
    try_cast(p.message ->> '$.usage.input_tokens' as bigint),
    try_cast(p.message ->> '$.usage.output_tokens' as bigint),
    null,
    p.file_id,
    p.byte_offset,
    p.byte_length
from progress p
where
    p.message ->> '$.usage' is not null
    and not exists (
        select 1
        from records t
        where t.home_id = p.home_id and t.session_id is not distinct from p.session_id and t.agent_id = p.named_agent
    )
union all
select
    a.home_id,
    a.session_id,
    a.agent_id,
    a.ended_at,
    'user',
    'result',
    a.model,
    null,
    null,
    a.total_tokens,
    a.file_id,
    a.byte_offset,
    a.byte_length
from agent_runs a
anti join
    usage_parts u
    on u.home_id = a.home_id
    and u.session_id is not distinct from a.session_id
    and u.agent_id = a.agent_id
where a.agent_id is not null and not a.has_transcript and a.total_tokens > 0
