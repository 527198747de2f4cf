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
    placed as not materialized(
        select o.message_id, o.home_id, s.project, o.source, o.run_id, o.file_id, f.state = 'present' as is_present
        from occurrences o
        join files f using (file_id)
        left join sessions s on s.home_id = o.home_id and s.session_id = o.session_id
    ),
    of_messages as (
        select message_id, min(run_id) as first_run_id, count(distinct(home_id, source, project)) = 1 as is_unique
        from placed
        group by message_id
    ),
    there as (select distinct message_id, home_id from placed where is_present)
select
    p.home_id,
    p.project,
    p.source,
    p.run_id,
    count(distinct p.message_id) filter (m.first_run_id = p.run_id) as new,
    count(distinct p.message_id) filter (m.is_unique) as unique,
    count(distinct p.message_id) filter (t.message_id is null) as gone_from_home,
    list_sort(list(distinct p.file_id)) as file_ids
from placed p
join of_messages m using (message_id)
left join there t on t.message_id = p.message_id and t.home_id = p.home_id
group by all
