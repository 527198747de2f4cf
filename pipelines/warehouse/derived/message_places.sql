/*
What is known of each message from the places where it was seen; `messages` joins it with the text.

refresh: message_id

- message_id (text, required, distinct): SHA-256 of the exact text in UTF-8, in hex.
- kind (text, required): What it was where it was first said: prompt, text, tool_result, …
- role (text): Who said it there: user, assistant, system or tool.
- first_said_at (instant): The earliest time that an entry gives for it (UTC).
- occurrence_count (integer, required): Places where it was seen.
- session_count (integer, required): Sessions in which it was seen.
- home_count (integer, required): Homes in which it was seen.
- was_imported (flag, required): Whether a store that was read in knew it already.
*/
with
    places as (
        select
            message_id,
            arg_min(
                {'kind':kind, 'role':role}, {'at':coalesce(said_at, timestamp '9999-01-01'), 'kind':kind, 'role':role}
            ) as first,
            min(said_at) as first_said_at,
            count(*) as occurrence_count,
            count(distinct session_id) as session_count,
            count(distinct home_id) as home_count
        from occurrences
        group by message_id
    )
select
    p.message_id,
    p.first.kind as kind,
    p.first.role as role,
    p.first_said_at,
    p.occurrence_count,
    p.session_count,
    p.home_count,
    i.message_id is not null as was_imported
from places p
left join imported_messages i using (message_id)
