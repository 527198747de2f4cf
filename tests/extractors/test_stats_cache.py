"""Statistics: every figure is read back, of any size; unknown fields stay with their row."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.reading.contract import Malformed
from models.reject import RejectCode
from tests.documents import MODIFIED_AT, SESSION, read_fixture, read_json

PATH = "stats-cache.json"
FIGURES = st.integers(0, 2**63 - 1)
MODELS = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), FIGURES, max_size=3)


@given(FIGURES, MODELS)
def test_any_figure_is_read_back(figure: int, tokens: dict[str, int]) -> None:
    found = read_json(
        PATH,
        {
            "version": 3,
            "dailyActivity": [{"date": "2026-03-18", "messageCount": figure}],
            "dailyModelTokens": [{"date": "2026-03-18", "tokensByModel": {**tokens}}],
            "modelUsage": {model: {"cacheReadInputTokens": count} for model, count in tokens.items()},
            "totalMessages": figure,
        },
    )
    assert found.one("stats_daily")["message_count"] == found.one("stats_totals")["message_count"] == figure
    daily = [(row["model"], row["token_count"]) for row in found.tables["stats_daily_tokens"]]
    counted: list[tuple[str | None, int | None]] = [*tokens.items()]
    assert daily == (counted or [(None, None)])
    models = {row["model"]: row["cache_read_input_tokens"] for row in found.tables.get("stats_models", [])}
    assert models == tokens
    assert found.drift() == set()


def test_a_typical_file_is_read_whole() -> None:
    found = read_fixture("typical", PATH)
    assert [(d["activity_on"], d["session_count"], d["tool_call_count"]) for d in found.tables["stats_daily"]] == [
        ("2026-03-17", 2, 0),
        ("2026-03-18", 3, 51),
    ]
    tokens = [(d["activity_on"], d["model"], d["token_count"]) for d in found.tables["stats_daily_tokens"]]
    assert tokens == [
        ("2026-03-17", None, None),
        ("2026-03-18", "claude-opus-4-6", 197),
        ("2026-03-18", "claude-haiku-4-5-20251001", 5_000_000_000),
    ]
    assert found.one("stats_models")["cache_read_input_tokens"] == 38_409_047_019
    totals = found.one("stats_totals")
    assert totals | {"longest_session_at": None, "first_session_at": None} == {
        "format_version": 2,
        "last_computed_on": "2026-03-18",
        "daily_tokens_version": None,
        "session_count": 5,
        "message_count": 405,
        "first_session_at": None,
        "longest_session_id": SESSION,
        "longest_session_ms": 24_543_696,
        "longest_session_message_count": 165,
        "longest_session_at": None,
        "hour_counts": '{"9":1,"10":3}',
        "speculation_saved_ms": 0,
        "shot_distribution": None,
        "file_modified_at": MODIFIED_AT,
        "unparsed": None,
    }
    assert totals["longest_session_at"] == datetime(2026, 3, 17, 17, 8, 47, 292000, UTC)


@pytest.mark.parametrize("version", [1, 2, 3, 5, 6])
def test_every_version_is_read_with_what_it_has(version: int) -> None:
    totals = read_json(PATH, {"version": version}).one("stats_totals")
    assert (totals["format_version"], totals["session_count"]) == (version, None)


def test_what_is_not_known_stays_with_its_row_and_is_counted() -> None:
    found = read_fixture("whole_files__drift", PATH)
    assert found.one("stats_daily")["unparsed"] == '{"messageCount":"many","mood":"good"}'
    assert found.one("stats_models")["unparsed"] == '{"thinkingTokens":2}'
    day = found.one("stats_daily_tokens")
    assert (day["token_count"], day["unparsed"]) == (None, '{"sum":1,"tokensByModel":{"claude-opus-5":{"in":1}}}')
    totals = found.one("stats_totals")
    assert (totals["daily_tokens_version"], totals["shot_distribution"]) == (2, '{"1":5}')
    assert totals["unparsed"] == '{"streak":4,"modelUsage":{"broken":7}}'
    assert {name for _, name in found.drift()} == {
        "stats_day.messageCount",
        "stats_day.mood",
        "stats_model.thinkingTokens",
        "stats_day_tokens.sum",
        "stats_day_tokens.tokensByModel.claude-opus-5",
        "stats.streak",
        "stats.modelUsage.broken",
    }


def test_a_file_that_is_no_object_is_rejected() -> None:
    with pytest.raises(Malformed) as refused:
        read_fixture("whole_files__damaged", PATH)
    assert refused.value.code is RejectCode.NOT_AN_OBJECT
