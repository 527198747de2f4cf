"""Kinds of faults in records: prices, encodings, files, history, subagents and figures."""

import json
from pathlib import Path

from models.json import JsonObject, JsonValue
from tests.conversations import call, session_id, write_home, write_lines
from tests.warehouse.kinds import USED, shows, talk_of


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
    talk = talk_of(n)
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
    talk = talk_of(n)
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
    talk = talk_of(n)
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
    talk = talk_of(n)
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
    talk = talk_of(n)
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
    talk = talk_of(n)
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
        "SELECT prompt_text, in_transcript, in_history FROM user_prompts WHERE session_id = :s ORDER BY prompted_at": [
            ("look at this:\nline 1\nline 2", True, True),
            ("and  that", True, True),
        ],
        "SELECT prompt_text, in_transcript FROM user_prompts WHERE session_id = :t": [
            ("of a session that is gone", False)
        ],
    }
)
def the_history_has_the_same_prompts(home: Path, n: int) -> None:
    talk = talk_of(n)
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
        line("not of the transcript, which counts alone", 900_000, n),
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
    talk = talk_of(n)
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
    talk = talk_of(n)
    talk.prompt("look")
    calls = [
        *call(f"t{n}a", "Task", subagent_type="Explore", prompt="look around"),
        *call(f"t{n}b", "Task", subagent_type="Explore", prompt="look around"),
        *call(f"t{n}c", "Task", subagent_type="Plan", prompt="think"),
    ]
    talk.answer(f"k{n}", calls, stop_reason="tool_use")
    for number in (4, 5):
        agent, name = talk_of(n), f"a{n}{number}"
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
    talk = talk_of(n)
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
    talk = talk_of(n, "/old/place")
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
    talk = talk_of(n)
    talk.prompt("go")
    talk.answer(f"k{n}")
    talk.records[-1]["message"] = {"id": f"msg_k{n}", "model": "claude-sonnet-4-5", "content": [], "role": "assistant"}
    write_home(home, [talk])


@shows({"SELECT DISTINCT model_id FROM token_usage WHERE session_id = :s": [("claude-sonnet-4-5",)]})
def spellings_of_one_model(home: Path, n: int) -> None:
    talk = talk_of(n)
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
        "SELECT DISTINCT model_id FROM token_usage WHERE session_id = :s ORDER BY 1": [
            ("claude-3-5-sonnet",),
            ("deepseek-v2",),
            ("deepseek-v3",),
            ("qwen3-coder:30b",),
            ("qwen3-coder:480b",),
        ]
    }
)
def versions_and_sizes_are_models_of_their_own(home: Path, n: int) -> None:
    talk = talk_of(n)
    talk.prompt("go")
    spellings = ("claude-3-5-sonnet-v2@20241022", "anthropic.claude-3-5-sonnet-20241022-v2:0", "deepseek-v3:free")
    others = ("deepseek-v3", "deepseek-v2", "qwen3-coder:30b", "ollama/qwen3-coder:480b")
    for number, model in enumerate((*spellings, *others)):
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
    talk = talk_of(n)
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
