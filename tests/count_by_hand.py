"""Compares the figures of the warehouse with a count of its own over the raw lines: `python -m tests.count_by_hand
HOME...`

Each home is archived below a temporary directory; every view has to answer. The count knows nothing of the warehouse's
queries: it reads lines, and keeps one of each event by the ids in them. Prints each figure that differs, and exits with
1 where one does. Reads only the given homes.
"""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import duckdb

from models.json import JsonObject, JsonValue
from tests.support import extract, warehouse_of

_TOKENS: Final = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
_NOT_SAID: Final = (
    *("<command-name>", "<bash-", "<local-command-", "<task-notification>", "<teammate-message", "<agent-message"),
    *(
        "<cross-session-message",
        "Another Claude session sent a message:",
        "[Request interrupted by user",
        "Caveat: The messages below",
    ),
)
_AROUND: Final = ("<system-reminder>", "<ide_opened_file>", "<ide_selection>", "<ide_diagnostics>")


def records_of(home: Path) -> Iterator[tuple[Path, JsonObject]]:
    """Yield file and record of each line of a transcript, main ones first."""
    paths = (path for path in home.glob("projects/*/**/*.jsonl") if path.name != "journal.jsonl")
    for path in sorted(paths, key=lambda path: ("agent-" in path.name, path)):
        for line in path.read_bytes().decode("utf-8-sig", "replace").split("\n"):
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                yield path, record


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _blocks(record: JsonObject) -> list[JsonObject]:
    content = _object(record.get("message")).get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _is_prompt(path: Path, record: JsonObject) -> bool:
    """Whether a person typed it: no result, no text of Claude Code, and something besides the additions of editors."""
    blocks = _blocks(record)
    if record.get("type") != "user" or any(record.get(name) for name in ("isMeta", "isCompactSummary", "isSidechain")):
        return False
    if "agent-" in path.name or any(str(block.get("type")).endswith("tool_result") for block in blocks):
        return False
    if _object(record.get("origin")).get("kind", "human") != "human":
        return False
    texts = [str(block["text"]).strip() for block in blocks if block.get("type") == "text" and block.get("text")]
    said = [text for text in texts if not text.startswith(_AROUND) or text.rpartition(">")[2].strip()]
    has_picture = any(block.get("type") in ("image", "document") for block in blocks)
    return (bool(said) and not said[0].startswith(_NOT_SAID)) or (not said and has_picture)


@dataclass
class Count:
    """Counts over a home by session; sessions that share an event are one, named by the first of them."""

    found: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    together: dict[str, str] = field(default_factory=dict)
    seen: dict[object, str] = field(default_factory=dict)
    runs: dict[tuple[str, ...], list[JsonObject]] = field(default_factory=dict)
    last: dict[tuple[Path, object], tuple[JsonObject, bool, tuple[str, ...]]] = field(default_factory=dict)

    def name(self, session: str) -> str:
        """Return the name of the sessions that a session shares an event with."""
        while session in self.together:
            session = self.together[session]
        return session

    def is_new(self, event: object, session: str) -> bool:
        """Whether an event was not met before; the session that has it first is tied to those that have it again."""
        first = self.name(self.seen.get(event, session))
        if first != self.name(session):
            self.together[self.name(session)] = first
        return self.seen.setdefault(event, session) is session

    def add(self, path: Path, record: JsonObject) -> None:
        """Count a record of a transcript."""
        session = path.stem if "agent-" not in path.name else str(record.get("sessionId"))
        kind, message, uuid = record.get("type"), _object(record.get("message")), record.get("uuid")
        if uuid is None or not self.is_new((uuid, kind, record.get("timestamp")), session):
            return
        self.found[session]["prompts"] += _is_prompt(path, record)
        for block in _blocks(record):
            if block.get("type") in ("tool_use", "server_tool_use", "mcp_tool_use"):
                self.found[session]["calls"] += self.is_new(("call", block.get("id"), message.get("id")), session)
        if kind == "user":
            self.last |= {key: (one[0], False, one[2]) for key, one in self.last.items() if key[0] == path}
        if kind == "assistant" and message and message.get("model") != "<synthetic>":
            name = self._response(path, record)
            self.runs.setdefault(name, []).append(record)
            self.is_new(name, session)

    def _response(self, path: Path, record: JsonObject) -> tuple[str, ...]:
        """Return the key of a record's response: its ids, or else the first record of its run."""
        ids, request = _object(record["message"]).get("id"), record.get("requestId")
        if ids is not None and request is not None:
            return (str(ids), str(request))
        name: tuple[str, ...] = (str(path), str(record["uuid"]))
        shared = ids if ids is not None else request
        if shared is None:
            return name
        earlier, is_adjacent, begun = self.last.get((path, shared), ({}, False, name))
        if is_adjacent or (earlier and _goes_on(earlier, record)):
            name = begun
        self.last[path, shared] = (record, True, name)
        return name

    def by_session(self) -> dict[str, Counter[str]]:
        """Return the figures of each session, or of several that share something."""
        figures: dict[str, Counter[str]] = defaultdict(Counter)
        for session, counts in self.found.items():
            figures[self.name(session)] += counts
        for name, records in self.runs.items():
            figures[self.name(self.seen[name])] += Counter({"responses": 1, **_tokens(records)})
        return figures


