/*
One row for each change of state of a to-do or task of a session, in order of time.

- home_id: The home.
- session_id: The session.
- agent_id: The subagent, if the list is a subagent's.
- task_id: The task's id; for a to-do without an id, its text.
- subject: The task in words.
- status: pending, in_progress, completed, deleted.
- changed_at: The first time it had this state after another.
- seen_in: Where: TodoWrite, TaskCreate, TaskUpdate (tool calls), todos or tasks (files, with their time of modification).
- file_id: The file of the record or document.
- byte_offset: Its offset.
- byte_length: Its length in bytes.
*/
with
    ordered as (
        select
            *,
            max(subject) over (partition by home_id, session_id, task_id) as known_subject,
            lag(status) over (
                partition by home_id, session_id, task_id order by seen_at, file_id, byte_offset
            ) as status_before
        from task_states
        where status is not null
    )
select
    home_id,
    session_id,
    agent_id,
    task_id,
    coalesce(subject, known_subject) as subject,
    status,
    seen_at as changed_at,
    seen_in,
    file_id,
    byte_offset,
    byte_length
from ordered
where status is distinct from status_before
