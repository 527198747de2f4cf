/*
Tokens of a day by home and model: complete for each home, so that what two homes share is in both.

- day: The day, in the time zone of the connection.
- home_id: The home.
- model_id: One name for all spellings of the model.
- response_count: Responses; the parts of other models that they asked are not counted.
- input_tokens: Tokens sent that no cache held.
- output_tokens: Tokens answered, those of thinking included.
- thinking_tokens: Of these, tokens of thinking, where the records say so.
- cache_read_tokens: Tokens read from the cache.
- cache_write_5m_tokens: Tokens written to the cache for five minutes.
- cache_write_1h_tokens: Tokens written to the cache for an hour.
- web_search_requests: Searches made by the API.
- cost_usd: What they cost by the list of prices, in US dollars; NULL where none has a price.
- unpriced_part_count: Billed parts that have no price.
- reliable_share: Share of parts whose figures are final, from 0 to 1.
- file_ids: The files of the records that the figures come from.
*/
select
    u.responded_at::date as day,
    u.home_id,
    u.model_id,
    count(*) filter (u.part in ('message', 'fallback')) as response_count,
    sum(u.input_tokens)::bigint as input_tokens,
    sum(u.output_tokens)::bigint as output_tokens,
    sum(u.thinking_tokens)::bigint as thinking_tokens,
    sum(u.cache_read_tokens)::bigint as cache_read_tokens,
    sum(u.cache_write_5m_tokens)::bigint as cache_write_5m_tokens,
    sum(u.cache_write_1h_tokens)::bigint as cache_write_1h_tokens,
    sum(u.web_search_requests)::bigint as web_search_requests,
    total_usd(u.cost_usd) as cost_usd,
    count(*) filter (u.cost_usd is null) as unpriced_part_count,
    avg(u.is_reliable::integer) as reliable_share,
    list_sort(list(distinct u.file_id)) as file_ids
from priced_parts u
group by all
