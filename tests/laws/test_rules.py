"""The rules of the views, as laws over made-up histories: the truth of each is noted in plain Python while it is made
up. Many of them are in one home, so that one warehouse answers for all.
"""

import os
from collections import Counter
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import Phase, given, settings

from tests.conversations import session_id, write_home
from tests.histories import HISTORIES, MODELS, History
from tests.support import extract, warehouse_of

pytestmark = pytest.mark.duckdb

EXAMPLES = int(os.environ.get("SOAK_HISTORIES", "2"))
_RUNS = count()

Answers = dict[str, Counter[tuple[object, ...]]]


def _ask(connection: duckdb.DuckDBPyConnection, sql: str) -> Answers:
    """Return the rows of a query by their first column, a session."""
    found: Answers = {}
    for session, *row in connection.execute(sql).fetchall():
        found.setdefault(session, Counter())[tuple(row)] += 1
    return found


def _compare(found: Answers, histories: Sequence[History], rows: Sequence[Sequence[tuple[object, ...]]]) -> None:
    """Fail with the steps of the first session of which other rows were found than are true."""
    for history, wanted in zip(histories, map(Counter, rows), strict=True):
        session = found.pop(history.talk.session, Counter())
        assert session == wanted, f"session {history.number}: {history.steps}"
    assert found == {}


def check_prompts(connection: duckdb.DuckDBPyConnection, histories: Sequence[History]) -> None:
    """Each prompt once, with its source and project, abandoned where the active branch leaves it out."""
    sql = "SELECT session_id, prompt_text, prompt_source, project, is_abandoned FROM user_prompts"
    _compare(
        _ask(connection, sql),
        histories,
        [
            [(t.text, t.source, t.project, gone) for t, gone in zip(h.turns, h.abandoned(), strict=True)]
            for h in histories
        ],
    )


def check_speakers(connection: duckdb.DuckDBPyConnection, histories: Sequence[History]) -> None:
    """Each text has its true speaker."""
    sql = "SELECT session_id, speaker, count(*) FROM speakers GROUP BY ALL"
    _compare(_ask(connection, sql), histories, [list(h.speakers.items()) for h in histories])


def check_parts(connection: duckdb.DuckDBPyConnection, histories: Sequence[History]) -> None:
    """Each billed part counts once, with its model, tokens and cost; a part without a price has no cost."""
    sql = (
        "SELECT session_id, part, model, model_id, input_tokens, output_tokens, coalesce(cache_read_tokens, 0), "
        "coalesce(cache_write_5m_tokens, 0), coalesce(cache_write_1h_tokens, 0), round(cost_usd, 9) FROM token_usage"
    )
    rows = [
        [(p.part, p.model, MODELS[p.model], p.sent, p.output, p.read, p.kept_5m, p.kept_1h, p.cost()) for p in h.parts]
        for h in histories
    ]
    _compare(_ask(connection, sql), histories, rows)


def check_calls(connection: duckdb.DuckDBPyConnection, histories: Sequence[History]) -> None:
    """Calls have their answers, and orphans on either side can be asked for."""
    sql = (
        "SELECT session_id, tool_name, has_result, coalesce(is_error, false), coalesce(was_denied, false) "
        "FROM tool_calls"
    )
    rows = [[(n, has, bool(bad), denied) for n, has, bad, denied in h.calls] for h in histories]
    _compare(_ask(connection, sql), histories, rows)
    orphans = _ask(connection, "SELECT session_id, count(*) FROM results_without_call GROUP BY ALL")
    _compare(orphans, histories, [[(h.orphans,)] if h.orphans else [] for h in histories])


def check_sessions(connection: duckdb.DuckDBPyConnection, histories: Sequence[History]) -> None:
    """A session's figures are sums of its events."""
    names = (
        "title, prompt_count, abandoned_prompt_count, response_count, tool_call_count, tool_error_count, "
        "compaction_count, active_seconds, record_count, output_tokens, lost_record_count"
    )
    rows = [
        [
            (
                *(h.title, len(h.turns), sum(h.abandoned()), h.responses, len(h.calls)),
                *(sum(bool(bad) for _, _, bad, _ in h.calls), h.compactions, h.active_seconds()),
                *(len(h.talk.records), sum(p.output for p in h.parts), 0),
            )
        ]
        for h in histories
    ]
    _compare(_ask(connection, f"SELECT session_id, {names} FROM sessions"), histories, rows)


def check_days(connection: duckdb.DuckDBPyConnection, histories: Sequence[History]) -> None:
    """A day is one of the connection's time zone, and its tokens are those of the responses that began on it."""
    for zone in ("UTC", "America/New_York", "Asia/Kathmandu"):
        days: Counter[object] = Counter()
        for history in histories:
            for part in history.parts:
                days[history.day(part.seconds, zone)] += part.output
        connection.execute(f"SET TimeZone = '{zone}'")
        found = connection.execute("SELECT day, sum(output_tokens)::INT FROM usage_by_day GROUP BY ALL").fetchall()
        assert dict(found) == dict(days), zone


def check_sums(connection: duckdb.DuckDBPyConnection, _histories: Sequence[History]) -> None:
    """The views that add up agree with one another."""
    sums = [
        connection.execute(f"SELECT sum(output_tokens)::INT, round(sum(cost_usd), 6) FROM {view}").fetchone()
        for view in ("token_usage", "usage_by_day", "usage_total_by_day", "usage_blocks", "projects", "sessions")
    ]
    assert len(set(sums)) == 1


CHECKS = (check_prompts, check_speakers, check_parts, check_calls, check_sessions, check_days, check_sums)


# Sessions do not depend on one another, and the one that fails is named with its steps: nothing has to be shrunk.
@settings(max_examples=EXAMPLES, phases=(Phase.explicit, Phase.generate))
@given(HISTORIES)
def test_the_rules_hold_of_every_history(steps: list[list[tuple[str, list[str], int, int, str]]]) -> None:
    histories = []
    for number, session in enumerate(steps):
        history = History(1 + number)
        for step in session:
            history.step(*step)
        histories.append(history)
    with TemporaryDirectory() as place:
        home = Path(place, "home")
        write_home(home, [history.talk for history in histories])
        # The first run meets the last transcript in the middle of a line, and the first one with other content.
        path = home / "projects" / "-home-mira-loom" / f"{session_id(len(steps))}.jsonl"
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) * 2 // 3])
        extract(Path(place, "data"), home)
        path.write_bytes(whole)
        extract(Path(place, "data"), home)
        with warehouse_of(Path(place, "data")) as connection:
            for check in CHECKS:
                check(connection, histories)
    print(f"did: {next(_RUNS) + 1} homes of made-up sessions")
