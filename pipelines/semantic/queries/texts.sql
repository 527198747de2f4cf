select key, text, max(said_at) as said_at
from
    (
        select t.message_id as key, t.text, o.said_at
        from message_texts t
        join occurrences o on o.message_id = t.message_id
        where
            o.kind in ('prompt', 'queued_prompt', 'plan', 'summary')
            or (o.kind = 'text' and o.role in ('assistant', 'user'))
        union all
        select concat('title:', md5(title)) as key, title as text, null as said_at
        from session_titles
    )
where length(text) > 2
group by key, text
order by said_at desc nulls first, key
