/*
Each home, with what is kept of it.

- file_count: Files that are in the home.
- expired_count: Files that are gone from it, and kept here.
- kept_bytes: Bytes of the newest generation of each file.
- first_run_id: The first run that read it.
- last_run_id: The last run that saw it.
*/
select
    home_id,
    count(*) filter (state = 'present') as file_count,
    count(*) filter (state = 'expired') as expired_count,
    sum(size) filter (state <> 'superseded') as kept_bytes,
    min(first_run_id) as first_run_id,
    max(last_run_id) as last_run_id
from files
where entry_type = 'file'
group by home_id
