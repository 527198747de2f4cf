"""Finds the paths of a home that belong to a session: those with the session's id in the path, and those its records
refer to.

By path: its transcripts in every project directory with the files beside them (subagents, tool results, workflows),
file versions, to-dos and tasks, debug log, environment, images, uploads, telemetry, usage. By its records: the plan of
its slug, subagents of versions that kept them beside the transcripts, tool results that a fork shares with its original
session. By lines of history.jsonl: pastes. By their content: files of the registry of running sessions, such as
sessions/4242.json with `{"pid":4242,"sessionId":"0a1b2c3d-…"}`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson

from extractors.reading.contract import inner_path
from extractors.reading.salvage import PartKind, parse_line, salvage
from models.errors import ConfigurationError, FixityError, StoreError
from models.identity import UUID
from models.json import JsonObject, JsonValue
from models.manifest import FileState
from pipelines.archive.store import StoreReader

_SHORTEST_PREFIX: Final = 4
_LONGEST_LINE: Final = 64 << 20
_TRANSCRIPT: Final = re.compile(r"projects/[^/]+/([^/]+)\.jsonl")
_BESIDE: Final = re.compile(r"projects/[^/]+/([^/]+)/(?:subagents|tool-results|workflows)(?:/|\Z)")
_ELSEWHERE: Final = re.compile(
    rf"(?:debug|todos|file-history|tasks|session-env|image-cache|uploads)/({UUID})(?:[./-]|\Z)"
)
_LOOSE_AGENT: Final = re.compile(r"(projects/[^/]+)/agent-([^/.]+)\.jsonl")
_REGISTRY: Final = re.compile(r"sessions/[^/]+\.json")
_AGENT_ID: Final = re.compile(r"[A-Za-z0-9_-]+")
_SLUG: Final = re.compile(r"[a-z0-9-]+")
_SPILLED: Final = re.compile(r"projects[/\\]([^/\\]+)[/\\]([^/\\]+)[/\\]tool-results[/\\](.+)", re.DOTALL)

_Key = tuple[str, bytes]


@dataclass(slots=True)
class References:
    """The references in a session's records: slugs of plans, ids of subagents, names of file versions (`backups`), and
    tool results in files of their own (`spilled`: project directory, session, name).
    """

    slugs: set[str] = field(default_factory=set)
    agent_ids: set[str] = field(default_factory=set)
    spilled: set[tuple[str, str, str]] = field(default_factory=set)
    backups: set[str] = field(default_factory=set)

    def take(self, record: JsonObject) -> None:
        """Add the references of one record."""
        slug = record.get("slug")
        if isinstance(slug, str) and _SLUG.fullmatch(slug):
            self.slugs.add(slug)
        result = record.get("toolUseResult")
        if isinstance(result, dict):
            self._add_agent(result.get("agentId"))
            self._add_spilled(result.get("persistedOutputPath"))
        data = record.get("data")
        if isinstance(data, dict):
            self._add_agent(data.get("agentId"))
        self._add_backups(record)

    def _add_agent(self, agent_id: JsonValue) -> None:
        if isinstance(agent_id, str) and _AGENT_ID.fullmatch(agent_id):
            self.agent_ids.add(agent_id)

    def _add_spilled(self, path: JsonValue) -> None:
        match = _SPILLED.search(path) if isinstance(path, str) else None
        if match is not None:
            self.spilled.add((match[1], match[2], match[3].replace("\\", "/")))

    def _add_backups(self, record: JsonObject) -> None:
        if record.get("type") == "file-history-delta":
            self._add_backup(record.get("backup"))
        snapshot = record.get("snapshot")
        if record.get("type") == "file-history-snapshot" and isinstance(snapshot, dict):
            tracked = snapshot.get("trackedFileBackups")
            for backup in tracked.values() if isinstance(tracked, dict) else ():
                self._add_backup(backup)

    def _add_backup(self, backup: JsonValue) -> None:
        name = backup.get("backupFileName") if isinstance(backup, dict) else None
        if isinstance(name, str) and "/" not in name and "\\" not in name:
            self.backups.add(name)


def session_ids(paths: Iterable[str]) -> set[str]:
    """Return the ids of all sessions that have files among these paths of homes."""
    found = set()
    for path in map(inner_path, paths):
        match = _TRANSCRIPT.fullmatch(path) or _BESIDE.match(path) or _ELSEWHERE.match(path)
        if match is not None and not match[1].startswith("agent-"):
            found.add(match[1])
    return found


def full_session_id(paths: Iterable[str], given: str) -> str:
    """Return the one session id that is `given` or begins with it. Raises ConfigurationError for none or several."""
    ids = session_ids(paths)
    if given in ids:
        return given
    found = sorted(each for each in ids if each.startswith(given)) if len(given) >= _SHORTEST_PREFIX else []
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigurationError(f"{len(found)} sessions begin with {given}: {', '.join(found[:3])}, …")
    raise ConfigurationError(f"the archive has no session {given!r} as of that run, but {len(ids)} others")


def session_paths(reader: StoreReader, states: Sequence[FileState], session_id: str) -> tuple[set[_Key], int]:
    """Return home_id and path of each file of a session, and the number of its prompts in history.jsonl.

    Unreadable content (a damaged part of the store) adds no references here; restoring it reports the damage.
    """
    own = _own_path(session_id)
    wanted = {_key(state) for state in states if own.search(state.path)}
    homes = {home_id for home_id, _ in wanted}
    by_path = {(state.home_id, state.path): state for state in states if state.home_id in homes}
    references: dict[str, References] = {home_id: References() for home_id in homes}
    for state in states:
        if _key(state) in wanted and _is_transcript(state.path):
            for record in records_of(reader, state):
                references[state.home_id].take(record)
    prompts = 0
    for home_id in homes:
        names, count = _pasted(reader, by_path.get((home_id, "history.jsonl")), session_id)
        prompts += count
        paths = {f"paste-cache/{name}.txt" for name in names}
        for project, session, name in references[home_id].spilled:
            paths.add(f"projects/{project}/{session}/tool-results/{name}")
        wanted |= {_key(by_path[home_id, path]) for path in paths if (home_id, path) in by_path}
    for state in by_path.values():
        if _is_referred_to(reader, state, session_id, references[state.home_id], wanted):
            wanted.add(_key(state))
    return wanted, prompts


def _is_transcript(path: str) -> bool:
    return path.endswith(".jsonl") and inner_path(path).startswith("projects/")


def records_of(reader: StoreReader, state: FileState) -> Iterator[JsonObject]:
    """Yield the records of a JSONL file that can be understood, those within damaged lines too."""
    for line in lines_of(reader, state):
        value = parse_line(line)
        if value is not None:
            yield value
            continue
        for part in salvage(line):
            if part.kind is PartKind.RECORD and part.value is not None:
                yield part.value


def lines_of(reader: StoreReader, state: FileState) -> Iterator[bytes]:
    """Yield the lines of a file as of its manifest, without those longer than 64 MiB; ends at the first lost byte."""
    if state.file_id is None:
        return
    held = b""
    try:
        size = min(state.size, reader.kept_bytes(state.file_id, state.run_id) or 0)
        for block in reader.read_range(state.file_id, 0, size, state.run_id, without_erased=True):
            *lines, held = (held + block).split(b"\n")
            yield from lines
            if len(held) > _LONGEST_LINE:
                held = b""
    except (ConfigurationError, StoreError, FixityError):
        return
    if held:
        yield held


def _own_path(session_id: str) -> re.Pattern[str]:
    """Return the pattern of paths that belong to a session by its id in them.

    A to-do list `<session>-agent-<agent>.json` belongs to the first of its two ids only.
    """
    name = re.escape(session_id)
    if not re.fullmatch(UUID, session_id):
        return re.compile(rf"^projects/[^/]+/{name}(?:\.jsonl\Z|/|\Z)")
    return re.compile(rf"(?:^|[/.]){name}(?:[./-]|\Z)|^jobs/{session_id[:8]}(?:/|\Z)")


def _pasted(reader: StoreReader, history: FileState | None, session_id: str) -> tuple[set[str], int]:
    """Return the hashes of the pastes in a session's prompts, and the number of its prompts."""
    names, prompts = set(), 0
    for record in records_of(reader, history) if history is not None else ():
        if record.get("sessionId") != session_id:
            continue
        prompts += 1
        pasted = record.get("pastedContents")
        for paste in pasted.values() if isinstance(pasted, dict) else ():
            name = paste.get("contentHash") if isinstance(paste, dict) else None
            if isinstance(name, str) and _AGENT_ID.fullmatch(name):
                names.add(name)
    return names, prompts


