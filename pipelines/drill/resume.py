"""Looks whether Claude Code could resume a restored session: its lines, the chain of its records, what it refers to,
and the name of its project's directory.

What a session lacks and the archive never had is told as a gap of the source; what the archive has and the restored
tree has not is a finding.
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
from models.json import JsonObject, JsonValue
from models.text import printable_path
from pipelines.archive.session_paths import UUID, References, encoded_directory
from pipelines.restore.finding import Finding, FindingCode

_CHUNK: Final = 1 << 20
_LONGEST_LINE: Final = 256 << 20
_LONGEST_NAME: Final = 200
_TRANSCRIPT: Final = re.compile(rb"(projects/[^/]+)/([^/]+)\.jsonl", re.DOTALL)
_MESSAGES: Final = ("user", "assistant")


class ResumeVerdict(StrEnum):
    """What becomes of a session that is resumed."""

    WHOLE = "whole"
    """Every line parses, the chain reaches its beginning, all that it refers to is there."""
    WITH_GAPS = "with-gaps"
    """It resumes, with the gaps that the source had."""
    CUT = "cut"
    """The chain of its last message ends at a record that the source did not have: it resumes from there on."""
    EMPTY = "empty"
    """It holds no message: there is nothing to resume."""
    BROKEN = "broken"
    """Something that the archive keeps is not there, or differs."""


@dataclass(slots=True)
class SessionCheck:
    """One restored transcript. `gaps` counts what the source itself lacked, by kind."""

    home_id: str
    path: str
    session_id: str
    lines: int = 0
    messages: int = 0
    chain: int = 0
    """Records from the last message back to the beginning of its chain."""
    verdict: ResumeVerdict = ResumeVerdict.EMPTY
    directory_name: str = "unknown"
    """right, cut (longer than 200 characters, its tail is not checked), other, or unknown (no record has a cwd)."""
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
class _Records:
    """What the lines of a transcript say of the way through it."""

    parents: dict[str, str | None] = field(default_factory=dict)
    side: set[str] = field(default_factory=set)
    last: str | None = None
    cwd: str | None = None
    references: References = field(default_factory=References)


class Kept:
    """The paths of one home that the archive has, and those of them that were not restored, or not as they were."""

    def __init__(self, paths: Iterable[bytes], lost: Collection[bytes]) -> None:
        self.paths = frozenset(paths)
        self.lost = lost
        self._agents: dict[tuple[bytes, bytes], list[bytes]] = {}
        for path in self.paths:
            name = path.rpartition(b"/")[2]
            if name.startswith(b"agent-") and name.endswith(b".jsonl") and path.startswith(b"projects/"):
                self._agents.setdefault((b"/".join(path.split(b"/", 2)[:2]), name), []).append(path)

    def agents(self, directory: bytes, agent_id: str) -> list[bytes]:
        """Return where the transcript of a subagent is, below the directory of a project."""
        return self._agents.get((directory, b"agent-%s.jsonl" % agent_id.encode()), [])

    def subagents(self, directory: bytes, session: bytes) -> list[bytes]:
        """Return the transcripts of subagents that lie beside a session's own."""
        prefix = b"%s/%s/" % (directory, session)
        return sorted(path for paths in self._agents.values() for path in paths if path.startswith(prefix))


def is_session(path: bytes) -> bool:
    """Whether a path is that of a session's own transcript."""
    match = _TRANSCRIPT.fullmatch(path)
    return match is not None and UUID.fullmatch(match[2].decode(errors="replace")) is not None


