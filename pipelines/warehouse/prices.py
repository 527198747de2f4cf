"""List prices of tokens: the price list, and the table `prices` with the prices of the models in the warehouse.

The list (`prices.json`) comes from the package genai-prices; `python3 dev.py prices` generates it. It has the days from
which prices apply, higher prices for longer contexts, batches, the fast mode and web searches. Prices in settings.toml
override the list. These are prices of the API; a subscription is billed differently.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import duckdb

from models.json import JsonObject, JsonValue
from models.schema import FLOAT, INTEGER, TEXT, Column, Table
from pipelines.warehouse.engine_types import ENGINE_TYPES
from pipelines.warehouse.given_rows import rows_query

PRICES: Final = Table(
    "prices",
    "One row for each price of a model in the archive: by speed, processing, period, and context size. At most one row "
    "applies to a request. A model without a row has no known price.",
    (
        Column("model_id", TEXT, "The model, as `model_id()` spells it.", required=True),
        Column("speed", TEXT, "standard or fast.", required=True),
        Column("processing", TEXT, "standard or batch.", required=True),
        Column("from_day", TEXT, "The first day (UTC) of the price; NULL: it is the first known price."),
        Column("until_day", TEXT, "The first day (UTC) of the next price; NULL: there is none yet."),
        Column(
            "above_tokens",
            INTEGER,
            "The price applies to requests with more input tokens, those of the cache included.",
            required=True,
        ),
        Column("up_to_tokens", INTEGER, "And with at most so many; NULL: without a limit."),
        Column("input_usd", FLOAT, "US dollars for a million input tokens not read from the cache.", required=True),
        Column("output_usd", FLOAT, "US dollars for a million output tokens.", required=True),
        Column("cache_read_usd", FLOAT, "US dollars for a million tokens read from the cache.", required=True),
        Column("cache_write_5m_usd", FLOAT, "US dollars for a million tokens cached for five minutes.", required=True),
        Column("cache_write_1h_usd", FLOAT, "US dollars for a million tokens cached for an hour.", required=True),
        Column("web_search_usd", FLOAT, "US dollars for a thousand web searches; NULL: not known."),
        Column("context_window", INTEGER, "The model's context window in tokens, from the price list."),
        Column("price_basis", TEXT, "The source of the price, with the date of the list.", required=True),
    ),
    has_provenance=False,
)

OWN_PRICES: Final = "settings.toml"
Amounts = Mapping[str, float]
OwnPrices = Mapping[str, Amounts]
"""The prices in settings.toml by model_id, in US dollars per million tokens."""


@dataclass(frozen=True, slots=True)
class _DatedPrice:
    """The prices of a model for one speed and processing, from a day on."""

    speed: str
    processing: str
    from_day: str | None
    amounts: JsonObject


def prices_of(model_id: str, own: OwnPrices) -> list[tuple[str | int | float | None, ...]]:
    """Return the rows of the table `prices` for a model; none if its price is not known. `own` overrides the list."""
    if model_id in own:
        amounts = own[model_id]
        own_amounts: JsonObject = {
            "input": amounts["input"],
            "output": amounts["output"],
            "cache_read": amounts.get("cache_read", amounts["input"]),
            "cache_write": amounts.get("cache_write_5m", amounts["input"]),
            "cache_write_1h": amounts.get("cache_write_1h", amounts.get("cache_write_5m", amounts["input"])),
            "web_search": amounts.get("web_search"),
        }
        entry = _list_entry(model_id)
        window = entry.get("context_window") if entry is not None else None
        variants = [
            _DatedPrice(speed, mode, None, own_amounts)
            for speed in ("standard", "fast")
            for mode in ("standard", "batch")
        ]
        return [row for one in variants for row in _rows(model_id, one, None, window, OWN_PRICES)]
    entry = _list_entry(model_id)
    return list(_listed_rows(model_id, entry)) if entry is not None else []


def fill_prices(connection: duckdb.DuckDBPyConnection, models: Iterable[str], own: OwnPrices) -> None:
    """Replace the rows of the table `prices` by those of these models (named as by the SQL macro `model_id()`)."""
    rows = [row for model in sorted(models) for row in prices_of(model, own)]
    types = {column.name: ENGINE_TYPES[column.type] for column in PRICES.columns}
    connection.execute(f'DELETE FROM "{PRICES.name}"')
    connection.execute(f'INSERT INTO "{PRICES.name}" {rows_query(types, rows)}')


@cache
def _price_list() -> JsonObject:
    price_list: JsonObject = json.loads(Path(__file__).with_name("prices.json").read_text("utf-8"))
    return price_list


@cache
def _list_entry(model_id: str) -> JsonObject | None:
    """Return the list's entry for a model: the first one whose `match` clause accepts its name; None if none does."""
    models = _price_list()["models"]
    assert isinstance(models, list)
    for entry in models:
        assert isinstance(entry, dict)
        if _matches(entry["match"], model_id):
            return entry
    return None


