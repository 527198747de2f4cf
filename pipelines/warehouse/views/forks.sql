/*
Sessions that were forked from another: how many records they copied.

- copied_records: Records that it copied.
*/
select home_id, session_id, forked_from_session_id, count(*) as copied_records
from records
where forked_from_session_id is not null
group by all
