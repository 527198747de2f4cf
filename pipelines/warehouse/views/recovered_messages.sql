/*
Numbers of messages by home, project, source and the run that found them: how many were found, and how many are gone from the home.

- home_id: The home.
- project: The project of the message's session; NULL if unknown.
- source: The source.
- run_id: The run that found them.
- new: Messages that no earlier run had read.
- unique: Messages that no other home, source or project has.
- gone_from_home: Messages without any file left in the home.
- file_ids: The files that have or had them.
*/
with
    placed as (
        select
            o.message_id,
            o.home_id,
            s.project,
            o.source,
            o.run_id,
            o.file_id,
            f.state = 'present' as is_present,
            min(o.run_id) over (partition by o.message_id) as first_run_id,
            min(concat_ws('/', o.home_id, o.source, s.project)) over (partition by o.message_id)
            = max(concat_ws('/', o.home_id, o.source, s.project)) over (partition by o.message_id) as is_unique,
            bool_or(f.state = 'present') over (partition by o.message_id, o.home_id) as is_there
        from occurrences o
        join files f using (file_id)
        left join sessions s on s.home_id = o.home_id and s.session_id = o.session_id
    )
select
    home_id,
    project,
    source,
    run_id,
    count(distinct message_id) filter (first_run_id = run_id) as new,
    count(distinct message_id) filter (is_unique) as unique,
    count(distinct message_id) filter (not is_there) as gone_from_home,
    list_sort(list(distinct file_id)) as file_ids
from placed
group by all
