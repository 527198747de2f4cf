"""The warehouse gives each event once, with its author and in its place. A test for each kind of fault."""

import json
from pathlib import Path

import duckdb
import pytest

from models.json import JsonObject, JsonValue
from pipelines.warehouse.schema import create_tables, create_views, view_comments
from tests.conversations import Talk, call, session_id, write_home, write_lines
from tests.support import extract, warehouse_of

pytestmark = pytest.mark.duckdb


def _ask(data: Path, sql: str) -> list[tuple[object, ...]]:
    with warehouse_of(data) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return list(connection.execute(sql).fetchall())


def _of(tmp_path: Path, sql: str, *talks: Talk) -> list[tuple[object, ...]]:
    write_home(tmp_path / "home", talks)
    extract(tmp_path / "data", tmp_path / "home")
    return _ask(tmp_path / "data", sql)


USAGE = "SELECT count(*), sum(output_tokens)::BIGINT FROM token_usage"


def test_a_gateway_that_gives_every_response_one_id_has_each_counted(tmp_path: Path) -> None:
    talk = Talk()
    for number in range(3):
        talk.prompt(f"step {number}")
        talk.answer("relay", output=100, sent=10 + number, request=None)
    assert _of(tmp_path, USAGE, talk) == [(3, 300)]


def test_a_gateway_that_repeats_message_and_request_ids_has_each_response_counted(tmp_path: Path) -> None:
    talk = Talk()
    for number in range(3):
        talk.prompt(f"step {number}")
        talk.answer("relay", output=100, sent=10 + number)
    assert _of(tmp_path, USAGE, talk) == [(3, 300)]


def test_a_result_between_the_records_of_one_response_does_not_end_it(tmp_path: Path) -> None:
    talk = Talk()
    talk.prompt("both")
    talk.answer("m", call("t1"), output=3)
    talk.result("t1")
    talk.answer("m", call("t2"), output=70)
    talk.result("t2")
    assert _of(tmp_path, USAGE, talk) == [(1, 70)]


def test_a_result_ends_a_response_whose_id_is_repeated_without_a_request(tmp_path: Path) -> None:
    talk = Talk()
    talk.prompt("go")
    talk.answer("relay", call("t1"), output=3, request=None)
    talk.result("t1")
    talk.answer("relay", output=4, request=None)
    assert _of(tmp_path, USAGE, talk) == [(2, 7)]


def test_the_figures_are_of_the_last_record_that_has_any(tmp_path: Path) -> None:
    talk = Talk()
    talk.prompt("go")
    talk.answer("m", output=1, sent=2, stop_reason=None)
    talk.answer("m", output=50, sent=900)
    talk.answer("m", usage={"input_tokens": 0, "output_tokens": 0}, stop_reason=None)
    sql = "SELECT input_tokens, output_tokens, is_reliable FROM token_usage"
    assert _of(tmp_path, sql, talk) == [(900, 50, True)]


def test_a_response_is_billed_for_the_model_that_it_asked_and_for_one_that_was_given_up(tmp_path: Path) -> None:
    talk = Talk()
    talk.prompt("go")
    advisor: JsonObject = {"type": "advisor_message", "model": "claude-opus-4-7", "input_tokens": 7, "output_tokens": 8}
    talk.answer("a", usage={"input_tokens": 1, "output_tokens": 2, "iterations": [advisor]})
    given_up: JsonObject = {"type": "message", "model": "claude-opus-4-7", "input_tokens": 3, "output_tokens": 4}
    served: JsonObject = {**given_up, "type": "fallback_message", "model": "claude-sonnet-4-5"}
    talk.answer(
        "b", usage={"input_tokens": 5, "output_tokens": 6, "iterations": [given_up, {**served, "output_tokens": 6}]}
    )
    found = _of(tmp_path, "SELECT part, model_id, input_tokens, output_tokens FROM token_usage ORDER BY 3", talk)
    assert found == [
        ("message", "claude-sonnet-4-5", 1, 2),
        ("attempt", "claude-opus-4-7", 3, 4),
        ("fallback", "claude-sonnet-4-5", 5, 6),
        ("advisor", "claude-opus-4-7", 7, 8),
    ]


@pytest.mark.parametrize("names_original", [True, False])
def test_a_fork_with_new_uuids_counts_only_what_is_new(tmp_path: Path, names_original: bool) -> None:
    talk = Talk()
    talk.prompt("one")
    talk.answer("m1", output=100)
    fork = talk.forked(session_id(2), names_original=names_original)
    fork.prompt("two")
    fork.answer("m2", output=20)
    found = _of(tmp_path, "SELECT prompt_count, response_count FROM sessions ORDER BY session_id", talk, fork)
    assert found == [(1, 1), (1, 1)]
    assert _ask(tmp_path / "data", USAGE) == [(2, 120)]


