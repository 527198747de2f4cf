/*
One row for each version in file-history/ with the path of its file, and the evidence for that path.

refresh: whole

- home_id (text, required): The home.
- session_id (text, required): The session.
- path_hash (text, required): First 16 hex digits of the SHA-256 of the file's absolute path.
- version_number (integer, required): The version, from 1.
- file_path (text): The file's path; NULL if unknown.
- path_source (text, required): checkpoint (a transcript names this version; the path's hash agrees),
    checkpoint_unproved (a transcript names it; the hash could not be compared), path_hash (a path found elsewhere has this hash),
    or unknown.
- backup_at (instant): When the version was kept, from the transcript (UTC).
- file_id (integer, required): The version's own file in file-history/.
*/
with
    tracked as (
        select home_id, session_id, backup_file_name, path_hash, tracking_path, min(backup_at) as backup_at
        from file_checkpoints
        where backup_file_name is not null
        group by all
    ),
    directories as (select distinct home_id, cwd from records where cwd is not null),
    met as (
        select distinct tracking_path as path
        from file_checkpoints
        union
        select distinct
            rtrim(d.cwd, '/' || chr(92))
            || case when contains(d.cwd, chr(92)) then chr(92) else '/' end
            || c.tracking_path
        from
            (
                select distinct home_id, tracking_path
                from file_checkpoints
                where not regexp_matches(tracking_path, '^(/|[A-Za-z]:)')
            ) c
        join directories d using (home_id)
        union
        select distinct coalesce(named[1], named[2], named[3])
        from
            (
                select input ->> ['$.file_path', '$.notebook_path', '$.path'] as named
                from content_blocks
                where block_type = 'tool_use' and tool_name in ('Edit', 'Write', 'Read', 'MultiEdit', 'NotebookEdit')
            )
    ),
    -- No `path is not null`, since the planner would extract each path twice for it: a path of NULL has no hash.
    candidates as (select substr(sha256(path), 1, 16) as path_hash, min(path) as path from met group by all)
select
    v.home_id,
    v.session_id,
    v.path_hash,
    v.version_number,
    v.file_id,
    t.backup_at,
    coalesce(c.path, t.tracking_path) as file_path,
    case
        when t.path_hash is not null and c.path is not null
        then 'checkpoint'
        when t.path_hash is not null
        then 'checkpoint_unproved'
        when c.path is not null
        then 'path_hash'
        else 'unknown'
    end as path_source
from file_versions v
left join
    (
        select
            home_id,
            session_id,
            backup_file_name,
            any_value(path_hash) as path_hash,
            min(tracking_path) as tracking_path,
            min(backup_at) as backup_at
        from tracked
        group by all
    ) t
    on t.home_id = v.home_id
    and t.session_id = v.session_id
    and t.backup_file_name = v.path_hash || '@v' || v.version_number
left join candidates c on c.path_hash = v.path_hash
