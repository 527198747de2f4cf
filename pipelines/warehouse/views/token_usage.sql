/*
One row for each billed part of an API response, once, however many homes and files have it.

- home_id: The home where it was first seen.
- session_id: The session.
- agent_id: The subagent, if the response is a subagent's.
- project: The project of the working directory.
- working_directory: Working directory of the response's first record, as written.
- responded_at: Time of that record.
- model: The model, as written.
- model_id: One name for all spellings of the model: without provider, date, version suffix and context size.
- part: message; fallback (the model that answered instead of another); advisor (a model that gave advice); attempt (of a
    model whose answer was replaced by another model's); subagent_total (the total in a tool result, for a subagent without transcript).
- speed: standard or fast.
- service_tier: standard, priority or batch; NULL if the record does not say.
- input_tokens: Input tokens, without those of the cache.
- output_tokens: Output tokens, including thinking.
- thinking_tokens: Of these, tokens of thinking; NULL if the record does not say.
- cache_read_tokens: Tokens read from the cache.
- cache_write_5m_tokens: Tokens written to the cache for five minutes.
- cache_write_1h_tokens: Tokens written to the cache for an hour.
- web_search_requests: Searches made by the API.
- cost_usd: Its cost at list prices, in US dollars; NULL if the model has no price.
- price_basis: The source of the price, or why there is none.
- stated_cost_usd: The cost of the response as written in the record, in US dollars.
- is_reliable: Whether the figures are final: the record has a stop reason. Others may be placeholders written while the response
    was still streaming, and then too low.
- version: Version of Claude Code.
- response_key: The response: joins `responses`.
- part_number: The number of the part in its response, from 0.
- home_ids: The homes that have it.
- file_id: The file of the record with these figures.
- byte_offset: Its offset.
- byte_length: Its length in bytes.
*/
select
    u.home_id,
    u.session_id,
    u.agent_id,
    p.project,
    u.working_directory,
    u.responded_at,
    u.model,
    u.model_id,
    u.part,
    u.speed,
    u.service_tier,
    u.input_tokens,
    u.output_tokens,
    u.thinking_tokens,
    u.cache_read_tokens,
    u.cache_write_5m_tokens,
    u.cache_write_1h_tokens,
    u.web_search_requests,
    u.cost_usd,
    u.price_basis,
    u.stated_cost_usd,
    u.is_reliable,
    u.version,
    u.response_key,
    u.part_number,
    u.home_ids,
    u.file_id,
    u.byte_offset,
    u.byte_length
from priced_parts u
left join places p on p.home_id = u.home_id and p.path = u.working_directory
where not u.is_copy
