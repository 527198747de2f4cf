/*
One row for each API response, without copies: how full its context was.

- home_id: The home where it was first seen.
- session_id: The session.
- agent_id: The subagent, if the response is a subagent's.
- responded_at: Time of the response's first record.
- model_id: One name for all spellings of the model.
- context_tokens: Input tokens, those of the cache included.
- limit_tokens: The model's limit of context tokens: a million if its name says so or more than 200,000 were sent, else 200,000.
- share: `context_tokens` divided by `limit_tokens`.
- band: 50, 75 or 100: the first of these percentages above the share; NULL above the limit.
- compaction_before: Whether the conversation was compacted between the response before and this one.
- is_reliable: Whether the figures are final.
- file_id: The file of the record with these figures.
- byte_offset: Its offset.
- byte_length: Its length in bytes.
*/
with
    sent as (
        select
            r.*,
            coalesce(r.input_tokens, 0)
            + coalesce(r.cache_read_tokens, 0)
            + coalesce(r.cache_write_tokens, 0) as context_tokens,
            lag(r.responded_at) over (
                partition by r.home_id, r.session_id, r.agent_id order by r.responded_at, r.run_file_id, r.byte_offset
            ) as response_before
        from responses r
        where not r.is_copy and not r.is_synthetic
    ),
    windows as (select model_id, max(context_window) as limit_tokens from prices group by all),
    -- Once for each model: to compute a model_id takes longer than all else for a response.
    models as (
        select n.model, n.model_id, w.limit_tokens
        from (select model, model_id(model) as model_id from (select distinct model from responses)) n
        left join windows w using (model_id)
    ),
    compacted as (
        select c.home_id, c.session_id, c.recorded_at
        from compactions c
        anti join (select file_id, byte_offset from record_copies where is_copy_in_home) using (file_id, byte_offset)
        where c.subtype = 'compact_boundary'
    ),
    limited as (
        select
            s.*,
            m.model_id,
            case
                when s.context_tokens > 200000 or contains(lower(s.model), '[1m]') or lower(s.model) like '%-1m'
                then 1000000
                when m.model_id like 'claude-%'
                then 200000
                else coalesce(m.limit_tokens, 200000)
            end as limit_tokens
        from sent s
        left join models m using (model)
        where s.context_tokens > 0
    )
select
    l.home_id,
    l.session_id,
    l.agent_id,
    l.responded_at,
    l.model_id,
    l.context_tokens,
    l.limit_tokens,
    l.context_tokens / l.limit_tokens as share,
    case
        when l.context_tokens < l.limit_tokens * 0.5
        then 50
        when l.context_tokens < l.limit_tokens * 0.75
        then 75
        when l.context_tokens <= l.limit_tokens
        then 100
    end as band,
    exists (
        select 1
        from compacted c
        where
            l.agent_id is null
            and c.home_id = l.home_id
            and c.session_id = l.session_id
            and c.recorded_at <= l.responded_at
            and c.recorded_at > coalesce(l.response_before, timestamptz '1970-01-01 00:00:00+00')
    ) as compaction_before,
    l.is_reliable,
    l.file_id,
    l.byte_offset,
    l.byte_length
from limited l
