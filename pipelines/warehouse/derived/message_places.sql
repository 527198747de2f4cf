/*
One row for each message with the counts of its occurrences; `messages` joins it with the text.

refresh: message_id

- message_id (text, required, distinct): SHA-256 of the exact text in UTF-8, in hex.
- kind (text, required): Its kind at its first occurrence: prompt, text, tool_result, …
- role (text): The speaker there: user, assistant, system or tool.
- first_said_at (instant): The earliest time in its entries (UTC).
- occurrence_count (integer, required): Number of its occurrences.
- session_count (integer, required): Number of sessions with it.
- home_count (integer, required): Number of homes with it.
- was_imported (flag, required): Whether an imported store had it (`extract import-store`).
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
