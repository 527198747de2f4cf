/*
One row for each pair of sessions that share a record, a response or a file. Rows computed for one depend on the other,
so a load that touches one computes both again.

refresh: session

- session_id (text): The session.
- tied_session_id (text): The session that it is tied to.
*/
select distinct session_id, original_session_id as tied_session_id
from record_copies
where reason = 'copy' and original_session_id is distinct from session_id
union
select session_id, first_value(session_id) over (partition by response_key order by session_id nulls first)
from responses
union
select session_id, first_value(session_id) over (partition by file_id order by session_id nulls first)
from (select distinct file_id, session_id from records where agent_id is not null)
