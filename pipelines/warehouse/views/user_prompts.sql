/*
One row for each prompt of a person, once, however many homes and files have it; also of sessions that are gone.

- home_id: The home where it was first seen.
- session_id: The session; NULL for lines of history.jsonl before 2025-11-02.
- project: The project of the working directory.
- prompted_at: When it was sent.
- prompt_text: The person's words, without the text that Claude Code and editors add around them; from history.jsonl as displayed.
- prompt_source: typed, queued (while Claude worked), command (a skill or command with its arguments), sdk, or history (only
    history.jsonl has it).
- is_abandoned: Whether the conversation was rewound to before it.
- paste_count: Texts and images pasted into it.
- in_transcript: Whether a transcript has it.
- in_history: Whether history.jsonl has it.
- working_directory: Working directory at that time, as written.
- home_ids: The homes that have it.
- file_id: The file of the record or line.
- byte_offset: Its offset.
- byte_length: Its length in bytes.
*/
select
    q.home_id,
    q.session_id,
    p.project,
    q.prompted_at,
    q.prompt_text,
    q.prompt_source,
    q.is_abandoned,
    q.paste_count,
    q.in_transcript,
    q.in_history,
    q.working_directory,
    q.home_ids,
    q.file_id,
    q.byte_offset,
    q.byte_length
from prompts_of_homes q
left join places p on p.home_id = q.home_id and p.path = q.working_directory
where not q.is_copy
