/*
One row for each session of a home that any source names, with or without a transcript. Its counts are complete for the
home, with copies of other sessions left out.

refresh: whole

- home_id (text, required): The home.
- session_id (text, required, distinct): The session.
- title (text): Its title: a person's title before a model's, before a name given by Claude Code.
- title_kind (text): custom, generated, summary, agent_name, job_name or worktree_name.
- project (text): The project of its first working directory; for a moved session, of the new directory.
- project_path (text): That working directory, as written.
- git_branches (list of text): Branches of its records and of its subagents.
- started_at (instant): Time of its first record, else of its first prompt, else from another source.
- ended_at (instant): Time of its last record, else of its last prompt, else from another source.
- active_seconds (integer, required): Working time in seconds: the time between records, without pauses of more than five minutes.
- state (text, required): present (its transcript is in the home), partial (only files of its subagents are), expired (its
    transcripts are gone from the home; the archive has them), named_only (other sources name it; no run read a transcript).
- has_transcript (flag, required): Whether the archive has records of it.
- named_in (list of text, required): The tables that name it.
- record_count (integer, required): Records that count, those of subagents included.
- copied_record_count (integer, required): Copies of other records.
- lost_record_count (integer, required): Records that only an earlier generation of its files has.
- prompt_count (integer, required): Prompts of a person.
- abandoned_prompt_count (integer, required): Of these, prompts that a rewind dropped.
- history_prompt_count (integer, required): Of these, prompts that only history.jsonl has.
- response_count (integer, required): API responses.
- tool_call_count (integer, required): Tool calls.
- tool_error_count (integer, required): Of these, calls that ended in an error.
- subagent_count (integer, required): Subagents that it started.
- compaction_count (integer, required): Compactions.
- models (list of text): Models that answered, each by one name.
- versions (list of text): Versions of Claude Code that wrote it.
- entrypoint (text): How Claude Code was started.
- input_tokens (integer): Input tokens, without those of the cache.
- output_tokens (integer): Output tokens.
- cache_read_tokens (integer): Tokens read from the cache.
- cache_write_tokens (integer): Tokens written to the cache.
- cost_usd (float): Cost of its responses at list prices, in US dollars; NULL if none has a price.
- unpriced_part_count (integer, required): Billed parts of its responses that have no price.
- recorded_cost_usd (float): Its cost as Claude Code recorded it, in US dollars.
- reliable_share (float): Share of its responses whose figures are final, from 0 to 1.
- files_changed (integer, required): Files that its tools wrote.
- file_version_count (integer, required): Versions of files in file-history/.
- debug_event_count (integer, required): Events in its debug log.
- first_prompt (text): Its first prompt.
- last_prompt (text): Its last prompt.
- file_ids (list of integer): The files with its records.
*/
with
    ids as (
        select
            home_id,
            session_id,
            list_sort(list(named_in)) as named_in,
            coalesce(sum(mentions) filter (named_in = 'file_versions'), 0)::bigint as versions,
            coalesce(sum(mentions) filter (named_in = 'debug_events'), 0)::bigint as events
        from (select home_id, session_id, named_in, count(*) as mentions from session_mentions group by all)
        group by home_id, session_id
    ),
    asked as (
        select
            home_id,
            session_id,
            count(*) as prompts,
            count(*) filter (is_abandoned) as abandoned,
            count(*) filter (not in_transcript) as from_history,
            arg_min(prompt_text, {'at':prompted_at, 'file_id':file_id, 'byte_offset':byte_offset}) as first_prompt,
            arg_max(prompt_text, {'at':prompted_at, 'file_id':file_id, 'byte_offset':byte_offset}) as last_prompt,
            min(prompted_at) as first_at,
            max(prompted_at) as last_at,
            arg_min(
                working_directory, {'at':prompted_at, 'file_id':file_id, 'byte_offset':byte_offset}
            ) as working_directory
        from prompts_of_sessions
        where not is_copy_in_home
        group by all
    ),
    answered as (
        select
            home_id,
            session_id,
            count(*) filter (part_number = 0 and part <> 'subagent_total') as responses,
            list_sort(list(distinct model_id)) as models,
            sum(input_tokens)::bigint as input_tokens,
            sum(output_tokens)::bigint as output_tokens,
            sum(cache_read_tokens)::bigint as cache_read_tokens,
            (sum(coalesce(cache_write_5m_tokens, 0)) + sum(coalesce(cache_write_1h_tokens, 0)))::bigint
            as cache_write_tokens,
            total_usd(cost_usd) as cost_usd,
            count(*) filter (cost_usd is null) as unpriced,
            avg(is_reliable::integer) filter (part_number = 0) as reliable_share
        from priced_parts
        group by all
    ),
    called as (
        select
            home_id, session_id, count(*) filter (has_call) as calls, count(*) filter (has_call and is_error) as errors
        from tool_call_results
        where not is_copy_in_home
        group by all
    ),
    edited as (select home_id, session_id, count(distinct file_path) as files from file_edits group by all),
    delegated as (
        select home_id, session_id, count(*) as subagents
        from agent_runs
        where agent_id is not null or outcome is distinct from 'failed'
        group by all
    ),
    listed as (
        select home_id, session_id, min(started_at) as started_at, max(ended_at) as ended_at, min(path) as path
        from
            (
                select home_id, session_id, started_at, null as ended_at, cwd as path
                from live_sessions
                union all
                select home_id, session_id, created_at, updated_at, cwd
                from jobs
                union all
                select
                    home_id,
                    session_id,
                    started_at,
                    started_at + to_seconds((duration_minutes * 60)::bigint),
                    project_path
                from session_meta
                union all
                select home_id, session_id, created_at, updated_at, project_path
                from sessions_index
            )
        group by all
    ),
    held as (
        select
            r.home_id,
            r.session_id,
            bool_or(f.state = 'present' and list_contains(r.main_file_ids, f.file_id)) as is_present,
            bool_or(f.state = 'present') as is_partial
        from (select home_id, session_id, main_file_ids, unnest(file_ids) as file_id from session_records) r
        join files f using (file_id)
        group by all
    ),
    -- A process writes its running total repeatedly; a process that resumes a session starts at zero.
    spent as (
        select home_id, session_id, total_usd(cost_usd) as cost_usd
        from
            (
                select
                    c.home_id, c.session_id, arg_max(c.cost_usd, {'at':c.byte_offset, 'file_id':c.file_id}) as cost_usd
                from session_costs c
                anti join
                    (select file_id, byte_offset from record_copies where is_copy_in_home) using (file_id, byte_offset)
                group by c.home_id, c.session_id, c.process_started_at
            )
        group by all
    ),
    moved as (
        select home_id, session_id, arg_max(cwd, {'at':byte_offset, 'file_id':file_id}) as directory
        from session_places
        where place_kind = 'relocated' and cwd <> ''
        group by all
    )
