"""Mends the committed Parquet files: puts back intact copies, makes others again from the remaining parts, and retires
the rest by name.

Until the last step the damaged parts stay in the commit records, so that a run in between still reports them.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from models.run import DamageRecord, PartRecord, PhaseRecord, RetiredRecord, RunRecord
from models.schema import Row, Table
from models.tables import EXTRACTIONS, MANIFEST, PIECES, STORE
from pipelines.archive.archive import effective, write_record
from pipelines.archive.copies import copy_part, manifests_of, whole_copy
from pipelines.archive.damage import look_at_parts
from pipelines.archive.parquet import read_columns
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import retired_part_name
from pipelines.repair.files import put_file, write_part
from pipelines.repair.home_bytes import HomeFiles
from pipelines.repair.manifest_anew import manifest_rows, rows_of
from pipelines.repair.readings_anew import RecipeMaker, extraction_rows, sound
from pipelines.repair.work import GONE_OR_CHANGED, Work, retired

_STRUCTURE = (MANIFEST.name, EXTRACTIONS.name, PIECES.name)


def damaged_parts(work: Work) -> list[DamageRecord]:
    """Return every committed part that is missing or damaged, each digested."""
    runs = work.runs()
    paths = {part.path for run in runs for phase in run.phases for part in phase.parts}
    return look_at_parts(work.layout, runs, datetime.now(UTC), always=paths)


def put_back_parts(work: Work) -> list[DamageRecord]:
    """Set aside every damaged part, and put back those that are whole elsewhere; returns the others."""
    damage = damaged_parts(work)
    listed = {part.path: part for run in work.runs() for phase in run.phases for part in phase.parts}
    for one in damage:
        path = work.layout.root / one.path
        if path.is_symlink() or path.exists():
            work.places.note(work.set_aside(path))
    left = []
    for one in damage:
        part = listed[one.path]
        found = work.places.find(part.path, part.sha256, part.size)
        if found is None:
            left.append(one)
            continue
        put_file(found[0], work.layout.root / part.path, part.sha256)
        work.tell(part.path, one.problem, f"put back from {found[1]}")
        if part.table == MANIFEST.name:
            copy_part(work.layout, part)
    return left


def mend_copies(work: Work) -> None:
    """Make the missing and damaged second copies of manifests again."""
    for part in manifests_of(work.runs()):
        if whole_copy(work.layout, part) is None:
            copy = work.layout.copy_of(work.layout.root / part.path)
            if copy.is_dir() or copy.is_symlink():
                work.set_aside(copy)
            if copy_part(work.layout, part):
                work.tell(copy, GONE_OR_CHANGED, "made again from its original")


def make_structure_again(work: Work, damage: Sequence[DamageRecord], homes: HomeFiles) -> dict[bytes, bytes]:
    """Make manifests, readings and recipes again where they are damaged, the oldest first; returns the bytes of pieces
    that were read from homes for that, by digest.
    """
    problems = {one.path: one.problem for one in damage if one.table in _STRUCTURE}
    found: dict[bytes, bytes] = {}
    for run in work.runs():
        for number, phase in enumerate(run.phases):
            if any(part.path in problems for part in phase.parts):
                runs = work.runs()
                mine = next(one for one in runs if one.run_id == run.run_id)
                found |= _phase_again(work, runs, mine, mine.phases[number], problems, homes)
    return found


def _phase_again(
    work: Work,
    runs: Sequence[RunRecord],
    run: RunRecord,
    phase: PhaseRecord,
    problems: dict[str, str],
    homes: HomeFiles,
) -> dict[bytes, bytes]:
    def named(digest: str) -> str:
        return retired_part_name(phase.phase, digest)

    broken = {part.table for part in phase.parts if part.path in problems}
    if MANIFEST.name in broken:
        rows = rows_of(manifest_rows(work, runs, run, phase, homes))
        new = write_part(work.layout, _directory(work, MANIFEST.name, run, phase), MANIFEST, rows, named)
        _replace(work, phase, MANIFEST.name, problems, new)
        copy_part(work.layout, new)
    if EXTRACTIONS.name in broken:
        rows = extraction_rows(work, runs, run, phase)
        new = write_part(work.layout, _directory(work, EXTRACTIONS.name, run, phase), EXTRACTIONS, rows, named)
        _replace(work, phase, EXTRACTIONS.name, problems, new)
    found: dict[bytes, bytes] = {}
    if PIECES.name in broken:
        maker = RecipeMaker(work, runs, run, phase, homes)
        new = write_part(work.layout, _directory(work, PIECES.name, run, phase), PIECES, maker.rows(), named)
        _replace(work, phase, PIECES.name, problems, new)
        found = maker.found
    write_record(work.layout, run, "repair-record")
    work.has_changed = True
    return found


def _directory(work: Work, table: str, run: RunRecord, phase: PhaseRecord) -> Path:
    return work.layout.part_directory(table, phase.home_id, run.run_id)


def _replace(work: Work, phase: PhaseRecord, table: str, problems: dict[str, str], new: PartRecord) -> None:
    """Put a new part into the place of the damaged ones of a table."""
    going = [part for part in phase.parts if part.table == table and part.path in problems]
    phase.parts = [part for part in phase.parts if part not in going] + [new]
    phase.retired += [retired(part, problems[part.path]) for part in going]
    for part in going:
        work.tell(part.path, problems[part.path], f"made again from other files, as {new.path}")


def sources_to_parse(work: Work, damage: Sequence[DamageRecord]) -> list[str]:
    """Return the sources of which rows are lost that no later reading from the first byte has made again."""
    paths = {one.path for one in damage if one.table not in (*_STRUCTURE, STORE.name)}
    runs = effective(work.runs())
    again: set[int] = set()
    wanted: set[str] = set()
    has_texts = any(one.table == "message_texts" for one in damage)
    for run in reversed(runs):
        for phase in run.phases:
            is_broken = any(part.path in paths for part in phase.parts) or run.status == "lost"
            names = ["file_id", "source", "from_offset", "is_void"]
            rows = read_columns(work.layout, sound(work, phase, EXTRACTIONS), EXTRACTIONS, names).to_pylist()
            read = [row for row in rows if not row["is_void"]]
            if is_broken or (has_texts and any(one.messages_duplicate for one in phase.sources.values())):
                wanted |= {str(row["source"]) for row in read if has_texts or row["file_id"] not in again}
            if not is_broken:
                again |= {row["file_id"] for row in read if row["from_offset"] == 0}
    return sorted(wanted)


def retire(work: Work, damage: Sequence[DamageRecord], how: Callable[[DamageRecord], str]) -> None:
    """Take the damaged parts out of the commit records, by name. They stay in the quarantine."""
    problems = {one.path: one for one in damage}
    for run in work.runs():
        is_new = False
        for phase in run.phases:
            going = [part for part in phase.parts if part.path in problems]
            phase.parts = [part for part in phase.parts if part not in going]
            phase.retired += [retired(part, problems[part.path].problem) for part in going]
            is_new |= bool(going)
            for part in going:
                work.tell(part.path, problems[part.path].problem, how(problems[part.path]))
        if is_new:
            reach("repair:before-retiring")
            write_record(work.layout, run, "repair-record")
            work.has_changed = True


def fill_lost_runs(work: Work, homes: HomeFiles) -> dict[bytes, bytes]:
    """Give each run that was lost as a whole the phases that later runs build on; returns the bytes of pieces that were
    read from homes for that, by digest. The damaged parts of such a run are set aside.
    """
    found: dict[bytes, bytes] = {}
    for run in work.runs():
        if run.status != "lost" or run.phases:
            continue
        later = [one for one in effective(work.runs()) if one.epoch > run.epoch and one.kind == "run"]
        keys = sorted({(phase.home_id, phase.phase) for one in later for phase in one.phases})
        for home_id, number in keys:
            run.phases.append(PhaseRecord(home_id, number, run.started_at, 0.0, [], {}, {}, {}))
            run.homes.setdefault(home_id, next(one.homes[home_id] for one in later if home_id in one.homes))
        for phase in run.phases:
            runs = [run if one.run_id == run.run_id else one for one in work.runs()]
            found |= _made_from_nothing(work, runs, run, phase, homes)
        write_record(work.layout, run, "repair-record")
    return found


def _made_from_nothing(
    work: Work, runs: Sequence[RunRecord], run: RunRecord, phase: PhaseRecord, homes: HomeFiles
) -> dict[bytes, bytes]:
    def place(table: Table, rows: Iterable[Row]) -> PartRecord:
        directory = _directory(work, table.name, run, phase)
        return write_part(work.layout, directory, table, rows, lambda digest: retired_part_name(phase.phase, digest))

    phase.parts = [place(MANIFEST, rows_of(manifest_rows(work, runs, run, phase, homes)))]
    phase.parts.append(place(EXTRACTIONS, list(extraction_rows(work, runs, run, phase))))
    maker = RecipeMaker(work, runs, run, phase, homes)
    phase.parts.append(place(PIECES, list(maker.rows())))
    now = datetime.now(UTC).isoformat(timespec="seconds")
    phase.retired.append(RetiredRecord("", "run", 0, "", "was lost with its run", now))
    copy_part(work.layout, phase.parts[0])
    return maker.found


def set_aside_unlisted(work: Work) -> None:
    """Move the parts of lost runs that no record lists into the quarantine."""
    listed = {part.path for run in work.runs() for phase in run.phases for part in phase.parts}
    for run in work.runs():
        here = [
            *work.layout.store.glob(f"home=*/run={run.run_id}/*.parquet"),
            *work.layout.tables.glob(f"*/home=*/run={run.run_id}/*.parquet"),
        ]
        for path in here if run.status == "lost" else ():
            if work.layout.relative(path) not in listed:
                work.set_aside(path)
