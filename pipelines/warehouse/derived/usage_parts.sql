/*
One row for each billed part of an API response: the response itself, advisors, and attempts of a model that was
replaced by another; and one for each subagent that is known only from its result.

refresh: session

- home_id (text, required): The home.
- session_id (text): The session.
- agent_id (text): The subagent, if the response is a subagent's.
- response_key (text): The response: joins `responses`.
- part_number (integer, required): The number of the part in its response, from 0.
- part (text, required): message; fallback (the model that answered instead of another); advisor; attempt (of a model whose
    answer was replaced by another model's); subagent_total (the total in a tool result, for a subagent without transcript).
- responded_at (instant): Time of the response's first record.
- working_directory (text): Working directory of that record, as written.
- version (text): Version of Claude Code.
- model (text): The model, as written.
- speed (text): standard or fast.
- service_tier (text): standard, priority, batch.
- input_tokens (integer): Input tokens, without those of the cache.
- output_tokens (integer): Output tokens.
- thinking_tokens (integer): Of these, tokens of thinking.
- cache_read_tokens (integer): Tokens read from the cache.
- cache_write_5m_tokens (integer): Tokens written to the cache for five minutes.
- cache_write_1h_tokens (integer): Tokens written to the cache for an hour.
- web_search_requests (integer): Searches made by the API.
- stated_cost_usd (float): The cost of the response as written in the record, in US dollars.
- is_reliable (flag, required): Whether the figures are final.
- is_copy (flag, required): Whether a row of another home represents the part when homes are taken together.
- home_ids (list of text): The homes that have it.
- file_id (integer, required): The file of the record with these figures.
- byte_offset (integer, required): Its offset.
- byte_length (integer, required): Its length.
*/
with
    answers as (select * from responses where not is_copy_in_home and not is_synthetic),
    calls as (
        select
            response_key,
            home_id,
            file_id as run_of,
            unnest(from_json(iterations, '["JSON"]')) as call,
            generate_subscripts(from_json(iterations, '["JSON"]'), 1) as part_number
        from answers
        -- Parsing every list would take most of this table's time: only those with such a call have parts of their own.
        where contains(iterations, '"fallback_message"') or contains(iterations, '"advisor_message"')
    ),
    called as (
        select
            response_key,
            home_id,
            part_number,
            call ->> '$.type' as call_type,
            call ->> '$.model' as model,
            (call ->> '$.input_tokens')::bigint as input_tokens,
            (call ->> '$.output_tokens')::bigint as output_tokens,
            (call ->> '$.output_tokens_details.thinking_tokens')::bigint as thinking_tokens,
            (call ->> '$.cache_read_input_tokens')::bigint as cache_read_tokens,
            (call ->> '$.cache_creation_input_tokens')::bigint as cache_write_tokens,
            (call ->> '$.cache_creation.ephemeral_1h_input_tokens')::bigint as cache_write_1h_tokens,
            call ->> '$.speed' as speed
        from calls
    ),
    fallbacks as (select distinct response_key, home_id from called where call_type = 'fallback_message'),
    -- Older versions write a subagent's records into the main transcript: there no total counts.
    sidechains as (select distinct home_id, session_id from records where is_sidechain and agent_id is null),
    named_totals as (
        select
            r.home_id,
            r.session_id,
            l.agent_id,
            l.agent_id as name,
            r.cwd,
            r.version,
            r.recorded_at,
            l.model,
            l.usage,
            r.file_id,
            r.byte_offset,
            r.byte_length,
            c.original_file_id is null
            and not exists (
                select 1 from records t where t.session_id is not distinct from l.session_id and t.agent_id = l.agent_id
            ) as is_counted
        from agent_links l
        join records r using (file_id, byte_offset)
        left join record_copies c using (file_id, byte_offset)
        anti join sidechains s on s.home_id = r.home_id and s.session_id is not distinct from r.session_id
        where
            l.link_kind = 'tool_result'
            and l.agent_id is not null
            and not coalesce(c.is_copy_in_home, false)
            and not exists (
                select 1
                from records t
                where
                    t.home_id = l.home_id and t.session_id is not distinct from l.session_id and t.agent_id = l.agent_id
            )
        qualify
            row_number() over (
                partition by r.home_id, r.session_id, l.agent_id
                order by l.status = 'completed' desc, r.recorded_at desc, r.byte_offset desc
            )
            = 1
    ),
    -- Before 2.0.28 a result does not name its subagent.
    nameless_totals as (
        select
            t.home_id,
            t.session_id,
            null as agent_id,
            t.tool_use_id as name,
            r.cwd,
            r.version,
            r.recorded_at,
            null as model,
            d.agent_usage as usage,
            r.file_id,
            r.byte_offset,
            r.byte_length,
            not t.is_copy as is_counted
        from tool_call_results t
        join
            (from record_details where agent_usage is not null) d
            on d.file_id = t.result_file_id
            and d.byte_offset = t.result_byte_offset
        join records r on r.file_id = t.result_file_id and r.byte_offset = t.result_byte_offset
        anti join
            (from agent_links where link_kind = 'tool_result' and agent_id is not null) l
            on l.file_id = t.result_file_id
            and l.byte_offset = t.result_byte_offset
        anti join
            (select distinct home_id, session_id from records where is_sidechain) s
            on s.home_id = t.home_id
            and s.session_id is not distinct from t.session_id
        where t.tool_name in ('Task', 'Agent') and t.has_call and not t.is_copy_in_home
    ),
    totals as (
        from named_totals
        union all by name
        from nameless_totals
    )
