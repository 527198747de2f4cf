"""One phase of one home, in ten steps: from what the snapshot found to a commit of everything that was won.

Readable, matched with the last manifest, extracted, deduplicated, added to the store, its provenance indexed, logged,
digested again, marked complete, committed.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from extractors.home.home import Home
from extractors.reading.erasure import Tombstones
from extractors.reading.registry import Treatment, parser_digests, sources
from extractors.reading.task import FileResult, Limits
from models.errors import StageError
from models.manifest import Change, FileState, Outcome, erased_json
from models.run import PartRecord, PhaseRecord, RunRecord
from models.schema import Row
from models.tables import EXTRACTIONS, MANIFEST, STORE
from pipelines.archive.archive import Archive
from pipelines.archive.homes import HomeName
from pipelines.disk.atomic import disk_errors, make_directories, sync_directories, sync_files
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import MENDED, Layout, make_private
from pipelines.run import workers
from pipelines.run.digest_indexes import DigestIndexes
from pipelines.run.fixity import Judgement, claim_of, judge_all
from pipelines.run.inventory import InventoryItem
from pipelines.run.mending import Lost, Mender
from pipelines.run.phase_counts import PhaseCounts
from pipelines.run.snapshot import Absence, Absent, Due, Slice
from pipelines.run.staging import RowWriter, StagedPart


@dataclass(frozen=True, slots=True)
class PhaseInput:
    """What a phase works on."""

    archive: Archive
    run: RunRecord
    home: HomeName
    phase: int
    slices: Iterable[Slice]
    due: Due
    known: DigestIndexes
    limits: Limits
    processes: int
    is_full: bool
    lost: Lost
    tombstones: Tombstones | None = None


def run_phase(given: PhaseInput, file_read: Callable[[FileResult], None]) -> PhaseRecord:
    """Do the ten steps and return the phase's record, its parts in place but not yet committed by a commit record.

    Raises StageError when counts do not balance; nothing is in place then.
    """
    started = time.monotonic()
    directory = given.archive.layout.staging / given.run.run_id / f"{given.home.home_id}-{given.phase}"
    make_private(directory)
    tally = PhaseCounts()
    parts = _read_and_judge(given, directory, tally, file_read)
    with disk_errors():
        records = put_in_place(given.archive.layout, given.home.home_id, given.run.run_id, parts)
        shutil.rmtree(directory)
    return PhaseRecord(
        home_id=given.home.home_id,
        phase=given.phase,
        committed_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        seconds=round(time.monotonic() - started, 3),
        parts=records,
        sources=tally.sources(),
        outcomes=dict(sorted(tally.outcomes.items())),
        rejects=dict(sorted(tally.rejects.items())),
        in_the_way=dict(sorted(tally.in_the_way.items())),
        parsers={name: digest for name, digest in parser_digests().items() if sources()[name].phase == given.phase},
    )


def _read_and_judge(
    given: PhaseInput, directory: Path, tally: PhaseCounts, file_read: Callable[[FileResult], None]
) -> list[StagedPart]:
    """Read and judge a phase, a slice at a time, so that nothing of a slice is held when the next one begins."""
    name = f"phase-{given.phase}.parquet"
    with disk_errors():
        manifest = RowWriter(directory / MANIFEST.name / name, MANIFEST)
        extractions = RowWriter(directory / EXTRACTIONS.name / name, EXTRACTIONS)
    mender = _mender(given, directory)
    with workers.Readers(_job(given, directory), _processes(given), file_read) as readers:
        for part in given.slices:
            mender.mend(part.items)
            tasks = [item.task(given.home.home_id) for item in part.items if item.is_due(is_full=given.is_full)]
            results = readers.read(tasks, is_last=part.is_last)
            if part.is_last:
                readers.close()
                reach("phase:extracted")
            for result in results:
                check_balance(result)
            states = _judge(given, part, {result.task.path: result for result in results})
            reach("phase:judged")
            tally.add(states, results)
            with disk_errors():
                manifest.write(state.row() for state in sorted(states, key=lambda state: state.path_bytes))
                extractions.write(extraction_rows(given.home.home_id, given.run.run_id, given.phase, results))
        output = readers.close()
    tally.add_messages(output.new_messages, output.seen_messages)
    with disk_errors():
        mended = mender.close()
        return [*output.parts, manifest.close(), extractions.close(), *([mended] if mended is not None else [])]


def _mender(given: PhaseInput, directory: Path) -> Mender:
    target = directory / STORE.name / f"{MENDED}{given.phase}.parquet"
    return Mender(given.lost, given.home.root, given.archive.seed, given.known.shared_pieces, target)


def _processes(given: PhaseInput) -> int:
    return workers.worth(given.processes, given.due.files, given.due.new_bytes)


def _job(given: PhaseInput, directory: Path) -> workers.ReadingJob:
    return workers.ReadingJob(
        home=given.home.root,
        home_id=given.home.home_id,
        run_id=given.run.run_id,
        phase=given.phase,
        directory=directory,
        seed=given.archive.seed,
        limits=given.limits,
        known_pieces=given.known.pieces,
        known_messages=given.known.messages,
        known_imported=given.known.imported,
        shared_pieces=given.known.shared_pieces,
        shared_messages=given.known.shared_messages,
        tombstones=given.tombstones,
        new_bytes=given.due.new_bytes,
    )


def check_balance(result: FileResult) -> None:
    """Raise StageError unless each entry gave rows or a reject."""
    if result.entry_count != result.entries_with_rows + result.reject_count:
        raise StageError(
            f"{result.task.source}: {result.entry_count} entries were read, but {result.entries_with_rows} gave rows "
            f"and {result.reject_count} were rejected; this is a fault of the "
            f"program, and nothing of the phase was committed"
        )


def _judge(given: PhaseInput, part: Slice, results: dict[bytes, FileResult]) -> list[FileState]:
    """Digest again everything that is kept, and return the rows of the manifest."""
    states, claims, claimed = [], [], []
    pinned_ns = int(datetime.fromisoformat(given.run.started_at).timestamp() * 1e9)
    for item in part.items:
        state = _state(given, item, results.get(item.found.path))
        states.append(state)
        if state.content_xxh3 is not None and state.entry_type == "file" and state.outcome == Outcome.UNCHECKED:
            claims.append(claim_of(state, given.tombstones, pinned_ns))
            claimed.append(state)
    with Home(given.home.root) as home:
        # Beside reading processes that hold much another one would be too much.
        processes = given.processes if part.is_last or given.due.new_bytes < workers.MUCH else 1
        for state, judgement in zip(claimed, judge_all(home, claims, processes=processes), strict=True):
            _settle(state, judgement, results.get(state.path_bytes))
    states += [_not_here(one, given.run.run_id) for one in part.absent]
    return states


def _settle(state: FileState, judgement: Judgement, result: FileResult | None) -> None:
    state.outcome = judgement.outcome
    state.detail = judgement.detail
    state.check_made = "sha256" if result is not None and judgement.outcome == Outcome.INTACT else judgement.check_made


def _state(given: PhaseInput, item: InventoryItem, result: FileResult | None) -> FileState:
    """Return the manifest row of one thing of the snapshot, its fixity still to be judged."""
    found, place, last = item.found, item.place, item.last
    state = FileState(
        home_id=given.home.home_id,
        run_id=given.run.run_id,
        phase=given.phase,
        source=place.source,
        path=item.path,
        path_bytes=found.path,
        entry_type=found.kind,
        treatment=place.treatment,
        rule=place.rule,
        change=Change.NONE,
        outcome=Outcome.UNCHECKED,
        check_made="none",
        size=found.stat.size if found.kind == "file" else 0,
        mtime_ns=found.stat.mtime_ns,
        ctime_ns=found.stat.ctime_ns,
        mode=found.stat.mode,
        inode=found.stat.inode,
        link_target=found.link_target,
        # Kept where nothing is read (a link took the place, a rule withholds it), or the next reading would be told
        # from the earlier ones by nothing.
        generation=item.known_generation,
    )
    if place.treatment == Treatment.WITHHOLD:
        state.outcome = Outcome.WITHHELD
    elif found.error is not None:
        _carry_over(state, last)
        state.change, state.outcome, state.detail = Change.NONE, Outcome.UNREADABLE, found.error
    elif not item.is_read:
        state.change = Change.UNCHANGED if last is not None else Change.NEW
    elif result is None:
        _carry_over(state, last)
    elif result.error is not None:
        _carry_over(state, last)
        is_gone = result.error.endswith("no longer there")
        state.outcome = Outcome.MISSING if is_gone else Outcome.UNREADABLE
        state.change = Change.VANISHED if is_gone else Change.NONE
        state.detail = result.error
    else:
        _take_over(state, result, last, given.run.run_id)
    if found.kind != "file" and state.outcome == Outcome.UNCHECKED and item.is_read:
        state.outcome, state.check_made = Outcome.INTACT, "stat"
    return state


def _carry_over(state: FileState, last: FileState | None) -> None:
    state.change = Change.UNCHANGED
    if last is None:
        return
    if last.file_id is not None and last.entry_type == state.entry_type == "file":
        # They belong together: the digests are of the bytes that had this size and these times.
        state.size, state.mtime_ns, state.ctime_ns = last.size, last.mtime_ns, last.ctime_ns
    state.file_id, state.generation, state.first_run_id = last.file_id, last.generation, last.first_run_id
    state.watermark, state.sha256 = last.watermark, last.sha256
    state.content_xxh3, state.prefix_xxh3 = last.content_xxh3, last.prefix_xxh3
    state.erased_spans = last.erased_spans


def _take_over(state: FileState, result: FileResult, last: FileState | None, run_id: str) -> None:
    state.file_id, state.generation = result.file_id, result.generation
    state.size, state.watermark = result.size, result.watermark
    state.sha256, state.content_xxh3, state.prefix_xxh3 = result.sha256, result.content_xxh3, result.prefix_xxh3
    state.atime_kept, state.erased_spans = result.atime_kept, erased_json(result.erased)
    same_generation = last is not None and last.file_id == result.file_id
    state.first_run_id = last.first_run_id if last is not None and same_generation else run_id
    if last is None or last.file_id is None:
        state.change = Change.NEW
    elif not same_generation:
        state.change = Change.REWRITTEN
    else:
        state.change = Change.UNCHANGED if last.content_xxh3 == result.content_xxh3 else Change.APPENDED


def _not_here(absent: Absent, run_id: str) -> FileState:
    """Return the manifest row of what the snapshot has not in this phase: its rows and bytes stay."""
    state, was = absent.state, absent.state.outcome
    state.run_id, state.check_made = run_id, "none"
    state.change = Change.NONE
    if was != Outcome.EXPIRED:
        state.detail = absent.detail
    match absent.why:
        case Absence.HIDDEN:
            state.outcome = Outcome.WITHHELD if state.treatment == Treatment.WITHHOLD else Outcome.UNREADABLE
        case Absence.WAITING:
            state.outcome = Outcome.UNCHECKED
        case Absence.MOVED:
            state.outcome = Outcome.MOVED
            # What is kept of it from now on is in the other manifest; of what only this one knew, the generation stays.
            state.file_id = state.first_run_id = state.watermark = state.sha256 = None
            state.content_xxh3 = state.prefix_xxh3 = state.erased_spans = state.atime_kept = None
        case Absence.GONE:
            state.outcome, state.check_made = Outcome.EXPIRED, "stat"
            if was not in (Outcome.EXPIRED, Outcome.MOVED):
                state.change = Change.VANISHED
    return state


def extraction_rows(home_id: str, run_id: str, phase: int, results: Sequence[FileResult]) -> Iterator[Row]:
    """Yield the rows of `extractions` for what was read, void attempts included."""
    for result in results:
        for one in (*result.void, result):
            if one.error is None and not one.is_same:
                yield _extraction_row(home_id, run_id, phase, one, is_void=one is not result)


def _extraction_row(home_id: str, run_id: str, phase: int, result: FileResult, *, is_void: bool) -> Row:
    return EXTRACTIONS.row(
        home_id=home_id,
        run_id=run_id,
        phase=phase,
        source=result.task.source,
        file_id=result.file_id,
        from_offset=result.from_offset,
        watermark=result.watermark,
        size=result.size,
        entry_count=result.entry_count,
        entries_with_rows=result.entries_with_rows,
        reject_count=result.reject_count,
        padding_bytes=result.padding_bytes,
        tail_bytes=result.tail_bytes,
        row_count=result.row_count,
        message_count=result.message_count,
        piece_count=result.piece_count,
        new_piece_bytes=result.new_piece_bytes,
        is_void=is_void,
    )


def put_in_place(layout: Layout, home_id: str, run_id: str, parts: Sequence[StagedPart]) -> list[PartRecord]:
    """Force parts to the disk and move them where they stay; they are there for readers once the commit record lists
    them.
    """
    reach("part:before-fsync")
    sync_files([part.path for part in parts])
    reach("part:after-fsync")
    records, changed = [], set()
    for part in parts:
        target = layout.part_directory(part.table, home_id, run_id)
        changed |= make_directories(target)
        reach("part:before-rename")
        final = target / part.path.name
        os.replace(part.path, final)
        reach("part:after-rename")
        changed.add(target)
        records.append(PartRecord(layout.relative(final), part.table, part.rows, part.size, part.sha256))
    sync_directories(changed)
    reach("part:all-in-place")
    return records
