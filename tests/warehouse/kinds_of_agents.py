"""Kinds of faults of subagents and calls: how they end, how deep they lie, and what their results state."""

from pathlib import Path

from models.json import JsonObject, JsonValue
from tests.conversations import Talk, call, write_home, write_lines
from tests.warehouse.kinds import SAID, shows, talk_of


def _write_agent(home: Path, talk: Talk, name: str, task: str, *asked: tuple[str, str]) -> None:
    """Write the transcript of a subagent that gets `task`, and starts others: for each, the id of a call and a task."""
    agent = Talk(talk.session, talk.cwd, seconds=talk.seconds)
    agent.prompt(task, isSidechain=True, agentId=name)
    for tool_use_id, prompt in asked:
        given = call(tool_use_id, "Agent", prompt=prompt, description=prompt, subagent_type="Explore")
        agent.answer(tool_use_id, given, stop_reason="tool_use", isSidechain=True, agentId=name)
    agent.answer(name, isSidechain=True, agentId=name)
    for number, record in enumerate(agent.records):
        record["uuid"] = f"{name}-{number}"
    path = home / "projects" / "-home-mira-loom" / talk.session / "subagents" / f"agent-{name}.jsonl"
    write_lines(path, agent.records)


@shows(
    {
        SAID: [("go", "typed")],
        "SELECT description, outcome, total_tokens, has_transcript FROM subagent_runs "
        "WHERE session_id = :s ORDER BY 1": [
            ("a", "completed", 15, True),
            ("b", "failed", 777, False),
        ],
        "SELECT stated_by, total_tokens FROM usage_without_response WHERE session_id = :s": [("result", 777)],
    }
)
def agents_in_the_background_end_with_a_notice(home: Path, n: int) -> None:
    talk = talk_of(n)
    talk.prompt("go")
    for name in ("a", "b"):
        talk.answer(f"k{n}{name}", call(f"t{n}{name}", "Agent", description=name, prompt=name), stop_reason="tool_use")
        launched: JsonObject = {
            "isAsync": True,
            "status": "async_launched",
            "agentId": f"{name}{n}",
            "description": name,
        }
        talk.prompt(
            [{"type": "tool_result", "tool_use_id": f"t{n}{name}", "content": "launched"}], toolUseResult=launched
        )
    end = "<task-notification>\n<task-id>{}</task-id>\n<status>{}</status>\n<usage>{}</usage>\n</task-notification>"
    talk.prompt(
        end.format(f"a{n}", "completed", "<total_tokens>15</total_tokens>"), origin={"kind": "task-notification"}
    )
    notice: JsonObject = {
        "type": "queued_command",
        "prompt": end.format(f"b{n}", "failed", "total_tokens: 777"),
        "commandMode": "task-notification",
    }
    talk.add("attachment", attachment=notice)
    _write_agent(home, talk, f"a{n}", "a")
    write_home(home, [talk])


@shows(
    {
        "SELECT agent_type, parent IS NOT NULL, depth FROM subagent_runs WHERE session_id = :s ORDER BY started_at": [
            ("Plan", False, 1),
            ("Explore", True, 2),
            ("Explore", True, 3),
        ],
    }
)
def agents_of_agents_of_agents_without_a_meta_file(home: Path, n: int) -> None:
    talk = talk_of(n)
    talk.prompt("go")
    given = call(f"t{n}", "Agent", prompt="outer", description="outer", subagent_type="Plan")
    talk.answer(f"k{n}", given, stop_reason="tool_use")
    _write_agent(home, talk, f"a{n}", "outer", (f"i{n}", "inner"))
    talk.seconds += 10
    _write_agent(home, talk, f"b{n}", "inner", (f"j{n}", "innermost"))
    talk.seconds += 10
    _write_agent(home, talk, f"c{n}", "innermost")
    write_home(home, [talk])


@shows(
    {
        "SELECT total_tokens, tool_call_count, duration_seconds, outcome FROM subagent_runs WHERE session_id = :s": [
            (38, 2, 4.0, "completed")
        ],
        "SELECT count(*) FROM usage_without_response WHERE session_id = :s": [(0,)],
    }
)
def an_old_result_states_figures_and_names_no_agent(home: Path, n: int) -> None:
    talk = talk_of(n)
    talk.prompt("go")
    talk.answer(f"k{n}", call(f"t{n}", "Task", prompt="look", subagent_type="Explore"), stop_reason="tool_use")
    stated: JsonObject = {"totalTokens": 38, "totalToolUseCount": 2, "totalDurationMs": 4000}
    talk.prompt([{"type": "tool_result", "tool_use_id": f"t{n}", "content": "seen"}], toolUseResult=stated)
    write_home(home, [talk])


