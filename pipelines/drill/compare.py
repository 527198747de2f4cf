"""Compares a restored tree with the manifests, and the homes as they are now with the same; both are only read."""

import stat
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from extractors.home.home import Found, Home, Kind
from extractors.reading.erasure import Tombstones
from extractors.reading.extract import digest_file
from models.errors import SourceError
from models.manifest import FileState, Outcome
from models.observer import Observer
from models.text import printable_path
from pipelines.restore.finding import Finding, FindingCode
from pipelines.run.fixity import Claim, claim_of, judge

_PERMISSIONS: Final = 0o777
_HAS_MODES: Final = sys.platform != "win32"


@dataclass(slots=True)
class Compared:
    """What a restored tree was found to be: things that are as their manifest says, by kind, and what is not."""

    right: Counter[Kind] = field(default_factory=Counter)
    size: int = 0
    findings: list[Finding] = field(default_factory=list)
    differing: set[bytes] = field(default_factory=set)
    """Paths of files that are not there or hold something else."""


def compare_restored(
    home_id: str, root: Path, expected: Mapping[bytes, FileState], known_bad: set[bytes], observer: Observer
) -> Compared:
    """Compare everything below `root` with the manifest rows of one home. Paths in `known_bad` have their finding."""
    made = Compared(differing=set(known_bad))
    with Home(root) as home:
        found = {thing.path: thing for thing in home.walk()}
        for path, state in expected.items():
            if path not in known_bad:
                _compare_one(made, home, found.get(path), state)
            observer.advances(state.size)
    above = {path.rpartition(b"/")[0] for path in expected}
    for path in sorted(found.keys() - expected.keys()):
        if not (
            found[path].kind == "directory" and any(each == path or each.startswith(path + b"/") for each in above)
        ):
            finding = Finding(FindingCode.UNEXPECTED, home_id, printable_path(path), "no manifest has it")
            made.findings.append(finding)
    return made


def _compare_one(made: Compared, home: Home, found: Found | None, state: FileState) -> None:
    def tell(code: FindingCode, detail: str) -> None:
        made.findings.append(Finding(code, state.home_id, state.path, detail))

    if found is None or found.kind != state.entry_type:
        tell(FindingCode.NOT_THERE, "it was not restored" if found is None else f"it is a {found.kind}")
        made.differing.add(state.path_bytes)
        return
    before = len(made.findings)
    if state.entry_type == "file":
        problem = _content_problem(home, state)
        if problem is not None:
            tell(FindingCode.CONTENT_DIFFERS, problem)
            made.differing.add(state.path_bytes)
        made.size += found.stat.size
    if state.entry_type == "link" and found.link_target != state.link_target:
        tell(FindingCode.CONTENT_DIFFERS, "it points elsewhere")
    if state.entry_type != "link" and _HAS_MODES and (found.stat.mode ^ state.mode) & _PERMISSIONS:
        tell(FindingCode.MODE_DIFFERS, f"{stat.S_IMODE(found.stat.mode):04o}, not {stat.S_IMODE(state.mode):04o}")
    if state.entry_type != "link" and found.stat.mtime_ns != state.mtime_ns:
        tell(FindingCode.TIME_DIFFERS, f"{found.stat.mtime_ns - state.mtime_ns:+} ns")
    made.right[found.kind] += len(made.findings) == before


def _content_problem(home: Home, state: FileState) -> str | None:
    """Return what is wrong with a file's bytes, read here once more and by themselves; None when they are right."""
    try:
        with home.open(state.path_bytes) as file:
            size = file.stat.size
        _, fast, proof = digest_file(home, state.path_bytes, size, deep=True)
    except SourceError as error:
        return str(error)
    is_right = proof == state.sha256 if state.sha256 is not None else fast == state.content_xxh3
    return None if is_right else f"{size} bytes with another digest than the manifest's"


@dataclass(slots=True)
class AtSource:
    """How the files that were present stand in the home now, by outcome; `problem` says why it was not looked at."""

    root: str
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    problem: str | None = None


def compare_source(
    root: str,
    states: Sequence[FileState],
    observer: Observer,
    *,
    tombstones: Tombstones | None = None,
    begun_ns: Mapping[str, int] | None = None,
) -> AtSource:
    """Read the files of a home and judge each against its manifest row: the same, grown, changed or gone since.

    `tombstones` tell what was erased on request, `begun_ns` when each run began (by run_id, since 1970): times that
    were young then prove nothing.
    Only that a file differs though its size and times do not is a finding: no owner brings that about by using it.
    """
    made = AtSource(root)
    if not Path(root).is_dir():
        made.problem = "not here now"
        return made
    try:
        with Home(Path(root)) as home:
            for state in states:
                if state.content_xxh3 is not None and state.outcome != Outcome.UNREADABLE:
                    claim = claim_of(state, tombstones, (begun_ns or {}).get(state.run_id))
                    _judge_one(made, home, state, claim)
                observer.advances(state.size)
    except SourceError as error:
        made.problem = str(error)
    return made


def _judge_one(made: AtSource, home: Home, state: FileState, claim: Claim) -> None:
    judgement = judge(home, claim, deep=True)
    made.outcomes[str(judgement.outcome)] += 1
    if judgement.outcome == Outcome.CORRUPT:
        made.findings.append(
            Finding(FindingCode.SOURCE_DIFFERS, state.home_id, state.path, judgement.detail or "other content")
        )
