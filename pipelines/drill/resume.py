"""Checks whether Claude Code could resume a restored session: its lines parse, the chain of its records is complete,
the files that it refers to exist, and its project's directory has the right name.

A missing record or file that the archive never had is a gap of the source; one that the archive has and the restored
tree lacks is a finding.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import orjson

from extractors.home.home import Home
from models.errors import SourceError
from models.finding import Finding, address_of
from models.findings import restore as codes
from models.identity import UUID
from models.json import JsonObject, JsonValue
from models.text import printable_path
from pipelines.archive.session_paths import References, encoded_directory

_CHUNK: Final = 1 << 20
_LONGEST_LINE: Final = 256 << 20
_LONGEST_NAME: Final = 200
_TRANSCRIPT: Final = re.compile(rb"(projects/[^/]+)/([^/]+)\.jsonl", re.DOTALL)
_MESSAGES: Final = ("user", "assistant")


class ResumeVerdict(StrEnum):
    """Whether Claude Code can resume a restored session."""

    WHOLE = "whole"
    """It resumes completely: every line parses, the chain reaches its first record, all referenced files exist."""
    WITH_GAPS = "with-gaps"
    """It resumes, with gaps that the home already had."""
    CUT = "cut"
    """The chain of its last message ends at a record that the home did not have: it resumes from there on."""
    EMPTY = "empty"
    """It has no message: there is nothing to resume."""
    BROKEN = "broken"
    """A file that the archive keeps is missing or differs."""


@dataclass(slots=True)
class SessionCheck:
    """The check of one restored transcript. `gaps` counts missing records and files of the home itself, by kind."""

    home_id: str
    path: str
    session_id: str
    lines: int = 0
    messages: int = 0
    chain: int = 0
    """Number of records from the last message back to the first of its chain (`parentUuid`)."""
    verdict: ResumeVerdict = ResumeVerdict.EMPTY
    directory_name: str = "unknown"
    """right, cut (longer than 200 characters: only these are checked), other, or unknown (no record has a cwd)."""
    references: int = 0
    gaps: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def to_json(self) -> JsonObject:
        """Return the check as JSON values."""
        return {
            "home_id": self.home_id,
            "path": self.path,
            "session_id": self.session_id,
            "verdict": str(self.verdict),
            "lines": self.lines,
            "messages": self.messages,
            "chain": self.chain,
            "directory_name": self.directory_name,
            "references": self.references,
            "gaps": dict(sorted(self.gaps.items())),
        }


@dataclass(slots=True)
class _TranscriptLinks:
    """The links between the records of a transcript: each record's parent, sidechains, the last message, references."""

    parents: dict[str, str | None] = field(default_factory=dict)
    side: set[str] = field(default_factory=set)
    last_message: str | None = None
    cwd: str | None = None
    references: References = field(default_factory=References)


class ArchivedPaths:
    """The archived paths of one home, and those of them that were not restored exactly (`lost`)."""

    def __init__(self, paths: Iterable[bytes], lost: Collection[bytes]) -> None:
        self.paths = frozenset(paths)
        self.lost = lost
        self._agents: dict[tuple[bytes, bytes], list[bytes]] = {}
        for path in self.paths:
            name = path.rpartition(b"/")[2]
            if name.startswith(b"agent-") and name.endswith(b".jsonl") and path.startswith(b"projects/"):
                self._agents.setdefault((b"/".join(path.split(b"/", 2)[:2]), name), []).append(path)

    def agents(self, directory: bytes, agent_id: str) -> list[bytes]:
        """Return the paths of a subagent's transcript below the directory of a project."""
        return self._agents.get((directory, b"agent-%s.jsonl" % agent_id.encode()), [])

    def subagents(self, directory: bytes, session: bytes) -> list[bytes]:
        """Return the paths of the subagents' transcripts of one session."""
        prefix = b"%s/%s/" % (directory, session)
        return sorted(path for paths in self._agents.values() for path in paths if path.startswith(prefix))


def is_session(path: bytes) -> bool:
    """Return whether a path is a session's main transcript: projects/<directory>/<session UUID>.jsonl."""
    match = _TRANSCRIPT.fullmatch(path)
    return match is not None and re.fullmatch(UUID, match[2].decode(errors="replace")) is not None


def check_session(home_id: str, home: Home, path: bytes, kept: ArchivedPaths) -> SessionCheck:
    """Check one transcript of a restored home and the lines of its subagents. Never raises for a broken one."""
    match = _TRANSCRIPT.fullmatch(path)
    directory, session = (match[1], match[2]) if match is not None else (b"", b"")
    result = SessionCheck(home_id, printable_path(path), printable_path(session))
    records = _TranscriptLinks()
    try:
        for line in _lines(home, path):
            _add_line(result, records, line)
        for beside in kept.subagents(directory, session):
            _count_lines(result, home, beside, records.references)
    except SourceError as error:
        result.findings.append(codes.NOT_THERE.at(address_of(home_id, printable_path(error.path)), problem=str(error)))
    _follow_chain(result, records)
    result.directory_name = _name(directory.rpartition(b"/")[2], records.cwd)
    for kind, candidates in _referenced_paths(records.references, directory, session, kept):
        _check_reference(result, kind, candidates, kept)
    result.verdict = _verdict(result, is_lost=path in kept.lost)
    return result


