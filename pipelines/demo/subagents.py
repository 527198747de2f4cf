"""Subagents: the transcript of a delegated task, and the parent's records of it."""

import orjson

from pipelines.demo.actor import Actor
from pipelines.demo.tools import Call
from pipelines.demo.transcript import Record, Transcript
from pipelines.demo.versions import Traits


def agent_id(parent: Actor) -> str:
    """Return the id of a new subagent; its length depends on the version."""
    digits = parent.traits.agent_digits
    return f"a{parent.rng.hexa(digits - 1)}" if digits != 8 else parent.rng.hexa(8)


def agent_path(traits: Traits, folder: str, session: str, agent: str) -> str:
    """Return where the transcript of a subagent lies."""
    if traits.subagents == "beside":
        return f"projects/{folder}/agent-{agent}.jsonl"
    return f"projects/{folder}/{session}/subagents/agent-{agent}.jsonl"


def delegate(parent: Actor, responses: int = 0) -> None:
    """Append a call of the Task (later: Agent) tool, and write the subagent's transcript.

    The subagent makes `responses` responses with tool calls; 0 means a random number.
    """
    rng, main, traits = parent.rng, parent.transcript, parent.traits
    prompt = f"{parent.home.text.sentences(rng, 2)} Report what you find."
    given: Record = {
        "description": "Look into it",
        "prompt": prompt,
        "subagent_type": rng.pick(("Explore", "general-purpose")),
    }
    call = Call("Agent" if traits.since(2, 1, 63) else "Task", given, "", None)
    call_id = parent.call_id()
    caller = main.respond([parent.tool_use(call, call_id)], "tool_use", 120 + len(prompt) // 4)[-1]
    agent = "" if traits.subagents == "inline" else agent_id(parent)
    child = _child(main, agent)
    child.user(prompt, parent=None)
    actor = Actor(parent.home, child, parent.workbench)
    for _ in range(responses or rng.by_quantiles(1, 2, 5)):
        actor.step()
    actor.answer()
    main.ms = child.ms
    report = parent.home.text.prose(rng, 2)
    call.content, call.result = _report(parent, child, prompt, report)
    _store(parent, child, call, call_id)
    parent.outcome(call, call_id, caller)


def _child(main: Transcript, agent: str) -> Transcript:
    return Transcript(
        main.rng,
        main.traits,
        main.project,
        main.session,
        main.ms + 40,
        agent=agent,
        sidechain=True,
        slug=main.slug,
        prompt=main.prompt,
        counts=main.counts,
    )


def _report(parent: Actor, child: Transcript, prompt: str, report: str) -> tuple[list[Record], Record]:
    content: list[Record] = [{"type": "text", "text": report}]
    result: Record = {"status": "completed", "prompt": prompt}
    if child.agent:
        result["agentId"] = child.agent
    total = child.context
    result |= {
        "content": content,
        "totalDurationMs": child.ms - child.started,
        "totalTokens": total,
        "totalToolUseCount": sum(b'"tool_use_id"' in line for line in child.lines),
        "usage": {"input_tokens": 4, "cache_read_input_tokens": total, "output_tokens": parent.rng.between(90, 900)},
    }
    if parent.traits.since(2, 1, 177):
        result |= {"agentType": "general-purpose", "resolvedModel": child.model}
    return content, result


def _store(parent: Actor, child: Transcript, call: Call, call_id: str) -> None:
    main, traits = parent.transcript, parent.traits
    if traits.subagents == "inline":
        main.lines += child.lines
        main.size += child.size
        return
    if traits.has_progress:
        _copy_progress(parent, child, call, call_id)
    path = agent_path(traits, main.project.folder, main.session, child.agent)
    parent.home.tree.write(path, child.data(), child.ms, entries=len(child.lines))
    if traits.since(2, 1, 71):
        meta: Record = {"agentType": "general-purpose", "description": call.input["description"], "toolUseId": call_id}
        if traits.since(2, 1, 217):
            meta |= {"spawnDepth": 1, "model": child.model}
        parent.home.tree.json(path.removesuffix(".jsonl") + ".meta.json", meta, child.ms, indent=False, mode=0o600)


def _copy_progress(parent: Actor, child: Transcript, call: Call, call_id: str) -> None:
    """Append copies of the subagent's messages, with their usage, as some versions do in the main transcript."""
    main = parent.transcript
    for line in child.lines:
        record = orjson.loads(line)
        if record["type"] not in ("user", "assistant"):
            continue
        message: Record = {"type": record["type"], "message": record["message"]}
        if "requestId" in record:
            message["requestId"] = record["requestId"]
        message |= {"uuid": record["uuid"], "timestamp": record["timestamp"]}
        data: Record = {
            "message": message,
            "normalizedMessages": [],
            "type": "agent_progress",
            "prompt": call.input["prompt"] if line is child.lines[0] else "",
            "agentId": child.agent,
        }
        name = f"agent_msg_01{parent.rng.token(22)}"
        main.chain({"type": "progress", "data": data, "toolUseID": name, "parentToolUseID": call_id})
