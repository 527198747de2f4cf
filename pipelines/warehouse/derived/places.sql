/*
One row for each working directory in the records of a home, with its normal spelling and its project.

refresh: whole

- home_id (text, required): The home.
- path (text, required): The path as written.
- normal_path (text, required): The path with an upper-case drive letter and without a separator at the end.
- project (text, required): The repository's path if the directory is a worktree of it, else `normal_path`.
- project_known_by (text, required): worktree_state (a transcript names the repository of the worktree),
    worktree_path (the path lies below .claude/worktrees/) or path.
*/
with
    met as (
        select home_id, cwd as path
        from records
        union
        select home_id, project_path
        from prompts
        union
        select home_id, cwd
        from jobs
        union
        select home_id, cwd
        from live_sessions
        union
        select home_id, project_path
        from session_meta
        union
        select home_id, project_path
        from sessions_index
        union
        select home_id, unnest([cwd, original_cwd, worktree_path])
        from session_places
    ),
    worktrees as (
        select home_id, place_of(worktree_path) as worktree, min(project_of(original_cwd)) as project
        from session_places
        where worktree_path <> '' and original_cwd <> ''
        group by all
    ),
    within as (
        select m.home_id, m.path, arg_max(w.project, length(w.worktree)) as project
        from met m
        join
            worktrees w
            on w.home_id = m.home_id
            and (
                place_of(m.path) = w.worktree
                or starts_with(place_of(m.path), w.worktree || '/')
                or starts_with(place_of(m.path), w.worktree || chr(92))
            )
        group by all
    )
select
    m.home_id,
    m.path,
    place_of(m.path) as normal_path,
    coalesce(w.project, project_of(m.path)) as project,
    case
        when w.project is not null
        then 'worktree_state'
        when project_of(m.path) <> place_of(m.path)
        then 'worktree_path'
        else 'path'
    end as project_known_by
from met m
left join within w using (home_id, path)
where m.path <> ''
