"""Inspects the archive at the start of a run: restores damaged files from their second copies, and lists those that it
cannot restore.

A file that cannot be restored does not stop the run: the run ignores it, reads the homes, and ends with exit code 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from models.errors import FixityError, StoreError
from models.observer import Observer
from models.run import DamageRecord, RunRecord
from pipelines.archive import archive as archives
from pipelines.archive.archive import Archive, last_phase, read_records
from pipelines.archive.copies import manifests_of, put_back, renew_copies
from pipelines.archive.copies_in_turn import mend_second_copies
from pipelines.archive.damage import CHANGED, look_at_imports, look_at_parts
from pipelines.archive.evidence import look_at_evidence, mend_list
from pipelines.archive.homes import KnownHome, homes_in, read_homes, rewrite_homes
from pipelines.archive.sweep import sweep
from pipelines.archive.tombstones import read_graveyard, write_graveyard
from pipelines.disk.atomic import disk_errors, read_sealed
from pipelines.disk.layout import Layout
from pipelines.disk.lock import follows_stopped_writer, obstacles_cleared
from pipelines.run.unfinished_erasure import finish_forget


@dataclass(slots=True)
class Inspection:
    """The state of an archive at the start of a run: the archive, all readable commit records, those in effect (both
    oldest first), the epoch of the next run, the damage, and that of `evidence`: files that no rows are read from.
    """

    archive: Archive
    everything: list[RunRecord]
    runs: list[RunRecord]
    next_epoch: int
    damage: list[DamageRecord]
    evidence: list[DamageRecord]


def inspect(layout: Layout, now: datetime, observer: Observer) -> Inspection:
    """Sweep the remains of dead runs, restore damaged files from their copies, and return the state of the archive.
    `now` is in UTC. The caller must hold the writer lock.

    Raises ExtractError if a run could not archive anything reliably: the seed of the store, the tombstones or the
    journal of an erasure is lost with its copy, or it is unknown which runs are in effect.
    """
    # Before its first commit a run may have died between the two files: then nothing is damaged.
    was_used = any(layout.runs.glob("*/run.json"))
    in_the_way = "was in the place of a directory, and was set aside"
    damage = [DamageRecord(path, "", "", in_the_way, mended=True) for path in obstacles_cleared(layout)]
    damage += archives.mend_identity(layout) if was_used and _has_identity(layout) else []
    with disk_errors():
        # Versions that wrote no head.json wrote no .gitignore either.
        had_one = layout.head_file.exists() or layout.copy_of(layout.head_file).exists()
        if was_used and layout.keep_git_away() and had_one:
            again = "was gone, changed or damaged, and was made again"
            damage.append(DamageRecord(layout.relative(layout.ignore_file), "", "", again, mended=True))
    archive = Archive.open_or_make(layout)
    with disk_errors():
        damage += mend_list(layout)
    finish_forget(layout, observer)
    observer.step_begins("look")
    everything, found = read_records(layout)
    is_partial = any(not one.mended for one in found)
    with disk_errors():
        damage += [*_mended_records(layout, everything, found), *_mended_others(layout, everything)]
        # After a power loss or in a copied archive, the times that a quick sweep goes by may be others.
        sweep(layout, everything, is_partial=is_partial, is_quick=not follows_stopped_writer(layout))
        runs = archives.effective(everything)
        damage += _look(layout, runs, now)
        evidence = look_at_evidence(layout, everything, now)
        renew_copies(layout, everything, keep_others=is_partial)
        damage += mend_second_copies(layout, everything, now)
    next_epoch = max(archives.next_epoch(everything), archives.last_epoch(layout) + 1)
    return Inspection(archive, everything, runs, next_epoch, damage, evidence)


def _has_identity(layout: Layout) -> bool:
    return layout.archive_file.exists() or layout.archive_copy.exists()


def _mended_records(
    layout: Layout, everything: Sequence[RunRecord], found: Sequence[DamageRecord]
) -> list[DamageRecord]:
    """Restore the commit records that were read from their copies; returns `found` with these marked as restored."""
    by_id = {run.run_id: run for run in everything}
    for one in found:
        if one.mended and one.run_id in by_id:
            layout.run(one.run_id).mkdir(mode=0o700, exist_ok=True)
            archives.write_record(layout, by_id[one.run_id], "mend-record")
    return [_as_mended(one) if one.mended else one for one in found]


def _as_mended(one: DamageRecord) -> DamageRecord:
    return replace(one, problem=f"{one.problem}, and was put back from its second copy", mended=True)


def _mended_others(layout: Layout, everything: Sequence[RunRecord]) -> list[DamageRecord]:
    """Restore homes.json, the tombstones and head.json if they are damaged; returns the damaged ones."""
    damage = []
    for path in (layout.homes_file, layout.tombstones_file, layout.head_file):
        problem = _problem_of(layout, path)
        if problem is None:
            continue
        damage.append(DamageRecord(layout.relative(path), "", "", f"{problem}, and was made again", mended=True))
        if path == layout.homes_file:
            named = {home_id: KnownHome(home_id, root) for run in everything for home_id, root in run.homes.items()}
            rewrite_homes(layout, named | read_homes(layout))
        elif path == layout.head_file and everything:
            newest = everything[-1]
            archives.write_head(layout, max(newest.epoch, archives.last_epoch(layout)), newest.run_id)
        elif (graveyard := read_graveyard(layout)) is not None:
            write_graveyard(layout, graveyard)
    return damage


def _problem_of(layout: Layout, path: Path) -> str | None:
    try:
        read_sealed(path)
        if path == layout.homes_file:
            homes_in(path)
    except FileNotFoundError:
        return "is gone" if layout.copy_of(path).exists() else None
    except (FixityError, StoreError, OSError):
        return CHANGED
    return None


def _look(layout: Layout, runs: Sequence[RunRecord], now: datetime) -> list[DamageRecord]:
    """Check the Parquet files and the imported files; restore damaged manifests from their copies. Returns the
    damage.
    """
    keys = {(phase.home_id, phase.phase) for run in runs for phase in run.phases}
    last = [found for key in sorted(keys) if (found := last_phase(runs, *key)) is not None]
    newest = {part.path for run, phase in last for part in manifests_of([replace(run, phases=[phase])])}
    manifests = {part.path: part for part in manifests_of(runs)}
    damage = []
    for one in look_at_parts(layout, runs, now, always=newest):
        part = manifests.get(one.path)
        damage.append(_as_mended(one) if part is not None and put_back(layout, part) else one)
    return [*damage, *look_at_imports(layout)]
