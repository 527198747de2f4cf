/*
One row for each successful edit of a file by a tool.

refresh: session

- home_id (text, required): The home.
- session_id (text): The session.
- agent_id (text): The subagent, if one made it.
- tool_use_id (text, distinct): The call.
- tool_name (text): The tool: Edit, MultiEdit, Write or NotebookEdit.
- file_path (text): The file, as named in the tool's input.
- changed_at (instant): Time of the record with the result.
- working_directory (text): Working directory of the call, as written.
- is_new (flag): Whether it created the file; NULL if the result does not say.
- lines_added (integer): Lines added, from the result's patch; NULL if it has none.
- lines_removed (integer): Lines removed.
- is_copy (flag, required): Whether a row of another home represents the edit when homes are taken together.
- home_ids (list of text): The homes that have it.
- file_id (integer, required): The file of the record with the result.
- byte_offset (integer, required): Its offset.
- byte_length (integer, required): Its length.
*/
with
    edits as (
        select
            t.*,
            coalesce(b.input ->> '$.file_path', b.input ->> '$.notebook_path', b.input ->> '$.path') as file_path,
            r.result_type = 'create' as is_new,
            case when r.result_type = 'create' then coalesce(b.input ->> '$.content', '') end as content,
            r.result_patch
        from tool_call_results t
        join content_blocks b using (file_id, byte_offset, block_number)
        join record_details r on r.file_id = t.result_file_id and r.byte_offset = t.result_byte_offset
        where
            t.tool_name in ('Edit', 'MultiEdit', 'Write', 'NotebookEdit')
            and t.has_call
            and not coalesce(t.is_error, false)
            and not t.is_copy_in_home
    ),
    measured as (
        select
            *,
            case
                when is_new
                then
                    length(content)
                    - length(replace(content, chr(10), ''))
                    + (content <> '' and not ends_with(content, chr(10)))::integer
            end as written_lines,
            case
                when result_patch is not null then array_to_string(result_patch ->> '$[*].lines[*]', chr(10))
            end as patch
        from edits
    )
select
    home_id,
    session_id,
    agent_id,
    tool_use_id,
    tool_name,
    file_path,
    coalesce(returned_at, called_at) as changed_at,
    working_directory,
    is_new,
    coalesce(written_lines, len(regexp_extract_all(patch, '(?m)^\+'))) as lines_added,
    case when written_lines is not null then 0 else len(regexp_extract_all(patch, '(?m)^-')) end as lines_removed,
    is_copy,
    home_ids,
    result_file_id as file_id,
    result_byte_offset as byte_offset,
    result_byte_length as byte_length
from measured
