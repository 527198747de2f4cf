/*
One row for each tool call with its input and result, once, however many homes and files have it.

- home_id: The home where it was first seen.
- session_id: The session.
- agent_id: The subagent, if one made the call.
- project: The project of the working directory.
- tool_use_id: Id of the call.
- tool_name: The tool, as the model named it.
- mcp_server: The MCP server of the tool; NULL for other tools.
- skill: The skill, if the tool runs one.
- called_at: Time of the calling record.
- returned_at: Time of the record with the result.
- duration_seconds: From `called_at` to `returned_at`, in seconds; NULL if the clock was set back between them.
- has_result: Whether a result was found.
- is_error: Whether the result is marked as an error.
- was_denied: Whether a person or a rule refused the call.
- error_text: The result's text, if it is an error.
- input: The tool's input, as JSON.
- result_message_id: The result's text, of several the first: joins `messages`.
- result_bytes: Length of the texts in bytes.
- spilled_message_id: The text of a long result in tool-results/: joins `messages`.
- model: The model that called.
- working_directory: Working directory of the call, as written.
- home_ids: The homes that have the call.
- file_id: The file of the calling record.
- byte_offset: Its offset.
- byte_length: Its length in bytes.
- block_number: The block of that record, from 0.
- result_file_id: The file of the result.
- result_byte_offset: Offset of the record with the result.
- result_byte_length: Its length in bytes.
*/
select
    t.home_id,
    t.session_id,
    t.agent_id,
    p.project,
    t.tool_use_id,
    t.tool_name,
    coalesce(b.rest ->> '$.server_name', nullif(regexp_extract(t.tool_name, '^mcp__(.+?)__', 1), '')) as mcp_server,
    case when t.tool_name = 'Skill' then coalesce(b.input ->> '$.skill', b.input ->> '$.command') end as skill,
    t.called_at,
    t.returned_at,
    case when t.returned_at >= t.called_at then epoch(t.returned_at) - epoch(t.called_at) end as duration_seconds,
    t.has_result,
    t.is_error,
    case when t.is_error then coalesce(d.was_denied, false) when t.has_result then false end as was_denied,
    m.text as error_text,
    b.input,
    t.result_message_id,
    t.result_bytes,
    t.spilled_message_id,
    t.model,
    t.working_directory,
    t.home_ids,
    t.file_id,
    t.byte_offset,
    t.byte_length,
    t.block_number,
    t.result_file_id,
    t.result_byte_offset,
    t.result_byte_length
from tool_call_results t
left join content_blocks b using (file_id, byte_offset, block_number)
left join places p on p.home_id = t.home_id and p.path = t.working_directory
left join message_texts m on m.message_id = case when t.is_error then t.result_message_id end
left join
    record_details d
    on d.file_id = case when t.is_error then t.result_file_id end
    and d.byte_offset = t.result_byte_offset
where t.has_call and not t.is_copy
