/*
One row for each home, with numbers of its files.

- file_count: Files in the home.
- expired_count: Archived files that are gone from the home.
- kept_bytes: Size in bytes of the newest generation of each archived file.
- first_run_id: The first run that read it.
- last_run_id: The last run that read it.
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