select
    i.home_id,
    i.session_id,
    n.title,
    n.title_kind,
    p.project,
    coalesce(o.directory, r.working_directory, a.working_directory, l.path) as project_path,
    r.git_branches,
    coalesce(r.started_at, a.first_at, l.started_at) as started_at,
    coalesce(r.ended_at, a.last_at, l.ended_at) as ended_at,
    coalesce(r.active_seconds, 0) as active_seconds,
    case
        when r.session_id is null
        then 'named_only'
        when h.is_present
        then 'present'
        when h.is_partial
        then 'partial'
        else 'expired'
    end as state,
    r.session_id is not null as has_transcript,
    i.named_in,
    coalesce(r.record_count, 0) as record_count,
    coalesce(r.copied_record_count, 0) as copied_record_count,
    coalesce(r.lost_record_count, 0) as lost_record_count,
    coalesce(a.prompts, 0) as prompt_count,
    coalesce(a.abandoned, 0) as abandoned_prompt_count,
    coalesce(a.from_history, 0) as history_prompt_count,
    coalesce(u.responses, 0) as response_count,
    coalesce(c.calls, 0) as tool_call_count,
    coalesce(c.errors, 0) as tool_error_count,
    coalesce(d.subagents, 0) as subagent_count,
    coalesce(r.compaction_count, 0) as compaction_count,
    u.models,
    r.versions,
    r.entrypoint,
    u.input_tokens,
    u.output_tokens,
    u.cache_read_tokens,
    u.cache_write_tokens,
    u.cost_usd,
    coalesce(u.unpriced, 0) as unpriced_part_count,
    s.cost_usd as recorded_cost_usd,
    u.reliable_share,
    coalesce(e.files, 0) as files_changed,
    i.versions as file_version_count,
    i.events as debug_event_count,
    a.first_prompt,
    a.last_prompt,
    r.file_ids
from ids i
left join session_records r using (home_id, session_id)
left join session_titles n using (home_id, session_id)
left join asked a using (home_id, session_id)
left join answered u using (home_id, session_id)
left join called c using (home_id, session_id)
left join edited e using (home_id, session_id)
left join delegated d using (home_id, session_id)
left join listed l using (home_id, session_id)
left join held h using (home_id, session_id)
left join spent s using (home_id, session_id)
left join moved o using (home_id, session_id)
left join
    places p
    on p.home_id = i.home_id
    and p.path = coalesce(o.directory, r.working_directory, a.working_directory, l.path)
