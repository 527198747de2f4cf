"""Verifies a copy: every file that its own records list is there and has the digest that they name, there are no other
files, and, if the archive is known here, the copy agrees with it. All of the copy is read; nothing is changed.
"""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Final

import orjson

from models.errors import DataDirectoryError, ExtractError
from models.finding import Finding, Severity
from models.findings import elsewhere as codes
from models.json import JsonObject
from models.observer import Observer
from models.run import RunRecord
from models.seal import SealError, unsealed
from models.text import printable_path
from pipelines.archive.archive import read_records
from pipelines.archive.known_copies import KnownCopy, keep_known_copy
from pipelines.archive.tombstones import read_graveyard
from pipelines.copies.destination import Destination, digest_there, place_errors, read_there
from pipelines.copies.directory import TEMPORARY
from pipelines.copies.places import now, syncing
from pipelines.copies.state import (
    EVIDENCE,
    IMPORT,
    RUN_FILE,
    listed_files,
    missing_epochs,
    read_state,
)
from pipelines.disk.atomic import disk_errors
from pipelines.disk.layout import Layout

_THREADS: Final = 4
_FORGOTTEN: Final = frozenset({codes.GONE.code, codes.BROKEN.code, codes.IDENTITY.code})


@dataclass(slots=True)
class CopyVerification:
    """The result of a verification of a copy: its place, the findings, most severe first, and the digested files."""

    place: str
    findings: list[Finding] = field(default_factory=list)
    runs: int = 0
    files: int = 0
    size: int = 0

    def to_json(self) -> JsonObject:
        """Return the result as JSON values."""
        return {
            "place": self.place,
            "runs": self.runs,
            "files_digested": self.files,
            "bytes_digested": self.size,
            "findings": [finding.to_json() for finding in self.findings],
        }


def verify_copy(
    layout: Layout, known: KnownCopy | None, destination: Destination, observer: Observer
) -> CopyVerification:
    """Verify a copy, and note the result in the data directory if the archive knows the copy (`known`). Without `known`
    the copy is compared with no archive, and `layout` only gives the names of files.

    Raises DataDirectoryError where the place cannot be reached or has no copy, LockedError while a sync is at work.
    """
    if known is None:
        with place_errors(destination.place):
            return _Check(layout, None, destination, observer).do()
    with syncing(layout):
        with place_errors(destination.place):
            made = _Check(layout, known, destination, observer).do()
        grave = [finding for finding in made.findings if finding.severity is not Severity.INFORMATION]
        damaged = tuple(finding.address for finding in grave if finding.code in _FORGOTTEN)
        with disk_errors():
            keep_known_copy(layout, replace(known, verified_at=now(), findings=len(grave), damaged=damaged))
    return made


@dataclass(frozen=True, slots=True)
class _Expected:
    """A state in which a file may be: its size in bytes (None: not known) and SHA-256."""

    size: int | None
    sha256: str


