/*
One row for each API response in a file: a run of records with one message.id and one request. Claude Code writes a
response as a record for each of its blocks, the earlier ones with token counts from while it was still streaming.

refresh: session

- home_id (text, required): The home.
- session_id (text): The session.
- agent_id (text): The subagent, if the file is a subagent's.
- response_key (text, required): The key that all copies of the response share: its message.id and request; if these repeat
    within a file, also its time; without a request, the record that represents its first record.
- api_message_id (text, distinct): The response's message.id. Gateways repeat it, some SDKs omit it.
- request_id (text, distinct): The API request; missing with gateways and some versions.
- model (text): The model, as written.
- responded_at (instant): Time of the first record.
- ended_at (instant): Time of the last record.
- record_count (integer, required): Records that the response was written as.
- working_directory (text): Working directory of the first record, as written.
- git_branch (text): Branch of the first record.
- version (text): Version of Claude Code.
- entrypoint (text): How Claude Code was started.
- input_tokens (integer): Input tokens, without those of the cache.
- output_tokens (integer): Output tokens, including thinking.
- thinking_tokens (integer): Of these, tokens of thinking; NULL if the record does not say.
- cache_read_tokens (integer): Tokens read from the cache.
- cache_write_tokens (integer): Tokens written to the cache.
- cache_write_5m_tokens (integer): Of these, kept for five minutes; all if the record does not say.
- cache_write_1h_tokens (integer): Of these, kept for an hour.
- web_search_requests (integer): Searches made by the API.
- web_fetch_requests (integer): Pages fetched by the API.
- speed (text): standard or fast; NULL if the record does not say.
- service_tier (text): standard, priority or batch; NULL if the record does not say.
- iterations (json): The model calls of the response, as JSON, if the record lists them.
- stated_cost_usd (float): Its cost as written in the record, in US dollars; only old versions and gateways write it.
- stop_reason (text): Why the answer ended, as written.
- is_reliable (flag, required): Whether the figures are final: the record has a stop reason and output tokens.
    Others may be placeholders written while the response was still streaming.
- is_synthetic (flag, required): Whether Claude Code wrote it itself, without the API: at a limit or error.
- is_copy_in_home (flag, required): Whether another row of the same home represents the response.
- is_copy (flag, required): Whether another row represents the response when homes are taken together.
- home_ids (list of text): The homes that have the response.
- file_id (integer, required): The file of the record with these figures.
- byte_offset (integer, required): Its offset.
- byte_length (integer, required): Its length.
- byte_offsets (list of integer): The offsets of all records of the response; they are in the file `run_file_id`.
- run_file_id (integer, required): The file of these records.
*/
with
    counted as (
        select r.*
        from records r
        anti join (select file_id, byte_offset from record_copies where is_copy_in_home) c using (file_id, byte_offset)
        where r.record_type in ('user', 'assistant')
    ),
    answered as (
        select
            home_id,
            session_id,
            agent_id,
            file_id,
            byte_offset,
            uuid,
            parent_uuid,
            nullif(api_message_id, '') as api_message_id,
            nullif(request_id, '') as request_id,
            recorded_at,
            cwd,
            git_branch,
            coalesce(is_sidechain, false) as is_sidechain,
            coalesce(nullif(api_message_id, ''), nullif(request_id, '')) as shared_id,
            stop_reason,
            coalesce(input_tokens, 0)
            + coalesce(output_tokens, 0)
            + coalesce(cache_creation_input_tokens, 0)
            + coalesce(cache_read_input_tokens, 0) as total_tokens,
            struct_pack(
                new := coalesce(input_tokens, 0),
                kept := coalesce(cache_creation_input_tokens, 0),
                read := coalesce(cache_read_input_tokens, 0)
            ) as sent
        from counted
        where record_type = 'assistant'
    ),
    -- Each record that shares an id with an earlier one of its file, beside that one.
    followed as (
        select
            file_id,
            byte_offset,
            shared_id,
            is_sidechain,
            parent_uuid,
            request_id,
            sent,
            recorded_at,
            lag(
                struct_pack(
                    at_offset := byte_offset,
                    uuid := uuid,
                    request_id := request_id,
                    sent := sent,
                    at := recorded_at,
                    stop := stop_reason
                )
            ) over (partition by file_id, shared_id order by byte_offset) as earlier
        from answered
        where shared_id is not null
    ),
    asked as (
        select file_id, byte_offset, coalesce(is_sidechain, false) as is_sidechain, coalesce(is_meta, false) as is_meta
        from counted
        where record_type = 'user'
    ),
    compared as (
        select c.*, a.byte_offset as asked_at_offset, s.byte_offset as said_at_offset
        from (from followed where earlier is not null) c
        asof left join
            asked a on a.file_id = c.file_id and a.is_sidechain = c.is_sidechain and a.byte_offset <= c.byte_offset
        asof left join
            (from asked where not is_meta) s
            on s.file_id = c.file_id
            and s.is_sidechain = c.is_sidechain
            and s.byte_offset <= c.byte_offset
    ),
    -- Between records of one request: whether the last entry is a result, and not words. Words end a response that has
    -- ended; others were typed while it was still being streamed.
    results as (
        select distinct b.file_id, b.byte_offset
        from content_blocks b
        semi join
            (
                select file_id, said_at_offset as byte_offset
                from compared
                where
                    said_at_offset > earlier.at_offset and request_id = earlier.request_id and earlier.stop is not null
            ) s using (file_id, byte_offset)
        where b.block_type like '%tool_result'
    ),
    -- All records of a response have the same input tokens. Tools run while it still streams, so their results may be
    -- between its records; then the next record must have the last one as its parent, or the same request, or come at
    -- once.
    split as (
        select
            c.file_id,
            c.byte_offset,
            c.shared_id,
            case
                when c.request_id <> c.earlier.request_id
                then 1
                when c.asked_at_offset is null or c.asked_at_offset < c.earlier.at_offset
                then 0
                when c.parent_uuid = c.earlier.uuid
                then 0
                when
                    c.said_at_offset > c.earlier.at_offset
                    and c.request_id = c.earlier.request_id
                    and c.earlier.stop is not null
                    and r.file_id is null
                then 1
                when
                    c.request_id = c.earlier.request_id
                    and (
                        c.sent = c.earlier.sent
                        or c.sent = struct_pack(new := 0, kept := 0, read := 0)
                        or c.earlier.sent = struct_pack(new := 0, kept := 0, read := 0)
                    )
                then 0
                when
                    c.request_id is null
                    and c.earlier.request_id is null
                    and c.sent = c.earlier.sent
                    and c.recorded_at - c.earlier.at < interval 1 second
                then 0
                else 1
            end as begins_response
        from compared c
        left join results r on r.file_id = c.file_id and r.byte_offset = c.said_at_offset
    ),
    -- Most ids are of one response; only those of several need a number for each.
    numbers as (
        select
            file_id,
            byte_offset,
            sum(begins_response) over (
                partition by file_id, shared_id order by byte_offset rows unbounded preceding
            ) as run_number
        from split
        semi join (select file_id, shared_id from split where begins_response = 1) using (file_id, shared_id)
    ),
    numbered as (
        select a.*, coalesce(n.run_number, 0) as run_number
        from answered a
        left join numbers n using (file_id, byte_offset)
    ),
    runs as (
        select
            file_id,
            shared_id,
            case when shared_id is null then byte_offset else run_number end as run_number,
            max(request_id) as request_id,
            min(recorded_at) as responded_at,
            max(recorded_at) as ended_at,
            count(*) as record_count,
            max(total_tokens) as tokens,
            min(byte_offset) as first_offset,
            -- Not by a second join with `records`: during the load that table has no statistics, so the planner would
            -- join by file alone.
            arg_min({'cwd':cwd, 'git_branch':git_branch}, byte_offset) as first_record,
            list_sort(list(byte_offset)) as byte_offsets,
            arg_max(
                byte_offset, {'has_figures':total_tokens > 0, 'has_ended':stop_reason is not null, 'at':byte_offset}
            ) as counted_offset
        from numbered
        group by all
    ),
    gateways as (
        select file_id, byte_offset, stated_cost_usd as cost_usd from record_details where stated_cost_usd is not null
    ),
    detailed as (
        select
            r.home_id,
            r.session_id,
            r.agent_id,
            nullif(r.api_message_id, '') as api_message_id,
            u.request_id,
            r.model,
            u.responded_at,
            u.ended_at,
            u.record_count,
            u.first_record.cwd as working_directory,
            u.first_record.git_branch,
            r.version,
            r.entrypoint,
            r.input_tokens,
            r.output_tokens,
            r.thinking_tokens,
            r.cache_read_input_tokens as cache_read_tokens,
            coalesce(
                r.cache_creation_input_tokens, r.ephemeral_5m_input_tokens + r.ephemeral_1h_input_tokens
            ) as cache_write_tokens,
            r.ephemeral_1h_input_tokens as cache_write_1h_tokens,
            r.web_search_requests,
            r.web_fetch_requests,
            r.speed,
            r.service_tier,
            r.usage_iterations as iterations,
            coalesce(r.cost_usd, g.cost_usd) as stated_cost_usd,
            r.stop_reason,
            r.stop_reason is not null and coalesce(r.output_tokens, 0) > 0 as is_reliable,
            coalesce(r.model = '<synthetic>', false)
            or (coalesce(r.is_api_error, false) and u.tokens = 0) as is_synthetic,
            r.byte_length,
            coalesce(c.original_file_id, u.file_id)
            || '@'
            || coalesce(c.original_byte_offset, u.first_offset) as record_key,
            files.first_run_id,
            u.* exclude (request_id, responded_at, ended_at, record_count, tokens, first_record)
        from runs u
        join records r on r.file_id = u.file_id and r.byte_offset = u.counted_offset
        join files on files.file_id = u.file_id
        left join record_copies c on c.file_id = u.file_id and c.byte_offset = u.first_offset
        left join gateways g on g.file_id = u.file_id and g.byte_offset = u.counted_offset
    ),
    -- Gateways repeat ids: there the time distinguishes the responses.
    repeated_ids as (
        select distinct shared_id, request_id
        from
            (
                select shared_id, request_id
                from detailed
                where shared_id is not null
                group by shared_id, request_id, file_id
                having min(responded_at) < max(responded_at)
            )
    ),
    identified as (
        select
            d.*,
            case
                when d.shared_id is null
                then d.record_key
                when d.api_message_id is not null and d.request_id is not null and i.shared_id is null
                then concat_ws(' ', d.api_message_id, d.request_id)
                when d.request_id is null
                then concat_ws(' ', d.shared_id, d.record_key)
                else concat_ws(' ', d.shared_id, d.request_id, coalesce(d.responded_at::varchar, d.record_key))
            end as response_key
        from detailed d
        left join repeated_ids i on i.shared_id = d.shared_id and i.request_id is not distinct from d.request_id
    ),
    repeated_keys as (select response_key from identified group by response_key having count(*) > 1),
    ranked as (
        select
            *,
            row_number() over (
                partition by response_key, home_id
                order by agent_id is null desc, responded_at, first_run_id, session_id, file_id
            )
            > 1 as is_copy_in_home,
            row_number() over (
                partition by response_key
                order by agent_id is null desc, responded_at, first_run_id, home_id, session_id, file_id
            )
            > 1 as is_copy
        from identified
        semi join repeated_keys using (response_key)
    ),
    -- Of several copies, the token counts of the most complete one are used.
    shared as (
        select
            response_key,
            list_sort(list(distinct home_id)) as home_ids,
            arg_max(
                struct_pack(
                    input_tokens,
                    output_tokens,
                    thinking_tokens,
                    cache_read_tokens,
                    cache_write_tokens,
                    cache_write_1h_tokens,
                    web_search_requests,
                    web_fetch_requests,
                    speed,
                    service_tier,
                    iterations,
                    stated_cost_usd,
                    stop_reason,
                    is_reliable,
                    file_id,
                    counted_offset,
                    byte_length
                ),
                {
                    'is_reliable':is_reliable,
                    'output_tokens':coalesce(output_tokens, -1),
                    'input_tokens':coalesce(input_tokens, -1)
                    + coalesce(cache_write_tokens, 0)
                    + coalesce(cache_read_tokens, 0),
                    'records':record_count,
                    'file_id':file_id,
                    'at':counted_offset
                }
            ) as best
        from ranked
        group by response_key
    ),
    figured as (
        select *, false as is_copy_in_home, false as is_copy, [home_id] as home_ids, file_id as run_file_id
        from identified
        anti join repeated_keys using (response_key)
        union all by name
        select
            r.* exclude (
                input_tokens,
                output_tokens,
                thinking_tokens,
                cache_read_tokens,
                cache_write_tokens,
                cache_write_1h_tokens,
                web_search_requests,
                web_fetch_requests,
                speed,
                service_tier,
                iterations,
                stated_cost_usd,
                stop_reason,
                is_reliable,
                file_id,
                counted_offset,
                byte_length
            ),
            s.home_ids,
            r.file_id as run_file_id,
            unnest(s.best)
        from ranked r
        join shared s using (response_key)
    )
select
    * exclude (counted_offset),
    counted_offset as byte_offset,
    kept_five_minutes(cache_write_tokens, cache_write_1h_tokens) as cache_write_5m_tokens
from figured
