/*
Each row of `usage_parts` with its cost at list prices.

- model_id: One name for all spellings of the model.
- cost_usd: Its cost at list prices, in US dollars; NULL if the model has no price.
- price_basis: The source of the price with its date; `no price` if none is known, `no tokens` if the record states none.
*/
select
    u.*,
    m.model_id,
    case
        when coalesce(u.input_tokens, u.output_tokens, u.cache_read_tokens) is not null
        then
            (
                coalesce(u.input_tokens, 0) * p.input_usd
                + coalesce(u.output_tokens, 0) * p.output_usd
                + coalesce(u.cache_read_tokens, 0) * p.cache_read_usd
                + coalesce(u.cache_write_5m_tokens, 0) * p.cache_write_5m_usd
                + coalesce(u.cache_write_1h_tokens, 0) * p.cache_write_1h_usd
            )
            / 1e6
            + case when u.web_search_requests > 0 then u.web_search_requests * p.web_search_usd / 1e3 else 0 end
    end as cost_usd,
    case
        when coalesce(u.input_tokens, u.output_tokens, u.cache_read_tokens) is null
        then 'no tokens'
        else coalesce(p.price_basis, 'no price')
    end as price_basis
from usage_parts u
left join
    (select model, model_id(model) as model_id from (select distinct model from usage_parts)) m
    on m.model is not distinct from u.model
left join
    prices p
    on p.model_id = m.model_id
    and p.speed = u.speed
    and p.processing = case when u.service_tier = 'batch' then 'batch' else 'standard' end
    and timezone('UTC', u.responded_at) >= coalesce(p.from_day::timestamp, '-infinity')
    and timezone('UTC', u.responded_at) < coalesce(p.until_day::timestamp, 'infinity')
    and coalesce(u.input_tokens, 0)
    + coalesce(u.cache_read_tokens, 0)
    + coalesce(u.cache_write_5m_tokens, 0)
    + coalesce(u.cache_write_1h_tokens, 0)
    > p.above_tokens
    and coalesce(u.input_tokens, 0)
    + coalesce(u.cache_read_tokens, 0)
    + coalesce(u.cache_write_5m_tokens, 0)
    + coalesce(u.cache_write_1h_tokens, 0)
    <= coalesce(p.up_to_tokens, 9000000000000000000)
