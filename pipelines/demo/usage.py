"""Token usage as each version writes it: its fields, and whether `output_tokens` is the true number."""

from pipelines.demo.rng import Rng
from pipelines.demo.versions import Traits, Usage


def model_of(rng: Rng, traits: Traits) -> str:
    """Return the name of a model that was current when the version was released."""
    if not traits.since(2, 0):
        return "claude-sonnet-4-20250514"
    if not traits.since(2, 1, 2):
        return rng.pick(("claude-sonnet-4-5-20250929", "claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001"))
    if not traits.since(2, 1, 39):
        return rng.pick(("claude-opus-4-5-20251101", "claude-opus-4-5-20251101", "claude-haiku-4-5-20251001"))
    if not traits.since(2, 1, 121):
        return rng.pick(("claude-opus-4-6", "claude-opus-4-6", "claude-sonnet-4-6"))
    return "claude-opus-4-7" if not traits.since(2, 1, 222) else rng.pick(("claude-opus-5", "claude-sonnet-5"))


def shown_output(rng: Rng, rule: Usage, truth: int, is_last: bool) -> int:
    """Return the `output_tokens` that a version writes on one record of a response with `truth` output tokens."""
    if rule == "final" or (is_last and rule in ("last", "last_with_stop")):
        return truth
    if rule == "early" and is_last and rng.chance(0.6):
        return truth
    return min(truth, rng.between(1, 9))


def shown_stop(rng: Rng, rule: Usage, reason: str, is_last: bool) -> str | None:
    """Return the `stop_reason` that a version writes on one record of a response."""
    if rule == "final" or (rule == "last_with_stop" and is_last) or (rule == "last" and is_last and rng.chance(0.1)):
        return reason
    return None


def usage(traits: Traits, tokens: tuple[int, int, int], output: int) -> dict[str, object]:
    """Return the `usage` of one record; `tokens` are input, cache creation and cache read tokens."""
    given, created, cached = tokens
    split: dict[str, object] = {"ephemeral_5m_input_tokens": created, "ephemeral_1h_input_tokens": 0}
    result: dict[str, object] = {
        "input_tokens": given,
        "cache_creation_input_tokens": created,
        "cache_read_input_tokens": cached,
    }
    if not traits.since(2, 1, 96):
        if traits.since(1, 0, 98):
            result["cache_creation"] = split
        result |= {"output_tokens": output, "service_tier": "standard"}
        if traits.since(2, 1, 37):
            result["inference_geo"] = "not_available"
        if traits.since(2, 1, 38):
            result["iterations"] = []
        return result
    result |= {
        "output_tokens": output,
        "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
        "service_tier": "standard",
        "cache_creation": split,
        "inference_geo": "not_available",
        "iterations": [],
        "speed": "standard",
    }
    if traits.since(2, 1, 142):
        step: dict[str, object] = {"input_tokens": given, "output_tokens": output, "cache_read_input_tokens": cached}
        step |= {"cache_creation_input_tokens": created, "cache_creation": split, "type": "message"}
        result["iterations"] = [step]
    if traits.since(2, 1, 228):
        result["output_tokens_details"] = {"thinking_tokens": output // 3}
    return result


def gateway_usage(rng: Rng, given: int, cached: int, output: int) -> dict[str, object]:
    """Return the `usage` that a third-party gateway reports: without some fields, with costs as floats."""
    if rng.chance(0.4):
        cost = (given * 3 + output * 15) / 1_000_000
        return {
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "input_tokens": given + cached,
            "output_tokens": output,
            "x_anthropic_cost_usd": round(cost, 5),
            "x_cost_display": f"${cost:.4f}",
        }
    result: dict[str, object] = {"input_tokens": given, "output_tokens": output, "cache_read_input_tokens": cached}
    if rng.chance(0.5):
        result |= {"server_tool_use": {"web_search_requests": 0}, "service_tier": "standard"}
    return result


def synthetic_usage() -> dict[str, object]:
    """Return the `usage` of a message that Claude Code itself generated: all zero or null."""
    return {
        "input_tokens": 0,
        "output_tokens": 0,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
        "service_tier": None,
        "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
    }
