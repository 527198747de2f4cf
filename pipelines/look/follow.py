"""A session that is still running: reads its transcript in the home, and the entries appended to it.

It opens files through `extractors.home` alone: it takes no lock and changes nothing. It parses records more simply than
a run does: the record's own fields and the tags of its text determine the speaker.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import orjson

from extractors.home.home import Home
from extractors.reading.salvage import parse_line
from models.errors import ConfigurationError, SourceError
from models.json import JsonObject, JsonValue
from pipelines.look.conversation import Utterance, words_of

_TRANSCRIPT: Final = re.compile(rb"projects/[^/]+/(?!agent-)([^/]+)\.jsonl")
_NOTICE: Final = re.compile(
    r"\s*(?:<(?:local-command-|bash-std|task-notification|system-reminder|teammate-message)|\[Request interrupted)"
)


@dataclass(frozen=True, slots=True)
class LiveTranscript:
    """A transcript in a home: the home's directory, the path in it, and the session's id."""

    root: Path
    path: bytes
    session_id: str


def find_live(roots: Sequence[Path], which: str) -> LiveTranscript:
    """Return the transcript of the session with this id or beginning of an id; for `last`, the one written last.

    Raises ConfigurationError if there is none, or more than one session.
    """
    found: list[tuple[int, LiveTranscript]] = []
    for root in roots:
        with suppress(ConfigurationError, SourceError), Home(root) as home:
            found += _transcripts(home, "" if which == "last" else which.lower())
    if not found:
        raise ConfigurationError(
            f"no home has a transcript of a session that begins with {which!r}; without --follow, the archive is read"
        )
    if which != "last" and len(ids := sorted({one.session_id for _, one in found})) > 1:
        raise ConfigurationError(f"several sessions begin with {which!r}: {', '.join(ids[:10])}")
    return max(found, key=lambda one: (one[0], one[1].path))[1]


def _transcripts(home: Home, prefix: str) -> Iterator[tuple[int, LiveTranscript]]:
    """Yield when each transcript was written last (nanoseconds since 1970), and the transcript."""
    with home.hold(b"projects") as projects:
        directories = [b"projects/" + name for name, is_directory in projects.names() if is_directory]
    for directory in directories:
        with suppress(SourceError), home.hold(directory) as held:
            for name, _ in list(held.names()):
                path = directory + b"/" + name
                match = _TRANSCRIPT.fullmatch(path)
                session_id = match[1].decode("utf-8", "replace") if match else ""
                if match and session_id.lower().startswith(prefix):
                    with suppress(SourceError), held.open(path) as file:
                        yield file.stat.mtime_ns, LiveTranscript(home.root, path, session_id)


class Follower:
    """Reads a transcript and those of its subagents from where it was before."""

    def __init__(self, home: Home, transcript: LiveTranscript) -> None:
        self._home, self._transcript = home, transcript
        self._read: dict[bytes, tuple[int, int]] = {}
        """The inode of each file and the offset up to which it was read."""
        self._seen: set[str] = set()
        self._calls: dict[str, Utterance] = {}

    def new(self) -> list[Utterance]:
        """Return the utterances since the last call, in order; a tool call comes when it begins and again with its
        result. Raises ConfigurationError if the transcript is gone.
        """
        made: list[Utterance] = []
        for path in self._paths():
            for record in self._records(path):
                made += self._utterances(record)
        return sorted(made, key=lambda one: one.said_at.timestamp() if one.said_at else 0.0)

    def _paths(self) -> list[bytes]:
        paths = [self._transcript.path]
        below = self._transcript.path.removesuffix(b".jsonl") + b"/subagents"
        with suppress(SourceError), self._home.hold(below) as held:
            paths += sorted(below + b"/" + name for name, _ in held.names() if name.endswith(b".jsonl"))
        return paths

    def _records(self, path: bytes) -> Iterator[JsonObject]:
        """Yield the records of complete lines that are new. A file that was replaced or cut is read from the start."""
        try:
            with self._home.open(path) as file:
                inode, offset = self._read.get(path, (file.stat.inode, 0))
                if inode != file.stat.inode or file.stat.size < offset:
                    offset = 0
                held = b"".join(file.chunks(offset, file.stat.size))
                inode = file.stat.inode
        except SourceError as error:
            if path == self._transcript.path:
                raise ConfigurationError(f"the transcript cannot be read any more: {error}") from error
            return
        end = held.rfind(b"\n") + 1
        self._read[path] = inode, offset + end
        for line in held[:end].splitlines():
            record = parse_line(line)
            uuid = record.get("uuid") if record else None
            if record is None or (isinstance(uuid, str) and uuid in self._seen):
                continue
            if isinstance(uuid, str):
                self._seen.add(uuid)
            yield record

    def _utterances(self, record: JsonObject) -> Iterator[Utterance]:
        for one in utterances_of(record):
            if one.kind == "call" and one.tool_use_id:
                call = self._calls.pop(one.tool_use_id, None)
                if one.result is None:
                    self._calls[one.tool_use_id] = one
                elif call is not None:
                    lasted = (one.said_at - call.said_at).total_seconds() if one.said_at and call.said_at else None
                    one = replace(call, said_at=one.said_at, result=one.result, is_error=one.is_error, lasted=lasted)
            yield one


def unanswered(said: Sequence[Utterance]) -> list[Utterance]:
    """Return utterances without those beginnings of calls whose results are among them."""
    done = {one.tool_use_id for one in said if one.kind == "call" and one.result is not None}
    return [one for one in said if one.kind != "call" or one.result is not None or one.tool_use_id not in done]


def utterances_of(record: JsonObject) -> Iterator[Utterance]:
    """Yield the utterances of a record of a transcript. A result is a call without a tool."""
    base = _base(record)
    message = record.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    blocks: list[JsonValue] = content if isinstance(content, list) else [{"type": "text", "text": content}]
    match record.get("type"):
        case "assistant":
            for block in blocks:
                if isinstance(block, dict):
                    yield from _answer(block, base)
        case "user":
            for block in blocks:
                if isinstance(block, dict):
                    yield from _reaching(block, base, record)
        case "attachment":
            attachment = record.get("attachment")
            if isinstance(attachment, dict) and attachment.get("type") == "queued_command":
                text = _text(attachment.get("prompt"))
                if text and attachment.get("commandMode") in (None, "prompt"):
                    yield replace(base, kind="prompt", speaker="person", text=words_of(text))
        case "system" if text := _text(record.get("content")):
            yield replace(base, text=text)


def _base(record: JsonObject) -> Utterance:
    said_at = None
    with suppress(ValueError):
        said_at = datetime.fromisoformat(_text(record.get("timestamp")))
    agent = _text(record.get("agentId")) or ("" if record.get("isSidechain") is not True else "subagent")
    return Utterance("notice", "claude_code", said_at if said_at and said_at.tzinfo else None, agent_id=agent or None)


def _answer(block: JsonObject, base: Utterance) -> Iterator[Utterance]:
    speaker = "subagent" if base.agent_id else "claude"
    match block.get("type"):
        case "text":
            yield replace(base, kind="answer", speaker=speaker, text=_text(block.get("text")))
        case "thinking" if text := _text(block.get("thinking")):
            yield replace(base, kind="thinking", speaker=speaker, text=text)
        case "tool_use" | "server_tool_use" | "mcp_tool_use":
            given = orjson.dumps(block.get("input")).decode()
            call_id = _text(block.get("id")) or None
            name = _text(block.get("name"))
            yield replace(base, kind="call", speaker=speaker, tool_name=name, tool_input=given, tool_use_id=call_id)


def _reaching(block: JsonObject, base: Utterance, record: JsonObject) -> Iterator[Utterance]:
    """Yield the texts of a block that reach Claude."""
    text = _text(block.get("text"))
    if block.get("type") == "tool_result":
        result, is_error = _result(block.get("content")), block.get("is_error") is True
        call_id = _text(block.get("tool_use_id")) or None
        yield replace(base, kind="call", speaker="tool", tool_use_id=call_id, result=result, is_error=is_error)
    elif record.get("isCompactSummary") is True:
        yield replace(base, kind="summary", text=text)
    elif text and (record.get("isMeta") is True or base.agent_id or _NOTICE.match(text)):
        yield replace(base, text=text)
    elif text:
        yield replace(base, kind="prompt", speaker="person", text=words_of(text))


def _result(content: JsonValue) -> str:
    if isinstance(content, list):
        return "\n".join(_text(block.get("text")) for block in content if isinstance(block, dict))
    return _text(content)


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""