def _matches(clause: JsonValue, text: str) -> bool:
    assert isinstance(clause, dict)
    ((kind, operand),) = clause.items()
    if isinstance(operand, list):
        return (any if kind == "any" else all)(_matches(each, text) for each in operand)
    assert isinstance(operand, str)
    match kind:
        case "equals":
            return text == operand
        case "starts_with":
            return text.startswith(operand)
        case "ends_with":
            return text.endswith(operand)
        case "contains":
            return operand in text
        case _:
            return re.search(operand, text) is not None


def _listed_rows(model_id: str, entry: JsonObject) -> Iterator[tuple[str | int | float | None, ...]]:
    prices = entry["prices"]
    assert isinstance(prices, list)
    basis = "{source} {version} of {data_date}".format_map(_price_list())
    dated = [price for price in prices if isinstance(price, dict) and "when" not in price]
    days = [_day(price) for price in dated]
    dated = [price for _, price in sorted(zip(days, dated, strict=True), key=lambda pair: pair[0] or "")]
    days = sorted(days, key=lambda day: day or "")
    window = entry["context_window"]
    for price, day, until in zip(dated, days, [*days[1:], None], strict=True):
        amounts = price["amounts"]
        assert isinstance(amounts, dict)
        for one in _variants(prices, amounts, day):
            yield from _rows(model_id, one, until, window, basis)


def _day(price: JsonObject) -> str | None:
    day = price.get("from")
    return day if isinstance(day, str) else None


def _variants(prices: Sequence[JsonValue], amounts: JsonObject, day: str | None) -> Iterator[_DatedPrice]:
    """Yield the standard price, and one for each other speed and processing in the list. A variant lists only the
    amounts that differ from the standard price. A speed or processing without a variant has no known price.
    """
    yield _DatedPrice("standard", "standard", day, amounts)
    for price in prices:
        when = price.get("when") if isinstance(price, dict) else None
        if isinstance(price, dict) and isinstance(when, dict) and when.keys() <= {"speed", "processing"}:
            changed = price["amounts"]
            assert isinstance(changed, dict)
            speed, processing = (str(when.get(name, "standard")) for name in ("speed", "processing"))
            yield _DatedPrice(speed, processing, day, {**amounts, **changed})


def _rows(
    model_id: str, price: _DatedPrice, until: str | None, window: JsonValue, basis: str
) -> Iterator[tuple[str | int | float | None, ...]]:
    """Yield a row for each tier of context size. Cache tokens without a price in the list cost as much as input, as in
    genai-prices; a missing price of searches stays unknown.
    """
    starts = sorted({start for value in price.amounts.values() for start in _tier_starts(value)} | {0})
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        at = {name: _amount_above(value, start) for name, value in price.amounts.items()}
        whole = at.get("input")
        output = at.get("output")
        if whole is None or output is None:
            continue
        write = _default(at.get("cache_write"), whole)
        yield (
            *(
                model_id,
                price.speed,
                price.processing,
                price.from_day,
                until,
                start or -1,
                end,
                whole,
                output,
            ),
            *(
                _default(at.get("cache_read"), whole),
                write,
                _default(at.get("cache_write_1h"), write),
                at.get("web_search"),
            ),
            *(window if isinstance(window, int) else None, basis),
        )


def _default(value: float | None, other: float) -> float:
    return other if value is None else value


def _tier_starts(value: JsonValue) -> list[int]:
    return [int(str(tier[0])) for tier in value if isinstance(tier, list)] if isinstance(value, list) else []


def _amount_above(value: JsonValue, start: int) -> float | None:
    """Return the amount that applies above `start` tokens: `value` itself, or the highest tier that starts by then."""
    if isinstance(value, list):
        tiers = [tier for tier in value if isinstance(tier, list)]
        reached = [price for tier_start, price in tiers if isinstance(tier_start, int) and tier_start <= start]
        value = reached[-1] if reached else None
    return float(value) if isinstance(value, int | float) else None
