/*
One row for each five-hour window with responses, over all homes. A window begins at the full hour of its first response.

- started_at: When it begins: the full hour of its first response.
- ended_at: When it ends, five hours later.
- last_response_at: Time of its last response.
- response_count: Responses.
- input_tokens: Input tokens, without those of the cache.
- output_tokens: Output tokens.
- cache_read_tokens: Tokens read from the cache.
- cache_write_5m_tokens: Tokens written to the cache for five minutes.
- cache_write_1h_tokens: Tokens written to the cache for an hour.
- cost_usd: Their cost at list prices, in US dollars; NULL if none has a price.
- models: The models, each by one name.
- home_ids: The homes where they were first seen.
- file_ids: The files of the records behind the figures.
*/
with
    used as (
        select *, time_bucket(interval 1 hour, responded_at) as hour
        from priced_parts
        where not is_copy and responded_at is not null
    ),
    hours as (select distinct hour from used),
    next_hours as (
        select
            hour,
            min(hour) over (order by hour range between interval 5 hour following and unbounded following) as next_hour
        from hours
    ),
    begun as (
        with recursive
            windows as (
                select min(hour) as started_at
                from hours
                union
                select n.next_hour
                from windows w
                join next_hours n on n.hour = w.started_at
                where n.next_hour is not null
            )
        select started_at
        from windows
        where started_at is not null
    )
select
    b.started_at,
    b.started_at + interval 5 hour as ended_at,
    max(u.responded_at) as last_response_at,
    count(*) filter (u.part in ('message', 'fallback')) as response_count,
    sum(u.input_tokens)::bigint as input_tokens,
    sum(u.output_tokens)::bigint as output_tokens,
    sum(u.cache_read_tokens)::bigint as cache_read_tokens,
    sum(u.cache_write_5m_tokens)::bigint as cache_write_5m_tokens,
    sum(u.cache_write_1h_tokens)::bigint as cache_write_1h_tokens,
    total_usd(u.cost_usd) as cost_usd,
    list_sort(list(distinct u.model_id)) as models,
    list_sort(list(distinct u.home_id)) as home_ids,
    list_sort(list(distinct u.file_id)) as file_ids
from used u
asof join begun b on u.hour >= b.started_at
group by b.started_at
