"""Records of a session's state, queued prompts and server tools' answers: the rows of each odd one."""

from datetime import UTC, datetime

import pytest

from models.json import JsonObject, JsonValue
from models.message import MessageKind
from tests.transcripts import PNG, SESSION, Parsed, assistant, user

_START_MS = 1_789_200_000_000
_STARTED_AT = datetime(2026, 9, 12, 8, tzinfo=UTC)


def queued(prompt: JsonValue, *, mode: str | None = "prompt", **more: JsonValue) -> Parsed:
    attachment: JsonObject = {"type": "queued_command", "prompt": prompt, **more}
    return Parsed(
        {"type": "attachment", "attachment": attachment if mode is None else {**attachment, "commandMode": mode}}
    )


def test_a_running_total_gives_its_own_row_and_one_for_each_model() -> None:
    model: JsonObject = {"inputTokens": 1, "outputTokens": 2, "thinkingTokens": 1, "costUSD": 1}
    usage: JsonObject = {"claude-opus-5[1m]": model, "claude-haiku-5": {}}
    parsed = Parsed(
        {"type": "cost-state", "totalCostUSD": 1, "startTime": _START_MS, "totalDuration": 1500, "modelUsage": usage}
    )
    (total,) = parsed.table("session_costs")
    assert (total["cost_usd"], total["process_started_at"]) == (1.0, _STARTED_AT)
    assert total["totalled_at"] == datetime(2026, 9, 12, 8, 0, 1, 500_000, UTC)
    models = [(row["model"], row["output_tokens"], row["cost_usd"]) for row in parsed.table("session_model_costs")]
    assert models == [("claude-opus-5[1m]", 2, 1.0), ("claude-haiku-5", None, None)]
    assert (parsed.body, parsed.record["unparsed"], parsed.entry.odd) == (None, None, [])


def test_an_idle_sessions_total_has_no_model() -> None:
    parsed = Parsed({"type": "cost-state", "totalCostUSD": 0, "modelUsage": {}})
    assert len(parsed.table("session_costs")) == 1
    assert parsed.table("session_model_costs") == []


def test_odd_totals_are_kept_and_counted_once_however_many_models() -> None:
    usage: JsonObject = {"one": {"naps": 1}, "two": {"naps": 2}, "three": 3}
    parsed = Parsed({"type": "cost-state", "startTime": "noon", "totalDuration": 1.5, "modelUsage": usage})
    assert parsed.body == {"modelUsage": {"one": {"naps": 1}, "two": {"naps": 2}, "three": 3}}
    assert {name for _, name in parsed.entry.odd} == {
        "cost-state.startTime",
        "cost-state.totalDuration",
        "cost-state.modelUsage.*",
        "cost-state.modelUsage.*.naps",
    }


@pytest.mark.parametrize(
    ("value", "state"),
    [
        ({"type": "mode", "mode": "plan"}, "plan"),
        ({"type": "permission-mode", "permissionMode": "acceptEdits"}, "acceptEdits"),
        ({"type": "isolation-latch", "side": "web"}, "web"),
        ({"type": "ended-by-model", "timestamp": "2026-09-12T08:00:00Z"}, None),
        ({"type": "tag", "tag": 7}, None),
    ],
)
def test_a_state_is_a_row_with_its_value(value: JsonObject, state: str | None) -> None:
    (row,) = Parsed(value).table("session_states")
    assert (row["session_id"], row["state_kind"], row["value"]) == (SESSION, value["type"], state)


def test_entering_a_worktree_and_leaving_it_are_two_places() -> None:
    entered: JsonObject = {"originalCwd": "/w", "worktreePath": "/w/.claude/worktrees/k", "worktreeName": "k", "dye": 1}
    parsed = Parsed({"type": "worktree-state", "worktreeSession": entered})
    (row,) = parsed.table("session_places")
    assert (row["cwd"], row["is_left"], row["original_cwd"]) == ("/w/.claude/worktrees/k", False, "/w")
    assert [name for _, name in parsed.entry.odd] == ["worktree-state.worktreeSession.dye"]
    (row,) = Parsed({"type": "worktree-state", "worktreeSession": None}).table("session_places")
    assert (row["cwd"], row["is_left"]) == (None, True)


def test_a_worktree_that_is_no_object_is_kept_and_counted() -> None:
    parsed = Parsed({"type": "worktree-state", "worktreeSession": "k"})
    assert [name for _, name in parsed.entry.odd] == ["worktree-state.worktreeSession"]
    assert parsed.table("session_places")[0]["is_left"] is False


def test_a_conversation_names_the_session_in_which_it_went_on() -> None:
    value: JsonObject = {"type": "continued-in", "timestamp": "2026-09-12T08:00:00Z", "continuedInSessionId": "s2"}
    (row,) = Parsed(value).table("session_continuations")
    assert (row["session_id"], row["continued_in_session_id"], row["continued_at"]) == (SESSION, "s2", _STARTED_AT)


