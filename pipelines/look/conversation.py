"""One session for reading: its utterances in order, with those of each subagent below the call that started it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from pipelines.look.filters import Conditions

Kind = Literal["prompt", "answer", "thinking", "call", "summary", "notice"]
_COMMAND: Final = re.compile(r"<command-name>(.*?)</command-name>(?:.*?<command-args>(.*?)</command-args>)?", re.DOTALL)
"""The format in which a transcript has a slash command that a person typed."""
_IN_ORDER: Final = "WHERE session_id = ? AND home_id = ? ORDER BY position"


@dataclass(frozen=True, slots=True)
class Utterance:
    """A prompt, an answer, a tool call with its result, or an event. All texts are untrusted.

    `said_at` has a time zone. `tool_input` is JSON. `lasted` is the time from a call to its result in seconds. `tokens`
    are the output tokens of the response that begins here. `place` is file_id, offset and length of the entry.

    Of an outline, `text_id` and `result_id` name texts in `message_texts`, and `block` the block of `place` that has
    the input: `pipelines.look.texts` gets them.
    """

    kind: Kind
    speaker: str
    said_at: datetime | None
    text: str = ""
    tool_name: str = ""
    tool_input: str = ""
    result: str | None = None
    is_error: bool = False
    is_abandoned: bool = False
    agent_id: str | None = None
    model: str | None = None
    tool_use_id: str | None = None
    lasted: float | None = None
    tokens: int | None = None
    place: tuple[int, int, int] | None = None
    text_id: str | None = None
    result_id: str | None = None
    block: int | None = None


@dataclass(frozen=True, slots=True)
class Agent:
    """A subagent: its type, its task and the call that started it, if known."""

    agent_id: str
    agent_type: str
    description: str
    tool_use_id: str | None


@dataclass(slots=True)
class Turn:
    """An utterance and its nesting depth: 0 in the session, one more in each subagent. `agent` is set on the first
    utterance of a subagent.
    """

    utterance: Utterance
    depth: int = 0
    agent: Agent | None = field(default=None)


def find_session(prefix: str) -> Conditions:
    """Return the query for at most ten sessions (`session_id`) whose id begins with `prefix`."""
    return Conditions(
        "SELECT DISTINCT session_id FROM sessions WHERE starts_with(session_id, ?) ORDER BY 1 LIMIT 10",
        (prefix.lower(),),
    )


def conversation_query(session_id: str, home_id: str) -> Conditions:
    """Return the query for a session's conversation in one home, in order."""
    return Conditions(
        f"SELECT * EXCLUDE (words, message_id, result_message_id) FROM conversation {_IN_ORDER}",
        (session_id, home_id),
    )


def outline_query(session_id: str, home_id: str) -> Conditions:
    """Return the query for a session's conversation in one home, in order, with the ids of texts instead of the texts:
    a long conversation begins to be shown before all of it is read.
    """
    return Conditions(f"FROM conversation_outline {_IN_ORDER}", (session_id, home_id))


def prompts_query(session_id: str) -> Conditions:
    """Return the query for the prompts of a session that no transcript has, in order."""
    return Conditions(
        "SELECT prompted_at, prompt_text, file_id, byte_offset, byte_length FROM user_prompts "
        "WHERE session_id = ? AND NOT in_transcript ORDER BY prompted_at, byte_offset",
        (session_id,),
    )


def agents_query(session_id: str, home_id: str) -> Conditions:
    """Return the query for a session's subagents in one home."""
    return Conditions(
        "SELECT agent_id, agent_type, description, tool_use_id FROM subagent_runs "
        "WHERE session_id = ? AND home_id = ? AND agent_id IS NOT NULL",
        (session_id, home_id),
    )


