"""The queries for tokens and cost by group: over rows of `token_usage`, each response once over all homes."""

from typing import Final

from models.errors import ConfigurationError
from pipelines.look.filters import Conditions, Filters

GROUPS: Final = {
    "day": "u.responded_at::DATE",
    "week": "date_trunc('week', u.responded_at)::DATE",
    "month": "strftime(u.responded_at::TIMESTAMP, '%Y-%m')",
    "hour": "strftime(date_trunc('hour', u.responded_at)::TIMESTAMP, '%Y-%m-%d %H:00')",
    "session": "u.session_id",
    "project": "u.project",
    "repository": "coalesce(s.project, u.project)",
    "model": "u.model_id",
    "home": "u.home_id",
}
"""The groups by name, with their SQL expressions over `token_usage`, which has the alias `u`. A repository is the
project that the session was started in: its subdirectories are projects of their own.
"""

AMOUNTS: Final = ("input_tokens", "output_tokens", "cache_write_tokens", "cache_read_tokens", "total_tokens")


def usage_query(filters: Filters, by: str) -> Conditions:
    """Return the query for the usage by one of GROUPS, or by `block`: the five hours from a first response.

    Raises ConfigurationError for another group.
    """
    wanted = filters.of_usage()
    if by == "block":
        return _blocks(wanted)
    if by not in GROUPS:
        raise ConfigurationError(f"usage is not grouped by {by!r}; there are {', '.join((*GROUPS, 'block'))}")
    sessions = "LEFT JOIN sessions s USING (home_id, session_id)" if by == "repository" else ""
    order = "min(u.responded_at)" if by == "session" else "cost_usd DESC NULLS LAST, 1" if by in _NAMES else "1"
    return Conditions(
        f'SELECT {GROUPS[by]} AS "{by}", {_SUMS} FROM token_usage u {sessions} WHERE {wanted.sql} '
        f"GROUP BY 1 ORDER BY {order}",
        wanted.values,
    )


def total_query(filters: Filters) -> Conditions:
    """Return the query for the total of all usage, one row."""
    wanted = filters.of_usage()
    return Conditions(f"SELECT {_SUMS} FROM token_usage u WHERE {wanted.sql}", wanted.values)


_NAMES: Final = ("project", "repository", "model", "home")
_SUMS: Final = """
    count(DISTINCT u.session_id) AS session_count,
    count(*) FILTER (u.part IN ('message', 'fallback')) AS response_count,
    sum(coalesce(u.input_tokens, 0))::BIGINT AS input_tokens,
    sum(coalesce(u.output_tokens, 0))::BIGINT AS output_tokens,
    sum(coalesce(u.cache_write_5m_tokens, 0) + coalesce(u.cache_write_1h_tokens, 0))::BIGINT AS cache_write_tokens,
    sum(coalesce(u.cache_read_tokens, 0))::BIGINT AS cache_read_tokens,
    sum(coalesce(u.input_tokens, 0) + coalesce(u.output_tokens, 0) + coalesce(u.cache_write_5m_tokens, 0)
        + coalesce(u.cache_write_1h_tokens, 0) + coalesce(u.cache_read_tokens, 0))::BIGINT AS total_tokens,
    sum(u.cost_usd) AS cost_usd,
    count(*) FILTER (u.cost_usd IS NULL) AS unpriced_part_count,
    round(avg(u.is_reliable::INTEGER), 4) AS reliable_share,
    list_sort(list(DISTINCT u.model_id) FILTER (u.model_id IS NOT NULL)) AS models,
    max(u.price_basis) FILTER (u.cost_usd IS NOT NULL) AS price_basis
"""


def _blocks(wanted: Conditions) -> Conditions:
    """Return the query for five-hour blocks: each begins at the full hour of the first response after the previous one.

    The start of a block depends on that of the previous one, so the starts are collected along the sorted hours.
    """
    return Conditions(
        f"""
        WITH used AS MATERIALIZED (
            SELECT u.* FROM token_usage u WHERE u.responded_at IS NOT NULL AND {wanted.sql}
        ), hours AS (
            SELECT list(DISTINCT [date_trunc('hour', responded_at)] ORDER BY [date_trunc('hour', responded_at)]) AS met
            FROM used
        ), blocks AS (
            SELECT unnest(list_reduce(met, lambda starts, hour: CASE
                WHEN hour[1] >= starts[-1] + INTERVAL 5 HOURS THEN list_concat(starts, hour) ELSE starts
            END)) AS block FROM hours WHERE len(met) > 0
        )
        SELECT strftime(b.block::TIMESTAMP, '%Y-%m-%d %H:%M') AS block, {_SUMS}
        FROM used u ASOF JOIN blocks b ON u.responded_at >= b.block GROUP BY 1 ORDER BY 1
        """,
        wanted.values,
    )