def test_the_same_words_at_the_same_time_in_two_sessions_are_two_prompts(tmp_path: Path) -> None:
    talks = [Talk(session_id(1)), Talk(session_id(2))]
    for number, talk in enumerate(talks):
        talk.prompt("go on")
        talk.answer(f"m{number}")
    assert _of(tmp_path, "SELECT count(*) FROM user_prompts", *talks) == [(2,)]


def test_a_compaction_that_replays_counts_nothing_again(tmp_path: Path) -> None:
    talk = Talk()
    talk.prompt("one")
    talk.answer("m", call("t"))
    talk.result("t")
    replayed = [dict(record) for record in talk.records]
    talk.add("system", None, subtype="compact_boundary", content="Conversation compacted")
    talk.records += replayed
    sql = "SELECT record_count, prompt_count, response_count, tool_call_count, copied_record_count FROM sessions"
    assert _of(tmp_path, sql, talk) == [(4, 1, 1, 1, 3)]


def test_of_two_homes_that_share_a_session_each_is_complete_and_their_sum_has_it_once(tmp_path: Path) -> None:
    talk, own = Talk(session_id(1)), Talk(session_id(2))
    talk.prompt("shared")
    talk.answer("m1", output=100)
    own.prompt("own")
    own.answer("m2", output=7)
    write_home(tmp_path / "one", [talk])
    write_home(tmp_path / "two", [talk, own])
    extract(tmp_path / "data", tmp_path / "one", tmp_path / "two")
    days = "SELECT sum(response_count)::BIGINT, sum(output_tokens)::BIGINT FROM {} GROUP BY {} ORDER BY 1"
    assert _ask(tmp_path / "data", days.format("usage_by_day", "home_id")) == [(1, 100), (2, 107)]
    assert _ask(tmp_path / "data", days.format("usage_total_by_day", "ALL")) == [(2, 107)]
    assert _ask(tmp_path / "data", "SELECT count(*), max(len(home_ids)) FROM user_prompts") == [(2, 2)]


def test_who_says_it_comes_from_the_records_own_fields_before_tags(tmp_path: Path) -> None:
    talk = Talk()
    talk.prompt("typed")
    talk.prompt("<task-notification>pasted by a person", origin={"kind": "human"})
    talk.prompt("<task-notification><status>done</status></task-notification>")
    talk.prompt("check the mail", isMeta=True, scheduledTaskId="0a1b2c3d", promptSource="system")
    talk.prompt('Another Claude session sent a message:\n<teammate-message teammate_id="a">hi</teammate-message>')
    talk.prompt("hello", origin={"kind": "peer"})
    talk.prompt("<ide_opened_file>The user opened /a</ide_opened_file>\nfix this")
    talk.prompt("<command-message>review</command-message>\n<command-name>/review</command-name>")
    talk.prompt("<command-name>/model</command-name>\n<command-message>model</command-message>")
    talk.prompt("<bash-input>ls</bash-input>")
    talk.prompt("[Request interrupted by user]")
    speakers = _of(tmp_path, "SELECT speaker, count(*) FROM speakers GROUP BY 1 ORDER BY 1", talk)
    assert speakers == [("claude_code", 2), ("person", 6), ("schedule", 1), ("teammate", 2)]
    words = [text for (text,) in _ask(tmp_path / "data", "SELECT prompt_text FROM user_prompts ORDER BY prompted_at")]
    assert words == ["typed", "<task-notification>pasted by a person", "fix this", "/review"]


def test_a_prompt_that_waited_in_the_queue_is_one_as_text_with_an_image_or_as_the_queue_alone(tmp_path: Path) -> None:
    talk = Talk()
    talk.prompt("build")
    talk.add("attachment", attachment={"type": "queued_command", "prompt": "faster", "commandMode": "prompt"})
    image: JsonObject = {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
    }
    blocks: list[JsonValue] = [{"type": "text", "text": "like this"}, image]
    talk.add("attachment", attachment={"type": "queued_command", "prompt": blocks, "commandMode": "prompt"})
    talk.add("attachment", attachment={"type": "queued_command", "prompt": "x", "commandMode": "task-notification"})
    talk.state("queue-operation", operation="enqueue", timestamp="2026-03-02T10:00:00.000Z", content="and softly")
    talk.state("queue-operation", operation="remove", timestamp="2026-03-02T10:00:01.000Z")
    found = _of(tmp_path, "SELECT prompt_text, prompt_source FROM user_prompts ORDER BY prompted_at", talk)
    assert found == [("build", "typed"), ("faster", "queued"), ("like this", "queued"), ("and softly", "queued")]


