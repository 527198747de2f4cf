/*
One row for each billed part of an API response, once, whatever the number of homes and files that have it.

- home_id: The home where it was first seen.
- session_id: The session.
- agent_id: The subagent, where the response is one's.
- project: The project of the working directory.
- working_directory: Working directory of the response's first record, as written.
- responded_at: Time of that record.
- model: The model, as written.
- model_id: One name for all spellings of the model: without provider, date, version suffix and context size.
- part: message; fallback (the model that answered instead of another); advisor (a model that was asked for advice); attempt (of a
    model whose answer was given up for another's); subagent_total (what a tool result says of a subagent without a transcript).
- speed: standard or fast.
- service_tier: standard, priority or batch, where the record says so.
- input_tokens: Tokens sent that no cache held.
- output_tokens: Tokens answered, those of thinking included.
- thinking_tokens: Of these, tokens of thinking, where the record says so.
- cache_read_tokens: Tokens read from the cache.
- cache_write_5m_tokens: Tokens written to the cache for five minutes.
- cache_write_1h_tokens: Tokens written to the cache for an hour.
- web_search_requests: Searches made by the API.
- cost_usd: What it costs by the list of prices, in US dollars; NULL where the model has no price.
- price_basis: Which price that is, or why there is none.
- stated_cost_usd: What the record itself says that the response costs, in US dollars.
- is_reliable: Whether the figures are final: the record says why the answer ended. Others may be placeholders of while the response
    was still being streamed, and then too low.
- version: Version of Claude Code.
- response_key: The response: joins `responses`.
- part_number: Counts the parts of a response from 0.
- home_ids: The homes that have it.
- file_id: The file of the record whose figures these are.
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
