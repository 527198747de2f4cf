"""The drill: restores everything to a temporary directory and checks the result.

It compares the restored files with the manifests, compares the homes that still exist with the manifests, and checks
each session as Claude Code would read it when resuming. A gap that the home itself had is information; an archived file
that was not restored exactly is a finding.
"""

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
from models.finding import address_of
from models.findings import restore as codes
from models.manifest import FileState
from models.observer import Observer
from models.run import RunRecord
from pipelines.archive.archive import writing
from pipelines.archive.as_of import open_as_of
from pipelines.archive.checks_file import note_checks
from pipelines.archive.evidence import write_evidence
from pipelines.archive.selection import Selection, archived_roots, choose
from pipelines.archive.tombstones import read_tombstones
from pipelines.disk.layout import Layout, make_private
from pipelines.disk.remove_tree import remove_tree
from pipelines.disk.settings import read_settings
from pipelines.drill.compare import compare_restored, compare_source
from pipelines.drill.result import DrillResult, HomeDrill
from pipelines.drill.resume import ArchivedPaths, SessionCheck, check_session, is_session
from pipelines.drill.text import drill_text
from pipelines.restore.place import check_place, known_roots
from pipelines.restore.plan import RestorePlan
from pipelines.restore.restore import RestoreRequest, RestoreResult, restore_chosen


@dataclass(frozen=True, slots=True)
class DrillRequest:
    """The homes to drill (default: all), the run or date, and the directory (default: below the data directory)."""

    homes: Sequence[str] = ()
    as_of: str | None = None
    target: Path | None = None


def drill(layout: Layout, request: DrillRequest, observer: Observer | None = None) -> DrillResult:
    """Run the drill, write its record beside the newest run, and remove the restored files again.

    Raises ConfigurationError for an unknown home, run or an unusable target, LockedError when the target is below the
    data directory and another command is writing there, DiskFullError when the files do not fit.
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
        result = DrillResult(run.run_id, started, [], list(restored.findings))
        context = _DrillContext(restored, roots, tombstones, begun_ns, observer, read_settings(layout).follow_links)
        for home_id in restored.homes:
            one = _drill_home(context, home_id)
            result.homes.append(one)
            result.findings += one.restored.findings + one.source.findings
            result.findings += [finding for session in one.sessions for finding in session.findings]
    result.seconds = time.monotonic() - clock
    result.record = layout.drill_record(opened.newest.run_id, started)
    write_record(layout, result)
    _note(layout, request, result)
    return result


def write_record(layout: Layout, result: DrillResult) -> None:
    """Write the result of a drill beside the newest run, as JSON and as text. Raises DataDirectoryError."""
    if result.record is None:
        return
    content = orjson.dumps(result.to_json(), option=orjson.OPT_INDENT_2)
    text = drill_text(result).encode()
    write_evidence(layout, {result.record: content, result.record.with_suffix(".txt"): text}, "drill")


def _note(layout: Layout, request: DrillRequest, result: DrillResult) -> None:
    if not request.homes and request.as_of is None:
        note_checks(layout, ["drill"], has_passed=result.holds, at=result.started_at)


@contextmanager
def _place(layout: Layout, request: DrillRequest, roots: Sequence[str], started: datetime) -> Iterator[Path]:
    """Yield the directory to restore to, and empty it afterwards.

    Below the data directory the writer's lock is held: a run that starts meanwhile would sweep the directory away.
    """
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
    for path in list(target.iterdir()) if target.is_dir() else ():
        remove_tree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    if target.is_dir() and not keep_itself:
        target.rmdir()


def _begun_ns(run: RunRecord) -> int:
    return int(datetime.fromisoformat(run.started_at).timestamp() * 1e9)


@dataclass(frozen=True, slots=True)
class _DrillContext:
    """The input of each home's check: the restore's result, the homes' directories, tombstones, starts of runs."""

    restored: RestoreResult
    roots: Mapping[str, str]
    tombstones: Tombstones | None
    begun_ns: Mapping[str, int]
    observer: Observer
    follow_links: bool


def _drill_home(context: _DrillContext, home_id: str) -> HomeDrill:
    restored, observer = context.restored, context.observer
    tree = restored.target / home_id if len(restored.homes) > 1 else restored.target
    expected = _expected(restored.plan, home_id, by_home=len(restored.homes) > 1)
    files = [state for state in expected.values() if state.entry_type == "file"]
    present = [state for state in files if state.is_present]
    size = sum(state.size for state in files)
    observer.step_begins(f"{home_id}: comparing", size)
    compared = compare_restored(home_id, tree, expected, _known_bad(restored, home_id, expected), observer)
    observer.step_begins(f"{home_id}: reading the home", sum(state.size for state in present))
    root = context.roots.get(home_id, "")
    source = compare_source(
        root,
        present,
        observer,
        tombstones=context.tombstones,
        begun_ns=context.begun_ns,
        follow_links=context.follow_links,
    )
    lost = _known_lost(restored, home_id, expected)
    compared.differing -= lost
    in_place = [
        state
        for path, state in expected.items()
        if state.entry_type == "file" and state.path_bytes == path and path not in lost
    ]
    sessions = _check_sessions(home_id, tree, in_place, ArchivedPaths(expected, compared.differing), observer)
    return HomeDrill(
        home_id=home_id,
        expected_files=len(files),
        expected_bytes=size,
        expired_files=len(files) - len(present),
        erased_files=sum(bool(state.erased) for state in files),
        restored=compared,
        source=source,
        sessions=sessions,
        never_kept=Counter(
            archived.availability for archived in restored.plan.left_out if archived.state.home_id == home_id
        ),
    )


def _known_bad(restored: RestoreResult, home_id: str, expected: Mapping[bytes, FileState]) -> set[bytes]:
    """Return the paths for which the restore has already reported a finding."""
    bad = {finding.address for finding in restored.findings if finding.kind is not codes.TIMES_NOT_SET}
    return {path for path, state in expected.items() if address_of(home_id, state.path) in bad}


def _known_lost(restored: RestoreResult, home_id: str, expected: Mapping[bytes, FileState]) -> set[bytes]:
    """Return the paths of which bytes are known to be lost."""
    lost = {finding.address for finding in restored.findings if finding.kind is codes.KNOWN_LOSS}
    return {path for path, state in expected.items() if address_of(home_id, state.path) in lost}


def _check_sessions(
    home_id: str, tree: Path, files: Sequence[FileState], kept: ArchivedPaths, observer: Observer
) -> list[SessionCheck]:
    transcripts = [state for state in files if is_session(state.path_bytes)]
    observer.step_begins(f"{home_id}: sessions", sum(state.size for state in transcripts))
    result = []
    with Home(tree) as home:
        for state in transcripts:
            result.append(check_session(home_id, home, state.path_bytes, kept))
            observer.advances(state.size)
    observer.step_ends()
    return result


def _expected(plan: RestorePlan, home_id: str, *, by_home: bool) -> dict[bytes, FileState]:
    """Return the manifest row of each entry of a home that was to be restored, by the path where it was restored."""
    planned = [(item.parts, item.state) for item in (*plan.files, *plan.links)]
    planned += [(parts, state) for parts, state in plan.directories.items() if state is not None]
    return {b"/".join(parts[by_home:]): state for parts, state in planned if state.home_id == home_id}
