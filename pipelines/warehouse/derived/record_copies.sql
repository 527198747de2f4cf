/*
One row for each record of a transcript that is not counted: a copy of another record, or a record of a superseded generation of its file.

refresh: session

- home_id (text, required): The home.
- session_id (text): The session.
- file_id (integer, required): The record's file.
- byte_offset (integer, required): Its offset.
- reason (text, required): copy (the same event written again: by a resume, a fork, a compaction that replays, a transcript that
    was moved or synced) or superseded (the file's content was replaced since).
- is_copy_in_home (flag, required): Whether a record of the same home represents it: then all counts of the home leave it out.
    Otherwise a record of another home represents it, and only totals over homes leave it out.
- original_home_id (text): The home of the record that represents it.
- original_session_id (text): That record's session.
- original_file_id (integer): That record's file.
- original_byte_offset (integer): That record's offset.
*/
with
    current as (
        select
            r.home_id,
            r.session_id,
            r.agent_id,
            r.is_sidechain,
            r.project_dir,
            r.file_id,
            r.byte_offset,
            r.byte_length,
            r.record_type,
            r.subtype,
            r.uuid,
            r.forked_from_session_id,
            r.forked_from_uuid,
            r.recorded_at,
            nullif(r.api_message_id, '') as api_message_id,
            r.message_id,
            nullif(r.request_id, '') as request_id,
            r.input_tokens,
            r.output_tokens,
            r.stop_reason,
            r.block_count,
            r.cwd,
            f.path,
            f.first_run_id
        from records r
        join files f using (file_id)
        where f.state <> 'superseded'
    ),
    -- In a fork made by the SDK each record has a new uuid and the uuid of its original; in a fork of a fork, the
    -- first original counts.
    forks as (select distinct uuid, forked_from_uuid as origin from current where forked_from_uuid <> uuid),
    origins as (
        with recursive
            chain as (
                select uuid, origin, 1 as steps
                from forks
                union
                select c.uuid, f.origin, c.steps + 1
                from chain c
                join forks f on f.uuid = c.origin
                where c.steps < 100
            )
        select uuid, arg_max(origin, steps) as origin
        from chain
        group by uuid
    ),
    -- Two joins, each with the few forks: the planner would build the table of one join from all records.
    named as (
        select *, uuid as event_uuid
        from current
        anti join forks using (uuid)
        union all by name
        select c.*, o.origin as event_uuid
        from (from current semi join forks using (uuid)) c
        join origins o using (uuid)
    ),
    repeated_events as (
        select event_uuid from named where event_uuid is not null group by event_uuid having count(*) > 1
    ),
    repeated_answers as (
        select api_message_id, request_id, recorded_at
        from current
        where record_type = 'assistant' and api_message_id is not null
        group by all
        having count(*) > 1
    ),
    -- Some SDKs write answers without any id: then time, text and token counts are compared.
    unnamed_answers as (
        select
            c.session_id,
            concat_ws(
                ' ',
                coalesce(c.request_id, '-'),
                c.recorded_at,
                coalesce(b.tool_use_id, b.message_id),
                coalesce(c.input_tokens, -1),
                coalesce(c.output_tokens, -1)
            ) as answer
        from current c
        join content_blocks b using (file_id, byte_offset)
        where
            c.record_type = 'assistant'
            and c.api_message_id is null
            and c.recorded_at is not null
            and b.block_number = 0
            and coalesce(b.tool_use_id, b.message_id) is not null
    ),
    -- Sessions with a common answer, directly or through other sessions, have their questions in common too: such a
    -- copy has new uuids and does not name its original.
    shared_answers as (
        select distinct session_id, min(session_id) over (partition by answer) as other
        from
            (
                select c.session_id, concat_ws(' ', c.api_message_id, c.request_id, c.recorded_at) as answer
                from current c
                semi join
                    repeated_answers a
                    on a.api_message_id = c.api_message_id
                    and a.request_id is not distinct from c.request_id
                    and a.recorded_at = c.recorded_at
                where c.record_type = 'assistant'
                union all
                select session_id, answer
                from unnamed_answers
            )
        where session_id is not null
    ),
    neighbours as (
        select session_id, other
        from shared_answers
        where session_id <> other
        union
        select other, session_id
        from shared_answers
        where session_id <> other
    ),
    tied_sessions as (
        with recursive labels(session_id, tie)
        using
            key(session_id) as (
                select session_id, session_id
                from neighbours
                group by session_id
                union
                select n.session_id, min(l.tie)
                from labels l
                join neighbours n on n.other = l.session_id
                join recurring.labels known on known.session_id = n.session_id
                where l.tie < known.tie
                group by n.session_id
            )
        select session_id, tie
        from labels
    ),
    -- Records without a uuid (modes, titles, queue operations) are copies only if a session has more than one
    -- transcript.
    transcripts as (
        select session_id
        from current
        where agent_id is null and session_id is not null
        group by session_id
        having count(distinct file_id) > 1
    ),
    candidates as (
        select n.*, t.tie
        from named n
        left join tied_sessions t using (session_id)
        where
            n.uuid is not null
            and (
                n.event_uuid in (from repeated_events)
                or t.tie is not null
                or (n.api_message_id, n.recorded_at) in (select (api_message_id, recorded_at) from repeated_answers)
            )
    ),
    firsts as (
        select
            b.file_id,
            b.byte_offset,
            case
                when b.block_type in ('thinking', 'redacted_thinking')
                then 'thinking'
                else coalesce(b.tool_use_id, b.message_id, b.media_sha256, b.block_type)
            end as content
        from content_blocks b
        semi join candidates c using (file_id, byte_offset)
        where b.block_number = 0
    ),
    -- In tied sessions, records with equal time, text and token counts are one event, whatever their uuids: the n-th
    -- of them in one file is a copy of the n-th in the others.
    events as (
        select
            c.event_uuid,
            concat_ws(
                ' ',
                c.tie,
                c.record_type,
                coalesce(c.subtype, '-'),
                c.recorded_at,
                coalesce(f.content, '-'),
                coalesce(c.api_message_id, '-'),
                coalesce(c.request_id, '-'),
                coalesce(c.input_tokens, -1),
                coalesce(c.output_tokens, -1)
            ) as words,
            c.file_id,
            min(c.byte_offset) as byte_offset
        from candidates c
        left join firsts f using (file_id, byte_offset)
        where c.tie is not null and c.recorded_at is not null
        group by all
    ),
    told_events as (
        select event_uuid, min(told_uuid) as told_uuid
        from
            (
                select event_uuid, min(event_uuid) over (partition by words, nth) as told_uuid
                from (select *, row_number() over (partition by words, file_id order by byte_offset) as nth from events)
            )
        group by event_uuid
    ),
    keyed as (
        select
            c.*,
            case
                when c.record_type = 'assistant' and c.api_message_id is not null and c.request_id is not null
                then concat_ws(' ', 'answer', c.api_message_id, c.request_id, c.recorded_at, f.content)
                when
                    c.tie is not null
                    or c.record_type <> 'assistant'
                    or c.api_message_id is null
                    or c.event_uuid in (from repeated_events)
                then
                    concat_ws(
                        ' ',
                        'event',
                        coalesce(t.told_uuid, c.event_uuid),
                        c.record_type,
                        c.recorded_at,
                        coalesce(f.content, '-')
                    )
                -- Without a request id, gateways repeat message ids even within a millisecond: the token counts must
                -- be equal.
                else
                    concat_ws(
                        ' ', 'answer', c.api_message_id, c.recorded_at, f.content, '-', c.input_tokens, c.output_tokens
                    )
            end as event
        from candidates c
        left join firsts f using (file_id, byte_offset)
        left join told_events t on t.event_uuid = c.event_uuid
        union all
        select
            n.*,
            null as tie,
            concat_ws(
                ' ',
                'line',
                n.session_id,
                n.record_type,
                coalesce(n.subtype, '-'),
                n.byte_length,
                coalesce(n.recorded_at::varchar, '-'),
                coalesce(n.message_id, '-'),
                row_number() over (
                    partition by n.file_id, n.record_type, n.subtype, n.byte_length, n.recorded_at, n.message_id
                    order by n.byte_offset
                )
            ) as event
        from named n
        semi join transcripts t using (session_id)
        where n.uuid is null and n.agent_id is null
    ),
    ends as (
        select home_id, session_id, max(recorded_at) as ended_at
        from current
        semi join (select distinct session_id from keyed where event is not null) using (session_id)
        group by all
    ),
    ranked as (
        select
            k.home_id,
            k.session_id,
            k.file_id,
            k.byte_offset,
            row_number() over (home) as home_rank,
            row_number() over (everywhere) as overall_rank,
            first_value(k.home_id) over (everywhere) as original_home_id,
            first_value(k.session_id) over (everywhere) as original_session_id,
            first_value(k.file_id) over (everywhere) as original_file_id,
            first_value(k.byte_offset) over (everywhere) as original_byte_offset
        from keyed k
        left join ends e on e.home_id = k.home_id and e.session_id is not distinct from k.session_id
        where k.event is not null
        window
            home as (
                partition by k.event, k.home_id
                order by
                    coalesce(k.output_tokens, -1) desc,
                    k.stop_reason is not null desc,
                    k.block_count desc,
                    coalesce(k.is_sidechain, false) = (k.agent_id is not null) desc,
                    k.agent_id is null desc,
                    k.forked_from_session_id is null desc,
                    k.first_run_id,
                    k.project_dir = regexp_replace(k.cwd, '[^A-Za-z0-9]', '-', 'g') desc nulls last,
                    e.ended_at,
                    k.session_id,
                    k.path,
                    k.byte_offset
            ),
            everywhere as (
                partition by k.event
                order by
                    coalesce(k.output_tokens, -1) desc,
                    k.stop_reason is not null desc,
                    k.block_count desc,
                    coalesce(k.is_sidechain, false) = (k.agent_id is not null) desc,
                    k.agent_id is null desc,
                    k.forked_from_session_id is null desc,
                    k.first_run_id,
                    k.project_dir = regexp_replace(k.cwd, '[^A-Za-z0-9]', '-', 'g') desc nulls last,
                    e.ended_at,
                    k.session_id,
                    k.home_id,
                    k.path,
                    k.byte_offset
            )
    )
select
    home_id,
    session_id,
    file_id,
    byte_offset,
    'copy' as reason,
    home_rank > 1 as is_copy_in_home,
    original_home_id,
    original_session_id,
    original_file_id,
    original_byte_offset
from ranked
where overall_rank > 1
union all
select r.home_id, r.session_id, r.file_id, r.byte_offset, 'superseded', true, null, null, null, null
from records r
join files f using (file_id)
where f.state = 'superseded'