def _check_reference(result: SessionCheck, kind: str, candidates: Sequence[bytes], kept: ArchivedPaths) -> None:
    result.references += 1
    there = [one for one in candidates if one in kept.paths]
    if not there:
        result.gaps[f"{kind} that are missing"] += 1
    elif all(one in kept.lost for one in there):
        address = address_of(result.home_id, printable_path(there[0]))
        result.findings.append(codes.REFERENCE_LOST.at(address, problem=f"{result.path} refers to it"))


def _name(directory: bytes, cwd: str | None) -> str:
    if cwd is None:
        return "unknown"
    name, right = directory.decode(errors="replace"), encoded_directory(cwd)
    if name == right:
        return "right"
    return "cut" if len(right) > _LONGEST_NAME and name.startswith(right[:_LONGEST_NAME]) else "other"


def _lines(home: Home, path: bytes) -> Iterator[bytes | None]:
    """Yield the lines of a file without their line feeds; None for a line longer than 256 MiB."""
    held: list[bytes] = []
    size = 0
    with home.open(path) as file:
        for chunk in file.chunks(0, file.stat.size, _CHUNK):
            for number, part in enumerate(chunk.split(b"\n")):
                if number:
                    yield b"".join(held) if size <= _LONGEST_LINE else None
                    held, size = [], 0
                size += len(part)
                if size <= _LONGEST_LINE:
                    held.append(part)
    if size:
        yield b"".join(held) if size <= _LONGEST_LINE else None


def _add_line(result: SessionCheck, records: _TranscriptLinks, line: bytes | None) -> None:
    if line is not None and not line.strip():
        return
    result.lines += 1
    value = _parsed(line) if line is not None else None
    if not isinstance(value, dict):
        result.gaps["lines that do not parse"] += 1
        return
    records.references.take(value)
    cwd, uuid, parent = value.get("cwd"), value.get("uuid"), value.get("parentUuid")
    if records.cwd is None and isinstance(cwd, str):
        records.cwd = cwd
    if not isinstance(uuid, str):
        return
    is_side = value.get("isSidechain") is True
    records.parents[uuid] = parent if isinstance(parent, str) else None
    if is_side:
        records.side.add(uuid)
    if value.get("type") in _MESSAGES:
        result.messages += 1
        if not is_side:
            records.last_message = uuid


def _count_lines(result: SessionCheck, home: Home, path: bytes, references: References) -> None:
    for line in _lines(home, path):
        if line is None or line.strip():
            value = _parsed(line) if line is not None else None
            if isinstance(value, dict):
                references.take(value)
            else:
                result.gaps["lines that do not parse"] += 1


def _parsed(line: bytes) -> JsonValue:
    """Return the value that JavaScript's `JSON.parse` would return, None when it would throw.

    Python's json is the fallback: it accepts lone surrogates as `JSON.parse` does; orjson refuses them.
    """
    try:
        return orjson.loads(line)  # type: ignore[no-any-return]
    except orjson.JSONDecodeError:
        try:
            value: JsonValue = json.loads(line.decode())
        except (ValueError, RecursionError):
            return None
        return value


def _follow_chain(result: SessionCheck, records: _TranscriptLinks) -> None:
    """Follow `parentUuid` from the last message back, and count the records whose parent is missing."""
    visited: set[str] = set()
    at = records.last_message
    while at is not None and at in records.parents and at not in visited:
        visited.add(at)
        at = records.parents[at]
    result.chain = len(visited)
    if at is not None:
        result.gaps["chains that end at a missing record"] += 1
    for uuid, parent in records.parents.items():
        # The parent of a sidechain's first record is in another file.
        if parent is not None and parent not in records.parents and uuid not in records.side:
            result.gaps["parents that are missing"] += 1


def _referenced_paths(
    references: References, directory: bytes, session: bytes, kept: ArchivedPaths
) -> Iterator[tuple[str, list[bytes]]]:
    """Yield each referenced file: its kind, and the paths where it may be."""
    for name in sorted(references.backups):
        yield "file versions", [b"file-history/%s/%s" % (session, name.encode(errors="replace"))]
    for project, other, name in sorted(references.spilled):
        tail = f"{other}/tool-results/{name}".encode(errors="replace")
        yield (
            "tool results",
            [b"projects/%s/%s" % (project.encode(errors="replace"), tail), b"%s/%s" % (directory, tail)],
        )
    for agent_id in sorted(references.agent_ids):
        yield "subagents", kept.agents(directory, agent_id)


def _verdict(result: SessionCheck, *, is_lost: bool) -> ResumeVerdict:
    if is_lost or result.findings:
        return ResumeVerdict.BROKEN
    if not result.chain:
        return ResumeVerdict.EMPTY
    if result.gaps["chains that end at a missing record"]:
        return ResumeVerdict.CUT
    return ResumeVerdict.WITH_GAPS if +result.gaps else ResumeVerdict.WHOLE