def test_what_was_rewound_stays_and_is_marked_though_results_hang_on_side_branches(tmp_path: Path) -> None:
    talk = Talk()
    talk.prompt("a")
    first = talk.answer("m1", call("t1"))
    second = talk.answer("m1", call("t2"))
    talk.result("t1", after=first)
    kept = talk.result("t2", after=second)
    talk.prompt("b (mistake)", after=kept)
    talk.answer("m2")
    talk.prompt("c", after=kept)
    talk.answer("m3")
    found = _of(tmp_path, "SELECT prompt_text, is_abandoned FROM user_prompts ORDER BY prompted_at", talk)
    assert found == [("a", False), ("b (mistake)", True), ("c", False)]
    marked = "SELECT count(*) FROM conversation WHERE is_abandoned"
    assert _ask(tmp_path / "data", marked) == [(2,)]


def test_a_worktree_and_another_case_of_the_drive_are_the_same_project(tmp_path: Path) -> None:
    places = ["/home/mira/loom", "/home/mira/loom/.claude/worktrees/warp", "/tmp/elsewhere", "w:\\loom", "W:\\loom\\"]
    talks = [Talk(session_id(number), place) for number, place in enumerate(places, 1)]
    for number, talk in enumerate(talks):
        talk.prompt("go")
        talk.answer(f"m{number}")
    talks[2].state("worktree-state", worktreeSession={"originalCwd": places[0], "worktreePath": places[2]})
    found = _of(tmp_path, "SELECT project, session_count, prompt_count FROM projects ORDER BY 1", *talks)
    assert found == [("/home/mira/loom", 3, 3), ("W:\\loom", 2, 2)]


def test_a_title_that_claude_code_stamped_hides_none_that_a_model_gave(tmp_path: Path) -> None:
    talk = Talk(cwd="/home/mira/loom/.claude/worktrees/warp")
    talk.prompt("go")
    talk.state("ai-title", aiTitle="Mend the loom")
    talk.state("custom-title", customTitle="warp")
    assert _of(tmp_path, "SELECT title, title_kind FROM sessions", talk) == [("Mend the loom", "generated")]


def test_counts_are_of_a_files_present_content_and_its_losses_are_beside_them(tmp_path: Path) -> None:
    old, new = Talk(), Talk()
    old.prompt("old")
    old.answer("m1")
    old.prompt("older")
    new.cwd = "/home/mira/mail"
    new.prompt("new")
    new.answer("m2")
    write_home(tmp_path / "home", [old])
    extract(tmp_path / "data", tmp_path / "home")
    write_home(tmp_path / "home", [new])
    extract(tmp_path / "data", tmp_path / "home", is_full=True)
    sql = "SELECT prompt_count, response_count, lost_record_count FROM sessions"
    assert _ask(tmp_path / "data", sql) == [(1, 1, 3)]


def test_calls_are_paired_with_their_results_whatever_their_blocks_and_numbers(tmp_path: Path) -> None:
    talk = Talk()
    for number in range(2):
        talk.prompt(f"step {number}")
        talk.answer(f"m{number}", call("call_0", number=number), request=None)
        talk.result("call_0", f"result {number}")
    server: JsonObject = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}}
    talk.answer("m3", [server, {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []}])
    talk.result("lost")
    sql = "SELECT tool_name, has_result, text FROM tool_calls LEFT JOIN messages ON message_id = result_message_id"
    assert _of(tmp_path, f"{sql} ORDER BY 3", talk) == [
        ("Bash", True, "result 0"),
        ("Bash", True, "result 1"),
        ("web_search", True, None),
    ]
    assert _ask(tmp_path / "data", "SELECT tool_use_id FROM results_without_call") == [("lost",)]


def test_days_are_of_the_time_zone_of_the_connection(tmp_path: Path) -> None:
    talk = Talk()
    talk.prompt("late")
    talk.records[-1]["timestamp"] = "2026-03-02T23:30:00.000Z"
    talk.answer("m")
    talk.records[-1]["timestamp"] = "2026-03-02T23:30:05.000Z"
    write_home(tmp_path / "home", [talk])
    extract(tmp_path / "data", tmp_path / "home")
    with warehouse_of(tmp_path / "data") as connection:
        for zone, day in (("UTC", "2026-03-02"), ("Asia/Tokyo", "2026-03-03")):
            connection.execute(f"SET TimeZone = '{zone}'")
            assert connection.execute("SELECT day::VARCHAR FROM usage_by_day").fetchall() == [(day,)]


