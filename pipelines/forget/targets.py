"""Resolves the user's target (a session, project, message, text or pattern) to archived files, messages and entries."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow.compute as pc

from extractors.history import PROMPT_PASTES, PROMPTS
from extractors.transcripts.tables import RECORDS
from models.errors import ConfigurationError
from models.identity import UUID
from models.run import RunRecord
from models.tables import MANIFEST, MESSAGES
from pipelines.archive.committed import PhaseKey, parts_of, phases_of
from pipelines.archive.parquet import bytes_column, integer_column, read_columns, text_column
from pipelines.archive.session_paths import encoded_directory, full_session_id, session_ids, session_paths
from pipelines.archive.store import StoreReader
from pipelines.archive.tombstones import TargetKind, read_tombstones
from pipelines.disk.layout import Layout
from pipelines.forget.find import ErasureQuery
from pipelines.forget.imported import rows_of_imports
from pipelines.forget.matcher import Matcher, either_matcher, id_matcher, pattern_matcher, text_matcher
from pipelines.forget.own_words import refuse_own_words

_TELLING: Final = 16
"""A message of at least this many bytes is erased wherever its text occurs; a shorter one only where it is a
message.
"""
_SHORTEST_PREFIX: Final = 8
_MESSAGE: Final = re.compile(r"[0-9a-f]{64}")
_OF_NO_SESSION: Final = ("paste-cache/", "plans/", "sessions/")


@dataclass(frozen=True, slots=True)
class ErasureTarget:
    """The target as the user names it: a session id or its beginning, a project's directory, a message_id or its
    beginning, a text, a regular expression.
    """

    kind: TargetKind
    given: str


class Resolver:
    """Resolves targets in an archive. `runs` are all runs; `reader` reads those in effect (not undone)."""

    def __init__(self, layout: Layout, runs: Sequence[RunRecord], reader: StoreReader) -> None:
        self._layout = layout
        self._runs = runs
        self._reader = reader

    def resolve(self, target: ErasureTarget) -> ErasureQuery:
        """Return the content to erase. Raises ConfigurationError when the target matches nothing, or too much."""
        match target.kind:
            case "session":
                return self._sessions({self._session_id(target.given)})
            case "project":
                return self._project(target.given)
            case "message":
                return self._message(target.given)
            case "text":
                return self._all_that_has(text_matcher(target.given))
            case "pattern":
                return self._all_that_has(pattern_matcher(target.given))

    def _all_that_has(self, matcher: Matcher) -> ErasureQuery:
        refuse_own_words(matcher, {home_id for run in self._runs for home_id in run.homes})
        return ErasureQuery(matcher)

    def _paths(self) -> set[bytes]:
        """Return every path in any manifest."""
        found: set[bytes] = set()
        for _, phase in phases_of(self._runs):
            rows = read_columns(self._layout, parts_of(phase, MANIFEST), MANIFEST, ["path_bytes"])
            found |= set(bytes_column(rows, "path_bytes"))
        return found

    def _session_id(self, given: str) -> str:
        if re.fullmatch(UUID, given):
            return given
        return full_session_id((path.decode(errors="replace") for path in self._paths()), given)

    def _sessions(self, sessions: Collection[str]) -> ErasureQuery:
        """Sessions: everything with their ids in its path or content, their pastes, plans and separate subagents."""
        states = self._reader.files()
        shared = self._of_others(sessions)
        own = set()
        for session_id in sorted(sessions):
            keys, _ = session_paths(self._reader, states, session_id)
            for state in states:
                # Files that a fork shares with its original session belong to the original.
                is_own = state.path.startswith(_OF_NO_SESSION) or session_ids([state.path]) <= set(sessions)
                key = (state.home_id, state.path_bytes)
                if key in keys and is_own and not shared.intersection(_names(state.path)):
                    own.add(key)
        return ErasureQuery(id_matcher(sessions), files=own)

    def _of_others(self, sessions: Collection[str]) -> set[str]:
        """Return the pastes and plans that other sessions refer to."""
        found = set()
        for _, phase in phases_of(self._runs):
            rows = read_columns(
                self._layout, parts_of(phase, PROMPT_PASTES), PROMPT_PASTES, ["session_id", "paste_hash"]
            )
            for session_id, name in zip(text_column(rows, "session_id"), text_column(rows, "paste_hash"), strict=True):
                if name and session_id not in sessions:
                    found.add(f"paste-cache/{name}")
            names = ["record_session_id", "forked_from_session_id", "slug"]
            rows = read_columns(self._layout, parts_of(phase, RECORDS), RECORDS, names)
            for session_id, origin, name in set(zip(*(text_column(rows, one) for one in names), strict=True)):
                if name and session_id not in sessions and origin not in sessions:
                    found.add(f"plans/{name}")
        return found

    def _project(self, given: str) -> ErasureQuery:
        """A project: its directory below projects/, all of its sessions, its prompts in history.jsonl."""
        paths = self._paths()
        tops = {path.split(b"/")[1] for path in paths if path.startswith(b"projects/")}
        name = given.removeprefix("projects/").rstrip("/")
        known = (name.encode(), encoded_directory(name).encode())
        directory = next((top for top in known if top in tops), None)
        prompts = list(self._prompts({given, given.rstrip("/")} if directory is None else None, directory))
        if directory is None and not prompts:
            if self._is_forgotten_path(b"projects/" + known[1]) or self._is_forgotten_path(b"projects/" + known[0]):
                return ErasureQuery(Matcher(texts=frozenset([_field(given)])), directories={b"projects/" + known[1]})
            raise ConfigurationError(f"the archive has no project {given!r}; it has {_some(tops)}")
        sessions = {session_id for _, _, _, session_id, _ in prompts if session_id}
        top = b"projects/" + (directory or known[1])
        sessions |= session_ids(path.decode(errors="replace") for path in paths if path.startswith(top + b"/"))
        made = self._sessions(sessions)
        fields = {_field(project) for *_, project in prompts}
        made.matcher = either_matcher(made.matcher, Matcher(texts=frozenset(fields)))
        made.directories = {top}
        made.entries = [(where, file_id, span) for where, file_id, span, _, _ in prompts]
        return made

    def _is_forgotten_path(self, path: bytes) -> bool:
        tombstones = read_tombstones(self._layout)
        return tombstones is not None and tombstones.holds_path(path)

    def _prompts(
        self, projects: set[str] | None, directory: bytes | None
    ) -> Iterator[tuple[PhaseKey, int, tuple[int, int], str, str]]:
        """Yield each prompt typed in a project: phase, file_id, span, session id, the project's directory."""
        names = ["project_path", "session_id", "file_id", "byte_offset", "byte_length"]
        for where, phase in phases_of(self._runs):
            rows = read_columns(self._layout, parts_of(phase, PROMPTS), PROMPTS, names)
            spans = zip(*(integer_column(rows, one) for one in names[2:]), strict=True)
            prompts = zip(text_column(rows, "project_path"), text_column(rows, "session_id"), spans, strict=True)
            for project, session_id, (file_id, offset, length) in prompts:
                is_it = (
                    project in projects if projects is not None else encoded_directory(project).encode() == directory
                )
                if project and is_it:
                    yield where, file_id, (offset, length), session_id, project

    def _message(self, given: str) -> ErasureQuery:
        """A message: every entry in which it occurs; if it has 16 bytes or more, every entry that contains its text."""
        found: dict[str, str] = {}
        if len(given) < _SHORTEST_PREFIX:
            raise ConfigurationError(f"{given!r} is too short for a message_id: at least {_SHORTEST_PREFIX} digits")
        for _, phase in phases_of(self._runs):
            rows = read_columns(self._layout, parts_of(phase, MESSAGES), MESSAGES, ["message_id", "text"])
            rows = rows.filter(pc.starts_with(rows["message_id"], given.lower()))
            found |= dict(zip(text_column(rows, "message_id"), text_column(rows, "text"), strict=True))
        for _, tables in rows_of_imports(self._layout):
            for rows in tables:
                rows = rows.filter(pc.starts_with(rows["message_id"], given.lower()))
                found = dict(zip(text_column(rows, "message_id"), text_column(rows, "text"), strict=True)) | found
        if not found and _MESSAGE.fullmatch(given) and self._is_forgotten_message(given):
            return ErasureQuery(Matcher(), message_ids={given})
        if len(found) != 1:
            what = "no message" if not found else f"{len(found)} messages"
            raise ConfigurationError(f"{what} of the archive begins with {given!r}")
        ((message, text),) = found.items()
        raw = text.encode()
        matcher = Matcher(texts=frozenset([raw] if len(raw) >= _TELLING else []))
        return ErasureQuery(matcher, message_ids={message})

    def _is_forgotten_message(self, message: str) -> bool:
        tombstones = read_tombstones(self._layout)
        return tombstones is not None and tombstones.holds_message(message)


def _field(project: str) -> bytes:
    """Return the JSON field by which a line of history.jsonl names a project."""
    return f'"project":{json.dumps(project, ensure_ascii=False)}'.encode()


def _names(path: str) -> list[str]:
    """Return the names by which records refer to the paste or plan at a path."""
    stem = path.removesuffix(".md").removesuffix(".txt")
    return [stem, stem.partition("-agent-")[0]]


def _some(names: Iterable[bytes]) -> str:
    printable_key = sorted(name.decode(errors="backslashreplace") for name in names)
    return ", ".join(printable_key[:5]) + (", …" if len(printable_key) > 5 else "") if printable_key else "none"
