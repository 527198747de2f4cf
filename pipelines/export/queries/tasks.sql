select
    session_id,
    home_id,
    task_id,
    max(subject) as subject,
    arg_max(status, (coalesce(changed_at, timestamptz '1970-01-01 00:00:00+00'), file_id, byte_offset)) as status,
    min(changed_at) as begun_at
from task_progress
where subject is not null
group by session_id, home_id, task_id
