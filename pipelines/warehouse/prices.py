"""What tokens cost at list price: the price list, and the table `prices` with the rows of the models that were met.

The list (`prices.json`) comes from the package genai-prices; `python3 dev.py prices` makes it anew. It knows when a
price began, longer contexts that cost more, batches, the fast mode and searches. Prices of one's own stand in
settings.toml and go before the list. A subscription is billed otherwise: a cost here says what the same tokens cost
through the API.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from models.json import JsonObject, JsonValue
from models.schema import FLOAT, INTEGER, TEXT, Column, Table

PRICES: Final = Table(
    "prices",
    "One row for each price of a model that was met: by speed, processing, the days on which it held, and the context "
    "from which on it holds. No two rows hold for one request. A model without a row has no known price.",
    (
        Column("model_id", TEXT, "The model, as `model_id()` spells it.", required=True),
        Column("speed", TEXT, "standard or fast.", required=True),
        Column("processing", TEXT, "standard or batch.", required=True),
        Column("from_day", TEXT, "The first day (UTC) of the price; NULL: it is the first one known."),
        Column("until_day", TEXT, "The first day (UTC) on which another price holds; NULL: none does yet."),
        Column(
            "above_tokens", INTEGER, "Holds for requests whose input, the cache's included, is larger.", required=True
        ),
        Column("up_to_tokens", INTEGER, "And at most so large; NULL: without a limit."),
        Column("input_usd", FLOAT, "US dollars for a million input tokens that no cache held.", required=True),
        Column("output_usd", FLOAT, "US dollars for a million output tokens.", required=True),
        Column("cache_read_usd", FLOAT, "US dollars for a million tokens read from the cache.", required=True),
        Column("cache_write_5m_usd", FLOAT, "US dollars for a million tokens cached for five minutes.", required=True),
        Column("cache_write_1h_usd", FLOAT, "US dollars for a million tokens cached for an hour.", required=True),
        Column("web_search_usd", FLOAT, "US dollars for a thousand web searches; NULL: not known."),
        Column("context_window", INTEGER, "Tokens that the model takes at most, as the price list says."),
        Column("price_basis", TEXT, "Where the price comes from, with the date of that list.", required=True),
    ),
    has_provenance=False,
)

OWN_PRICES: Final = "settings.toml"
Amounts = Mapping[str, float]
OwnPrices = Mapping[str, Amounts]
"""Prices of one's own by model_id."""


@dataclass(frozen=True, slots=True)
class _Held:
    """The prices of a model for one speed and processing, from a day on."""

    speed: str
    processing: str
    from_day: str | None
    amounts: JsonObject


def prices_of(model_id: str, own: OwnPrices) -> list[tuple[str | int | float | None, ...]]:
    """Return the rows of the table `prices` for a model; none where no price is known."""
    if model_id in own:
        amounts = own[model_id]
        given: JsonObject = {
            "input": amounts["input"],
            "output": amounts["output"],
            "cache_read": amounts.get("cache_read", amounts["input"]),
            "cache_write": amounts.get("cache_write_5m", amounts["input"]),
            "cache_write_1h": amounts.get("cache_write_1h", amounts.get("cache_write_5m", amounts["input"])),
            "web_search": amounts.get("web_search"),
        }
        entry = _listed(model_id)
        window = entry.get("context_window") if entry is not None else None
        held = [_Held(speed, mode, None, given) for speed in ("standard", "fast") for mode in ("standard", "batch")]
        return [row for one in held for row in _rows(model_id, one, None, window, OWN_PRICES)]
    entry = _listed(model_id)
    return list(_listed_rows(model_id, entry)) if entry is not None else []


def fill_prices(connection: duckdb.DuckDBPyConnection, models: Iterable[str], own: OwnPrices) -> None:
    """Have the table `prices` hold the rows of these models (as `model_id()` spells them) and no others."""
    rows = [row for model in sorted(models) for row in prices_of(model, own)]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(PRICES.columns)
    arrays = {
        column.name: pa.array(values, column.type.arrow) for column, values in zip(PRICES.columns, columns, strict=True)
    }
    connection.register("given", pa.table(arrays))
    connection.execute(f'DELETE FROM "{PRICES.name}"')
    connection.execute(f'INSERT INTO "{PRICES.name}" FROM given')
    connection.unregister("given")


@cache
def _price_list() -> JsonObject:
    held: JsonObject = json.loads(Path(__file__).with_name("prices.json").read_text("utf-8"))
    return held


@cache
def _listed(model_id: str) -> JsonObject | None:
    """Return what the list says of a model: the first entry whose clause knows its name."""
    models = _price_list()["models"]
    assert isinstance(models, list)
    for entry in models:
        assert isinstance(entry, dict)
        if _matches(entry["match"], model_id):
            return entry
    return None


def _matches(clause: JsonValue, text: str) -> bool:
    assert isinstance(clause, dict)
    ((kind, given),) = clause.items()
    if isinstance(given, list):
        return (any if kind == "any" else all)(_matches(each, text) for each in given)
    assert isinstance(given, str)
    match kind:
        case "equals":
            return text == given
        case "starts_with":
            return text.startswith(given)
        case "ends_with":
            return text.endswith(given)
        case "contains":
            return given in text
        case _:
            return re.search(given, text) is not None


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


def _variants(prices: Sequence[JsonValue], amounts: JsonObject, day: str | None) -> Iterator[_Held]:
    """Yield the standard price, and one for each speed and processing that the list knows. A variant leaves out what it
    does not change, such as searches. Where it has no variant, the price of that speed or processing is not known.
    """
    yield _Held("standard", "standard", day, amounts)
    for price in prices:
        when = price.get("when") if isinstance(price, dict) else None
        if isinstance(price, dict) and isinstance(when, dict) and when.keys() <= {"speed", "processing"}:
            changed = price["amounts"]
            assert isinstance(changed, dict)
            speed, processing = (str(when.get(name, "standard")) for name in ("speed", "processing"))
            yield _Held(speed, processing, day, {**amounts, **changed})


def _rows(
    model_id: str, held: _Held, until: str | None, window: JsonValue, basis: str
) -> Iterator[tuple[str | int | float | None, ...]]:
    """Yield a row for each tier of the context. What the list has no price for costs as input does, as in the package
    itself; searches are not known then.
    """
    starts = sorted({start for value in held.amounts.values() for start in _starts(value)} | {0})
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        at = {name: _at(value, start) for name, value in held.amounts.items()}
        whole = at.get("input")
        output = at.get("output")
        if whole is None or output is None:
            continue
        write = _or(at.get("cache_write"), whole)
        yield (
            *(model_id, held.speed, held.processing, held.from_day, until, start or -1, end, whole, output),
            *(_or(at.get("cache_read"), whole), write, _or(at.get("cache_write_1h"), write), at.get("web_search")),
            *(window if isinstance(window, int) else None, basis),
        )


def _or(value: float | None, other: float) -> float:
    return other if value is None else value


def _starts(value: JsonValue) -> list[int]:
    return [int(str(tier[0])) for tier in value if isinstance(tier, list)] if isinstance(value, list) else []


def _at(value: JsonValue, start: int) -> float | None:
    """Return the amount that holds above `start` tokens."""
    if isinstance(value, list):
        tiers = [tier for tier in value if isinstance(tier, list)]
        reached = [price for tier_start, price in tiers if isinstance(tier_start, int) and tier_start <= start]
        value = reached[-1] if reached else None
    return float(value) if isinstance(value, int | float) else None