def _is_referred_to(
    reader: StoreReader, state: FileState, session_id: str, references: References, wanted: set[_Key]
) -> bool:
    name = state.path.removeprefix("plans/")
    if name != state.path:
        stem = name.removesuffix(".md")
        return stem in references.slugs or stem.partition("-agent-")[0] in references.slugs
    agent = _LOOSE_AGENT.fullmatch(state.path)
    if agent is not None:
        transcript = (state.home_id, f"{agent[1]}/{session_id}.jsonl".encode())
        return agent[2] in references.agent_ids or (transcript in wanted and _session_of(reader, state) == session_id)
    if _REGISTRY.fullmatch(state.path):
        content = b"\n".join(lines_of(reader, state))
        try:
            value = orjson.loads(content)
        except orjson.JSONDecodeError:
            return False
        return isinstance(value, dict) and value.get("sessionId") == session_id
    return False


def _session_of(reader: StoreReader, state: FileState) -> JsonValue:
    first = next((record for record in records_of(reader, state) if "sessionId" in record), {})
    return first.get("sessionId")


def _key(state: FileState) -> _Key:
    return state.home_id, state.path_bytes


def encoded_directory(cwd: str) -> str:
    """Return the name that Claude Code gives to the directory of a project below projects/.

    Each UTF-16 unit except ASCII letters and digits becomes `-`: `/home/mira/my.app` gives `-home-mira-my-app`. Claude
    Code cuts a name of more than 200 characters and adds a hash: only the first 200 characters of the result are exact.
    """
    return "".join(
        each if each.isascii() and each.isalnum() else "-" * (2 if ord(each) > 0xFFFF else 1) for each in cwd
    )
