/*
One row for each prompt of a person in a session, copies included: from its transcripts, and from history.jsonl if these have it
no longer.

refresh: session

- home_id (text, required): The home.
- session_id (text): The session; NULL for lines of history.jsonl before 2025-11-02.
- prompted_at (instant): When it was sent.
- prompt_text (text): The person's words, without the text that Claude Code and editors add around them; from history.jsonl as displayed.
- prompt_source (text, required): typed, queued, command, sdk or history (no transcript has it).
- working_directory (text): Working directory at that time, as written.
- is_abandoned (flag, required): Whether the conversation was rewound to before it.
- paste_count (integer): Texts and images pasted into it.
- in_transcript (flag, required): Whether a transcript has it.
- in_history (flag, required): Whether history.jsonl has it.
- is_copy_in_home (flag, required): Whether another row of the same home represents it.
- is_copy (flag, required): Whether another row represents it when homes are taken together.
- home_ids (list of text): The homes that have it.
- file_id (integer, required): The file of the record or line.
- byte_offset (integer, required): Its offset.
- byte_length (integer, required): Its length.
*/
with
    said as (
        select
            s.*,
            coalesce(c.original_file_id, s.file_id) as event_file,
            coalesce(c.original_byte_offset, s.byte_offset) as event_offset,
            lower(regexp_replace(s.words, '\s+', ' ', 'g')) as display
        from speakers s
        left join record_copies c using (file_id, byte_offset)
        where s.is_prompt and coalesce(c.reason, 'copy') = 'copy'
    ),
    typed as (
        select p.*, lower(regexp_replace(p.prompt, '\s+', ' ', 'g')) as display
        from prompts p
        join files f using (file_id)
        where
            f.state <> 'superseded'
            -- history.jsonl has local commands too; they are not prompts.
            and not regexp_matches(
                p.prompt,
                '^\s*(?:!|/(?:add-dir|agents|bashes|bug|clear|color|compact|config|context|copy|cost|desktop|doctor|effort|exit|export|extra-usage|fast|feedback|fork|help|hooks|ide|install-github-app|keybindings|login|logout|mcp|memory|mobile|model|output-style|permissions|plan|plugin|plugins|privacy-settings|quit|release-notes|reload-plugins|remote-control|rename|resume|rewind|sandbox|skills|stats|status|statusline|tasks|terminal-setup|theme|todos|upgrade|usage|vim|voice)(?:\s|$)|(?:exit|quit)\s*$)'
            )
    ),
    talked as (
        select home_id, session_id, count(*) filter (where record_type in ('user', 'assistant')) as records
        from records
        where agent_id is null
        group by all
    ),
    met as (
        -- A line of history.jsonl is written when a prompt is sent, its record when Claude starts on it. The record may
        -- be in another home only.
        select distinct
            on (t.file_id, t.byte_offset) t.file_id,
            t.byte_offset,
            s.home_id <> t.home_id as is_elsewhere,
            s.file_id as said_file,
            s.byte_offset as said_offset,
            concat_ws(' ', s.event_file, s.event_offset) as event
        from typed t
        join said s on s.session_id = t.session_id
        where
            s.display = t.display
            or (t.paste_count > 0 and abs(epoch(s.said_at) - epoch(t.prompted_at)) < 30)
            or abs(epoch(s.said_at) - epoch(t.prompted_at)) < 2
        order by
            t.file_id,
            t.byte_offset,
            s.home_id <> t.home_id,
            abs(epoch(s.said_at) - epoch(t.prompted_at)) nulls last,
            s.file_id,
            s.byte_offset
    ),
    all_prompts as (
        select
            s.home_id,
            s.session_id,
            s.said_at as prompted_at,
            s.words as prompt_text,
            s.prompt_source,
            s.working_directory,
            a.file_id is not null as is_abandoned,
            s.paste_count,
            true as in_transcript,
            exists (select 1 from met m where m.said_file = s.file_id and m.said_offset = s.byte_offset) as in_history,
            s.is_copy_in_home,
            concat_ws(' ', s.event_file, s.event_offset) as event,
            s.is_copy,
            s.file_id,
            s.byte_offset,
            s.byte_length
        from said s
        left join abandoned_records a using (file_id, byte_offset)
        union all
        select
            t.home_id,
            t.session_id,
            t.prompted_at,
            t.prompt,
            'history',
            t.project_path,
            false,
            t.paste_count,
            false,
            true,
            row_number() over (
                partition by t.home_id, t.session_id, t.prompted_at, t.prompt order by t.file_id, t.byte_offset
            )
            > 1,
            coalesce(m.event, concat_ws(' ', t.session_id, t.prompted_at, t.prompt)),
            m.event is not null
            or row_number() over (
                partition by t.session_id, t.prompted_at, t.prompt
                order by f.first_run_id, t.home_id, t.file_id, t.byte_offset
            )
            > 1,
            t.file_id,
            t.byte_offset,
            t.byte_length
        from typed t
        join files f using (file_id)
        left join met m using (file_id, byte_offset)
        left join talked k on k.home_id = t.home_id and k.session_id = t.session_id
        where coalesce(k.records, 0) = 0 and coalesce(m.is_elsewhere, true)
    )
select
    * exclude (event) replace (bool_or(in_history) over (partition by event) as in_history),
    list_sort(list_distinct(list(home_id) over (partition by event))) as home_ids
from all_prompts
