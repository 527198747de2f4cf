/*
One row for each occurrence of a to-do or task of a session with a state: in a tool call, or in its file.

refresh: session

- home_id (text, required): The home.
- session_id (text): The session.
- agent_id (text): The subagent, if the list is a subagent's.
- task_id (text): The task's id; for a to-do without an id, its text.
- subject (text): The task in words.
- status (text): pending, in_progress, completed, deleted.
- seen_at (instant): Time of the record, or modification time of the file (UTC).
- seen_in (text, required): TodoWrite, TaskCreate, TaskUpdate, todos or tasks.
- file_id (integer, required): The file of the record or document.
- byte_offset (integer, required): Its offset.
- byte_length (integer, required): Its length.
*/
with
    calls as (
        select t.*, b.input
        from tool_call_results t
        join content_blocks b using (file_id, byte_offset, block_number)
        where
            t.tool_name in ('TodoWrite', 'TaskCreate', 'TaskUpdate')
            and t.has_call
            and not t.is_copy_in_home
            and not coalesce(t.is_error, false)
    ),
    items as (
        select
            home_id,
            session_id,
            agent_id,
            called_at,
            file_id,
            byte_offset,
            byte_length,
            unnest((input -> '$.todos[*]')::json[]) as item
        from calls
        where tool_name = 'TodoWrite'
    )
select
    home_id,
    session_id,
    agent_id,
    coalesce(item ->> '$.id', item ->> '$.content') as task_id,
    item ->> '$.content' as subject,
    item ->> '$.status' as status,
    called_at as seen_at,
    'TodoWrite' as seen_in,
    file_id,
    byte_offset,
    byte_length
from items
union all
select
    c.home_id,
    c.session_id,
    c.agent_id,
    coalesce(r.task_id, c.input ->> '$.taskId'),
    coalesce(c.input ->> '$.subject', r.task_subject),
    case when c.tool_name = 'TaskCreate' then 'pending' else coalesce(c.input ->> '$.status', r.task_status) end,
    coalesce(c.returned_at, c.called_at),
    c.tool_name,
    c.file_id,
    c.byte_offset,
    c.byte_length
from calls c
left join record_details r on r.file_id = c.result_file_id and r.byte_offset = c.result_byte_offset
where c.tool_name <> 'TodoWrite'
union all
select
    t.home_id,
    t.session_id,
    t.agent_id,
    coalesce(t.todo_id, t.todo_text),
    t.todo_text,
    t.status,
    l.file_modified_at,
    'todos',
    t.file_id,
    t.byte_offset,
    t.byte_length
from todos t
join todo_lists l using (file_id, run_id)
union all
select home_id, session_id, null, task_id, subject, status, file_modified_at, 'tasks', file_id, byte_offset, byte_length
from tasks