class _Check:
    def __init__(self, layout: Layout, known: KnownCopy | None, destination: Destination, observer: Observer) -> None:
        self._layout, self._known = layout, known
        self._destination, self._observer = destination, observer
        self._made = CopyVerification(destination.place)
        self._findings = self._made.findings
        self._state = read_state(destination, layout)
        self._is_syncing = self._state.head is not None and self._state.head.is_syncing

    def do(self) -> CopyVerification:
        """Make all checks."""
        state = self._state
        name = self._layout.copy_head.name
        if name not in state.entries:
            raise DataDirectoryError(
                f"there is no {name} in {self._destination.place}: it is no copy, or its disk is away"
            )
        self._made.runs = len(state.records)
        for path, problem in sorted(state.broken.items()):
            self._findings.append(codes.BROKEN.at(path, problem=problem))
        expected = self._expected()
        self._check_digests(expected)
        self._check_identity()
        self._check_epochs()
        self._check_others(expected)
        if self._known is not None:
            self._compare(self._known)
        order = {severity: number for number, severity in enumerate(Severity)}
        self._findings.sort(key=lambda one: (order[one.severity], one.code, one.address))
        return self._made

    def _expected(self) -> dict[str, list[_Expected]]:
        """Return the sizes and digests that each required file may have, by path; more than one while a sync is at
        work.
        """
        made: dict[str, list[_Expected]] = {}
        head = self._state.head
        for path, digest in head.files.items() if head is not None else ():
            made[path] = [_Expected(None, digest)]
        for run in self._state.runs_in_force:
            for part in listed_files(run):
                made[part.path] = [_Expected(part.size, part.sha256)]
            for text in run.texts:
                if EVIDENCE.fullmatch(text.path):
                    before = made.get(text.path, []) if self._is_syncing else []
                    made[text.path] = [*before, _Expected(text.size, text.sha256)]
        for path in self._state.entries:
            match = IMPORT.fullmatch(path)
            if match is not None:
                made[path] = [_Expected(None, match["sha256"])]
        return made

    def _check_digests(self, expected: dict[str, list[_Expected]]) -> None:
        entries = self._state.entries
        there = []
        for path, states in expected.items():
            entry = entries.get(path)
            if entry is None and not (self._is_syncing and EVIDENCE.fullmatch(path)):
                self._findings.append(codes.GONE.at(path))
            elif entry is None:
                continue  # a sync that was stopped puts it after the commit record
            elif not entry.is_file:
                self._findings.append(codes.BROKEN.at(path, problem=f"it is a {entry.kind}"))
            elif entry.size is not None and all(one.size not in (None, entry.size) for one in states):
                problem = f"it has {entry.size} bytes instead of {states[-1].size}"
                self._findings.append(codes.BROKEN.at(path, problem=problem))
            else:
                there.append(path)
        self._made.files, self._made.size = (
            len(there),
            sum(entries[path].size or expected[path][-1].size or 0 for path in there),
        )
        self._observer.step_begins("digests", self._made.size)
        with ThreadPoolExecutor(_THREADS) as threads:
            for path, digest in zip(there, threads.map(self._digest, there), strict=True):
                if all(one.sha256 != digest for one in expected[path]) and not self._is_later(path):
                    problem = digest if digest.startswith("it ") else "other bytes"
                    self._findings.append(codes.BROKEN.at(path, problem=problem))
        self._observer.step_ends()

    def _is_later(self, path: str) -> bool:
        """Whether a sync that was stopped may have written this file, which no commit record lists."""
        is_small = RUN_FILE.fullmatch(path) is None and IMPORT.fullmatch(path) is None
        return self._is_syncing and is_small and self._is_sealed_evidence(path)

    def _digest(self, path: str) -> str:
        try:
            digest = digest_there(self._destination, path)
        except OSError as error:
            return f"it cannot be read, {error.strerror or error}"
        self._observer.advances(self._state.entries[path].size or 0)
        return digest

    def _check_identity(self) -> None:
        """Check that archive.json is that of the archive that copy.json names: without its seed nothing is found."""
        head, name = self._state.head, self._layout.archive_file.name
        if head is None or name not in self._state.entries:
            return
        try:
            held = orjson.loads(unsealed(read_there(self._destination, name), ".json"))
        except (OSError, ValueError):
            return  # its digest is wrong: that is a finding already
        if held.get("archive_id") != head.archive_id:
            self._findings.append(codes.IDENTITY.at(name))

    def _check_epochs(self) -> None:
        """Check that no run is missing between the first one and the newest that the copy had."""
        if any(path.endswith("/run.json") for path in self._state.broken):
            return  # the missing one may be among them
        newest = max((run.epoch for run in self._state.runs), default=0)
        head = self._state.head
        for epoch in missing_epochs(self._state.runs, max(newest, head.epoch if head is not None else 0)):
            self._findings.append(codes.GAP.at("runs", epoch=epoch))

    def _check_others(self, expected: Collection[str]) -> None:
        """Name the files at the place that are not part of the copy, except leftovers of a killed sync."""
        here = self._runs_here()
        for path, entry in self._state.entries.items():
            part = RUN_FILE.fullmatch(path)
            is_ours = (
                path in expected
                or path in self._state.broken
                or path == self._layout.copy_head.name
                or TEMPORARY.fullmatch(path) is not None
                or (path.startswith("runs/") and path.endswith("/run.json"))
                or (part is not None and (part["run"] in here or part["run"] in self._state.records))
                or (entry.is_file and self._is_sealed_evidence(path))
            )
            if not is_ours:
                what = "file" if entry.is_file else entry.kind if entry.kind == "link" else "special file"
                self._findings.append(
                    codes.FOREIGN.at(printable_path(path.encode("utf-8", "surrogateescape")), what=what)
                )

    def _is_sealed_evidence(self, path: str) -> bool:
        """Whether a file is one that a sync writes, and that the head does not list because the sync was killed."""
        match = EVIDENCE.fullmatch(path)
        names = {
            self._layout.tombstones_file.name,
            self._layout.homes_file.name,
            self._layout.head_file.name,
            self._layout.evidence_file.name,
            self._layout.forget_file.name,
        }
        if match is None and path not in {*names, self._layout.archive_file.name, "store/archive.json"}:
            return path == self._layout.settings_file.name
        if match is not None and match["run"] not in self._state.records:
            return False
        try:
            unsealed(read_there(self._destination, path), PurePosixPath(path).suffix)
        except (OSError, SealError, KeyError):
            return False
        return True

    def _runs_here(self) -> dict[str, RunRecord]:
        """Return the runs of the archive by run_id; none where the copy is verified alone, or they cannot be read."""
        if self._known is None:
            return {}
        try:
            return {run.run_id: run for run in read_records(self._layout)[0]}
        except ExtractError:
            return {}

    def _compare(self, known: KnownCopy) -> None:
        """Compare the copy with the archive."""
        state, here = self._state, self._runs_here()
        head_name = self._layout.copy_head.name
        heads = (state.head_digest, state.head.previous if state.head is not None else None)
        if known.head is not None and known.head not in heads:
            self._findings.append(codes.OTHER_HEAD.at(head_name))
        for run in state.runs:
            ours = here.get(run.run_id)
            address = f"runs/{run.run_id}/run.json"
            if ours is None:
                self._findings.append(codes.AHEAD.at(address, what=f"run {run.run_id} of epoch {run.epoch}"))
            elif ours.revision < run.revision:
                found = codes.OLDER_HERE.at(address, run=run.run_id, here=ours.revision, there=run.revision)
                self._findings.append(found)
        if missing := len(here.keys() - state.records.keys()):
            self._findings.append(codes.BEHIND.at("runs", missing=missing))
        graveyard = read_graveyard(self._layout)
        erasures = len(graveyard.tombstones) if graveyard is not None else 0
        done = state.head.erasures if state.head is not None else 0
        if done < erasures:
            found = codes.NOT_ERASED.at(head_name, missing=erasures - done, erasures=erasures)
            self._findings.append(found)
