/*
One row for each project of a home: a directory, with its worktrees folded into it. Tokens, prompts and calls belong to
their own working directory, sessions to the one in which they began.

- home_id: The home.
- project: The project's path in its normal spelling.
- paths: Its directories, as written.
- session_count: Sessions that began there.
- prompt_count: Prompts of a person.
- response_count: API responses.
- tool_call_count: Tool calls.
- input_tokens: Input tokens, without those of the cache.
- output_tokens: Output tokens.
- cache_read_tokens: Tokens read from the cache.
- cache_write_tokens: Tokens written to the cache.
- cost_usd: Cost of its responses at list prices, in US dollars; NULL if none has a price.
- started_at: Time of the first record, prompt or response.
- ended_at: Time of the last of these.
- file_ids: The files of its sessions' records.
*/
with
    places_by_project as (select home_id, project, list_sort(list(distinct path)) as paths from places group by all),
    begun as (
        select
            home_id,
            project,
            count(*) as session_count,
            min(started_at) as started_at,
            max(ended_at) as ended_at,
            list_sort(list_distinct(flatten(list(coalesce(file_ids, []))))) as file_ids
        from sessions
        where project is not null
        group by all
    ),
    asked as (
        select
            p.home_id,
            p.project,
            count(*) as prompt_count,
            min(q.prompted_at) as started_at,
            max(q.prompted_at) as ended_at
        from prompts_of_homes q
        join places p on p.home_id = q.home_id and p.path = q.working_directory
        where not q.is_copy_in_home
        group by all
    ),
    answered as (
        select
            p.home_id,
            p.project,
            count(*) filter (u.part in ('message', 'fallback')) as response_count,
            sum(u.input_tokens)::bigint as input_tokens,
            sum(u.output_tokens)::bigint as output_tokens,
            sum(u.cache_read_tokens)::bigint as cache_read_tokens,
            (sum(coalesce(u.cache_write_5m_tokens, 0)) + sum(coalesce(u.cache_write_1h_tokens, 0)))::bigint
            as cache_write_tokens,
            total_usd(u.cost_usd) as cost_usd,
            min(u.responded_at) as started_at,
            max(u.responded_at) as ended_at
        from priced_parts u
        join places p on p.home_id = u.home_id and p.path = u.working_directory
        group by all
    ),
    called as (
        select p.home_id, p.project, count(*) as tool_call_count
        from tool_call_results t
        join places p on p.home_id = t.home_id and p.path = t.working_directory
        where t.has_call and not t.is_copy_in_home
        group by all
    )
select
    home_id,
    project,
    n.paths,
    coalesce(b.session_count, 0) as session_count,
    coalesce(a.prompt_count, 0) as prompt_count,
    coalesce(u.response_count, 0) as response_count,
    coalesce(c.tool_call_count, 0) as tool_call_count,
    u.input_tokens,
    u.output_tokens,
    u.cache_read_tokens,
    u.cache_write_tokens,
    u.cost_usd,
    least(b.started_at, a.started_at, u.started_at) as started_at,
    greatest(b.ended_at, a.ended_at, u.ended_at) as ended_at,
    b.file_ids
from begun b
full join asked a using (home_id, project)
full join answered u using (home_id, project)
full join called c using (home_id, project)
left join places_by_project n using (home_id, project)