select
    a.home_id,
    a.session_id,
    a.agent_id,
    a.response_key,
    0 as part_number,
    case when f.response_key is not null then 'fallback' else 'message' end as part,
    a.responded_at,
    a.working_directory,
    a.version,
    a.model,
    coalesce(a.speed, 'standard') as speed,
    a.service_tier,
    a.input_tokens,
    a.output_tokens,
    a.thinking_tokens,
    a.cache_read_tokens,
    a.cache_write_5m_tokens,
    a.cache_write_1h_tokens,
    a.web_search_requests,
    a.stated_cost_usd,
    a.is_reliable,
    a.is_copy,
    a.home_ids,
    a.file_id,
    a.byte_offset,
    a.byte_length
from answers a
left join fallbacks f using (response_key, home_id)
union all
select
    a.home_id,
    a.session_id,
    a.agent_id,
    a.response_key,
    c.part_number,
    case when c.call_type = 'advisor_message' then 'advisor' else 'attempt' end,
    a.responded_at,
    a.working_directory,
    a.version,
    c.model,
    coalesce(c.speed, 'standard'),
    a.service_tier,
    c.input_tokens,
    c.output_tokens,
    c.thinking_tokens,
    c.cache_read_tokens,
    kept_five_minutes(c.cache_write_tokens, c.cache_write_1h_tokens),
    c.cache_write_1h_tokens,
    null,
    null,
    a.is_reliable,
    a.is_copy,
    a.home_ids,
    a.file_id,
    a.byte_offset,
    a.byte_length
from called c
join answers a using (response_key, home_id)
left join fallbacks f using (response_key, home_id)
where
    c.call_type = 'advisor_message'
    -- An attempt is billed at its own model's rates, unless it was refused before any output.
    or (
        f.response_key is not null
        and c.call_type = 'message'
        and c.model is distinct from a.model
        and c.output_tokens > 0
    )
union all
select
    home_id,
    session_id,
    agent_id,
    concat_ws(' ', 'agent', session_id, name),
    0,
    'subagent_total',
    recorded_at,
    cwd,
    version,
    model,
    coalesce(usage ->> '$.speed', 'standard'),
    usage ->> '$.service_tier',
    try_cast(usage ->> '$.input_tokens' as bigint),
    try_cast(usage ->> '$.output_tokens' as bigint),
    try_cast(usage ->> '$.output_tokens_details.thinking_tokens' as bigint),
    try_cast(usage ->> '$.cache_read_input_tokens' as bigint),
    kept_five_minutes(
        try_cast(usage ->> '$.cache_creation_input_tokens' as bigint),
        try_cast(usage ->> '$.cache_creation.ephemeral_1h_input_tokens' as bigint)
    ),
    try_cast(usage ->> '$.cache_creation.ephemeral_1h_input_tokens' as bigint),
    try_cast(usage ->> '$.server_tool_use.web_search_requests' as bigint),
    null,
    false,
    not is_counted,
    [home_id],
    file_id,
    byte_offset,
    byte_length
from totals
where usage is not null
