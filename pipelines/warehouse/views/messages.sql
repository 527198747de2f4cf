/*
Each distinct message once: its text, its kind at its first occurrence, and its number of occurrences.
*/
select
    t.message_id,
    p.kind,
    p.role,
    t.text,
    t.text_bytes,
    p.first_said_at,
    p.occurrence_count,
    p.session_count,
    p.home_count,
    p.was_imported
from message_texts t
join message_places p using (message_id)
