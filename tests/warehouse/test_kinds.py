"""Kinds of faults of which people report: one home with a session for each of them, made as Claude Code writes it, and
what the warehouse has to answer of that session, counted by hand.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from models.json import JsonObject, JsonValue
from tests.conversations import Talk, call, session_id, write_home, write_lines
from tests.support import extract, warehouse_of

pytestmark = pytest.mark.duckdb

Rows = list[tuple[object, ...]]
Build = Callable[[Path, int], None]


@dataclass(frozen=True)
class Kind:
    """A kind of fault: `build` writes into the home what shows it, of sessions from a number on; then the answers."""

    build: Build
    answers: dict[str, Rows]


KINDS: list[Kind] = []


def shows(answers: dict[str, Rows]) -> Callable[[Build], Build]:
    """Register a kind with what has to be answered; in a query `:s` is its first session, `:t` its second."""

    def register(build: Build) -> Build:
        KINDS.append(Kind(build, answers))
        return build

    return register


def _talk(number: int, cwd: str = "/home/mira/loom") -> Talk:
    # Each session has its own hour, so that no two share an instant.
    return Talk(session_id(number), cwd, seconds=600 * number)


USED = "SELECT count(*), sum(input_tokens)::int, sum(output_tokens)::int FROM token_usage WHERE session_id = :s"
SAID = "SELECT prompt_text, prompt_source FROM user_prompts WHERE session_id = :s ORDER BY prompted_at"


@shows({USED: [(1, 900, 250)], "SELECT bool_and(is_reliable) FROM token_usage WHERE session_id = :s": [(True,)]})
def streamed_in_three_records(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt("go")
    for output, stop in ((1, None), (1, None), (250, "tool_use")):
        talk.answer(f"k{n}", output=output, sent=900, stop_reason=stop)
    write_home(home, [talk])


@shows({USED: [(2, 20, 9)]})
def a_typed_prompt_ends_a_response_whose_ids_and_figures_repeat(home: Path, n: int) -> None:
    talk = _talk(n)
    for number in (4, 5):
        talk.prompt(f"say {number}")
        talk.answer(f"k{n}", output=number, sent=10)
    write_home(home, [talk])


@shows({USED: [(2, 20, 9)]})
def requests_without_message_ids(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt("go")
    talk.answer(None, output=1, sent=10, request=f"rq{n}a", stop_reason=None)
    talk.answer(None, output=4, sent=10, request=f"rq{n}a")
    talk.answer(None, output=5, sent=10, request=f"rq{n}b")
    write_home(home, [talk])


@shows({USED: [(2, 20, 9)]})
def one_message_id_under_two_requests(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt("go")
    talk.answer(f"k{n}", output=4, sent=10, request=f"rq{n}a")
    talk.answer(f"k{n}", output=5, sent=10, request=f"rq{n}b")
    write_home(home, [talk])


@shows({USED: [(1, 5, 10)], "SELECT response_count FROM sessions WHERE session_id = :s": [(1,)]})
def an_api_error_is_no_response(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt("go")
    talk.answer(
        f"e{n}",
        "API Error: 529",
        0,
        0,
        isApiErrorMessage=True,
        model="<synthetic>",
        request=None,
        stop_reason="stop_sequence",
    )
    talk.answer(f"f{n}", "API Error: 500", 0, 0, isApiErrorMessage=True, model="claude-sonnet-4-5", request=None)
    talk.answer(f"k{n}")
    write_home(home, [talk])


@shows(
    {
        "SELECT prompt_text, is_abandoned FROM user_prompts WHERE session_id = :s ORDER BY prompted_at": [
            ("frist", True),
            ("first", False),
            ("second", False),
        ],
        "SELECT prompt_count, abandoned_prompt_count FROM sessions WHERE session_id = :s": [(3, 1)],
        "SELECT count(*) FROM conversation WHERE session_id = :s AND is_abandoned": [(2,)],
    }
)
def the_first_prompt_is_rewound(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt("frist")
    talk.answer(f"k{n}a")
    talk.prompt("first", after=None)
    talk.answer(f"k{n}b")
    talk.prompt("second")
    talk.answer(f"k{n}c")
    write_home(home, [talk])


@shows({"SELECT abandoned_prompt_count FROM sessions WHERE session_id = :s": [(0,)]})
def a_transcript_whose_records_name_no_parents(home: Path, n: int) -> None:
    talk = _talk(n)
    for number in range(3):
        talk.prompt(f"say {number}", after=None)
        talk.answer(f"k{n}{number}", after=None)
    write_home(home, [talk])


@shows(
    {
        "SELECT prompt_text, is_abandoned FROM user_prompts WHERE session_id = :s ORDER BY prompted_at": [
            ("a", False),
            ("b", True),
            ("b2", True),
            ("c", True),
            ("d", False),
        ]
    }
)
def rewound_twice_over_several_turns(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt("a")
    kept = talk.answer(f"k{n}a")
    talk.prompt("b")
    talk.answer(f"k{n}b")
    talk.prompt("b2")
    talk.answer(f"k{n}b2")
    talk.prompt("c", after=kept)
    talk.answer(f"k{n}c")
    talk.prompt("d", after=kept)
    talk.answer(f"k{n}d")
    write_home(home, [talk])


@shows(
    {
        "SELECT prompt_count, abandoned_prompt_count, compaction_count FROM sessions WHERE session_id = :s": [
            (3, 0, 1)
        ],
        SAID: [("one", "typed"), ("two", "typed"), ("three", "typed")],
    }
)
def compacted_with_a_preserved_segment(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt("one")
    talk.answer(f"k{n}a")
    head = talk.prompt("two")
    tail = talk.answer(f"k{n}b")
    segment: JsonObject = {"headUuid": head, "anchorUuid": head, "tailUuid": tail}
    boundary = talk.add(
        "system",
        None,
        subtype="compact_boundary",
        content="Conversation compacted",
        logicalParentUuid=tail,
        compactMetadata={"trigger": "auto", "preTokens": 1000, "preservedSegment": segment},
    )
    talk.prompt(
        "This session is being continued …", after=boundary, isCompactSummary=True, isVisibleInTranscriptOnly=True
    )
    talk.prompt("three", after=tail)
    talk.answer(f"k{n}c")
    write_home(home, [talk])


@shows(
    {
        SAID: [
            ("build", "typed"),
            ("faster", "queued"),
            ("softer", "queued"),
            ("last", "queued"),
            ("never taken", "queued"),
        ]
    }
)
def several_prompts_wait_in_the_queue(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt("build")
    talk.answer(f"k{n}a", call(f"t{n}"), stop_reason="tool_use")
    minutes = iter(range(10, 60))

    def operation(kind: str, text: str | None = None) -> None:
        more: JsonObject = {} if text is None else {"content": text}
        talk.state("queue-operation", operation=kind, timestamp=f"2026-12-09T10:{next(minutes)}:00.000Z", **more)

    operation("enqueue", "faster")
    operation("enqueue", "softer")
    operation("enqueue", "<task-notification><status>done</status></task-notification>")
    operation("remove")
    operation("remove")
    operation("remove")
    operation("enqueue", "taken back")
    operation("popAll", "taken back")
    operation("enqueue", "last")
    operation("dequeue")
    talk.prompt("last", promptSource="queued", timestamp="2026-12-09T11:00:00.000Z")
    operation("enqueue", "never taken")
    talk.records[-1]["timestamp"] = "2026-12-09T11:01:00.000Z"
    write_home(home, [talk])


@shows(
    {
        SAID: [
            ("fix it", "typed"),
            ("why?", "typed"),
            ("do that instead", "typed"),
            ("look at the picture", "typed"),
            (None, "typed"),
        ]
    }
)
def words_among_tags_and_pictures(home: Path, n: int) -> None:
    talk = _talk(n)
    image: JsonObject = {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
    }

    def text(said: str) -> JsonObject:
        return {"type": "text", "text": said}

    talk.prompt([text("<ide_selection>line 3</ide_selection>"), text("fix it")])
    talk.prompt("why?\n<system-reminder>\nBe brief.\n</system-reminder>")
    talk.prompt([text("[Request interrupted by user]"), text("do that instead")])
    talk.prompt([text("look at the picture"), image])
    talk.prompt([image])
    talk.prompt([text("[Image: source: /tmp/1.png]")], isMeta=True)
    talk.prompt([text("[Request interrupted by user for tool use]")])
    talk.prompt("<local-command-caveat>Caveat: …</local-command-caveat>", isMeta=True)
    talk.prompt("<command-name>/clear</command-name>\n            <command-message>clear</command-message>")
    talk.prompt("<local-command-stdout></local-command-stdout>")
    talk.prompt("<user-prompt-submit-hook>remember the tests</user-prompt-submit-hook>")
    write_home(home, [talk])


@shows({SAID: [("/deploy staging now", "command"), ("/review", "command"), ("/init", "command")]})
def commands_that_are_prompts(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt(
        "<command-message>deploy is running…</command-message>\n<command-name>/deploy</command-name>\n"
        "<command-args>staging now</command-args>"
    )
    talk.prompt([{"type": "text", "text": "Deploy to $ARGUMENTS"}], isMeta=True)
    talk.answer(f"k{n}a")
    talk.prompt(
        "<command-name>/review</command-name>\n<command-message>review</command-message>", origin={"kind": "human"}
    )
    talk.answer(f"k{n}b")
    talk.prompt(
        "<command-message>init is analyzing your codebase…</command-message>\n<command-name>/init</command-name>"
    )
    talk.prompt([{"type": "text", "text": "Please analyze this codebase"}], isMeta=True)
    talk.answer(f"k{n}c")
    talk.prompt(
        "<command-name>/compact</command-name>\n<command-message>compact</command-message>\n"
        "<command-args>keep the plan</command-args>"
    )
    write_home(home, [talk])


@shows(
    {
        SAID: [("go", "typed")],
        "SELECT count(*), count(*) FILTER (has_result), count(*) FILTER (is_error), count(*) FILTER (was_denied) "
        "FROM tool_calls WHERE session_id = :s": [(3, 2, 2, 1)],
        "SELECT tool_call_count, tool_error_count FROM sessions WHERE session_id = :s": [(3, 2)],
        "SELECT error_kind FROM errors WHERE session_id = :s ORDER BY occurred_at": [
            ("tool_failed",),
            ("denied",),
            ("interrupted",),
        ],
    }
)
def calls_that_fail_are_refused_and_have_no_answer(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt("go")
    talk.answer(f"k{n}a", call(f"t{n}a"), stop_reason="tool_use")
    talk.prompt([{"type": "tool_result", "tool_use_id": f"t{n}a", "content": "Exit code 1", "is_error": True}])
    talk.answer(f"k{n}b", call(f"t{n}b"), stop_reason="tool_use")
    refused = "The user doesn't want to proceed with this tool use. The tool use was rejected."
    talk.prompt(
        [{"type": "tool_result", "tool_use_id": f"t{n}b", "content": refused, "is_error": True}],
        toolUseResult="User rejected tool use",
    )
    talk.prompt([{"type": "text", "text": "[Request interrupted by user for tool use]"}])
    talk.answer(f"k{n}c", call(f"t{n}c"), stop_reason="tool_use")
    write_home(home, [talk])


@shows(
    {
        SAID: [("make it", "typed")],
        "SELECT speaker, count(*) FROM speakers WHERE session_id = :s GROUP BY 1 ORDER BY 1": [
            ("claude_code", 2),
            ("hook", 1),
            ("person", 1),
            ("schedule", 2),
            ("teammate", 3),
        ],
    }
)
def others_speak(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt("make it")
    talk.prompt("<task-notification>\n<task-id>b1</task-id></task-notification>", origin={"kind": "task-notification"})
    talk.prompt("go on", origin={"kind": "auto-continuation"}, isMeta=True)
    talk.prompt("Stop hook feedback:\n[lint]: failed", isMeta=True)
    talk.prompt("check the mail", scheduledTaskId="0a1b2c3d", isMeta=True, promptSource="system")
    talk.prompt("check the weather", turnOrigin="scheduled")
    talk.prompt('<teammate-message teammate_id="a" color="red">\nhi\n</teammate-message>')
    talk.prompt("do you copy?", origin={"kind": "peer"})
    talk.prompt("[from the channel] hello", origin={"kind": "channel"})
    write_home(home, [talk])


@shows(
    {
        "SELECT title, title_kind FROM sessions WHERE session_id = :s": [("Weave the loom", "generated")],
        "SELECT DISTINCT project FROM token_usage WHERE session_id = :s": [("C:\\Users\\Mira\\loom",)],
        "SELECT project, project_path FROM sessions WHERE session_id = :s": [
            ("C:\\Users\\Mira\\loom", "c:\\Users\\Mira\\loom\\.claude\\worktrees\\brave-otter\\src")
        ],
    }
)
def a_worktree_on_windows_gives_its_name_as_title(home: Path, n: int) -> None:
    talk = _talk(n, "c:\\Users\\Mira\\loom\\.claude\\worktrees\\brave-otter\\src")
    talk.state("ai-title", aiTitle="Weave the loom")
    talk.state("custom-title", customTitle="brave-otter")
    talk.prompt("go")
    talk.answer(f"k{n}")
    write_home(home, [talk], "C--Users-Mira-loom--claude-worktrees-brave-otter-src")


@shows(
    {
        "SELECT project, prompt_count FROM sessions WHERE session_id = :s": [("/srv/looms/new", 1)],
        "SELECT link_kind FROM session_links WHERE session_id = :s": [("moved_from",)],
    }
)
def relocated_to_another_repository(home: Path, n: int) -> None:
    talk = _talk(n, "/srv/looms/old")
    talk.prompt("go")
    talk.answer(f"k{n}")
    talk.state("relocated", relocatedCwd="/srv/looms/other")
    talk.state("relocated", relocatedCwd="/srv/looms/new/.claude/worktrees/x")
    write_home(home, [talk], "-srv-looms-new--claude-worktrees-x")


@shows(
    {
        "SELECT session_id = :s, prompt_count, response_count FROM sessions WHERE session_id IN (:s, :t, :u) "
        "ORDER BY session_id": [
            (True, 1, 1),
            (False, 1, 1),
            (False, 1, 1),
        ],
        "SELECT count(*) FROM token_usage WHERE session_id IN (:s, :t, :u)": [(3,)],
        "SELECT session_id = :t, linked_session_id = :s FROM session_links WHERE session_id IN (:t, :u) "
        "AND link_kind = 'forked_from' ORDER BY session_id, linked_session_id": [(True, True), (False, False)],
    }
)
def a_fork_of_a_fork(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt("one")
    talk.answer(f"k{n}a")
    fork = talk.forked(session_id(n + 1))
    fork.prompt("two")
    fork.answer(f"k{n}b")
    second = fork.forked(session_id(n + 2))
    second.prompt("three")
    second.answer(f"k{n}c")
    write_home(home, [talk, fork, second])


@shows(
    {
        "SELECT sum(prompt_count)::int, sum(response_count)::int, sum(record_count)::int FROM sessions "
        "WHERE session_id IN (:s, :t)": [(2, 2, 6)],
        "SELECT link_kind FROM session_links WHERE session_id = :s": [("continued_in",)],
        "SELECT prompt_count FROM sessions WHERE session_id = :t": [(1,)],
    }
)
def continued_in_the_background(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt("one")
    talk.answer(f"k{n}a")
    copy = talk.resumed(session_id(n + 1))
    talk.state("continued-in", continuedInSessionId=session_id(n + 1), timestamp="2026-03-02T12:00:00.000Z")
    copy.prompt("two")
    copy.answer(f"k{n}b")
    copy.state("mode", mode="normal")
    write_home(home, [talk, copy])


@shows(
    {
        "SELECT count(*), sum(output_tokens)::int FROM token_usage WHERE session_id IN (:s, :t, :u)": [(2, 12)],
        "SELECT sum(prompt_count)::int FROM sessions WHERE session_id IN (:s, :t, :u)": [(2,)],
        "SELECT sum(record_count)::int FROM sessions WHERE session_id IN (:s, :t, :u)": [(5,)],
    }
)
def silent_forks_of_an_sdk_without_any_ids(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt("one")
    talk.add("system", subtype="informational", content="started")
    talk.answer(None, f"answer of {n}", output=5, request=None)
    first = talk.forked(session_id(n + 1), names_original=False)
    first.prompt("two")
    first.answer(None, f"another of {n}", output=7, request=None)
    second = talk.forked(session_id(n + 2), names_original=False)
    write_home(home, [talk, first, second])


@shows(
    {
        "SELECT part, speed, model_id, input_tokens, output_tokens, web_search_requests, round(cost_usd, 6) "
        "FROM token_usage WHERE session_id = :s ORDER BY responded_at": [
            ("message", "standard", "claude-sonnet-4-5", 1_000_000, 0, None, 6.0),
            ("message", "standard", "claude-sonnet-4-5", 100_000, 10_000, 2, 0.47),
            ("message", "standard", "claude-sonnet-4-5", 100_000, 10_000, None, 0.225),
            ("message", "standard", "loom-1-large", 5, 5, None, None),
        ],
        "SELECT round(cost_usd, 6), unpriced_part_count FROM sessions WHERE session_id = :s": [(6.695, 1)],
    }
)
def prices_of_long_contexts_searches_and_batches(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt("go")
    talk.answer(f"k{n}a", usage={"input_tokens": 1_000_000, "output_tokens": 0})
    search: JsonObject = {"web_search_requests": 2, "web_fetch_requests": 0}
    talk.answer(f"k{n}b", usage={"input_tokens": 100_000, "output_tokens": 10_000, "server_tool_use": search})
    talk.answer(f"k{n}c", usage={"input_tokens": 100_000, "output_tokens": 10_000, "service_tier": "batch"})
    talk.answer(f"k{n}d", usage={"input_tokens": 5, "output_tokens": 5}, model="loom-1-large")
    write_home(home, [talk])


@shows(
    {
        "SELECT prompt_count, response_count FROM sessions WHERE session_id = :s": [(1, 1)],
        "SELECT count(*) FROM user_prompts WHERE session_id = :s": [(1,)],
    }
)
def a_sidechain_within_the_main_transcript(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt("go")
    talk.answer(f"k{n}a", call(f"t{n}", "Task", description="look", prompt="look around"), stop_reason="tool_use")
    side = talk.prompt("look around", after=None, isSidechain=True)
    talk.answer(
        None, "seen", usage={"input_tokens": 0, "output_tokens": 0}, model="<synthetic>", after=side, isSidechain=True
    )
    write_home(home, [talk])


@shows(
    {
        "SELECT prompt_text FROM user_prompts WHERE session_id = :s ORDER BY prompted_at": [("ärger",), ("more",)],
        "SELECT response_count, prompt_count FROM sessions WHERE session_id = :s": [(1, 2)],
    }
)
def a_transcript_with_a_byte_order_mark_and_without_a_last_newline(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt("ärger")
    talk.answer(f"k{n}")
    talk.prompt("more")
    write_home(home, [talk])
    path = home / "projects" / "-home-mira-loom" / f"{talk.session}.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().rstrip(b"\n"))


@shows(
    {
        "SELECT prompt_text FROM user_prompts WHERE session_id = :s": [("wide words",)],
    }
)
def a_transcript_in_utf_16(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt("wide words")
    talk.answer(f"k{n}")
    write_home(home, [talk])
    path = home / "projects" / "-home-mira-loom" / f"{talk.session}.jsonl"
    path.write_bytes(path.read_text(encoding="utf-8").replace("\n", "\r\n").encode("utf-16"))


@shows(
    {
        "SELECT model_id, context_tokens, limit_tokens, band FROM context_windows WHERE session_id = :s ORDER BY 2": [
            ("claude-sonnet-4-5", 99_999, 200_000, 50),
            ("claude-sonnet-4-5", 100_000, 200_000, 75),
            ("claude-sonnet-4-5", 180_000, 200_000, 100),
            ("claude-opus-4-7", 190_000, 1_000_000, 50),
        ],
    }
)
def how_full_the_context_was(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt("go")
    for number, (new, read, kept) in enumerate(((99_999, 0, 0), (1, 99_000, 999), (0, 180_000, 0))):
        usage: JsonObject = {"input_tokens": new, "output_tokens": 1}
        usage |= {"cache_read_input_tokens": read, "cache_creation_input_tokens": kept}
        talk.answer(f"k{n}{number}", usage=usage)
    talk.answer(f"k{n}o", usage={"input_tokens": 190_000, "output_tokens": 1}, model="claude-opus-4-7[1m]")
    write_home(home, [talk])


@shows(
    {
        "SELECT tool_name, version_before IS NULL, lines_added, lines_removed FROM file_changes "
        "WHERE session_id = :s ORDER BY changed_at": [("Write", True, 2, 0), ("Edit", True, 1, 1)],
        "SELECT files_changed FROM sessions WHERE session_id = :s": [(1,)],
    }
)
def files_are_written_edited_and_not_edited(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt("go")
    path = "/home/mira/loom/a.txt"
    talk.answer(f"k{n}a", call(f"t{n}a", "Write", file_path=path, content="one\ntwo\n"), stop_reason="tool_use")
    result: JsonObject = {"type": "create", "filePath": path, "content": "one\ntwo\n", "structuredPatch": []}
    talk.prompt([{"type": "tool_result", "tool_use_id": f"t{n}a", "content": "created"}], toolUseResult=result)
    edit = {"file_path": path, "old_string": "two", "new_string": "three"}
    patch: list[JsonValue] = [
        {"oldStart": 1, "oldLines": 2, "newStart": 1, "newLines": 2, "lines": [" one", "-two", "+three"]}
    ]
    talk.answer(f"k{n}b", call(f"t{n}b", "Edit", **edit), stop_reason="tool_use")
    talk.prompt(
        [{"type": "tool_result", "tool_use_id": f"t{n}b", "content": "updated"}],
        toolUseResult={"filePath": path, "oldString": "two", "newString": "three", "structuredPatch": patch},
    )
    talk.answer(f"k{n}c", call(f"t{n}c", "Edit", **edit), stop_reason="tool_use")
    talk.prompt([{"type": "tool_result", "tool_use_id": f"t{n}c", "content": "not found", "is_error": True}])
    write_home(home, [talk])


@shows(
    {
        "SELECT count(*) FROM user_prompts WHERE session_id = :s": [(2,)],
        "SELECT in_transcript, in_history FROM user_prompts WHERE session_id = :s": [(True, True)] * 2,
        "SELECT prompt_text, in_transcript FROM user_prompts WHERE session_id = :t": [
            ("of a session that is gone", False)
        ],
    }
)
def the_history_has_the_same_prompts(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt("look at this:\nline 1\nline 2", timestamp="2026-03-04T10:00:00.000Z")
    talk.answer(f"k{n}")
    talk.prompt("and  that", timestamp="2026-03-04T10:05:00.000Z")
    write_home(home, [talk])

    def line(text: str, at: int, session: int, pasted: JsonObject | None = None) -> JsonObject:
        more: JsonObject = {"project": "/home/mira/loom", "sessionId": session_id(session)}
        return {"display": text, "pastedContents": pasted or {}, "timestamp": 1_772_618_400_000 + at, **more}

    pasted: JsonObject = {"1": {"id": 1, "type": "text", "content": "line 1\nline 2"}}
    lines = [
        line("look at this:\n[Pasted text #1 +2 lines]", -500, n, pasted),
        line("and that", 300_000 - 400, n),
        line("/model", 310_000, n),
        line("of a session that is gone", 400_000, n + 1),
    ]
    write_lines(home / "history.jsonl", lines)


@shows(
    {
        "SELECT session_id = :t, has_transcript, state FROM sessions WHERE session_id IN (:s, :t) ORDER BY 1": [
            (False, True, "present"),
            (True, False, "named_only"),
        ],
    }
)
def continued_in_a_session_that_is_not_there(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt("one")
    talk.state("continued-in", continuedInSessionId=session_id(n + 1), timestamp="2026-03-02T12:00:00.000Z")
    write_home(home, [talk])


@shows(
    {
        "SELECT agent_type, outcome, has_transcript, output_tokens FROM subagent_runs WHERE session_id = :s "
        "ORDER BY 1, 4": [("Explore", None, True, 4), ("Explore", None, True, 5), ("Plan", None, False, None)],
        "SELECT subagent_count, prompt_count, response_count FROM sessions WHERE session_id = :s": [(3, 1, 3)],
    }
)
def subagents_that_only_their_prompts_tie_to_their_calls(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt("look")
    calls = [
        *call(f"t{n}a", "Task", subagent_type="Explore", prompt="look around"),
        *call(f"t{n}b", "Task", subagent_type="Explore", prompt="look around"),
        *call(f"t{n}c", "Task", subagent_type="Plan", prompt="think"),
    ]
    talk.answer(f"k{n}", calls, stop_reason="tool_use")
    for number in (4, 5):
        agent, name = _talk(n), f"a{n}{number}"
        agent.seconds += 10 + number
        agent.prompt("look around", isSidechain=True, agentId=name, uuid=f"{n:08}-{number:04}-4000-8000-000000000001")
        agent.answer(
            f"k{n}{number}",
            output=number,
            isSidechain=True,
            agentId=name,
            uuid=f"{n:08}-{number:04}-4000-8000-000000000002",
        )
        place = home / "projects" / "-home-mira-loom" / talk.session / "subagents"
        write_lines(place / f"agent-{name}.jsonl", agent.records)
    write_home(home, [talk])


@shows(
    {
        USED: [(1, 5, 10)],
        "SELECT stated_by, input_tokens, output_tokens FROM usage_without_response WHERE session_id = :s ORDER BY 1": [
            ("progress", 3, 4),
            ("record", 1, 2),
            ("synthetic", 0, 9),
        ],
    }
)
def tokens_that_belong_to_no_response(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.add("user", message={"role": "user", "content": "go", "usage": {"input_tokens": 1, "output_tokens": 2}})
    talk.answer(f"k{n}")
    message: JsonObject = {"type": "assistant", "message": {"usage": {"input_tokens": 3, "output_tokens": 4}}}
    talk.add("progress", data={"type": "agent_progress", "agentId": f"gone{n}", "message": message}, toolUseID=f"t{n}")
    talk.answer(f"s{n}", "limit", model="<synthetic>", usage={"input_tokens": 0, "output_tokens": 9})
    write_home(home, [talk])


@shows(
    {
        "SELECT prompt_text, session_id = :s FROM user_prompts WHERE project = '/old/place' ORDER BY prompted_at": [
            ("of both", True),
            ("of the history alone", None),
        ],
        "SELECT prompt_count, session_count FROM projects WHERE project = '/old/place'": [(2, 1)],
        "SELECT sum(prompt_count)::int FROM daily_activity WHERE project = '/old/place'": [(2,)],
    }
)
def lines_of_history_that_name_no_session(home: Path, n: int) -> None:
    talk = _talk(n, "/old/place")
    talk.prompt("of both", timestamp="2025-09-04T10:00:00.000Z")
    write_home(home, [talk], "-old-place")
    lines = [
        {"display": text, "pastedContents": {}, "timestamp": 1_756_980_000_000 + at, "project": "/old/place"}
        for text, at in (("of both", -300), ("of the history alone", 90_000))
    ]
    with (home / "history.jsonl").open("a", encoding="utf-8") as history:
        history.writelines(json.dumps(line) + "\n" for line in lines)


@shows(
    {
        "SELECT cost_usd, input_tokens, price_basis FROM token_usage WHERE session_id = :s": [
            (None, None, "no tokens")
        ],
        "SELECT response_count, cost_usd, unpriced_part_count FROM sessions WHERE session_id = :s": [(1, None, 1)],
    }
)
def a_response_without_figures(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt("go")
    talk.answer(f"k{n}")
    talk.records[-1]["message"] = {"id": f"msg_k{n}", "model": "claude-sonnet-4-5", "content": [], "role": "assistant"}
    write_home(home, [talk])


@shows({"SELECT DISTINCT model_id FROM token_usage WHERE session_id = :s": [("claude-sonnet-4-5",)]})
def spellings_of_one_model(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt("go")
    spellings = (
        "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "apac.anthropic.claude-sonnet-4-5-20250929-v1:0[1m]",
        "openrouter/anthropic/claude-sonnet-4.5:thinking",
        "vertex_ai/claude-sonnet-4-5@20250929",
        "claude-sonnet-4-5-20250929-thinking",
        "claude-sonnet-4-5-latest",
        "Claude-Sonnet-4-5",
    )
    for number, model in enumerate(spellings):
        talk.answer(f"k{n}{number}", model=model)
    write_home(home, [talk])


@shows(
    {
        "SELECT error_kind, text FROM errors WHERE session_id = :s ORDER BY occurred_at": [
            ("retry", "overloaded"),
            ("rate_limit", "slow down"),
            ("hook_failed", "boom"),
            ("denied", "no"),
        ],
        "SELECT recorded_cost_usd FROM sessions WHERE session_id = :s": [(0.75,)],
    }
)
def what_goes_wrong_and_what_it_costs_in_two_processes(home: Path, n: int) -> None:
    talk = _talk(n)
    talk.prompt("go")
    for status, text in ((529, "overloaded"), (429, "slow down")):
        talk.add(
            "system", subtype="api_error", error={"status": status, "message": text}, retryInMs=500, retryAttempt=1
        )
    failed: JsonObject = {"type": "hook_non_blocking_error", "hookName": "Stop", "hookEvent": "Stop", "toolUseID": "x"}
    talk.add("attachment", attachment={**failed, "stdout": "", "stderr": "boom", "exitCode": 1})
    talk.answer(f"k{n}", call(f"t{n}"), stop_reason="tool_use")
    refused: JsonObject = {"type": "tool_result", "tool_use_id": f"t{n}", "content": "no", "is_error": True}
    talk.prompt([refused], toolDenialKind="user")
    for cost, start in ((0.1, 1_790_000_000_000), (0.5, 1_790_000_000_000), (0.25, 1_790_000_900_000)):
        talk.state("cost-state", totalCostUSD=cost, startTime=start, totalDuration=60_000, modelUsage={})
    write_home(home, [talk])


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse of one home with all kinds."""
    place = tmp_path_factory.mktemp("kinds")
    for number, kind in enumerate(KINDS):
        kind.build(place / "home", 1000 + 10 * number)
    extract(place / "data", place / "home")
    with warehouse_of(place / "data") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


