"""Kinds of faults that only show over two runs or two homes: the steps of each, and the expected answers."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from models.json import JsonObject
from tests.conversations import Talk, call, session_id, write_home, write_lines
from tests.support import extract, warehouse_of

pytestmark = pytest.mark.duckdb

Rows = list[tuple[object, ...]]
Build = Callable[[Path, Path, int, int], None]

KINDS: list[tuple[Build, dict[str, Rows]]] = []
DIRECTORY = "-home-mira-loom"


def shows(answers: dict[str, Rows]) -> Callable[[Build], Build]:
    """Register a kind with its expected answers; `:s` is its first session, `:t` its second.

    It is called once before each run, with both homes, the number of its first session, and that of the run.
    """

    def register(build: Build) -> Build:
        KINDS.append((build, answers))
        return build

    return register


def _talk(number: int) -> Talk:
    return Talk(session_id(number), seconds=600 * number)


def _turn(talk: Talk, text: str, output: int = 10) -> None:
    talk.prompt(text)
    talk.answer(f"{talk.session[-6:]}-{len(talk.records)}", output=output)


def _path(home: Path, talk: Talk) -> Path:
    return home / "projects" / DIRECTORY / f"{talk.session}.jsonl"


COUNTS = "SELECT prompt_count, response_count, output_tokens, record_count, state FROM sessions WHERE session_id = :s"


@shows(
    {
        COUNTS: [(2, 2, 20, 4, "present")],
        "SELECT prompt_text FROM user_prompts WHERE session_id = :s ORDER BY 1": [("one",), ("zwei 二",)],
    }
)
def a_line_that_is_half_there_is_whole_in_the_next_run(one: Path, _two: Path, n: int, run: int) -> None:
    talk = _talk(n)
    _turn(talk, "one")
    _turn(talk, "zwei 二")
    write_home(one, [talk])
    if run == 1:
        path = _path(one, talk)
        data = path.read_bytes()
        path.write_bytes(data[: data.rindex(b"\n", 0, len(data) - 1) - 30])


@shows({COUNTS: [(1, 1, 10, 2, "present")], "SELECT count(*) FROM user_prompts WHERE session_id = :s": [(1,)]})
def a_transcript_moves_to_another_directory(one: Path, _two: Path, n: int, run: int) -> None:
    talk = _talk(n)
    _turn(talk, "one")
    write_home(one, [talk])
    if run == 2:
        target = one / "projects" / "-home-mira-elsewhere" / f"{talk.session}.jsonl"
        target.parent.mkdir(exist_ok=True)
        _path(one, talk).rename(target)


@shows({COUNTS: [(1, 1, 10, 2, "expired")], "SELECT has_transcript FROM sessions WHERE session_id = :s": [(True,)]})
def a_transcript_is_swept(one: Path, _two: Path, n: int, run: int) -> None:
    talk = _talk(n)
    _turn(talk, "one")
    write_home(one, [talk])
    if run == 2:
        _path(one, talk).unlink()


@shows(
    {
        "SELECT prompt_count, state FROM sessions WHERE session_id = :s": [(1, "partial")],
        "SELECT agent_id, has_transcript, total_tokens FROM subagent_runs WHERE session_id = :s": [("abc", True, 15)],
    }
)
def only_the_subagent_is_left(one: Path, _two: Path, n: int, run: int) -> None:
    talk, agent = _talk(n), _talk(n)
    talk.prompt("one")
    talk.answer(f"{n}a", call(f"t{n}", "Task", description="look", prompt="look"), stop_reason="tool_use")
    agent.seconds += 10
    agent.prompt("look", isSidechain=True, agentId="abc", uuid=f"{n:08}-aaaa-4000-8000-000000000001")
    agent.answer(f"{n}b", isSidechain=True, agentId="abc", uuid=f"{n:08}-aaaa-4000-8000-000000000002")
    write_home(one, [talk])
    write_lines(one / "projects" / DIRECTORY / talk.session / "subagents" / "agent-abc.jsonl", agent.records)
    if run == 2:
        _path(one, talk).unlink()


@shows(
    {
        COUNTS: [(1, 1, 30, 2, "present")],
        "SELECT title, lost_record_count FROM sessions WHERE session_id = :s": [(None, 4)],
        "SELECT prompt_text FROM user_prompts WHERE session_id = :s": [("other words",)],
        "SELECT count(*) FROM messages WHERE text LIKE 'of the first generation %'": [(1,)],
    }
)
def a_transcript_is_replaced_by_another_conversation(one: Path, _two: Path, n: int, run: int) -> None:
    talk = _talk(n)
    if run == 1:
        talk.state("ai-title", aiTitle="The first one")
        _turn(talk, f"of the first generation {n}")
        talk.prompt("more")
    else:
        talk.seconds += 60
        talk.prompt("other words", uuid=f"{n:08}-bbbb-4000-8000-000000000001")
        talk.answer(f"{n}x", output=30, uuid=f"{n:08}-bbbb-4000-8000-000000000002")
    write_home(one, [talk])


@shows({COUNTS: [(1, 1, 250, 3, "present")], "SELECT is_reliable FROM token_usage WHERE session_id = :s": [(True,)]})
def an_answer_goes_on_in_the_next_run(one: Path, _two: Path, n: int, run: int) -> None:
    talk = _talk(n)
    talk.prompt("go")
    talk.answer(f"{n}a", output=1, stop_reason=None)
    if run == 2:
        talk.answer(f"{n}a", output=250)
    write_home(one, [talk])


@shows({COUNTS: [(1, 1, 250, 2, "present")]})
def an_answer_is_rewritten_with_its_final_figures(one: Path, _two: Path, n: int, run: int) -> None:
    talk = _talk(n)
    talk.prompt("go")
    talk.answer(f"{n}a", output=1 if run == 1 else 250, stop_reason=None if run == 1 else "end_turn")
    write_home(one, [talk])


@shows(
    {
        "SELECT prompt_count, response_count, output_tokens FROM sessions WHERE session_id = :s ORDER BY 1": [
            (2, 2, 20),
            (3, 3, 30),
        ],
        "SELECT count(*), count(*) FILTER (len(home_ids) = 2) FROM user_prompts WHERE session_id = :s": [(3, 2)],
        "SELECT count(*), sum(output_tokens)::int, count(*) FILTER (len(home_ids) = 2) FROM token_usage "
        "WHERE session_id = :s": [(3, 30, 2)],
    }
)
def a_session_is_synced_and_goes_on_in_the_other_home(one: Path, two: Path, n: int, _run: int) -> None:
    talk = _talk(n)
    _turn(talk, "one")
    _turn(talk, "two")
    write_home(one, [talk])
    _turn(talk, "three")
    write_home(two, [talk])


@shows(
    {
        "SELECT output_tokens, is_reliable, len(home_ids) FROM token_usage WHERE session_id = :s": [(250, True, 2)],
        "SELECT count(*) FROM token_usage WHERE session_id = :s": [(1,)],
    }
)
def a_session_is_synced_in_the_middle_of_an_answer(one: Path, two: Path, n: int, _run: int) -> None:
    talk = _talk(n)
    talk.prompt("go")
    talk.answer(f"{n}a", output=1, stop_reason=None)
    write_home(one, [talk])
    talk.answer(f"{n}a", output=250)
    write_home(two, [talk])


@shows(
    {
        "SELECT session_id = :s, prompt_count, response_count, state FROM sessions WHERE session_id IN (:s, :t) "
        "ORDER BY started_at, session_id": [(True, 1, 1, "expired"), (False, 1, 1, "present")],
        "SELECT count(*), sum(output_tokens)::int FROM token_usage WHERE session_id IN (:s, :t)": [(2, 20)],
        "SELECT linked_session_id = :s, link_kind FROM session_links WHERE session_id = :t": [(True, "resumed_from")],
    }
)
def a_session_is_resumed_in_a_copy_and_the_original_swept(one: Path, _two: Path, n: int, run: int) -> None:
    talk = _talk(n)
    _turn(talk, "one")
    copy = talk.resumed(session_id(n + 1))
    _turn(copy, "two")
    write_home(one, [talk, copy])
    if run == 2:
        _path(one, talk).unlink()


@shows(
    {
        "SELECT subject, status FROM tasks_now WHERE session_id = :s": [("spin", "in_progress")],
        "SELECT subject, status FROM task_progress WHERE session_id = :s ORDER BY task_id, status DESC": [
            ("spin", "pending"),
            ("spin", "in_progress"),
            ("weave", "pending"),
        ],
        "SELECT state FROM sessions WHERE session_id = :s": [("named_only",)],
    }
)
def a_task_goes_on_and_another_is_deleted(one: Path, _two: Path, n: int, run: int) -> None:
    place = one / "tasks" / session_id(n)
    place.mkdir(parents=True, exist_ok=True)

    def write(number: int, subject: str, status: str) -> None:
        task: JsonObject = {"id": str(number), "subject": subject, "description": "", "status": status}
        (place / f"{number}.json").write_text(json.dumps({**task, "blocks": [], "blockedBy": []}))

    write(1, "spin", "pending" if run == 1 else "in_progress")
    write(2, "weave", "pending")
    if run == 2:
        (place / "2.json").unlink()


@shows(
    {
        "SELECT prompt_count, compaction_count, copied_record_count FROM sessions WHERE session_id = :s": [(2, 1, 2)],
        "SELECT count(*) FROM token_usage WHERE session_id = :s": [(2,)],
    }
)
def a_compaction_replays_in_the_next_run(one: Path, _two: Path, n: int, run: int) -> None:
    talk = _talk(n)
    _turn(talk, "one")
    if run == 2:
        replayed = [dict(record) for record in talk.records]
        talk.add("system", None, subtype="compact_boundary", content="Conversation compacted")
        talk.records += replayed
        _turn(talk, "two")
    write_home(one, [talk])


@shows(
    {
        "SELECT prompt_text, in_transcript FROM user_prompts WHERE session_id = :s ORDER BY prompted_at": [
            ("first", False),
            ("second", False),
        ],
    }
)
def the_history_grows_and_names_what_is_gone(one: Path, _two: Path, n: int, run: int) -> None:
    lines: list[JsonObject] = [
        {
            "display": text,
            "pastedContents": {},
            "timestamp": 1_772_500_000_000 + at,
            "project": "/p",
            "sessionId": session_id(n),
        }
        for at, text in enumerate(("first", "second")[:run])
    ]
    write_lines(one / "history.jsonl", lines)


@shows(
    {
        "SELECT count(*), count(*) FILTER (has_result), count(*) FILTER (is_error) FROM tool_calls "
        "WHERE session_id = :s": [(1, 1, 1)],
        "SELECT error_kind FROM errors WHERE session_id = :s": [("tool_failed",)],
    }
)
def a_home_was_synced_before_the_result_of_a_call(one: Path, two: Path, n: int, run: int) -> None:
    talk = _talk(n)
    talk.prompt("go")
    talk.answer(f"{n}", call(f"t{n}"), stop_reason="tool_use")
    write_home(one, [talk])
    talk.prompt([{"type": "tool_result", "tool_use_id": f"t{n}", "content": "no", "is_error": True}])
    write_home(two, [talk])


@shows(
    {
        COUNTS: [(2, 2, 20, 5, "present")],
        "SELECT lost_record_count FROM sessions WHERE session_id = :s": [(2,)],
    }
)
def only_the_end_of_a_file_is_rewritten(one: Path, _two: Path, n: int, run: int) -> None:
    talk = _talk(n)
    talk.state("mode", mode="normal")
    _turn(talk, "one")
    if run == 2:
        talk.seconds += 60
    _turn(talk, "first end" if run == 1 else "second end")
    write_home(one, [talk])


@shows(
    {
        "SELECT record_count, copied_record_count, title FROM sessions WHERE session_id = :s": [(5, 5, "Twice")],
    }
)
def a_copy_in_another_directory_has_records_without_uuid(one: Path, _two: Path, n: int, run: int) -> None:
    talk = _talk(n)
    talk.state("mode", mode="normal")
    _turn(talk, "one")
    talk.state("mode", mode="normal")
    talk.state("ai-title", aiTitle="Twice")
    write_home(one, [talk])
    write_home(one, [talk], "-home-mira-loom-copy")


@shows(
    {
        "SELECT prompt_text, in_transcript, in_history, len(home_ids) FROM user_prompts WHERE session_id = :s": [
            ("one", True, True, 2)
        ],
        "SELECT home_id, prompt_count FROM sessions WHERE session_id = :s ORDER BY 1": [("one", 1), ("two", 1)],
    }
)
def one_home_has_the_transcript_and_the_other_the_history(one: Path, two: Path, n: int, run: int) -> None:
    talk = _talk(n)
    _turn(talk, "one")
    write_home(one, [talk])
    sent = datetime.fromisoformat(str(talk.records[0]["timestamp"])).timestamp()
    line: JsonObject = {"display": "one", "pastedContents": {}, "timestamp": int(sent * 1000) - 300, "project": "/p"}
    if run == 1:
        with (two / "history.jsonl").open("a", encoding="utf-8") as history:
            history.write(json.dumps({**line, "sessionId": talk.session}) + "\n")


@shows(
    {
        "SELECT home_id, output_tokens FROM sessions WHERE session_id = :s ORDER BY 1": [("one", 20), ("two", 20)],
        "SELECT sum(output_tokens)::int FROM token_usage WHERE session_id = :s": [(20,)],
    }
)
def a_subagents_transcript_is_in_one_home_only(one: Path, two: Path, n: int, _run: int) -> None:
    talk, agent = _talk(n), _talk(n)
    talk.prompt("one")
    talk.answer(f"{n}a", call(f"t{n}", "Agent", description="look", prompt="look"), stop_reason="tool_use")
    agent.seconds += 10
    agent.prompt("look", isSidechain=True, agentId=f"b{n}", uuid=f"{n:08}-cccc-4000-8000-000000000001")
    agent.answer(f"{n}b", isSidechain=True, agentId=f"b{n}", uuid=f"{n:08}-cccc-4000-8000-000000000002")
    usage: JsonObject = {"input_tokens": 5, "output_tokens": 10}
    ended: JsonObject = {"status": "completed", "agentId": f"b{n}", "totalTokens": 15, "usage": usage}
    talk.prompt([{"type": "tool_result", "tool_use_id": f"t{n}", "content": "seen"}], toolUseResult=ended)
    write_lines(one / "projects" / DIRECTORY / talk.session / "subagents" / f"agent-b{n}.jsonl", agent.records)
    for home in (one, two):
        write_home(home, [talk])


@shows({"SELECT count(*) FROM session_links WHERE session_id = :s": [(0,)]})
def a_link_of_a_conversation_that_was_replaced(one: Path, _two: Path, n: int, run: int) -> None:
    talk = _talk(n)
    if run == 1:
        talk.prompt("old")
        talk.state("relocated", relocatedCwd="/elsewhere")
        talk.state("continued-in", continuedInSessionId=session_id(n + 1), timestamp=talk.now())
    else:
        talk.seconds += 60
        talk.prompt("new", uuid=f"{n:08}-dddd-4000-8000-000000000001")
    write_home(one, [talk])


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse of two homes after two runs."""
    place = tmp_path_factory.mktemp("kinds")
    for run in (1, 2):
        for number, (build, _) in enumerate(KINDS):
            build(place / "one", place / "two", 2000 + 10 * number, run)
        extract(place / "data", place / "one", place / "two", is_full=run == 2)
    with warehouse_of(place / "data") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


@pytest.mark.parametrize("number", range(len(KINDS)), ids=[build.__name__ for build, _ in KINDS])
def test_each_kind_of_fault_is_answered_rightly(warehouse: duckdb.DuckDBPyConnection, number: int) -> None:
    found, answers = {}, KINDS[number][1]
    for sql in answers:
        query = sql
        for place, name in enumerate("st"):
            query = query.replace(f":{name}", f"'{session_id(2000 + 10 * number + place)}'")
        found[sql] = [tuple(row) for row in warehouse.execute(query).fetchall()]
    assert found == answers