def test_a_prompt_that_was_queued_is_a_persons_as_text_and_as_blocks() -> None:
    text = queued("faster", origin={"kind": "human"})
    assert (text.record["is_human_prompt"], text.record["command_mode"], text.record["origin_kind"]) == (
        True,
        "prompt",
        "human",
    )
    assert text.said == [(MessageKind.QUEUED_PROMPT, "faster")]
    image: JsonObject = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    blocks = queued([{"type": "text", "text": "like this"}, image])
    assert (blocks.record["is_human_prompt"], blocks.record["block_count"]) == (True, 2)
    assert blocks.said == [(MessageKind.QUEUED_PROMPT, "like this")]
    assert [block["role"] for block in blocks.blocks] == ["user", "user"]
    assert queued([image], mode=None).record["is_human_prompt"] is True


@pytest.mark.parametrize(
    "parsed",
    [
        queued("<task-notification>b1</task-notification>"),
        queued("b1 is done", mode="task-notification"),
        queued("are you done?", origin={"kind": "peer", "from": "weaver"}),
        queued([{"type": "text", "text": "b1 is done"}], mode="task-notification"),
        queued("again", isMeta=True),
    ],
)
def test_what_no_person_queued_is_no_prompt_and_its_words_are_kept(parsed: Parsed) -> None:
    assert parsed.record["is_human_prompt"] is False
    assert len(parsed.said) == 1


def test_the_rest_of_an_origin_is_kept_beside_its_kind() -> None:
    parsed = user("hello", origin={"kind": "peer", "hopChain": ["a"]}, session_id="p", sessionId="s")
    assert (parsed.record["origin_kind"], parsed.record["is_human_prompt"]) == ("peer", False)
    assert (parsed.body, parsed.record["process_session_id"]) == ({"origin": {"hopChain": ["a"]}}, "p")
    odd = user("hello", origin={"kind": 7})
    assert (odd.record["origin_kind"], odd.body) == (None, {"origin": {"kind": 7}})


def test_an_answer_of_a_server_tool_is_read_whatever_holds_it() -> None:
    advice = assistant(
        [{"type": "advisor_tool_result", "tool_use_id": "s1", "content": {"type": "advisor_result", "text": "Left."}}]
    )
    assert advice.said == [(MessageKind.TOOL_RESULT, "Left.")]
    assert [(block["block_type"], block["parent_block"]) for block in advice.blocks] == [
        ("advisor_tool_result", None),
        ("advisor_result", 0),
    ]
    document: JsonObject = {
        "type": "document",
        "source": {"type": "text", "media_type": "text/plain", "data": "A page."},
    }
    page = assistant(
        [
            {
                "type": "web_fetch_tool_result",
                "tool_use_id": "s2",
                "content": {"type": "web_fetch_result", "content": document},
            }
        ]
    )
    assert page.said == [(MessageKind.TOOL_RESULT, "A page.")]
    assert [block["parent_block"] for block in page.blocks] == [None, 0, 1]
    assert (advice.entry.odd, page.entry.odd) == ([], [])


def test_an_error_of_a_server_tool_is_an_error() -> None:
    content: JsonObject = {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}
    parsed = assistant([{"type": "web_search_tool_result", "tool_use_id": "s1", "content": content}])
    assert parsed.blocks[0]["is_error"] is True


def test_resources_of_an_mcp_server_are_what_the_tool_returned() -> None:
    content: JsonValue = [
        {"type": "resource_link", "uri": "disk://warp.txt", "name": "warp"},
        {"type": "resource", "resource": {"uri": "disk://weft.txt", "text": "weft"}},
    ]
    parsed = user([{"type": "tool_result", "tool_use_id": "t1", "content": content}], toolUseResult=[])
    assert parsed.said == [(MessageKind.TOOL_RESULT, "disk://warp.txt"), (MessageKind.TOOL_RESULT, "weft")]
    assert parsed.entry.odd == []


def test_the_parts_of_a_response_are_a_column_unless_there_are_none() -> None:
    parts: JsonValue = [{"type": "advisor_message", "model": "claude-opus-5", "output_tokens": 9}]
    parsed = assistant([], {"iterations": parts, "speed": "fast"}, advisorModel="claude-opus-5", costUSD=2)
    assert parsed.record["usage_iterations"] == '[{"type":"advisor_message","model":"claude-opus-5","output_tokens":9}]'
    assert (parsed.record["speed"], parsed.record["advisor_model"], parsed.record["cost_usd"]) == (
        "fast",
        "claude-opus-5",
        2.0,
    )
    assert assistant([], {"iterations": []}).record["usage_iterations"] is None


def test_an_object_keyed_by_ids_is_one_known_map_and_an_unknown_one_is_one_drift() -> None:
    by_call: JsonObject = {f"toolu_{number}": {"cwd": "/w"} for number in range(3)}
    parsed = assistant([], wireIngestContext=by_call, wireToolInputs=by_call, shuttles=by_call)
    assert [name for _, name in parsed.entry.odd] == ["assistant.shuttles.*"]
    assert parsed.body == {"wireIngestContext": by_call, "wireToolInputs": by_call}


def test_what_a_subagents_result_sums_up_is_in_its_link() -> None:
    result: JsonObject = {
        "agentId": "a1",
        "totalTokens": 45678,
        "totalToolUseCount": 3,
        "totalDurationMs": 900,
        "usage": {},
    }
    parsed = user([{"type": "tool_result", "tool_use_id": "t1", "content": "found"}], toolUseResult=result)
    (link,) = parsed.table("agent_links")
    assert (link["total_tokens"], link["tool_call_count"], link["total_ms"], link["usage"]) == (45678, 3, 900, "{}")
    assert link["tool_use_id"] == "t1"
