"""Generates `pipelines/warehouse/prices.json` from the package genai-prices: `python3 dev.py prices`.

The file is committed, so that users of the project need neither the package nor a network. It has only the prices of
the makers of models: resellers have other prices, but a transcript does not show which provider served a request.
"""

import datetime
import json
import sys
from collections.abc import Iterator
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Final

from genai_prices.data import providers
from genai_prices.types import (
    ClauseAnd,
    ClauseContains,
    ClauseEndsWith,
    ClauseEquals,
    ClauseOr,
    ClauseRegex,
    ClauseStartsWith,
    MatchLogic,
    ModelInfo,
    ModelPrice,
    StartDateConstraint,
    TieredPrices,
)

from models.json import JsonObject, JsonValue

TARGET: Final = Path(__file__).resolve().parents[1] / "pipelines" / "warehouse" / "prices.json"
MAKERS: Final = (
    *("anthropic", "zai", "zhipuai", "moonshotai", "deepseek", "minimax", "openai", "google", "x-ai", "mistral"),
    *("meta", "cohere", "arcee"),
)
"""The makers of models, in order of precedence for a name that several of them have."""
UNITS: Final = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "web_search": "web_searches_kcount",
}
"""Names of prices in our list and in the package; per million tokens, for web searches per thousand."""


def _match(clause: MatchLogic) -> JsonObject:
    match clause:
        case ClauseEquals(equals=text):
            return {"equals": text.lower()}
        case ClauseStartsWith(starts_with=text):
            return {"starts_with": text.lower()}
        case ClauseEndsWith(ends_with=text):
            return {"ends_with": text.lower()}
        case ClauseContains(contains=text):
            return {"contains": text.lower()}
        case ClauseRegex(regex=text):
            return {"regex": text}
        case ClauseOr(or_=clauses):
            return {"any": [_match(each) for each in clauses]}
        case ClauseAnd(and_=clauses):
            return {"all": [_match(each) for each in clauses]}
        case _:
            raise TypeError(f"genai-prices has a new kind of clause: {clause}")


def _amounts(price: ModelPrice) -> JsonObject:
    made: JsonObject = {}
    for name, key in UNITS.items():
        value = getattr(price, key, None)
        if isinstance(value, TieredPrices):
            tiers: list[JsonValue] = [[tier.start, _number(tier.price)] for tier in value.tiers]
            made[name] = [[0, _number(value.base)], *tiers]
        elif value is not None:
            made[name] = _number(value)
    return made


def _number(value: Decimal) -> float:
    return float(value)


def _prices(model: ModelInfo) -> Iterator[JsonObject]:
    listed = model.prices if isinstance(model.prices, list) else None
    if listed is None:
        assert isinstance(model.prices, ModelPrice)
        yield {"amounts": _amounts(model.prices)}
    else:
        for each in listed:
            if each.constraint is None:
                yield {"amounts": _amounts(each.prices)}
            elif isinstance(each.constraint, StartDateConstraint):
                yield {"from": each.constraint.start_date.isoformat(), "amounts": _amounts(each.prices)}
    for variant in model.price_variants or ():
        # Ignore the date of a variant: it is when the package added it; batches have always cost half.
        yield {"when": dict(variant.when), "amounts": _amounts(variant.prices)}


def price_list() -> JsonObject:
    """Return the whole price list, as JSON values."""
    by_id = {provider.id: provider for provider in providers}
    models: list[JsonValue] = []
    for maker in MAKERS:
        for model in by_id[maker].models:
            prices = [price for price in _prices(model) if price["amounts"]]
            if prices:
                models.append(
                    {
                        "provider": maker,
                        "id": model.id,
                        "match": _match(model.match),
                        "context_window": model.context_window,
                        "prices": list(prices),
                    }
                )
    taken = version("genai-prices")
    return {"source": "genai-prices", "version": taken, "data_date": _data_date(taken), "models": models}


def _data_date(taken: str) -> str:
    """Return the day on which we first used this version of the package, because its data has no date."""
    if TARGET.exists():
        held = json.loads(TARGET.read_text("utf-8"))
        if held["version"] == taken:
            return str(held["data_date"])
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def main() -> int:
    """Write the file, or with `--check` compare it. Returns 1 if it differs."""
    head = price_list()
    models = head.pop("models")
    assert isinstance(models, list)
    lines = ",\n".join(json.dumps(model, separators=(",", ":")) for model in models)
    text = json.dumps(head)[:-1] + ', "models": [\n' + lines + "\n]}\n"
    if "--check" in sys.argv:
        return int(TARGET.read_text("utf-8") != text)
    TARGET.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
