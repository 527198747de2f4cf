select
    n.number,
    n.rank,
    n.score,
    t.home_id,
    t.session_id,
    t.at as found_at,
    t.file_id,
    t.byte_offset,
    t.byte_length,
    t.kind,
    n.key,
    t.title_text
from nearest n
join
    (
        select
            o.message_id as key,
            o.home_id,
            o.session_id,
            o.said_at as at,
            o.file_id,
            o.byte_offset,
            o.byte_length,
            case
                when o.kind in ('prompt', 'queued_prompt')
                then 'prompt'
                when o.kind = 'text'
                then case when o.role = 'assistant' then 'answer' else 'prompt' end
                when o.kind = 'plan'
                then 'plan'
                else 'summary'
            end as kind,
            null as title_text
        from occurrences o
        where
            o.message_id in (select key from nearest)
            and o.kind in ('prompt', 'queued_prompt', 'text', 'plan', 'summary')
        union all
        select
            concat('title:', md5(title)), home_id, session_id, null, file_id, byte_offset, byte_length, 'title', title
        from session_titles
        where concat('title:', md5(title)) in (select key from nearest)
    ) t
    on t.key = n.key
