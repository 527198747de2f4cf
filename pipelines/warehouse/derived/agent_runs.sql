/*
One row for each subagent that a session started, found by its transcript, its meta.json, the call that started it, or the
result of that call.

refresh: session

- home_id (text, required): The home.
- session_id (text): The session that started it.
- agent_id (text): The subagent; NULL for a call without any trace of the subagent.
- agent_type (text): The kind of agent.
- description (text): Its task in a few words.
- tool_use_id (text): The call that started it.
- workflow_id (text): The workflow run that it belongs to.
- parent_agent_id (text): The subagent that started it, if one did.
- depth (integer): 1 below the session, 2 below a subagent, and so on.
- model (text): Its model.
- started_at (instant): Time of its first record, else of the call.
- ended_at (instant): Time of its last record, else of the result.
- outcome (text): completed, failed, killed, async_launched, …, from the result, the journal or the team; NULL if unknown.
- total_tokens (integer): Tokens from the result, else the sum of its responses.
- stated_tool_call_count (integer): Tool calls, from the result.
- stated_seconds (float): Its duration in seconds, from the result.
- record_count (integer, required): Records of its transcript.
- has_transcript (flag, required): Whether the archive has its transcript.
- file_id (integer, required): The file of its first record: its transcript, else the record that mentions it.
- byte_offset (integer, required): Offset of the first record there.
- byte_length (integer, required): Its length.
*/
with
    transcripts as (
        select
            {'home_id':r.home_id, 'session_id':r.session_id, 'agent_id':r.agent_id} as run,
            min(r.workflow_id) as workflow_id,
            min(r.recorded_at) as started_at,
            max(r.recorded_at) as ended_at,
            count(*) as record_count,
            max(d.agent_type) as agent_type,
            min({'file_id':r.file_id, 'byte_offset':r.byte_offset, 'byte_length':r.byte_length}) as address
        from records r
        join files f using (file_id)
        left join record_details d using (file_id, byte_offset)
        where r.agent_id is not null and f.state <> 'superseded'
        group by all
    ),
    metas as (
        select
            s.*,
            {'home_id':s.home_id, 'session_id':s.session_id, 'agent_id':s.agent_id} as run,
            {'file_id':s.file_id, 'byte_offset':s.byte_offset, 'byte_length':s.byte_length} as address
        from subagents s
        join files f using (file_id)
        where f.state <> 'superseded'
        qualify
            row_number() over (partition by s.home_id, s.session_id, s.agent_id order by s.run_id desc, s.file_id) = 1
    ),
    told as (
        select
            {'home_id':r.home_id, 'session_id':r.session_id, 'agent_id':l.agent_id} as run,
            l.tool_use_id,
            l.status,
            l.agent_type,
            l.model,
            l.description,
            r.recorded_at,
            l.total_tokens,
            l.tool_call_count,
            l.total_ms / 1000 as seconds,
            {'file_id':r.file_id, 'byte_offset':r.byte_offset, 'byte_length':r.byte_length} as address
        from agent_links l
        join records r using (file_id, byte_offset)
        anti join (select file_id, byte_offset from record_copies where is_copy_in_home) c using (file_id, byte_offset)
        where l.link_kind = 'tool_result' and l.agent_id is not null
    ),
    -- A subagent that was resumed has several results: it was started by the call of the first, and ended by the last.
    answers as (
        select
            * replace (
                first_value(tool_use_id) over (
                    partition by run order by recorded_at nulls last, address.byte_offset
                ) as tool_use_id
            )
        from told
        qualify
            row_number() over (
                partition by run
                order by status = 'completed' desc nulls last, recorded_at desc nulls last, address.byte_offset desc
            )
            = 1
    ),
    resumed as (
        select t.run.home_id as home_id, t.run.session_id as session_id, t.tool_use_id
        from told t
        join answers a using (run)
        where t.tool_use_id <> a.tool_use_id
    ),
    calls as (
        select
            t.home_id,
            t.session_id,
            t.agent_id as caller,
            t.tool_use_id,
            t.called_at,
            t.returned_at,
            t.is_error,
            coalesce(b.input ->> '$.subagent_type', b.input ->> '$.agentType') as agent_type,
            b.input ->> '$.description' as description,
            b.input ->> '$.prompt' as prompt,
            d.agent_tokens as total_tokens,
            d.agent_call_count as tool_call_count,
            d.agent_ms / 1000 as seconds,
            {'file_id':t.file_id, 'byte_offset':t.byte_offset, 'byte_length':t.byte_length} as address
        from tool_call_results t
        join content_blocks b using (file_id, byte_offset, block_number)
        left join
            (from record_details where agent_tokens is not null or agent_call_count is not null) d
            on d.file_id = t.result_file_id
            and d.byte_offset = t.result_byte_offset
        anti join
            resumed s
            on s.home_id = t.home_id
            and s.session_id is not distinct from t.session_id
            and s.tool_use_id = t.tool_use_id
        where t.tool_name in ('Task', 'Agent') and not t.is_copy_in_home
    ),
    progress as (
        select
            {'home_id':home_id, 'session_id':session_id, 'agent_id':agent_id} as run,
            min(tool_use_id) as tool_use_id,
            min(linked_at) as linked_at,
            min({'file_id':file_id, 'byte_offset':byte_offset, 'byte_length':byte_length}) as address
        from agent_links
        where link_kind = 'progress' and agent_id is not null
        group by all
    ),
    journals as (
        select
            {'home_id':home_id, 'session_id':session_id, 'agent_id':agent_id} as run,
            min(workflow_id) as workflow_id,
            arg_max(event, {'byte_offset':byte_offset, 'file_id':file_id}) as event,
            max(label) as label,
            min({'file_id':file_id, 'byte_offset':byte_offset, 'byte_length':byte_length}) as address
        from agent_journals
        where agent_id is not null
        group by all
    ),
    -- A subagent in the background ends after the result of its call: a notice tells of it.
    notices as (
        select
            {'home_id':home_id, 'session_id':session_id, 'agent_id':task_id} as run,
            arg_max(task_status, {'at':said_at, 'byte_offset':byte_offset, 'file_id':file_id}) as status,
            max(task_tokens) as total_tokens,
            max(said_at) as said_at
        from speakers
        where task_id is not null and task_status is not null and not is_copy_in_home
        group by all
    ),
    known as (
        select run
        from transcripts
        union
        select run
        from metas
        union
        select run
        from answers
        union
        select run
        from progress
        union
        select run
        from journals
    ),
    joined as (
        select
            k.run.home_id as home_id,
            k.run.session_id as session_id,
            k.run.agent_id as agent_id,
            coalesce(m.tool_use_id, a.tool_use_id, p.tool_use_id) as tool_use_id,
            coalesce(m.agent_type, a.agent_type, t.agent_type) as agent_type,
            coalesce(m.description, a.description, j.label) as description,
            coalesce(t.workflow_id, m.workflow_id, j.workflow_id) as workflow_id,
            m.parent_agent_id,
            m.spawn_depth as depth,
            coalesce(a.model, m.model) as model,
            t.started_at,
            t.ended_at,
            coalesce(n.said_at, a.recorded_at) as returned_at,
            coalesce(
                nullif(a.status, 'async_launched'),
                n.status,
                a.status,
                case
                    j.event
                    when 'result'
                    then 'completed'
                    when 'started'
                    then null
                    when 'launched'
                    then null
                    else j.event
                end
            ) as outcome,
            coalesce(a.total_tokens, n.total_tokens) as total_tokens,
            a.tool_call_count,
            a.seconds,
            coalesce(t.record_count, 0) as record_count,
            t.address is not null as has_transcript,
            coalesce(t.address, m.address, a.address, p.address, j.address) as address
        from known k
        left join transcripts t using (run)
        left join metas m using (run)
        left join answers a using (run)
        left join progress p using (run)
        left join journals j using (run)
        left join notices n using (run)
    ),
    -- Where nothing names the call, the call is the one that gave the subagent the text of its first record.
    unnamed as (
        select
            j.home_id,
            j.session_id,
            j.agent_id,
            t.text as prompt,
            row_number() over (partition by j.home_id, j.session_id, t.text order by j.started_at, j.agent_id) as number
        from joined j
        join
            content_blocks b
            on b.file_id = j.address.file_id
            and b.byte_offset = j.address.byte_offset
            and b.block_number = 0
        join message_texts t using (message_id)
        where j.tool_use_id is null and j.has_transcript and j.workflow_id is null
    ),
    unanswered as (
        select
            c.home_id,
            c.session_id,
            c.tool_use_id,
            c.prompt,
            row_number() over (
                partition by c.home_id, c.session_id, c.prompt order by c.called_at, c.tool_use_id
            ) as number
        from calls c
        anti join
            joined j
            on j.home_id = c.home_id
            and j.session_id is not distinct from c.session_id
            and j.tool_use_id = c.tool_use_id
    ),
    found as (
        select n.home_id, n.session_id, n.agent_id, u.tool_use_id
        from unnamed n
        join
            unanswered u
            on u.home_id = n.home_id
            and u.session_id is not distinct from n.session_id
            and u.prompt = n.prompt
            and u.number = n.number
    ),
    linked as (
        select j.* replace (coalesce(j.tool_use_id, f.tool_use_id) as tool_use_id)
        from joined j
        left join
            found f
            on f.home_id = j.home_id
            and f.session_id is not distinct from j.session_id
            and f.agent_id = j.agent_id
    ),
    runs as (
        select
            coalesce(j.home_id, c.home_id) as home_id,
            coalesce(j.session_id, c.session_id) as session_id,
            j.agent_id,
            coalesce(c.agent_type, j.agent_type) as agent_type,
            coalesce(j.description, c.description) as description,
            coalesce(j.tool_use_id, c.tool_use_id) as tool_use_id,
            j.workflow_id,
            coalesce(j.parent_agent_id, c.caller) as parent_agent_id,
            coalesce(j.depth, case when c.caller is null then 1 end) as depth,
            j.model,
            coalesce(j.started_at, c.called_at) as started_at,
            coalesce(j.ended_at, j.returned_at, c.returned_at) as ended_at,
            coalesce(
                j.outcome,
                case
                    when c.is_error then 'failed' when c.returned_at is not null and j.agent_id is null then 'completed'
                end
            ) as outcome,
            coalesce(j.total_tokens, c.total_tokens) as total_tokens,
            coalesce(j.tool_call_count, c.tool_call_count) as stated_tool_call_count,
            coalesce(j.seconds, c.seconds) as stated_seconds,
            coalesce(j.record_count, 0) as record_count,
            coalesce(j.has_transcript, false) as has_transcript,
            unnest(coalesce(j.address, c.address))
        from linked j
        full join
            calls c
            on c.home_id = j.home_id
            and c.session_id is not distinct from j.session_id
            and c.tool_use_id = j.tool_use_id
    ),
    -- The depth below a subagent that names its parent, but not its depth.
    depths as (
        with recursive
            below as (
                select home_id, session_id, agent_id, depth
                from runs
                where depth is not null and agent_id is not null
                union
                select r.home_id, r.session_id, r.agent_id, b.depth + 1
                from below b
                join
                    runs r
                    on r.home_id = b.home_id
                    and r.session_id is not distinct from b.session_id
                    and r.parent_agent_id = b.agent_id
                where r.depth is null and b.depth < 100
            )
        select home_id, session_id, agent_id, min(depth) as depth
        from below
        group by all
    )
select r.* replace (coalesce(r.depth, d.depth + 1) as depth)
from runs r
left join
    depths d
    on d.home_id = r.home_id
    and d.session_id is not distinct from r.session_id
    and d.agent_id = r.parent_agent_id
