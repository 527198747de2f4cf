/*
One row for each text that reaches Claude in a transcript, with its speaker: a person, a schedule, a teammate, a hook, or Claude
Code itself. The record's own fields determine the speaker; tags in the text do only if these are missing.

refresh: session

- home_id (text, required): The home.
- session_id (text): The session.
- agent_id (text): The subagent, if the text is for one.
- said_at (instant): The record's time.
- record_uuid (text, distinct): The record's id.
- record_type (text, required): user, attachment (a prompt that waited in the queue) or queue-operation (the only record of the prompt).
- speaker (text, required): person, claude (the task of a subagent), teammate, schedule, hook or claude_code.
- kind (text, required): prompt, command (a local command of Claude Code), shell (a command for the shell), context (added by an
    editor), notice (any other text of Claude Code), message (of a teammate), task (of a subagent).
- prompt_source (text): Of a prompt: typed, queued, command (a skill or command with its arguments) or sdk.
- is_prompt (flag, required): Whether it is a prompt of a person.
- is_interruption (flag, required): Whether it is Claude Code's note that a person stopped Claude.
- words (text): Of a prompt, the person's own words: without the text that Claude Code and editors put around them.
- paste_count (integer): Of a prompt, its pasted texts and images.
- message_id (text, distinct): The first text as it was written: joins `messages`.
- task_id (text): Of a notice that a background task ended: the task, which is a subagent's id if it was one.
- task_status (text): Of such a notice: completed, failed or killed.
- task_tokens (integer): Of such a notice: the tokens of the task.
- prompt_id (text): The id that all records of one prompt share.
- working_directory (text): Working directory at that time, as written.
- is_copy_in_home (flag, required): Whether another row of the same home represents it.
- is_copy (flag, required): Whether another row represents it when homes are taken together.
- file_id (integer, required): The record's file.
- byte_offset (integer, required): Its offset.
- byte_length (integer, required): Its length.
*/
with
    asked as (
        select
            r.*,
            r.scheduled_task_id is not null or coalesce(r.turn_origin = 'scheduled', false) as is_scheduled,
            r.record_type = 'attachment' as is_queued
        from records r
        where
            (r.record_type = 'user' and not coalesce(r.is_compact_summary, false))
            or (r.record_type = 'attachment' and r.subtype = 'queued_command')
    ),
    returned as (
        select file_id, byte_offset
        from content_blocks
        where role = 'user' and parent_block is null and (block_type = 'tool_result' or block_type like '%_tool_result')
    ),
    -- Records with nothing but results; others have words beside them.
    results as (
        select file_id, byte_offset
        from returned
        anti join
            (
                select file_id, byte_offset
                from content_blocks
                where role = 'user' and parent_block is null and block_type = 'text' and message_id is not null
            ) using (file_id, byte_offset)
    ),
    blocks as (
        select
            b.file_id,
            b.byte_offset,
            arg_min(b.message_id, b.block_number) filter (
                b.message_id is not null and b.block_type not like '%tool_result'
            ) as message_id,
            count(*) filter (b.block_type in ('image', 'document')) as attachment_count,
            list(b.message_id order by b.block_number) filter (
                b.block_type = 'text' and b.message_id is not null
            ) as message_ids
        from content_blocks b
        semi join asked a using (file_id, byte_offset)
        anti join results r using (file_id, byte_offset)
        where b.parent_block is null
        group by b.file_id, b.byte_offset
    ),
    queued as (
        select file_id, byte_offset, queued_uuid as source_uuid, is_queued_meta as is_meta
        from record_details
        where queued_uuid is not null or is_queued_meta
    ),
    -- A queued prompt that is not a list of blocks is the record's own text.
    written as (
        select
            a.file_id,
            a.byte_offset,
            coalesce(
                b.message_ids, case when a.is_queued and a.message_id is not null then [a.message_id] end
            ) as message_ids,
            coalesce(b.message_id, case when a.is_queued then a.message_id end) as first_id,
            coalesce(b.attachment_count, 0) as attachment_count
        from asked a
        left join blocks b using (file_id, byte_offset)
        anti join results r using (file_id, byte_offset)
    ),
    parts as (
        select file_id, byte_offset, unnest(message_ids) as text_id, generate_subscripts(message_ids, 1) as position
        from written
    ),
    joined as (
        select p.file_id, p.byte_offset, string_agg(t.text, chr(10) order by p.position) as text
        from parts p
        join message_texts t on t.message_id = p.text_id
        group by all
    ),
    -- Before there were attachments, the queue operation is the only record of a prompt sent while Claude worked.
    operations as (
        select
            file_id,
            byte_offset,
            subtype,
            count(*) filter (subtype = 'popAll') over (
                partition by file_id order by byte_offset rows unbounded preceding
            ) as emptied
        from records
        where record_type = 'queue-operation'
    ),
    -- The queue is first in, first out; prompts that the person took back (popAll) do not count.
    waited as (
        select
            file_id,
            byte_offset,
            subtype,
            emptied,
            row_number() over (partition by file_id, emptied, subtype = 'enqueue' order by byte_offset) as turn
        from operations
        where subtype in ('enqueue', 'dequeue', 'remove', 'absorb')
    ),
    taken_back as (select distinct file_id, emptied - 1 as emptied from operations where subtype = 'popAll'),
    not_dequeued as (
        select r.file_id, r.byte_offset, r.session_id, r.recorded_at, r.message_id, t.text
        from waited o
        left join
            waited w on w.file_id = o.file_id and w.emptied = o.emptied and w.turn = o.turn and w.subtype <> 'enqueue'
        anti join taken_back b on b.file_id = o.file_id and b.emptied = o.emptied and w.file_id is null
        join records r on r.file_id = o.file_id and r.byte_offset = o.byte_offset
        join message_texts t using (message_id)
        where o.subtype = 'enqueue' and w.subtype is distinct from 'dequeue'
    ),
    said_later as (
        select distinct n.file_id, n.byte_offset
        from not_dequeued n
        join
            (select a.session_id, a.recorded_at, j.text from joined j join asked a using (file_id, byte_offset)) u
            on u.session_id is not distinct from n.session_id
            and u.recorded_at >= n.recorded_at
            and contains(u.text, n.text)
    ),
    left_in_queue as (
        select file_id, byte_offset, message_id as first_id, 0 as attachment_count, text
        from not_dequeued
        anti join said_later using (file_id, byte_offset)
    ),
    -- The queue's records name no directory: it is that of the record before, or of the first one that names any.
    queued_places as (
        select file_id, byte_offset, cwd
        from
            (
                select
                    file_id,
                    byte_offset,
                    coalesce(
                        last_value(cwd ignore nulls) over (
                            partition by file_id order by byte_offset rows unbounded preceding
                        ),
                        first_value(cwd ignore nulls) over (
                            partition by file_id order by byte_offset rows between current row and unbounded following
                        )
                    ) as cwd
                from records
                semi join (select distinct file_id from left_in_queue) using (file_id)
            )
        semi join left_in_queue using (file_id, byte_offset)
    ),
    told_texts as (
        select w.file_id, w.byte_offset, w.first_id, w.attachment_count, j.text, a.is_scheduled, a.is_queued
        from written w
        join asked a using (file_id, byte_offset)
        left join joined j using (file_id, byte_offset)
        left join queued q using (file_id, byte_offset)
        where
            -- A queued prompt that became a user record is represented by that record.
            not a.is_queued
            or not exists (
                select 1
                from records u
                where
                    u.record_type = 'user' and u.session_id is not distinct from a.session_id and u.uuid = q.source_uuid
            )
        union all
        select file_id, byte_offset, first_id, attachment_count, text, false, true
        from left_in_queue
    ),
    texts as (
        select
            r.home_id,
            r.session_id,
            r.agent_id,
            r.recorded_at,
            r.uuid,
            r.record_type,
            case when t.is_queued then 'queued' else r.prompt_source end as prompt_source,
            r.is_meta or coalesce(q.is_meta, false) as is_meta,
            r.is_sidechain,
            r.entrypoint,
            r.prompt_id,
            coalesce(r.cwd, l.cwd) as cwd,
            r.origin_kind as origin,
            t.is_scheduled,
            r.command_mode,
            t.text,
            words_of(t.text) as words,
            t.first_id as message_id,
            t.attachment_count,
            r.file_id,
            r.byte_offset,
            r.byte_length
        from told_texts t
        join records r using (file_id, byte_offset)
        left join queued_places l using (file_id, byte_offset)
        left join queued q using (file_id, byte_offset)
    ),
    -- Reminders of Claude Code may precede any text. Notices, too, wait in the queue as prompts: there the tags decide.
    bare as (
        select
            *,
            case
                when regexp_matches(text, '^\s*<system-reminder>')
                then regexp_replace(text, '^(?:\s*<system-reminder>.*?</system-reminder>)+', '', 's')
                else text
            end as bare_text
        from texts
    ),
    classified as (
        select
            *,
            case
                when regexp_matches(bare_text, '^\s*<command-message>')
                then 'command'
                when regexp_matches(bare_text, '^\s*<command-name>')
                then 'local command'
                when regexp_matches(bare_text, '^\s*<bash-input>')
                then 'shell'
                when
                    regexp_matches(
                        bare_text,
                        '^\s*(?:Another Claude session sent a message:\s*)?<(?:teammate-message|agent-message|cross-session-message)[ >]'
                    )
                then 'teammate'
                when
                    regexp_matches(
                        bare_text,
                        '^\s*(?:<(?:task-notification|local-command-stdout|local-command-stderr|local-command-caveat|bash-stdout|bash-stderr)>|Caveat: The messages below were generated by the user while running local commands|This session is being continued from a previous conversation that ran out of context|\[Request interrupted by user[^]]*\]\s*$)'
                    )
                then 'notice'
                when regexp_matches(bare_text, '^\s*[A-Za-z]+ hook feedback:')
                then 'hook'
                when coalesce(words, '') = '' and coalesce(attachment_count, 0) = 0
                then 'context'
                else 'words'
            end as form,
            case
                when origin is not null
                then origin
                when prompt_source in ('typed', 'suggestion_accepted', 'sdk') and record_type = 'user'
                then 'human'
                when prompt_source = 'system'
                then 'system'
                when command_mode not in ('prompt', 'bash')
                then command_mode
            end as provenance
        from bare
    ),
    texts_by_source as (
        select
            *,
            case
                when is_scheduled
                then 'schedule'
                when agent_id is not null or coalesce(is_sidechain, false)
                then
                    case
                        when form = 'teammate'
                        then 'teammate'
                        when is_meta or form in ('notice', 'context', 'hook')
                        then 'claude_code'
                        else 'claude'
                    end
                when provenance in ('peer', 'coordinator', 'teammate', 'channel')
                then 'teammate'
                when provenance in ('schedule', 'scheduled', 'cron')
                then 'schedule'
                when provenance = 'hook'
                then 'hook'
                when provenance is not null and provenance <> 'human'
                then 'claude_code'
                when form = 'context' and contains(text, '<user-prompt-submit-hook>')
                then 'hook'
                when is_meta
                then case when form = 'hook' then 'hook' else 'claude_code' end
                when form = 'context'
                then 'claude_code'
                when provenance = 'human'
                then 'person'
                when form in ('teammate', 'hook')
                then form
                when form = 'notice'
                then 'claude_code'
                else 'person'
            end as speaker
        from classified
    ),
    kinds as (
        select
            *,
            case
                when speaker = 'claude'
                then 'task'
                when speaker in ('teammate', 'schedule')
                then 'message'
                when speaker <> 'person'
                then case when form = 'context' then 'context' else 'notice' end
                when form = 'shell' or command_mode = 'bash'
                then 'shell'
                when form = 'local command' and provenance is distinct from 'human'
                then 'command'
                else 'prompt'
            end as kind,
            case
                when
                    form = 'notice' and speaker = 'claude_code' and regexp_matches(bare_text, '^\s*<task-notification>')
                then
                    {
                        'task_id':regexp_extract(text, '<task-id>\s*([^<\s]+)', 1),
                        'status':regexp_extract(text, '<status>\s*([^<\s]+)', 1),
                        'tokens':regexp_extract(text, '<usage>[^/]*?total_tokens[>:]\s*([0-9]+)', 1)
                    }
            end as notification
        from texts_by_source
    )
