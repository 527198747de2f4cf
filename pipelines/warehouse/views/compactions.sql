/*
Where a conversation was compacted, with the numbers of tokens before and after, from the record.

- trigger: Its cause: auto or manual.
- pre_tokens: Tokens of the context before it.
- post_tokens: Tokens of the context after it; NULL if the record does not say.
*/
select
    home_id,
    session_id,
    recorded_at,
    subtype,
    uuid,
    logical_parent_uuid,
    file_id,
    byte_offset,
    byte_length,
    run_id,
    coalesce(body -> 'compactMetadata', body -> 'microcompactMetadata') ->> 'trigger' as trigger,
    try_cast(
        coalesce(body -> 'compactMetadata', body -> 'microcompactMetadata') ->> 'preTokens' as bigint
    ) as pre_tokens,
    try_cast(body -> 'compactMetadata' ->> 'postTokens' as bigint) as post_tokens
from records
where record_type = 'system' and subtype in ('compact_boundary', 'microcompact_boundary')
