/*
One row for each subagent that a session of a home started, whether or not its transcript is there.

- home_id: The home.
- session_id: The session that started it.
- agent_id: The subagent; NULL for a call of which nothing is known but that it was made.
- agent_type: The kind of agent.
- description: What it was started for, in a few words.
- parent: The subagent that started it, where one did.
- depth: 1 below the session, 2 below a subagent, and so on.
- workflow_id: The workflow run that it belongs to.
- tool_use_id: The call that started it.
- model: The model that it was given.
- started_at: Time of its first record, else of the call.
- ended_at: Time of its last record, else of the result.
- duration_seconds: How long it took, as the result says, else the time between the two.
- total_tokens: Tokens of its responses, caches included; without a transcript as the result says.
- output_tokens: Tokens that it answered.
- tool_call_count: Its tool calls; without a transcript as the result says.
- cost_usd: What its responses cost by the list of prices, in US dollars; NULL where none has a price.
- has_transcript: Whether a transcript of it was kept.
- outcome: completed, failed, killed, async_launched, …: as the result, the journal or the team says; NULL where nothing does.
- file_id: The file that it is known from: its transcript, else the record that says so.
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
