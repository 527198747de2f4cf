"""Kinds of faults in conversations: the forms of responses; rewound, compacted, queued and refused entries."""

from pathlib import Path

from models.json import JsonObject, JsonValue
from tests.conversations import call, write_home
from tests.warehouse.kinds import SAID, USED, shows, talk_of


@shows({USED: [(1, 900, 250)], "SELECT bool_and(is_reliable) FROM token_usage WHERE session_id = :s": [(True,)]})
def streamed_in_three_records(home: Path, n: int) -> None:
    talk = talk_of(n)
    talk.prompt("go")
    for output, stop in ((1, None), (1, None), (250, "tool_use")):
        talk.answer(f"k{n}", output=output, sent=900, stop_reason=stop)
    write_home(home, [talk])


@shows({USED: [(2, 20, 9)]})
def a_typed_prompt_ends_a_response_whose_ids_and_figures_repeat(home: Path, n: int) -> None:
    talk = talk_of(n)
    for number in (4, 5):
        talk.prompt(f"say {number}")
        talk.answer(f"k{n}", output=number, sent=10)
    write_home(home, [talk])


@shows({USED: [(2, 20, 9)]})
def requests_without_message_ids(home: Path, n: int) -> None:
    talk = talk_of(n)
    talk.prompt("go")
    talk.answer(None, output=1, sent=10, request=f"rq{n}a", stop_reason=None)
    talk.answer(None, output=4, sent=10, request=f"rq{n}a")
    talk.answer(None, output=5, sent=10, request=f"rq{n}b")
    write_home(home, [talk])


@shows({USED: [(2, 20, 9)]})
def one_message_id_under_two_requests(home: Path, n: int) -> None:
    talk = talk_of(n)
    talk.prompt("go")
    talk.answer(f"k{n}", output=4, sent=10, request=f"rq{n}a")
    talk.answer(f"k{n}", output=5, sent=10, request=f"rq{n}b")
    write_home(home, [talk])


@shows({USED: [(1, 5, 10)], "SELECT response_count FROM sessions WHERE session_id = :s": [(1,)]})
def an_api_error_is_no_response(home: Path, n: int) -> None:
    talk = talk_of(n)
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
    talk = talk_of(n)
    talk.prompt("frist")
    talk.answer(f"k{n}a")
    talk.prompt("first", after=None)
    talk.answer(f"k{n}b")
    talk.prompt("second")
    talk.answer(f"k{n}c")
    write_home(home, [talk])


@shows({"SELECT abandoned_prompt_count FROM sessions WHERE session_id = :s": [(0,)]})
def a_transcript_whose_records_name_no_parents(home: Path, n: int) -> None:
    talk = talk_of(n)
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
    talk = talk_of(n)
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
    talk = talk_of(n)
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
    talk = talk_of(n)
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
    talk = talk_of(n)
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
    talk = talk_of(n)
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
    talk = talk_of(n)
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
        SAID: [("go", "typed"), ("use the old one", "typed"), ("/pdf make it short", "command")],
        "SELECT count(*) FROM tool_calls WHERE session_id = :s AND has_result": [(1,)],
    }
)
def words_beside_a_result_a_skill_and_a_summary_without_its_flag(home: Path, n: int) -> None:
    talk = talk_of(n)
    talk.prompt("This session is being continued from a previous conversation that ran out of context. …")
    talk.prompt("go")
    talk.answer(f"k{n}", call(f"t{n}"), stop_reason="tool_use")
    refused: JsonObject = {"type": "tool_result", "tool_use_id": f"t{n}", "content": "no", "is_error": True}
    talk.prompt([refused, {"type": "text", "text": "use the old one"}])
    talk.prompt(
        "<command-message>pdf</command-message>\n<command-name>/pdf</command-name>\n"
        "<skill-format>true</skill-format>\n<command-args>make it short</command-args>"
    )
    write_home(home, [talk])


@shows({USED: [(3, 15, 21)]})
def ids_that_a_gateway_leaves_empty(home: Path, n: int) -> None:
    talk = talk_of(n)
    talk.prompt("go")
    for number in (6, 7, 8):
        talk.answer(None, f"answer {number} of {n}", output=number, request="")
        message = talk.records[-1]["message"]
        assert isinstance(message, dict)
        message["id"] = ""
    write_home(home, [talk])


@shows(
    {
        SAID: [("go", "typed"), ("/deploy now", "command")],
        "SELECT speaker, count(*) FROM speakers WHERE session_id = :s GROUP BY 1 ORDER BY 1": [
            ("claude_code", 4),
            ("hook", 2),
            ("person", 2),
        ],
    }
)
def notices_wait_in_the_queue_and_reminders_stand_before_texts(home: Path, n: int) -> None:
    talk = talk_of(n)
    talk.prompt("go")
    reminder = "<system-reminder>\nBe brief.\n</system-reminder>\n"
    notice = "<task-notification>\n<status>completed</status>\n</task-notification>"
    for text in (notice, "Stop hook feedback:\n[lint]: failed", reminder, reminder + notice):
        talk.add("attachment", attachment={"type": "queued_command", "prompt": text, "commandMode": "prompt"})
    talk.prompt("SubagentStop hook feedback:\n[lint]: failed")
    command = "<command-message>deploy</command-message>\n<command-name>/deploy</command-name>"
    talk.prompt(f"{reminder}{command}\n<command-args>now</command-args>")
    talk.prompt(f"{reminder}<local-command-stdout>bye</local-command-stdout>")
    write_home(home, [talk])


@shows(
    {
        "SELECT result_text, is_error FROM conversation WHERE session_id = :s AND kind = 'call'": [("found", None)],
        "SELECT DISTINCT project FROM user_prompts WHERE session_id = :s": [("\\\\nas\\share\\loom",)],
    }
)
def a_result_of_two_texts_in_a_directory_of_a_share(home: Path, n: int) -> None:
    talk = talk_of(n, "\\\\nas\\share\\loom\\")
    talk.prompt("go")
    talk.answer(f"k{n}", call(f"t{n}"), stop_reason="tool_use")
    texts: JsonValue = [{"type": "text", "text": text} for text in ("found", "agentId: a1")]
    talk.prompt([{"type": "tool_result", "tool_use_id": f"t{n}", "content": texts}])
    talk.cwd = "\\\\nas\\share\\loom"
    talk.prompt("on")
    write_home(home, [talk], "--nas-share-loom")
