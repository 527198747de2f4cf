/*
One row for each session of a home that has a title: the one to show.

refresh: whole

- home_id (text, required): The home.
- session_id (text): The session.
- title (text, required): Its title: that of the first kind in the order below, and the last of that kind.
- title_kind (text, required): custom (a person's), generated (a model's), summary, agent_name, job_name or worktree_name (stamped by Claude Code).
- file_id (integer): The file of the record with the title.
- byte_offset (integer): Its offset.
- byte_length (integer): Its length.
*/
with
    worktrees as (
        select distinct home_id, session_id, worktree_name as name
        from session_places
        union
        select distinct home_id, session_id, regexp_extract(cwd, '[/\\]\.claude[/\\]worktrees[/\\]([^/\\]+)', 1)
        from records
        where cwd like '%.claude%worktrees%'
    ),
    leaves as (
        select t.home_id, t.leaf_uuid, min(r.session_id) as session_id
        from titles t
        join records r on r.home_id = t.home_id and r.uuid = t.leaf_uuid
        where t.leaf_uuid is not null
        group by all
    ),
    given as (
        select
            t.home_id,
            coalesce(l.session_id, t.session_id) as session_id,
            t.title,
            case
                t.title_kind
                when 'custom-title'
                then case when w.name is not null then 'worktree_name' else 'custom' end
                when 'ai-title'
                then 'generated'
                when 'agent-name'
                then case when w.name is not null then 'worktree_name' else 'agent_name' end
                else t.title_kind
            end as title_kind,
            t.file_id,
            t.byte_offset,
            t.byte_length,
            t.run_id
        from titles t
        join files f using (file_id)
        left join leaves l on l.home_id = t.home_id and l.leaf_uuid = t.leaf_uuid
        left join
            worktrees w on w.home_id = t.home_id and w.session_id is not distinct from t.session_id and w.name = t.title
        where f.state <> 'superseded'
        union all
        select i.home_id, i.session_id, i.summary, 'summary', i.file_id, i.byte_offset, i.byte_length, i.run_id
        from sessions_index i
        union all
        select j.home_id, j.session_id, j.name, 'job_name', j.file_id, j.byte_offset, j.byte_length, j.run_id
        from jobs j
    ),
    -- An empty title of a person takes back the ones before it.
    last_of_each_kind as (
        select *
        from given
        where title <> '' or (title = '' and title_kind = 'custom')
        qualify
            row_number() over (
                partition by home_id, session_id, title_kind order by run_id desc, byte_offset desc, file_id
            )
            = 1
    )
select home_id, session_id, title, title_kind, file_id, byte_offset, byte_length
from last_of_each_kind
where title <> ''
qualify
    row_number() over (
        partition by home_id, session_id
        order by
            list_position(['custom', 'generated', 'summary', 'agent_name', 'job_name', 'worktree_name'], title_kind)
    )
    = 1
