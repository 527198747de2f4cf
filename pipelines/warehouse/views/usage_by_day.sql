/*
Tokens of a day by home and model: complete for each home: a response that two homes share is in both.

- day: The day, in the time zone of the connection.
- home_id: The home.
- model_id: One name for all spellings of the model.
- response_count: Responses, without those of advisors.
- input_tokens: Input tokens, without those of the cache.
- output_tokens: Output tokens, including thinking.
- thinking_tokens: Of these, tokens of thinking, as far as records say so.
- cache_read_tokens: Tokens read from the cache.
- cache_write_5m_tokens: Tokens written to the cache for five minutes.
- cache_write_1h_tokens: Tokens written to the cache for an hour.
- web_search_requests: Searches made by the API.
- cost_usd: Their cost at list prices, in US dollars; NULL if none has a price.
- unpriced_part_count: Billed parts that have no price.
- reliable_share: Share of parts whose figures are final, from 0 to 1.
- file_ids: The files of the records behind the figures.
*/
select u.responded_at::date as day, u.home_id, u.model_id, unnest(usage_figures(u))
from priced_parts u
group by u.responded_at::date, u.home_id, u.model_id
