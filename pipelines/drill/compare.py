"""Compares a restored tree, and the homes as they are now, with the manifests. It only reads them."""

import stat
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from extractors.home.found import EntryType, Found
from extractors.home.home import Home
from extractors.reading.erasure import Tombstones
from extractors.reading.extract import digest_file
from extractors.reading.registry import followed_links
from models.errors import SourceError
from models.finding import Finding, Kind, address_of
from models.findings import restore as codes
from models.manifest import FileState, Outcome
from models.observer import Observer
from models.text import printable_path
from pipelines.run.fixity import Claim, claim_of, judge

_PERMISSIONS: Final = 0o777
_HAS_MODES: Final = sys.platform != "win32"


@dataclass(slots=True)
class TreeComparison:
    """A restored tree beside its manifests: `right` counts by kind the entries that agree; the others have a finding.

    `size` is in bytes.
    """

    right: Counter[EntryType] = field(default_factory=Counter)
    size: int = 0
    findings: list[Finding] = field(default_factory=list)
    differing: set[bytes] = field(default_factory=set)
    """Paths of files that are missing or have other content."""


def compare_restored(
    home_id: str, root: Path, expected: Mapping[bytes, FileState], known_bad: set[bytes], observer: Observer
) -> TreeComparison:
    """Compare everything below `root` with the manifest rows of one home, by the path where each was restored.

    Paths in `known_bad` are skipped: the restore has reported them. Never raises for a difference: it is a finding.
    """
    result = TreeComparison(differing=set(known_bad))
    with Home(root) as home:
        found = {entry.path: entry for entry in home.walk()}
        for path, state in expected.items():
            if path not in known_bad:
                _compare_one(result, home, path, found.get(path), state)
            observer.advances(state.size)
    above = {path.rpartition(b"/")[0] for path in expected}
    for path in sorted(found.keys() - expected.keys()):
        if not (
            found[path].kind == "directory" and any(each == path or each.startswith(path + b"/") for each in above)
        ):
            finding = codes.UNEXPECTED.at(address_of(home_id, printable_path(path)), problem="no manifest contains it")
            result.findings.append(finding)
    return result


def _compare_one(result: TreeComparison, home: Home, path: bytes, found: Found | None, state: FileState) -> None:
    def report(kind: Kind, detail: str) -> None:
        result.findings.append(kind.at(address_of(state.home_id, state.path), problem=detail))

    if found is None or found.kind != state.entry_type:
        report(codes.NOT_THERE, "it was not restored" if found is None else f"it is a {found.kind}")
        result.differing.add(path)
        return
    before = len(result.findings)
    if state.entry_type == "file":
        problem = _content_problem(home, path, state)
        if problem is not None:
            report(codes.CONTENT_DIFFERS, problem)
            result.differing.add(path)
        result.size += found.stat.size
    if state.entry_type == "link" and found.link_target != state.link_target:
        report(codes.CONTENT_DIFFERS, "it points elsewhere")
    if state.entry_type != "link" and _HAS_MODES and (found.stat.mode ^ state.mode) & _PERMISSIONS:
        report(codes.MODE_DIFFERS, f"{stat.S_IMODE(found.stat.mode):04o}, not {stat.S_IMODE(state.mode):04o}")
    if state.entry_type != "link" and found.stat.mtime_ns != state.mtime_ns:
        report(codes.TIME_DIFFERS, f"{found.stat.mtime_ns - state.mtime_ns:+} ns")
    result.right[found.kind] += len(result.findings) == before


def _content_problem(home: Home, path: bytes, state: FileState) -> str | None:
    """Read a restored file again; return why its bytes differ from the manifest, None when they are equal."""
    try:
        with home.open(path) as file:
            size = file.stat.size
        _, fast, proof = digest_file(home, path, size, deep=True)
    except SourceError as error:
        return str(error)
    is_right = proof == state.sha256 if state.sha256 is not None else fast == state.content_xxh3
    return None if is_right else f"{size} bytes with another digest than the manifest's"


@dataclass(slots=True)
class SourceComparison:
    """The archived files compared with the home as it is now, counted by fixity outcome.

    `problem` says why the home could not be read.
    """

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
    follow_links: bool = False,
) -> SourceComparison:
    """Read the files of a home and judge each against its manifest row: the same, grown, changed or gone since.

    `tombstones` list the bytes that were erased on request. `begun_ns` is the start of each run by run_id, in
    nanoseconds since 1970 (UTC): a file modified just before its run may have changed without a new time.
    `follow_links` is the setting of the runs.
    Only a file with other content but the same size and times is a finding: normal use cannot cause that.
    """
    result = SourceComparison(root)
    if not Path(root).is_dir():
        result.problem = "not here now"
        return result
    try:
        with Home(Path(root), followed_links(follow_links=follow_links)) as home:
            for state in states:
                if state.content_xxh3 is not None and state.outcome != Outcome.UNREADABLE:
                    claim = claim_of(state, tombstones, (begun_ns or {}).get(state.run_id))
                    _judge_one(result, home, state, claim)
                observer.advances(state.size)
    except SourceError as error:
        result.problem = str(error)
    return result


def _judge_one(result: SourceComparison, home: Home, state: FileState, claim: Claim) -> None:
    judgement = judge(home, claim, deep=True)
    result.outcomes[str(judgement.outcome)] += 1
    if judgement.outcome == Outcome.CORRUPT:
        result.findings.append(
            codes.SOURCE_DIFFERS.at(address_of(state.home_id, state.path), problem=judgement.detail or "other content")
        )
