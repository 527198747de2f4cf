"""The price list, against ten responses computed by hand from the prices that Anthropic and others publish."""

import re
from pathlib import Path

import duckdb
import pytest

from models.errors import ConfigurationError
from models.schema import FLAG, INTEGER
from pipelines.disk.layout import Layout
from pipelines.disk.settings import read_settings
from pipelines.warehouse.prices import PRICES, fill_prices, prices_of

_TYPES = {INTEGER: "BIGINT", FLAG: "BOOLEAN"}

COST = """
SELECT (input * input_usd + output * output_usd + read * cache_read_usd + write_5m * cache_write_5m_usd
    + write_1h * cache_write_1h_usd) / 1e6 + CASE WHEN searches > 0 THEN searches * web_search_usd / 1e3 ELSE 0 END
FROM (SELECT ?::VARCHAR AS model, ?::VARCHAR AS day, ?::VARCHAR AS speed, ?::VARCHAR AS processing, ? AS input,
    ? AS output, ? AS read, ? AS write_5m, ? AS write_1h, ? AS searches)
LEFT JOIN prices p ON p.model_id = model AND p.speed = speed AND p.processing = processing
    AND day >= coalesce(p.from_day, '') AND day < coalesce(p.until_day, '9999')
    AND input + read + write_5m + write_1h > p.above_tokens
    AND input + read + write_5m + write_1h <= coalesce(p.up_to_tokens, 1e12)
"""
COST = re.sub(r"p\.(speed|processing) = (speed|processing)", r"p.\1 = asked_\1", COST)
COST = COST.replace("AS speed", "AS asked_speed").replace("AS processing", "AS asked_processing")

# model, day, speed, processing; input, output, cache read, written for 5 min, for 1 h, searches; dollars and their sum
BY_HAND = {
    "input and output": (
        ("claude-sonnet-4-5", "2026-01-10", "standard", "standard", 1000, 500, 0, 0, 0, 0),
        1000 * 3e-6 + 500 * 15e-6,
    ),
    "the cache read at a tenth": (
        ("claude-opus-4-1", "2025-09-01", "standard", "standard", 10, 100, 50_000, 0, 0, 0),
        10 * 15e-6 + 100 * 75e-6 + 50_000 * 1.5e-6,
    ),
    "the cache written for five minutes and an hour": (
        ("claude-opus-4-7", "2026-05-01", "standard", "standard", 0, 0, 0, 100_000, 100_000, 0),
        0.625 + 1.00,
    ),
    "below the longer context": (
        ("claude-sonnet-4-5", "2026-01-10", "standard", "standard", 100_000, 0, 0, 0, 0, 0),
        100_000 * 3e-6,
    ),
    "above 200,000 tokens the whole request costs more": (
        ("claude-sonnet-4-5", "2026-01-10", "standard", "standard", 50_000, 1000, 200_000, 0, 0, 0),
        50_000 * 6e-6 + 1000 * 22.5e-6 + 200_000 * 0.6e-6,
    ),
    "a longer context before its price fell": (
        ("claude-opus-4-6", "2026-03-12", "standard", "standard", 250_000, 0, 0, 0, 0, 0),
        250_000 * 10e-6,
    ),
    "a longer context after its price fell": (
        ("claude-opus-4-6", "2026-03-13", "standard", "standard", 250_000, 0, 0, 0, 0, 0),
        250_000 * 5e-6,
    ),
    "the fast mode": (
        ("claude-opus-5", "2026-11-01", "fast", "standard", 1000, 1000, 0, 0, 0, 0),
        1000 * 10e-6 + 1000 * 50e-6,
    ),
    "a batch": (
        ("claude-haiku-4-5", "2026-11-01", "standard", "batch", 10_000, 1000, 0, 0, 0, 0),
        10_000 * 0.5e-6 + 1000 * 2.5e-6,
    ),
    "web searches": (
        ("claude-sonnet-4-5", "2026-01-10", "standard", "standard", 1000, 0, 0, 0, 0, 10),
        0.003 + 0.10,
    ),
}


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    columns = ", ".join(
        f'"{column.name}" {"DOUBLE" if column.type.name == "float" else _TYPES.get(column.type, "VARCHAR")}'
        for column in PRICES.columns
    )
    made.execute(f"CREATE TABLE prices ({columns})")
    return made


