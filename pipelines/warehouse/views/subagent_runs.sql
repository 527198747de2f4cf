/*
One row for each subagent that a session of a home started, with or without a transcript.

- home_id: The home.
- session_id: The session that started it.
- agent_id: The subagent; NULL for a call without any trace of the subagent.
- agent_type: The kind of agent.
- description: Its task in a few words.
- parent: The subagent that started it, if one did.
- depth: 1 below the session, 2 below a subagent, and so on.
- workflow_id: The workflow run that it belongs to.
- tool_use_id: The call that started it.
- model: Its model.
- started_at: Time of its first record, else of the call.
- ended_at: Time of its last record, else of the result.
- duration_seconds: Its duration in seconds, from the result, else from `started_at` to `ended_at`.
- total_tokens: Tokens of its responses, caches included; without a transcript, from the result.
- output_tokens: Its output tokens.
- tool_call_count: Its tool calls; without a transcript, from the result.
- cost_usd: Cost of its responses at list prices, in US dollars; NULL if none has a price.
- has_transcript: Whether the archive has its transcript.
- outcome: completed, failed, killed, async_launched, …, from the result, the journal or the team; NULL if unknown.
- file_id: The file of its first record: its transcript, else the record that mentions it.
- byte_offset: Offset of the first record there.
- byte_length: Its length in bytes.
*/
with
    answered as (
        select
            home_id,
            session_id,
            agent_id,
            (
                sum(coalesce(input_tokens, 0))
                + sum(coalesce(output_tokens, 0))
                + sum(coalesce(cache_read_tokens, 0))
                + sum(coalesce(cache_write_5m_tokens, 0))
                + sum(coalesce(cache_write_1h_tokens, 0))
            )::bigint as total_tokens,
            sum(output_tokens)::bigint as output_tokens,
            total_usd(cost_usd) as cost_usd
        from priced_parts
        where agent_id is not null
        group by all
    ),
    called as (
        select home_id, session_id, agent_id, count(*) as calls
        from tool_call_results
        where agent_id is not null and has_call and not is_copy_in_home
        group by all
    )
select
    r.home_id,
    r.session_id,
    r.agent_id,
    r.agent_type,
    r.description,
    r.parent_agent_id as parent,
    r.depth,
    r.workflow_id,
    r.tool_use_id,
    r.model,
    r.started_at,
    r.ended_at,
    coalesce(r.stated_seconds, epoch(r.ended_at) - epoch(r.started_at)) as duration_seconds,
    case when r.has_transcript then coalesce(a.total_tokens, 0) else r.total_tokens end as total_tokens,
    a.output_tokens,
    case when r.has_transcript then coalesce(c.calls, 0) else r.stated_tool_call_count end as tool_call_count,
    a.cost_usd,
    r.has_transcript,
    r.outcome,
    r.file_id,
    r.byte_offset,
    r.byte_length
from agent_runs r
left join
    answered a on a.home_id = r.home_id and a.session_id is not distinct from r.session_id and a.agent_id = r.agent_id
left join
    called c on c.home_id = r.home_id and c.session_id is not distinct from r.session_id and c.agent_id = r.agent_id