@shows(
    {
        "SELECT tool_name, mcp_server, duration_seconds FROM tool_calls WHERE session_id = :s ORDER BY 1": [
            ("Bash", None, None),
            ("echo", "looms", 0.0),
        ],
    }
)
def a_server_of_the_api_is_named_and_the_clock_was_set_back(home: Path, n: int) -> None:
    talk = talk_of(n)
    talk.prompt("go")
    answered: JsonObject = {"type": "mcp_tool_result", "tool_use_id": f"m{n}", "content": []}
    asked: JsonObject = {"type": "mcp_tool_use", "id": f"m{n}", "name": "echo", "server_name": "looms", "input": {}}
    talk.answer(f"k{n}", [asked, answered, *call(f"t{n}")], stop_reason="tool_use")
    talk.seconds -= 30
    talk.result(f"t{n}")
    write_home(home, [talk])


@shows({"SELECT title, title_kind FROM sessions WHERE session_id = :s": [("Weave", "generated")]})
def a_person_takes_a_title_back(home: Path, n: int) -> None:
    talk = talk_of(n)
    talk.prompt("go")
    for kind, field, title in (("ai-title", "aiTitle", "Weave"), ("custom-title", "customTitle", "Mine")):
        talk.state(kind, **{field: title})
    talk.state("custom-title", customTitle="")
    write_home(home, [talk])


@shows(
    {
        "SELECT right(tool_use_id, 1), outcome FROM subagent_runs WHERE session_id = :s": [("a", "completed")],
        "SELECT subagent_count FROM sessions WHERE session_id = :s": [(1,)],
    }
)
def a_subagent_is_resumed(home: Path, n: int) -> None:
    talk = talk_of(n)
    talk.prompt("go")
    for name, tool in (("a", "Agent"), ("b", "SendMessage"), ("c", "Agent")):
        talk.answer(f"k{n}{name}", call(f"t{n}{name}", tool, prompt=name, to=f"a{n}"), stop_reason="tool_use")
        ended: JsonObject = {"status": "completed", "agentId": f"a{n}", "totalTokens": 15}
        talk.prompt([{"type": "tool_result", "tool_use_id": f"t{n}{name}", "content": "done"}], toolUseResult=ended)
    write_home(home, [talk])


@shows(
    {
        "SELECT total_tokens, has_transcript FROM subagent_runs WHERE session_id = :s": [(15, True)],
        "SELECT response_count, prompt_count FROM sessions WHERE session_id = :s": [(2, 1)],
    }
)
def a_subagent_in_the_main_transcript_and_in_its_own(home: Path, n: int) -> None:
    talk = talk_of(n)
    talk.prompt("go")
    talk.answer(f"k{n}", call(f"t{n}", "Task", prompt="look"), stop_reason="tool_use")
    _write_agent(home, talk, f"a{n}", "look")
    agent = Talk(talk.session, seconds=talk.seconds)
    agent.prompt("look", isSidechain=True, uuid=f"a{n}-0")
    agent.answer(f"a{n}", isSidechain=True, uuid=f"a{n}-1")
    talk.records += agent.records
    write_home(home, [talk])


def _old_result(talk: Talk, name: str, **more: JsonValue) -> None:
    usage: JsonObject = {"input_tokens": 5, "output_tokens": 7}
    block: JsonObject = {"type": "tool_result", "tool_use_id": name, "content": "seen"}
    talk.prompt([block], toolUseResult={"totalTokens": 12, "usage": usage, **more})


@shows(
    {
        "SELECT part, output_tokens FROM token_usage WHERE session_id = :s ORDER BY 1": [
            ("message", 10),
            ("subagent_total", 7),
        ]
    }
)
def an_old_result_states_its_usage_and_names_no_agent(home: Path, n: int) -> None:
    talk = talk_of(n)
    talk.prompt("go")
    talk.answer(f"k{n}", call(f"t{n}", "Task", prompt="look"), stop_reason="tool_use")
    _old_result(talk, f"t{n}")
    write_home(home, [talk])


@shows({"SELECT sum(output_tokens)::int FROM token_usage WHERE session_id = :s": [(30,)]})
def results_state_the_usage_of_records_in_the_main_transcript(home: Path, n: int) -> None:
    talk = talk_of(n)
    talk.prompt("go")
    talk.answer(f"k{n}", [*call(f"t{n}a", "Task", prompt="a"), *call(f"t{n}b", "Task", prompt="b")])
    for name in "ab":
        talk.prompt(name, after=None, isSidechain=True)
        talk.answer(f"k{n}{name}", isSidechain=True)
    _old_result(talk, f"t{n}a")
    _old_result(talk, f"t{n}b", agentId=f"c{n}", status="completed")
    write_home(home, [talk])