def _goes_on(earlier: JsonObject, record: JsonObject) -> bool:
    """Whether a record after a tool's result belongs to an earlier response, though no request shows it: it follows a
    record of that response, or comes at once with the same figures.
    """
    if record.get("parentUuid") == earlier["uuid"]:
        return True
    times = [datetime.fromisoformat(str(one["timestamp"])) for one in (earlier, record)]
    return _tokens([earlier]) == _tokens([record]) and times[1] - times[0] < timedelta(seconds=1)


def _tokens(records: list[JsonObject]) -> Counter[str]:
    """Return the tokens of a response: of its last record that has any; records with a stop reason have priority."""

    def rank(record: JsonObject) -> tuple[bool, bool]:
        message = _object(record["message"])
        return any(map(_object(message.get("usage")).get, _TOKENS)), message.get("stop_reason") is not None

    usage = _object(_object(max(reversed(records), key=rank)["message"]).get("usage"))
    return Counter({token: value for token in _TOKENS if isinstance(value := usage.get(token), int)})


_ASKED: Final = """
    SELECT s.session_id, s.prompt_count - s.history_prompt_count - coalesce(q.queued, 0), s.response_count,
        s.tool_call_count, coalesce(u.i, 0), coalesce(u.o, 0), coalesce(u.r, 0), coalesce(u.w, 0)
    FROM sessions s LEFT JOIN (
        SELECT session_id, sum(input_tokens)::BIGINT i, sum(output_tokens)::BIGINT o, sum(cache_read_tokens)::BIGINT r,
            sum(coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0))::BIGINT w
        FROM usage_parts WHERE part IN ('message', 'fallback') GROUP BY ALL
    ) u USING (session_id) LEFT JOIN (
        SELECT session_id, count(*) AS queued FROM speakers
        WHERE is_prompt AND record_type <> 'user' AND NOT is_copy_in_home GROUP BY ALL
    ) q USING (session_id)
"""


def differences(home: Path, connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Yield each figure of a session that differs between the warehouse of one home and the count over its lines."""
    names = ("prompts", "responses", "calls", *_TOKENS)
    count = Count()
    for path, record in records_of(home):
        count.add(path, record)
    counted, printed = count.by_session(), defaultdict[str, Counter[str]](Counter)
    for session, *figures in connection.execute(_ASKED).fetchall():
        printed[count.name(session)].update(dict(zip(names, figures, strict=True)))
    for session in sorted(counted.keys() | printed.keys()):
        for name in names:
            one, other = counted.get(session, Counter())[name], printed.get(session, Counter())[name]
            if one != other:
                yield f"{session}: {name}: {one} in the lines, {other} in the warehouse"


def views_that_fail(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Yield each view that does not answer, with the engine's message."""
    for (view,) in connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY 1").fetchall():
        try:
            connection.execute(f'FROM "{view}"').fetchall()
        except duckdb.Error as error:
            yield f"{view}: {error}"


def main(homes: Iterable[str]) -> int:
    """Compare each home and return the exit code."""
    failed = 0
    for home in map(Path, homes):
        with TemporaryDirectory() as place:
            extract(Path(place), home)
            with warehouse_of(Path(place)) as connection:
                found = [*views_that_fail(connection), *differences(home, connection)]
        print(f"{home.name}: {len(found)} differences", *found, sep="\n  ", flush=True)
        failed += bool(found)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
