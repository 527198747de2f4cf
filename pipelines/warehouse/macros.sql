/*
Functions that derived tables and views share. They are stored in the warehouse, so your own queries can use them.
*/
create or replace macro address(file, first_byte, bytes) as (
    select
        concat(
            f.home_id,
            ':',
            f.path,
            case when f.generation > 1 then concat('#', f.generation) else '' end,
            '@',
            first_byte,
            '+',
            bytes
        )
    from files f
    where f.file_id = file
)
;

-- The normal spelling of a path: upper-case drive letter, the separator of its system, no separator at the end.
create or replace macro place_of(path) as (
    case
        when regexp_matches(path, '^[A-Za-z]:')
        then
            upper(path[1])
            || regexp_replace(regexp_replace(replace(path[2:], '/', chr(92)), '\\+$', ''), '^:$', ':' || repeat(chr(92), 2))
        when starts_with(path, chr(92))
        then regexp_replace(replace(path, '/', chr(92)), '\\+$', '')
        when regexp_matches(path, '^/+$')
        then '/'
        else regexp_replace(path, '/+$', '')
    end
)
;

-- The repository that a path belongs to: a worktree below .claude/worktrees/ is folded into it.
create or replace macro project_of(path) as (
    regexp_replace(place_of(path), '[/\\]\.claude[/\\]worktrees[/\\].*$', '')
)
;

-- One name for all providers' spellings of a model: see `token_usage.model_id`.
create or replace macro model_id(model) as (
    regexp_replace(
        regexp_replace(
            regexp_replace(
                regexp_replace(
                    regexp_replace(
                        regexp_replace(
                            regexp_replace(lower(trim(model)), '\[[0-9]+[km]\]$', ''), '^(?:.*/)?(?:(?:[a-z-]+\.)?anthropic(?:\.|--)|databricks-)?', ''
                        ),
                        '^(claude-.*?)(?:-v[0-9]+)?(?:[:@][a-z0-9]+)*$|^(.*)(?::(?:[a-z]+|[0-9]+)|@[a-z0-9]+)$',
                        '\1\2'
                    ),
                    '^(claude-.*[0-9])\.([0-9])',
                    '\1-\2'
                ),
                '-20[0-9]{6}$|-latest$',
                ''
            ),
            '^(claude-.*?)(?:-20[0-9]{6}|-latest|-thinking|-1m)+$',
            '\1'
        ),
        '^claude-([4-9](?:-[0-9]{1,2})?)-(opus|sonnet|haiku)$',
        'claude-\2-\1'
    )
)
;

-- A person's words without the text that Claude Code and editors add around them.
create or replace macro words_of(text) as (
    trim(
        regexp_replace(
            regexp_replace(
                text,
                '<(?:ide_opened_file|ide_selection|ide_diagnostics|system-reminder|local-command-caveat|user-prompt-submit-hook)>.*?</(?:ide_opened_file|ide_selection|ide_diagnostics|system-reminder|local-command-caveat|user-prompt-submit-hook)>|^\s*\[Request interrupted by user[^]]*\]\s',
                '',
                'gs'
            ),
            '^\s*<command-message>.*?</command-message>\s*<command-name>(.*?)</command-name>(?:\s*<skill-format>.*?</skill-format>)?(?:\s*<command-args>(.*?)</command-args>)?(?:\s*<skill-format>.*?</skill-format>)?\s*|^\s*<command-name>(.*?)</command-name>(?:\s*<command-message>.*?</command-message>)?(?:\s*<command-args>(.*?)</command-args>)?\s*',
            '\1\3 \2\4 ',
            's'
        ),
        e' \t\r\n'
    )
)
;

-- Of the tokens written to the cache, those kept for five minutes: all that are not kept for an hour.
create or replace macro kept_five_minutes(written, hour_tokens) as (
    case when written is not null then greatest(written - coalesce(hour_tokens, 0), 0) end
)
;

-- A sum of dollars that does not depend on the order of addition.
create or replace macro total_usd(cost) as (sum(cost::decimal(28, 12))::double)
;

-- Whether the text of a failed call's result says that a person or a rule refused the call.
create or replace macro is_denial(text) as (
    coalesce(
        regexp_matches(
            text,
            '^(?:The user doesn.t want to |Permission (?:to use|for this) .*(?:denied|rejected)|Claude requested permissions? to |.{0,80} denied by )'
        ),
        false
    )
)
;

-- The figures of a group of billed parts: `u` is a row of `priced_parts`. Use it as unnest(usage_figures(u)).
create or replace macro usage_figures(u) as (
    {
        'response_count':count(*) filter (u.part in ('message', 'fallback')),
        'input_tokens':sum(u.input_tokens)::bigint,
        'output_tokens':sum(u.output_tokens)::bigint,
        'thinking_tokens':sum(u.thinking_tokens)::bigint,
        'cache_read_tokens':sum(u.cache_read_tokens)::bigint,
        'cache_write_5m_tokens':sum(u.cache_write_5m_tokens)::bigint,
        'cache_write_1h_tokens':sum(u.cache_write_1h_tokens)::bigint,
        'web_search_requests':sum(u.web_search_requests)::bigint,
        'cost_usd':total_usd(u.cost_usd),
        'unpriced_part_count':count(*) filter (u.cost_usd is null),
        'reliable_share':avg(u.is_reliable::integer),
        'file_ids':list_sort(list(distinct u.file_id))
    }
)
;
