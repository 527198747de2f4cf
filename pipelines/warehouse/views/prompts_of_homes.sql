/*
Each row of `prompts_of_sessions`, without the lines of history.jsonl of before 2025-11-02 that a transcript has too: they name no
session, and are the prompts of their home with the same words within a minute.
*/
select q.*
from prompts_of_sessions q
where
    q.session_id is not null
    or not exists (
        select 1
        from prompts_of_sessions s
        where
            q.session_id is null
            and s.session_id is not null
            and s.in_transcript
            and s.home_id = q.home_id
            and s.prompt_text = q.prompt_text
            and abs(epoch(s.prompted_at) - epoch(q.prompted_at)) < 60
    )