def check_session(home_id: str, home: Home, path: bytes, kept: Kept) -> SessionCheck:
    """Check one transcript of a restored home, and that the lines of its subagents parse."""
    match = _TRANSCRIPT.fullmatch(path)
    directory, session = (match[1], match[2]) if match is not None else (b"", b"")
    made = SessionCheck(home_id, printable_path(path), printable_path(session))
    records = _Records()
    try:
        for line in _lines(home, path):
            _take(made, records, line)
        for beside in kept.subagents(directory, session):
            _count_lines(made, home, beside, records.references)
    except SourceError as error:
        made.findings.append(Finding(FindingCode.NOT_THERE, home_id, printable_path(error.path), str(error)))
    _follow(made, records)
    made.directory_name = _name(directory.rpartition(b"/")[2], records.cwd)
    for what, candidates in _referred(records.references, directory, session, kept):
        _look_for(made, what, candidates, kept)
    made.verdict = _verdict(made, is_lost=path in kept.lost)
    return made


def _look_for(made: SessionCheck, what: str, candidates: Sequence[bytes], kept: Kept) -> None:
    made.references += 1
    there = [one for one in candidates if one in kept.paths]
    if not there:
        made.gaps[f"{what} that are missing"] += 1
    elif all(one in kept.lost for one in there):
        detail = f"{made.path} refers to it"
        made.findings.append(Finding(FindingCode.REFERENCE_LOST, made.home_id, printable_path(there[0]), detail))


def _name(directory: bytes, cwd: str | None) -> str:
    if cwd is None:
        return "unknown"
    name, right = directory.decode(errors="replace"), encoded_directory(cwd)
    if name == right:
        return "right"
    return "cut" if len(right) > _LONGEST_NAME and name.startswith(right[:_LONGEST_NAME]) else "other"


def _lines(home: Home, path: bytes) -> Iterator[bytes | None]:
    """Yield the lines of a file without their ends; None for one that is too long to be looked at."""
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


def _take(made: SessionCheck, records: _Records, line: bytes | None) -> None:
    if line is not None and not line.strip():
        return
    made.lines += 1
    value = _parsed(line) if line is not None else None
    if not isinstance(value, dict):
        made.gaps["lines that do not parse"] += 1
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
        made.messages += 1
        if not is_side:
            records.last = uuid


def _count_lines(made: SessionCheck, home: Home, path: bytes, references: References) -> None:
    for line in _lines(home, path):
        if line is None or line.strip():
            value = _parsed(line) if line is not None else None
            if isinstance(value, dict):
                references.take(value)
            else:
                made.gaps["lines that do not parse"] += 1


def _parsed(line: bytes) -> JsonValue:
    """Return what `JSON.parse` would; None where it refuses. It takes lone surrogates, which orjson does not."""
    try:
        return orjson.loads(line)  # type: ignore[no-any-return]
    except orjson.JSONDecodeError:
        try:
            value: JsonValue = json.loads(line.decode())
        except (ValueError, RecursionError):
            return None
        return value


def _follow(made: SessionCheck, records: _Records) -> None:
    """Follow the chain from the last message back, and count the links of all records that lead nowhere."""
    seen: set[str] = set()
    at = records.last
    while at is not None and at in records.parents and at not in seen:
        seen.add(at)
        at = records.parents[at]
    made.chain = len(seen)
    if at is not None:
        made.gaps["chains that end at a missing record"] += 1
    for uuid, parent in records.parents.items():
        # A sidechain begins at a record of another file.
        if parent is not None and parent not in records.parents and uuid not in records.side:
            made.gaps["parents that are missing"] += 1


def _referred(
    references: References, directory: bytes, session: bytes, kept: Kept
) -> Iterator[tuple[str, list[bytes]]]:
    """Yield each thing that is referred to: its kind, and the paths where it may be."""
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


def _verdict(made: SessionCheck, *, is_lost: bool) -> ResumeVerdict:
    if is_lost or made.findings:
        return ResumeVerdict.BROKEN
    if not made.chain:
        return ResumeVerdict.EMPTY
    if made.gaps["chains that end at a missing record"]:
        return ResumeVerdict.CUT
    return ResumeVerdict.WITH_GAPS if +made.gaps else ResumeVerdict.WHOLE
