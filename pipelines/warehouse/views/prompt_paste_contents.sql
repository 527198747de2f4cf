/*
Each paste of a prompt, with the place of its text.

- content_state: Where the text is: inline, kept (in paste-cache/), gone (deleted before a run read it), none (no text).
*/
select
    p.* exclude (message_id),
    coalesce(p.message_id, k.message_id) as message_id,
    case
        when p.message_id is not null
        then 'inline'
        when k.paste_hash is not null
        then 'kept'
        when p.paste_hash is not null
        then 'gone'
        else 'none'
    end as content_state
from prompt_pastes p
left join
    (select distinct on (paste_hash) paste_hash, message_id from pastes order by paste_hash, message_id) k using (
        paste_hash
    )
