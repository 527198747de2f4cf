"""Runs one phase of one home: reads the files that are due, checks the fixity of all archived files, and moves the
phase's Parquet files to their final place.

The ten steps of a phase: check that files are readable, compare with the last manifest, extract, deduplicate, write
the store, index provenance, write the extraction log, digest again, set the outcomes, commit (the caller writes the
commit record).
"""

import os
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from extractors.home.home import Home
from extractors.reading.registry import followed_links, parser_digests, sources
from extractors.reading.task import FileResult
from models.errors import StageError
from models.manifest import FileState, Outcome
from models.run import PartRecord, PhaseRecord
from models.tables import EXTRACTIONS, MANIFEST, STORE
from pipelines.archive.copies import copy_part
from pipelines.archive.parquet import StagedPart
from pipelines.disk.atomic import disk_errors, make_directories, sync_directories, sync_files
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import Layout, make_private, mended_part_name, part_name
from pipelines.run.file_states import extraction_rows, state_of, state_of_absent
from pipelines.run.fixity import Judgement, claim_of, judge_all
from pipelines.run.mending import Lost, Mender
from pipelines.run.phase_counts import PhaseCounts
from pipelines.run.phase_work import PhaseWork
from pipelines.run.snapshot import Slice
from pipelines.run.staging import RowWriter
from pipelines.run.workers import Readers


def run_phase(
    layout: Layout, work: PhaseWork, slices: Iterable[Slice], lost: Lost, file_read: Callable[[FileResult], None]
) -> PhaseRecord:
    """Run the phase and return its record. Its Parquet files are then in their final place, but count only after the
    caller writes the commit record that lists them. `file_read` is called with the result of each file.

    Raises StageError if counts do not balance (no file was moved then), DiskFullError, SourceError.
    """
    started = time.monotonic()
    make_private(work.directory)
    counts = PhaseCounts()
    parts = _read_and_judge(work, slices, lost, counts, file_read)
    with disk_errors():
        records = put_in_place(layout, work, parts)
        shutil.rmtree(work.directory)
    return PhaseRecord(
        home_id=work.home_id,
        phase=work.phase,
        committed_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        seconds=round(time.monotonic() - started, 3),
        parts=records,
        sources=counts.sources(),
        outcomes=dict(sorted(counts.outcomes.items())),
        rejects=dict(sorted(counts.rejects.items())),
        in_the_way=dict(sorted(counts.in_the_way.items())),
        parsers={name: one for name, one in parser_digests().items() if sources()[name].phase == work.phase},
    )


def _read_and_judge(
    work: PhaseWork,
    slices: Iterable[Slice],
    lost: Lost,
    counts: PhaseCounts,
    file_read: Callable[[FileResult], None],
) -> list[StagedPart]:
    """Read a phase and check its fixity, slice by slice: memory then holds the state of one slice only."""
    name = part_name(work.phase)
    with disk_errors():
        manifest = RowWriter(work.directory / MANIFEST.name / name, MANIFEST)
        extractions = RowWriter(work.directory / EXTRACTIONS.name / name, EXTRACTIONS)
    mended = work.directory / STORE.name / mended_part_name(work.phase)
    mender = Mender(lost, work.home, work.seed, work.digests.shared_pieces, mended, follow_links=work.follow_links)
    with Readers(work, file_read) as readers:
        for part in slices:
            mender.mend(part.items)
            due = part.items if work.due.paths else ()  # a phase with nothing due need not ask each item again
            tasks = [item.task(work.home_id) for item in due if item.is_due(is_full=work.is_full)]
            results = readers.read(tasks, is_last=part.is_last)
            if part.is_last:
                readers.close()
                reach("phase:extracted")
            for result in results:
                check_balance(result)
            states = _judge(work, part, {result.task.path: result for result in results})
            reach("phase:judged")
            counts.add(states, results)
            with disk_errors():
                manifest.write(state.row() for state in sorted(states, key=lambda state: state.path_bytes))
                extractions.write(extraction_rows(work, results))
        output = readers.close()
    counts.add_messages(output.new_messages, output.seen_messages)
    with disk_errors():
        again = mender.close()
        return [*output.parts, manifest.close(), extractions.close(), *([again] if again is not None else [])]


def check_balance(result: FileResult) -> None:
    """Raise StageError unless every entry that was read gave rows or a reject."""
    if result.entry_count != result.entries_with_rows + result.reject_count:
        raise StageError(
            f"{result.task.source}: {result.entry_count} entries were read, but {result.entries_with_rows} gave rows "
            f"and {result.reject_count} were rejected; this is a fault of the "
            f"program, and nothing of the phase was committed"
        )


def _judge(work: PhaseWork, part: Slice, results: dict[bytes, FileResult]) -> list[FileState]:
    """Digest every archived file of a slice again, and return the manifest's rows with their outcomes."""
    states, claims, claimed = [], [], []
    pinned_ns = int(datetime.fromisoformat(work.run_started_at).timestamp() * 1e9)
    for item in part.items:
        state = state_of(work, item, results.get(item.found.path))
        states.append(state)
        if state.content_xxh3 is not None and state.entry_type == "file" and state.outcome == Outcome.UNCHECKED:
            claims.append(claim_of(state, work.tombstones, pinned_ns))
            claimed.append(state)
    with Home(work.home, followed_links(follow_links=work.follow_links)) as home:
        # In a large phase the reading processes still hold much memory before the last slice: do not add more.
        processes = work.processes if part.is_last or not work.is_large else 1
        for state, judgement in zip(claimed, judge_all(home, claims, processes=processes), strict=True):
            _settle(state, judgement, results.get(state.path_bytes))
    states += [state_of_absent(one, work.run_id) for one in part.absent]
    return states


def _settle(state: FileState, judgement: Judgement, result: FileResult | None) -> None:
    state.outcome = judgement.outcome
    state.detail = judgement.detail
    state.check_made = "sha256" if result is not None and judgement.outcome == Outcome.INTACT else judgement.check_made


def put_in_place(layout: Layout, work: PhaseWork, parts: Sequence[StagedPart]) -> list[PartRecord]:
    """Flush staged Parquet files to disk (fsync), move them to their final directories, and return their records.
    Readers ignore them until a commit record lists them.
    """
    reach("part:before-fsync")
    sync_files([part.path for part in parts])
    reach("part:after-fsync")
    records, changed = [], set()
    for part in parts:
        target = layout.part_directory(part.table, work.home_id, work.run_id)
        changed |= make_directories(target)
        reach("part:before-rename")
        final = target / part.path.name
        os.replace(part.path, final)
        reach("part:after-rename")
        changed.add(target)
        records.append(PartRecord(layout.relative(final), part.table, part.rows, part.size, part.sha256))
    sync_directories(changed)
    for record in records:
        if record.table == MANIFEST.name:
            copy_part(layout, record)
    reach("part:all-in-place")
    return records
