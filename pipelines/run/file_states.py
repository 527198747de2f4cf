"""Makes the rows that a phase writes about its files: one of the table `manifest` for each path, and one of
`extractions` for each reading.
"""

from collections.abc import Iterator, Sequence

from extractors.reading.registry import Treatment
from extractors.reading.task import FileResult
from models.counts import READING_COUNTS
from models.manifest import Change, FileState, Outcome, erased_json
from models.schema import Row
from models.tables import EXTRACTIONS
from pipelines.run.inventory import InventoryItem
from pipelines.run.phase_work import PhaseWork
from pipelines.run.snapshot import Absence, Absent


def state_of(work: PhaseWork, item: InventoryItem, result: FileResult | None) -> FileState:
    """Return the manifest row of a path of the snapshot. `result` is None if the file was not read in this run. The
    outcome of an archived file stays UNCHECKED: the fixity check sets it.
    """
    found, place, last = item.found, item.place, item.last
    state = FileState(
        home_id=work.home_id,
        run_id=work.run_id,
        phase=work.phase,
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
        # Kept also for a path that is not read now (a link took its place, a rule withholds it): a later reading needs
        # a new generation number to be distinguishable from the earlier ones.
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
        _take_over(state, result, last, work.run_id)
    if found.kind != "file" and state.outcome == Outcome.UNCHECKED and item.is_read:
        state.outcome, state.check_made = Outcome.INTACT, "stat"
    return state


def _carry_over(state: FileState, last: FileState | None) -> None:
    state.change = Change.UNCHANGED
    if last is None:
        return
    if last.file_id is not None and last.entry_type == state.entry_type == "file":
        # The digests carried over below are of the bytes that had this size and these times.
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


def state_of_absent(absent: Absent, run_id: str) -> FileState:
    """Return the manifest row of a path that the snapshot does not have in this phase. The archive keeps its rows and
    bytes; the new row has the reason why it is absent.
    """
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
            # The other phase's manifest describes its archived content from now on; only the generation number stays.
            state.file_id = state.first_run_id = state.watermark = state.sha256 = None
            state.content_xxh3 = state.prefix_xxh3 = state.erased_spans = state.atime_kept = None
        case Absence.GONE:
            state.outcome, state.check_made = Outcome.EXPIRED, "stat"
            if was not in (Outcome.EXPIRED, Outcome.MOVED):
                state.change = Change.VANISHED
    return state


def extraction_rows(work: PhaseWork, results: Sequence[FileResult]) -> Iterator[Row]:
    """Yield the row of the table `extractions` for each reading that found new content, void readings included."""
    for result in results:
        for one in (*result.void, result):
            if one.error is None and not one.is_same:
                yield _extraction_row(work, one, is_void=one is not result)


def _extraction_row(work: PhaseWork, result: FileResult, *, is_void: bool) -> Row:
    return EXTRACTIONS.row(
        home_id=work.home_id,
        run_id=work.run_id,
        phase=work.phase,
        source=result.task.source,
        file_id=result.file_id,
        from_offset=result.from_offset,
        watermark=result.watermark,
        size=result.size,
        is_void=is_void,
        **{one.name: getattr(result, one.name) for one in READING_COUNTS},
    )
