select
    session_id,
    home_id,
    band,
    count(*) as responses,
    max(share) as most_share,
    arg_max(context_tokens, share) as most_tokens,
    arg_max(limit_tokens, share) as limit_tokens
from context_windows
group by session_id, home_id, band
