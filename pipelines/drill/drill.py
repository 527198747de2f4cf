"""The drill: restores everything to a temporary place and finds out whether that was worth anything.

What was restored is read once more and compared with the manifests; the homes, where they are still there, are compared
with the same; every session is looked at as Claude Code would, were it resumed. What the homes themselves lacked is
information; what the archive owes and did not give is a finding.
"""

import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from extractors.home.home import Home
from extractors.reading.erasure import Tombstones
from models.manifest import FileState
from models.observer import Observer
from models.run import RunRecord
from pipelines.archive.archive import writing
from pipelines.archive.as_of import open_as_of
from pipelines.archive.selection import Selection, archived_roots, choose
from pipelines.archive.tombstones import read_tombstones
from pipelines.disk.atomic import disk_errors, write_sealed
from pipelines.disk.layout import Layout, make_private
from pipelines.drill.compare import compare_restored, compare_source
from pipelines.drill.result import Drilled, HomeDrill
from pipelines.drill.resume import Kept, SessionCheck, check_session, is_session
from pipelines.drill.text import drill_text
from pipelines.restore.finding import FindingCode
from pipelines.restore.place import check_place, known_roots
from pipelines.restore.plan import RestorePlan
from pipelines.restore.restore import Restored, RestoreRequest, restore_chosen


@dataclass(frozen=True, slots=True)
class DrillRequest:
    """What is to be drilled: which homes (else all), as of what, and where (else below the data directory)."""

    homes: Sequence[str] = ()
    as_of: str | None = None
    target: Path | None = None


def drill(layout: Layout, request: DrillRequest, observer: Observer | None = None) -> Drilled:
    """Do the drill and write its record. What was restored is removed again.

    Raises ConfigurationError, LockedError (below the data directory, one writes at a time), DiskFullError.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    observer = observer or Observer()
    opened = open_as_of(layout, request.as_of)
    reader, run = opened.reader, opened.run
    roots = archived_roots(layout, reader.runs)
    chosen = choose(reader, run, roots, Selection(homes=request.homes))
    tombstones = read_tombstones(layout)
    begun_ns = {each.run_id: _begun_ns(each) for each in reader.runs}
    with _place(layout, request, list(roots.values()), started) as target:
        asked = RestoreRequest(target, expired=True, links=True)
        restored = restore_chosen(reader, chosen, asked, target, observer)
        made = Drilled(run.run_id, started, [], list(restored.findings))
        ground = _Ground(restored, roots, tombstones, begun_ns, observer)
        for home_id in restored.homes:
            one = _drill_home(ground, home_id)
            made.homes.append(one)
            made.findings += one.restored.findings + one.source.findings
            made.findings += [finding for session in one.sessions for finding in session.findings]
    made.seconds = time.monotonic() - clock
    made.record = layout.run(opened.newest.run_id) / f"drill-{started:%Y%m%dT%H%M%SZ}.json"
    write_record(made)
    return made


def write_record(made: Drilled) -> None:
    """Write what a drill came to beside the newest run: JSON, and a text for people. Raises DataDirectoryError."""
    if made.record is None:
        return
    with disk_errors():
        write_sealed(made.record, orjson.dumps(made.to_json(), option=orjson.OPT_INDENT_2), "drill")
        write_sealed(made.record.with_suffix(".txt"), drill_text(made).encode(), "drill-text")


@contextmanager
def _place(layout: Layout, request: DrillRequest, roots: Sequence[str], started: datetime) -> Iterator[Path]:
    """Give the place to restore to, and remove all in it afterwards. A run would sweep one below the data directory."""
    if request.target is not None:
        target = check_place(request.target, layout, known_roots(roots), into_home=False)
        was_there = target.exists()
        try:
            yield target
        finally:
            _remove(target, keep_itself=was_there)
        return
    with writing(layout, "drill"):
        target = layout.staging / f"drill-{started:%Y%m%dT%H%M%SZ}"
        make_private(target)
        try:
            yield target
        finally:
            _remove(target)


def _remove(target: Path, *, keep_itself: bool = False) -> None:
    for place, directories, _ in os.walk(target):
        for name in directories:
            path = Path(place, name)
            if not path.is_symlink():
                path.chmod(0o700)  # one that its owner made read-only could not be emptied
    for path in list(target.iterdir()) if target.is_dir() else ():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    if target.is_dir() and not keep_itself:
        target.rmdir()


def _begun_ns(run: RunRecord) -> int:
    return int(datetime.fromisoformat(run.started_at).timestamp() * 1e9)


@dataclass(frozen=True, slots=True)
class _Ground:
    """What every home is looked at with: all that was restored, where homes are, what was erased, when runs began."""

    restored: Restored
    roots: Mapping[str, str]
    tombstones: Tombstones | None
    begun_ns: Mapping[str, int]
    observer: Observer


def _drill_home(ground: _Ground, home_id: str) -> HomeDrill:
    restored, observer = ground.restored, ground.observer
    tree = restored.target / home_id if len(restored.homes) > 1 else restored.target
    expected = _expected(restored.plan, home_id)
    files = [state for state in expected.values() if state.entry_type == "file"]
    present = [state for state in files if state.is_present]
    size = sum(state.size for state in files)
    observer.step_begins(f"{home_id}: comparing", size)
    compared = compare_restored(home_id, tree, expected, _known_bad(restored, home_id, expected), observer)
    observer.step_begins(f"{home_id}: reading the home", sum(state.size for state in present))
    root = ground.roots.get(home_id, "")
    source = compare_source(root, present, observer, tombstones=ground.tombstones, begun_ns=ground.begun_ns)
    sessions = _check_sessions(home_id, tree, files, Kept(expected, compared.differing), observer)
    return HomeDrill(
        home_id=home_id,
        expected_files=len(files),
        expected_bytes=size,
        expired_files=len(files) - len(present),
        erased_files=sum(bool(state.erased) for state in files),
        restored=compared,
        source=source,
        sessions=sessions,
        never_kept=Counter(known.standing for known in restored.plan.left_out if known.state.home_id == home_id),
    )


def _known_bad(restored: Restored, home_id: str, expected: Mapping[bytes, FileState]) -> set[bytes]:
    """Return the paths whose finding the restore has made already."""
    findings = [finding for finding in restored.findings if finding.home_id == home_id]
    bad = {finding.path for finding in findings if finding.code != FindingCode.TIMES_NOT_SET}
    return {path for path, state in expected.items() if state.path in bad}


def _check_sessions(
    home_id: str, tree: Path, files: Sequence[FileState], kept: Kept, observer: Observer
) -> list[SessionCheck]:
    transcripts = [state for state in files if is_session(state.path_bytes)]
    observer.step_begins(f"{home_id}: sessions", sum(state.size for state in transcripts))
    made = []
    with Home(tree) as home:
        for state in transcripts:
            made.append(check_session(home_id, home, state.path_bytes, kept))
            observer.advances(state.size)
    observer.step_ends()
    return made


def _expected(plan: RestorePlan, home_id: str) -> dict[bytes, FileState]:
    """Return the manifest row of each thing of a home that was to be restored, by path."""
    states = [thing.state for thing in (*plan.files, *plan.links)]
    states += [state for state in plan.directories.values() if state is not None]
    return {state.path_bytes: state for state in states if state.home_id == home_id}
