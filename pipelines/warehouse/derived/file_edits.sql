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
            case
                when r.result_type = 'create'
                then b.input ->> ['$.file_path', '$.notebook_path', '$.path', '$.content']
                else b.input ->> ['$.file_path', '$.notebook_path', '$.path']
            end as input,
            r.result_type = 'create' as is_new,
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
            case when is_new then coalesce(input[4], '') end as written,
            result_patch ->> '$[*].lines[*]' as patch_lines
        from edits
    )
select
    home_id,
    session_id,
    agent_id,
    tool_use_id,
    tool_name,
    coalesce(input[1], input[2], input[3]) as file_path,
    coalesce(returned_at, called_at) as changed_at,
    working_directory,
    is_new,
    case
        when is_new
        -- A line break at the end begins no line.
        then len(string_split(written, chr(10))) - (written = '' or ends_with(written, chr(10)))::integer
        else len(list_filter(patch_lines, lambda line:starts_with(line, '+')))
    end as lines_added,
    case when is_new then 0 else len(list_filter(patch_lines, lambda line:starts_with(line, '-'))) end as lines_removed,
    is_copy,
    home_ids,
    result_file_id as file_id,
    result_byte_offset as byte_offset,
    result_byte_length as byte_length
from measured
