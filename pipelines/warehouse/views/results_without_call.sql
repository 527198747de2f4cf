/*
One row for each tool result without a call in any transcript of its session.

- home_id: The home.
- session_id: The session.
- agent_id: The subagent, if the file is a subagent's.
- tool_use_id: Id of the missing call.
- returned_at: Time of the record.
- is_error: Whether the result is marked as an error.
- result_message_id: Its text: joins `messages`.
- file_id: The file of the record.
- byte_offset: Its offset.
- byte_length: Its length in bytes.
*/
select
    home_id,
    session_id,
    agent_id,
    tool_use_id,
    returned_at,
    is_error,
    result_message_id,
    file_id,
    byte_offset,
    byte_length
from tool_call_results
where not has_call and not is_copy
