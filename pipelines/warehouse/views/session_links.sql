/*
One row for each link between two sessions of a home.

- home_id: The home.
- session_id: The session that originates from the other; for continued_in, the one that ended.
- linked_session_id: The other session.
- link_kind: forked_from (its records name the session that they were copied from), resumed_from (it repeats records of the other, or
    has records written under the other's id), continued_in (the conversation continues in the other), moved_from (its transcript was
    in another directory before), spawned (the other session started it).
- linked_at: Time of the link; NULL if unknown.
- file_id: The file of a record with the link.
- byte_offset: Its offset.
- byte_length: Its length in bytes.
*/
with
    linked as (
        select
            home_id,
            session_id,
            forked_from_session_id as linked_session_id,
            'forked_from' as link_kind,
            recorded_at,
            file_id,
            byte_offset,
            byte_length
        from records
        where forked_from_session_id is not null
        union all
        select
            home_id,
            session_id,
            continued_in_session_id,
            'continued_in',
            continued_at,
            file_id,
            byte_offset,
            byte_length
        from session_continuations
        union all
        select
            c.home_id,
            c.session_id,
            c.original_session_id,
            'resumed_from',
            r.recorded_at,
            r.file_id,
            r.byte_offset,
            r.byte_length
        from record_copies c
        join records r using (file_id, byte_offset)
        where c.reason = 'copy' and r.forked_from_session_id is null and c.is_copy_in_home
        union all
        select home_id, session_id, record_session_id, 'resumed_from', recorded_at, file_id, byte_offset, byte_length
        from records
        where agent_id is null and record_session_id <> session_id and forked_from_session_id is null
        union all
        select home_id, session_id, session_id, 'moved_from', null, file_id, byte_offset, byte_length
        from records
        where record_type = 'relocated'
        union all
        select home_id, session_id, parent_session_id, 'spawned', linked_at, file_id, byte_offset, byte_length
        from agent_links
        where parent_session_id is not null
        union all
        select home_id, session_id, resume_session_id, 'spawned', created_at, file_id, byte_offset, byte_length
        from jobs
        where resume_session_id is not null
    )
select
    home_id,
    session_id,
    linked_session_id,
    link_kind,
    min(recorded_at) as linked_at,
    arg_min(file_id, byte_offset) as file_id,
    min(byte_offset) as byte_offset,
    arg_min(byte_length, byte_offset) as byte_length
from linked
semi join (select file_id from files where state <> 'superseded') using (file_id)
where linked_session_id <> '' and (linked_session_id is distinct from session_id or link_kind = 'moved_from')
group by home_id, session_id, linked_session_id, link_kind
