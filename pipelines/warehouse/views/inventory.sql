/*
The newest manifest row of each thing in each home: what is there, what is withheld or only listed, and how it fared.
*/
select m.*
from manifest m
join runs r using (run_id)
qualify
    row_number() over (partition by m.home_id, m.path_bytes order by r.epoch desc, m.outcome in ('moved', 'expired'))
    = 1
