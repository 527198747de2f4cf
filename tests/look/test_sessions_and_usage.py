"""`extract sessions` and `extract usage`: the figures of a made-up home, every filter, and nothing that is obeyed."""

import csv
import io
import json
from pathlib import Path

import pytest

from models.text import safe
from tests.command_line import Ran, call
from tests.look.story import HOSTILE, LOST, TIDY

pytestmark = pytest.mark.duckdb


def _ids(story_data: Path, *options: str) -> list[str]:
    ran = call("sessions", "--data", story_data, "--json", *options)
    assert ran.code == 0, ran.err
    return [row["session_id"] for row in json.loads(ran.out)]


def test_sessions_are_listed_once_the_newest_first(story_data: Path) -> None:
    assert _ids(story_data) == [TIDY, HOSTILE, LOST]
    (tidy, _, lost) = json.loads(call("sessions", "--data", story_data, "--json").out)
    assert (tidy["prompt_count"], tidy["abandoned_prompt_count"], tidy["tool_error_count"]) == (3, 1, 1)
    assert (tidy["state"], lost["state"]) == ("present", "named_only")
    assert lost["first_prompt"] == "how do herons sleep"


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("--project", "SHOP"), [TIDY, LOST]),
        (("--project", "/work"), [TIDY, LOST]),
        (("--project", "/wor"), []),
        (("--touched", "cart.py"), [TIDY]),
        (("--touched", "shop/cart.py"), [TIDY]),
        (("--touched", "rates.py"), []),
        (("--tool", "bash"), [TIDY]),
        (("--tool", "E*t"), [TIDY]),
        (("--tool", "E_it"), []),
        (("--model", "sonnet"), [TIDY, HOSTILE]),
        (("--state", "named_only"), [LOST]),
        (("--state", "expired"), []),
        (("--home", "mine"), [TIDY, HOSTILE, LOST]),
        (("--home", "other"), []),
        (("--since", "2026-03-02"), [TIDY, HOSTILE]),
        (("--until", "2026-03-01"), []),
        (("--since", "3 march 2026"), []),
        (("--limit", "1"), [TIDY]),
        (("--project", "'; DROP TABLE sessions; --"), []),
    ],
)
def test_each_filter_leaves_what_it_names(story_data: Path, options: tuple[str, ...], found: list[str]) -> None:
    assert [one for one in _ids(story_data, *options) if one != LOST or LOST in found] == found


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--state", "gone"), "there is no state 'gone'; there are present"),
        (("--since", "soon"), "'soon' is no date. Examples: today"),
        (("--json", "--csv"), "choose one"),
    ],
)
def test_what_means_nothing_is_refused_with_what_does(story_data: Path, options: tuple[str, ...], said: str) -> None:
    ran = call("sessions", "--data", story_data, *options)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


@pytest.mark.parametrize("width", [80, 120, 200])
def test_no_line_is_wider_than_the_terminal_or_obeyed_by_it(
    story_data: Path, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for words in (("sessions",), ("usage",), ("usage", "--by", "project"), ("usage", "--by", "session")):
        ran = call(*words, "--data", story_data)
        assert ran.code == 0, ran.err
        assert max(map(len, ran.lines)) <= width, ran.out
        assert safe(ran.out, keep_newlines=True) == ran.out
    shown = call("sessions", "--data", story_data)
    assert TIDY[:8] in shown.out
    assert ("prompts" in shown.lines[0]) == (width > 80)


def test_csv_is_guarded_and_json_is_exact(story_data: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(call("sessions", "--data", story_data, "--csv").raw.decode(), newline="")))
    assert [row["session_id"] for row in rows] == [TIDY, HOSTILE, LOST]
    ran = call("sessions", "--data", story_data, "--json")
    assert safe(ran.out, keep_newlines=True) == ran.out


def test_no_group_of_usage_is_a_formula_in_csv(story_data: Path) -> None:
    ran = call("usage", "--by", "project", "--csv", "--data", story_data)
    groups = [row["project"] for row in csv.DictReader(io.StringIO(ran.raw.decode(), newline=""))]
    assert [group[:7] for group in groups if "evil" in group] == ["'=1+1/e"]


def _usage(story_data: Path, by: str, *options: str) -> list[dict[str, object]]:
    ran: Ran = call("usage", "--by", by, "--data", story_data, "--json", *options)
    assert ran.code == 0, ran.err
    rows: list[dict[str, object]] = json.loads(ran.out)
    return rows


@pytest.mark.parametrize(
    "by", ["day", "week", "month", "hour", "block", "session", "project", "repository", "model", "home"]
)
def test_every_grouping_counts_the_same_tokens(story_data: Path, by: str) -> None:
    rows = _usage(story_data, by)
    assert all(by in row for row in rows)
    # Eight answers of the conversation, one of them rewound, two of the subagent, one of the hostile session.
    assert sum(int(str(row["response_count"])) for row in rows) == 11
    assert sum(int(str(row["input_tokens"])) for row in rows) == 11_000
    assert sum(int(str(row["output_tokens"])) for row in rows) == 1_010
    assert sum(int(str(row["cache_read_tokens"])) for row in rows) == 22_000
    # By the list, a million costs 3 dollars sent, 15 answered, 0.30 from the cache.
    cost = sum(float(str(row["cost_usd"])) for row in rows)
    assert cost == pytest.approx(11_000 * 3e-6 + 1_010 * 15e-6 + 22_000 * 0.3e-6)


def test_an_answer_with_nothing_names_the_newest_session(story_data: Path) -> None:
    for words in (("sessions", "--project", "nowhere"), ("usage", "--until", "2020-01-01")):
        assert "The newest session is of 2026-03-0" in call(*words, "--data", story_data).out


def test_usage_is_filtered_and_totalled(story_data: Path) -> None:
    (row,) = _usage(story_data, "session", "--project", "shop")
    assert row["session"] == TIDY
    assert _usage(story_data, "day", "--model", "opus") == []
    assert _usage(story_data, "day", "--home", "other") == []
    shown = call("usage", "--by", "month", "--data", story_data).lines
    assert shown[1].startswith("2026-03")
    assert shown[2].startswith("total")
    assert any(line.startswith("Prices: ") for line in shown)
    assert call("usage", "--by", "moon", "--data", story_data).code == 2
    assert call("usage", "--since", "tomorrow never", "--data", story_data).code == 2
