/*
Each home, with what is kept of it.
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