select
    k.home_id,
    k.session_id,
    k.agent_id,
    k.recorded_at as said_at,
    k.uuid as record_uuid,
    k.record_type,
    k.speaker,
    k.kind,
    case
        when k.kind <> 'prompt'
        then null
        when k.prompt_source = 'queued'
        then 'queued'
        when k.form in ('command', 'local command')
        then 'command'
        when k.prompt_source = 'sdk' or (k.prompt_source is null and k.entrypoint like 'sdk-%')
        then 'sdk'
        else 'typed'
    end as prompt_source,
    k.kind = 'prompt' as is_prompt,
    coalesce(
        k.speaker = 'claude_code' and starts_with(k.text, '[Request interrupted by user'), false
    ) as is_interruption,
    case when k.kind = 'prompt' then k.words end as words,
    case when k.kind = 'prompt' then coalesce(k.attachment_count, 0) end as paste_count,
    k.message_id,
    nullif(k.notification.task_id, '') as task_id,
    nullif(k.notification.status, '') as task_status,
    try_cast(k.notification.tokens as bigint) as task_tokens,
    k.prompt_id,
    k.cwd as working_directory,
    coalesce(c.is_copy_in_home, false) as is_copy_in_home,
    c.file_id is not null as is_copy,
    k.file_id,
    k.byte_offset,
    k.byte_length
from kinds k
left join record_copies c using (file_id, byte_offset)