@pytest.mark.parametrize("number", range(len(KINDS)), ids=[kind.build.__name__ for kind in KINDS])
def test_each_kind_of_fault_is_answered_rightly(warehouse: duckdb.DuckDBPyConnection, number: int) -> None:
    found = {}
    for sql in KINDS[number].answers:
        query = sql
        for place, name in enumerate("stu"):
            query = query.replace(f":{name}", f"'{session_id(1000 + 10 * number + place)}'")
        found[sql] = [tuple(row) for row in warehouse.execute(query).fetchall()]
    assert found == KINDS[number].answers


def test_the_parts_of_the_responses_add_up_and_are_all_priced_or_listed(warehouse: duckdb.DuckDBPyConnection) -> None:
    sums = "count(DISTINCT response_key), sum(output_tokens)::int, sum(coalesce(input_tokens, 0))::int"
    whole = warehouse.execute(f"SELECT {sums} FROM responses WHERE NOT is_copy AND NOT is_synthetic").fetchone()
    assert (
        whole == warehouse.execute(f"SELECT {sums} FROM token_usage WHERE part IN ('message', 'fallback')").fetchone()
    )
    unassigned = warehouse.execute(
        "SELECT count(*) FROM records ANTI JOIN record_copies USING (file_id, byte_offset) "
        "ANTI JOIN (SELECT run_file_id AS file_id, unnest(byte_offsets) AS byte_offset FROM responses) "
        "USING (file_id, byte_offset) WHERE input_tokens + output_tokens > 0"
    ).fetchone()
    listed = "SELECT count(*) FROM usage_without_response WHERE stated_by = 'record'"
    assert unassigned == warehouse.execute(listed).fetchone() == (1,)
    assert warehouse.execute(
        "SELECT count(*) FROM token_usage WHERE (cost_usd IS NULL) <> (price_basis IN ('no price', 'no tokens'))"
    ).fetchone() == (0,)
