/*
One row for each edit of a file that a tool made, once, however many homes and files have it.

- home_id: The home where it was first seen.
- session_id: The session.
- agent_id: The subagent, if one made it.
- project: The project of the working directory.
- file_path: The file, as named in the tool's input.
- changed_at: Time of the record with the result.
- tool_name: Edit, MultiEdit, Write or NotebookEdit.
- tool_use_id: The call: joins `tool_calls`.
- version_before: The last version of the file in file-history/ from before the edit; NULL if there is none.
- version_after: The first version from after it.
- is_new: Whether the edit created the file; NULL if the result does not say.
- lines_added: Lines added, from the result's patch; NULL if it has none.
- lines_removed: Lines removed.
- diff: The patch from the result: hunks, with `+`, `-` or a space before each line.
- home_ids: The homes that have it.
- file_id: The file of the record with the result.
- byte_offset: Its offset.
- byte_length: Its length in bytes.
*/
with
    kept as (
        select home_id, session_id, file_path, version_number, backup_at
        from file_version_paths
        where backup_at is not null and file_path is not null
    )
select
    e.home_id,
    e.session_id,
    e.agent_id,
    p.project,
    e.file_path,
    e.changed_at,
    e.tool_name,
    e.tool_use_id,
    (
        select max(k.version_number)
        from kept k
        where
            k.home_id = e.home_id
            and k.session_id = e.session_id
            and k.file_path = e.file_path
            and k.backup_at <= e.changed_at
    ) as version_before,
    (
        select min(k.version_number)
        from kept k
        where
            k.home_id = e.home_id
            and k.session_id = e.session_id
            and k.file_path = e.file_path
            and k.backup_at > e.changed_at
    ) as version_after,
    e.is_new,
    e.lines_added,
    e.lines_removed,
    array_to_string(r.body ->> '$.toolUseResult.structuredPatch[*].lines[*]', chr(10)) as diff,
    e.home_ids,
    e.file_id,
    e.byte_offset,
    e.byte_length
from file_edits e
left join places p on p.home_id = e.home_id and p.path = e.working_directory
left join records r on r.file_id = e.file_id and r.byte_offset = e.byte_offset
where not e.is_copy
