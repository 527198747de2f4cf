/*
One row for each day, home and project with activity. Complete for each home: events shared by two homes are in both.

- day: The day, in the time zone of the connection.
- home_id: The home.
- project: The project of the working directory.
- prompt_count: Prompts of a person.
- session_count: Sessions that were worked on.
- active_seconds: Working time in seconds: the time between records, without pauses of more than five minutes.
- response_count: API responses.
- tool_call_count: Tool calls.
- files_changed: Files that tools wrote.
- lines_added: Lines added by them.
- lines_removed: Lines removed by them.
- output_tokens: Output tokens.
- cost_usd: Cost of the responses at list prices, in US dollars; NULL if none has a price.
- file_ids: The files of the records behind these figures.
*/
with
    happened as (
        select
            prompted_at::date as day,
            home_id,
            working_directory,
            session_id,
            1 as prompts,
            0 as seconds,
            0 as responses,
            0 as calls,
            null as changed,
            0 as added,
            0 as removed,
            0 as tokens,
            null::double as cost,
            file_id
        from prompts_of_homes
        where not is_copy_in_home
        union all
        select
            quarter_at::date, home_id, working_directory, session_id, 0, worked_seconds, 0, 0, null, 0, 0, 0, null, null
        from active_time
        union all
        select
            responded_at::date,
            home_id,
            working_directory,
            session_id,
            0,
            0,
            (part in ('message', 'fallback'))::integer,
            0,
            null,
            0,
            0,
            output_tokens,
            cost_usd,
            file_id
        from priced_parts
        union all
        select called_at::date, home_id, working_directory, session_id, 0, 0, 0, 1, null, 0, 0, 0, null, file_id
        from tool_call_results
        where has_call and not is_copy_in_home
        union all
        select
            changed_at::date,
            home_id,
            working_directory,
            session_id,
            0,
            0,
            0,
            0,
            file_path,
            lines_added,
            lines_removed,
            0,
            null,
            file_id
        from file_edits
    )
select
    h.day,
    h.home_id,
    p.project,
    sum(h.prompts)::bigint as prompt_count,
    count(distinct h.session_id) as session_count,
    round(sum(h.seconds))::bigint as active_seconds,
    sum(h.responses)::bigint as response_count,
    sum(h.calls)::bigint as tool_call_count,
    count(distinct h.changed) as files_changed,
    sum(h.added)::bigint as lines_added,
    sum(h.removed)::bigint as lines_removed,
    sum(h.tokens)::bigint as output_tokens,
    total_usd(h.cost) as cost_usd,
    list_sort(list(distinct h.file_id) filter (h.file_id is not null)) as file_ids
from happened h
left join places p on p.home_id = h.home_id and p.path = h.working_directory
where h.day is not null
group by all