def utterance_of(row: dict[str, object]) -> Utterance:
    """Return the utterance for a row of the view `conversation`, or of the outline of one."""
    said_at, returned_at = row["said_at"], row.get("returned_at")
    words = row["text"] if "text" in row else row["words"]
    lasted = None
    if isinstance(said_at, datetime) and isinstance(returned_at, datetime):
        lasted = (returned_at - said_at).total_seconds()
    speaker = _text(row["speaker"])
    return Utterance(
        _kind(speaker, _text(row["kind"])),
        speaker,
        said_at if isinstance(said_at, datetime) else None,
        words_of(_text(words)),
        _text(row["tool_name"]),
        _text(row.get("tool_input")),
        None if row.get("result_text") is None else _text(row["result_text"]),
        row["is_error"] is True,
        row["is_abandoned"] is True,
        _text(row["agent_id"]) or None,
        _text(row["model"]) or None,
        _text(row.get("tool_use_id")) or None,
        lasted,
        _number(row.get("output_tokens")),
        _place(row),
        None if words is not None else _text(row.get("message_id")) or None,
        _text(row.get("result_message_id")) or None,
        _number(row.get("block_number")),
    )


def agent_of(row: dict[str, object]) -> Agent:
    """Return the subagent for a row of `agents_query`."""
    return Agent(
        _text(row["agent_id"]),
        _text(row["agent_type"]),
        _text(row["description"]),
        _text(row["tool_use_id"]) or None,
    )


def merged(said: Sequence[Utterance], prompts: Sequence[Utterance]) -> list[Utterance]:
    """Return a conversation with additional prompts inserted by their times."""
    made = list(said)
    for prompt in prompts:
        later = (
            place
            for place, one in enumerate(made)
            if one.said_at is not None and prompt.said_at is not None and one.said_at > prompt.said_at
        )
        made.insert(next(later, len(made)), prompt)
    return made


def in_turns(utterances: Sequence[Utterance], agents: Sequence[Agent]) -> Iterator[Turn]:
    """Yield the utterances in order, those of a subagent together: below the call that started it, or if that is not
    known, at the position of its first utterance.
    """
    by_id = {agent.agent_id: agent for agent in agents}
    begun_by: dict[str, list[str]] = {}
    for agent in agents:
        if agent.tool_use_id:
            begun_by.setdefault(agent.tool_use_id, []).append(agent.agent_id)
    calls = {one.tool_use_id for one in utterances if one.kind == "call" and one.tool_use_id}
    placed = {agent_id for call, ids in begun_by.items() if call in calls for agent_id in ids}
    of_agent: dict[str | None, list[Utterance]] = {}
    for one in utterances:
        of_agent.setdefault(one.agent_id, []).append(one)
    done: set[str | None] = {None}

    def turns_of(agent_id: str | None, depth: int) -> Iterator[Turn]:
        begins = by_id.get(agent_id or "", Agent(agent_id or "", "", "", None)) if agent_id else None
        for one in of_agent.get(agent_id, ()):
            yield Turn(one, depth, begins)
            begins = None
            for below in begun_by.get(one.tool_use_id or "", ()):
                if below not in done:
                    done.add(below)
                    yield from turns_of(below, depth + 1)

    for one in utterances:
        if one.agent_id is None:
            yield Turn(one)
            for below in begun_by.get(one.tool_use_id or "", ()):
                if below not in done:
                    done.add(below)
                    yield from turns_of(below, 1)
        elif one.agent_id not in done and one.agent_id not in placed:
            done.add(one.agent_id)
            yield from turns_of(one.agent_id, 1)


def _kind(speaker: str, kind: str) -> Kind:
    match kind:
        case "call" | "result":
            return "call"
        case "answer" | "thinking" | "prompt":
            return "answer" if kind == "answer" else "thinking" if kind == "thinking" else "prompt"
        case "shell":
            return "prompt" if speaker == "person" else "notice"
        case "summary":
            return "summary"
        case _:
            return "notice"


def words_of(text: str) -> str:
    """Return a text, or if it is a slash command, the command as the person typed it."""
    if not text.lstrip().startswith("<command-") or not (found := _COMMAND.search(text)):
        return text
    return " ".join(filter(None, (part and part.strip() for part in found.groups())))


def _place(row: dict[str, object]) -> tuple[int, int, int] | None:
    file_id, offset, length = (_number(row.get(name)) for name in ("file_id", "byte_offset", "byte_length"))
    return None if file_id is None or offset is None or length is None else (file_id, offset, length)


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