def test_a_subagent_is_known_by_its_result_when_its_transcript_is_gone(tmp_path: Path) -> None:
    talk = Talk()
    talk.prompt("look")
    talk.answer("m", call("t", "Task", subagent_type="Explore", description="look around"))
    usage: JsonObject = {"input_tokens": 4, "output_tokens": 400}
    printed: JsonObject = {
        "status": "completed",
        "agentId": "a1",
        "totalTokens": 4321,
        "totalToolUseCount": 3,
        "usage": usage,
    }
    talk.prompt([{"type": "tool_result", "tool_use_id": "t", "content": "found"}], toolUseResult=printed)
    sql = "SELECT agent_type, description, total_tokens, tool_call_count, has_transcript, outcome FROM subagent_runs"
    assert _of(tmp_path, sql, talk) == [("Explore", "look around", 4321, 3, False, "completed")]
    parts = "SELECT output_tokens, is_reliable FROM token_usage WHERE part = 'subagent_total'"
    assert _ask(tmp_path / "data", parts) == [(400, False)]


def test_a_document_that_is_rewritten_has_a_view_of_what_it_says_now(tmp_path: Path) -> None:
    path = tmp_path / "home" / "todos" / f"{session_id(1)}-agent-{session_id(1)}.json"
    path.parent.mkdir(parents=True)
    for status in ("pending", "completed"):
        path.write_text(json.dumps([{"content": "spin", "status": status, "activeForm": "spinning"}]))
        extract(tmp_path / "data", tmp_path / "home", is_full=True)
    assert _ask(tmp_path / "data", "SELECT todo_text, status FROM todos_now") == [("spin", "completed")]
    assert _ask(tmp_path / "data", "SELECT count(*) FROM todos") == [(2,)]


def test_every_session_that_any_table_names_is_a_session(tmp_path: Path) -> None:
    prompt: JsonObject = {"display": "hi", "pastedContents": {}, "timestamp": 1772445600000, "sessionId": session_id(7)}
    write_lines(tmp_path / "home" / "history.jsonl", [prompt])
    left = tmp_path / "home" / "projects" / "-home-mira-loom" / session_id(8) / "tool-results" / "toolu_x.txt"
    left.parent.mkdir(parents=True)
    left.write_text("left behind")
    talk = Talk()
    talk.prompt("go")
    _of(tmp_path, "FROM sessions", talk)
    with warehouse_of(tmp_path / "data") as connection:
        tables = connection.execute(
            "SELECT table_name FROM duckdb_columns() WHERE column_name = 'session_id' AND NOT internal"
        ).fetchall()
        for (table,) in tables:
            unnamed = (
                f'SELECT session_id FROM "{table}" WHERE session_id IS NOT NULL EXCEPT SELECT session_id FROM sessions'
            )
            assert connection.execute(unnamed).fetchall() == [], table
        states = connection.execute("SELECT session_id, state, prompt_count FROM sessions ORDER BY 1").fetchall()
    assert states == [
        (session_id(1), "present", 1),
        (session_id(7), "named_only", 1),
        (session_id(8), "named_only", 0),
    ]


def test_every_row_of_every_view_leads_back_to_the_bytes_that_it_comes_from(tmp_path: Path) -> None:
    talk = Talk()
    talk.prompt("go")
    talk.answer("m", call("t"))
    talk.result("t")
    write_home(tmp_path / "home", [talk])
    extract(tmp_path / "data", tmp_path / "home")
    with warehouse_of(tmp_path / "data") as connection:
        views = connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
        assert len(views) > 40
        for (view,) in views:
            columns = {row[0] for row in connection.execute(f'DESCRIBE "{view}"').fetchall()}
            leads_back = {"file_id", "byte_offset", "byte_length"} <= columns or columns & {"file_ids", "message_id"}
            assert leads_back or view in {"homes", "inventory", "forks", "session_mentions"}, view


def test_every_column_of_every_view_is_explained() -> None:
    with duckdb.connect() as connection:
        create_tables(connection)
        create_views(connection)
        connection.execute(view_comments(connection))
        unexplained = connection.execute(
            "SELECT c.table_name, c.column_name FROM duckdb_columns() c "
            "SEMI JOIN duckdb_views() v ON v.view_name = c.table_name AND NOT v.internal WHERE c.comment IS NULL"
        ).fetchall()
    assert unexplained == []