@pytest.mark.duckdb
@pytest.mark.parametrize("case", BY_HAND)
def test_a_response_costs_what_a_person_computes(connection: duckdb.DuckDBPyConnection, case: str) -> None:
    asked, dollars = BY_HAND[case]
    fill_prices(connection, {str(asked[0])}, {})
    rows = connection.execute(COST, asked).fetchall()
    assert rows == [(pytest.approx(dollars, rel=1e-12),)]


@pytest.mark.parametrize("model", ["no-such-model", "llama.gguf", ""])
def test_a_model_that_the_list_does_not_know_has_no_price(model: str) -> None:
    assert prices_of(model, {}) == []


@pytest.mark.parametrize("model", ["glm-4.6", "kimi-k2-0905-preview", "deepseek-chat", "claude-3-haiku", "gpt-5"])
def test_models_of_gateways_and_retired_ones_have_prices(model: str) -> None:
    assert prices_of(model, {}) != []


def test_a_speed_without_a_price_costs_nothing_known(connection: duckdb.DuckDBPyConnection) -> None:
    fill_prices(connection, {"claude-opus-4-1"}, {})
    asked = ("claude-opus-4-1", "2025-09-01", "fast", "standard", 10, 100, 0, 0, 0, 0)
    assert connection.execute(COST, asked).fetchall() == [(None,)]


def test_prices_of_ones_own_go_before_the_list(connection: duckdb.DuckDBPyConnection) -> None:
    fill_prices(connection, {"claude-opus-5"}, {"claude-opus-5": {"input": 1.0, "output": 2.0}})
    asked = ("claude-opus-5", "2026-11-01", "standard", "standard", 1_000_000, 500_000, 0, 0, 0, 0)
    assert connection.execute(COST, asked).fetchall() == [(2.0,)]
    assert connection.execute("SELECT DISTINCT price_basis FROM prices").fetchall() == [("settings.toml",)]


def test_a_price_says_from_which_list_it_is(connection: duckdb.DuckDBPyConnection) -> None:
    fill_prices(connection, {"claude-opus-5"}, {})
    ((basis,),) = connection.execute("SELECT DISTINCT price_basis FROM prices").fetchall()
    assert re.fullmatch(r"genai-prices \S+ of \d{4}-\d\d-\d\d", basis)


def test_one_price_at_the_most_holds_for_a_request(connection: duckdb.DuckDBPyConnection) -> None:
    fill_prices(connection, {"claude-opus-4-6", "claude-haiku-5-5", "claude-sonnet-4-5", "gemini-2.5-pro"}, {})
    overlapping = connection.execute(
        """
        SELECT a.model_id FROM prices a JOIN prices b ON a.model_id = b.model_id AND a.speed = b.speed
            AND a.processing = b.processing AND a.rowid < b.rowid
            AND coalesce(a.from_day, '') < coalesce(b.until_day, '9999')
            AND coalesce(b.from_day, '') < coalesce(a.until_day, '9999')
            AND a.above_tokens < coalesce(b.up_to_tokens, 1e12) AND b.above_tokens < coalesce(a.up_to_tokens, 1e12)
        """
    ).fetchall()
    assert overlapping == []


@pytest.mark.parametrize(
    "given",
    [
        "prices = 3",
        '[prices]\n"m" = 3',
        '[prices."m"]\ninput = 1',
        '[prices."m"]\ninput = 1\noutput = -1',
        '[prices."m"]\ninput = 1\noutput = 1\nsearch = 1',
    ],
)
def test_prices_of_ones_own_that_cannot_be_understood_are_refused(tmp_path: Path, given: str) -> None:
    (tmp_path / "settings.toml").write_text(given)
    with pytest.raises(ConfigurationError, match="prices"):
        read_settings(Layout(tmp_path))


def test_prices_of_ones_own_are_read_from_the_settings(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('[prices."my-model"]\ninput = 1\noutput = 2.5\ncache_read = 0\n')
    assert read_settings(Layout(tmp_path)).prices == {"my-model": {"input": 1, "output": 2.5, "cache_read": 0}}
