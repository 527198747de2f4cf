/*
One row for each change of a session's environment, and for its initial state.

- home_id: The home.
- session_id: The session; NULL for the shell of a snapshot, which names none.
- seen_at: When the new state was first seen.
- what: version (of Claude Code), permission_mode, model, git_branch, working_directory, entrypoint, effort, agent, mode, mcp_server,
    shell, or system (platform and version, as Claude Code recorded them).
- from: The previous value; NULL at the beginning.
- to: The new value.
- file_id: The file of the record.
- byte_offset: Its offset.
- byte_length: Its length in bytes.
*/
with
    counted as (
        -- States at the beginning of a file are written before the first record with a time.
        select
            r.*,
            coalesce(
                max(r.recorded_at) over (partition by r.file_id order by r.byte_offset),
                min(r.recorded_at) over (partition by r.file_id)
            ) as known_at
        from records r
        anti join (select file_id, byte_offset from record_copies where is_copy_in_home) using (file_id, byte_offset)
        where r.agent_id is null and not coalesce(r.is_sidechain, false)
    ),
    states as (
        select home_id, session_id, known_at, 'version' as what, version as state, file_id, byte_offset, byte_length
        from counted
        union all
        select home_id, session_id, known_at, 'permission_mode', permission_mode, file_id, byte_offset, byte_length
        from counted
        union all
        select home_id, session_id, known_at, 'model', nullif(model, '<synthetic>'), file_id, byte_offset, byte_length
        from counted
        union all
        select
            home_id,
            session_id,
            known_at,
            'git_branch',
            nullif(nullif(git_branch, ''), 'HEAD'),
            file_id,
            byte_offset,
            byte_length
        from counted
        union all
        select home_id, session_id, known_at, 'working_directory', cwd, file_id, byte_offset, byte_length
        from counted
        union all
        select home_id, session_id, known_at, 'entrypoint', entrypoint, file_id, byte_offset, byte_length
        from counted
        union all
        select
            s.home_id,
            s.session_id,
            c.known_at,
            case s.state_kind when 'agent-setting' then 'agent' else 'mode' end,
            s.value,
            s.file_id,
            s.byte_offset,
            s.byte_length
        from session_states s
        join counted c using (file_id, byte_offset)
        where s.state_kind in ('agent-setting', 'mode')
        union all
        select
            home_id,
            session_id,
            known_at,
            unnest(['shell', 'system']),
            unnest(
                [
                    body ->> '$.attachment.snapshot.shell',
                    concat_ws(
                        ', ', body ->> '$.attachment.snapshot.platform', body ->> '$.attachment.snapshot.osVersion'
                    )
                ]
            ),
            file_id,
            byte_offset,
            byte_length
        from counted
        where record_type = 'attachment' and subtype = 'environment'
        union all
        select home_id, null, created_at, 'shell', shell, file_id, byte_offset, byte_length
        from shell_snapshots
        union all
        select
            home_id,
            session_id,
            known_at,
            'mcp_server',
            array_to_string(body ->> '$.attachment.addedNames[*]', ', '),
            file_id,
            byte_offset,
            byte_length
        from counted
        where record_type = 'attachment' and subtype = 'mcp_instructions_delta'
    ),
    ordered as (
        select
            *,
            lag(state) over (
                partition by home_id, session_id, what order by known_at nulls first, file_id, byte_offset
            ) as state_before
        from states
        where state <> ''
    )
select
    home_id,
    session_id,
    known_at as seen_at,
    what,
    state_before as "from",
    state as "to",
    file_id,
    byte_offset,
    byte_length
from ordered
where state is distinct from state_before
