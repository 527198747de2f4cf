/*
The newest manifest row of each path in each home: its treatment (read, withheld, only listed) and its outcome.
*/
select m.*
from manifest m
join runs r using (run_id)
qualify
    row_number() over (partition by m.home_id, m.path_bytes order by r.epoch desc, m.outcome in ('moved', 'expired'))
    = 1
