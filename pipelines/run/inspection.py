"""Looks at the archive before a run goes on from it: puts back what has a whole second copy, and names what has none.

What cannot be put back does not keep a run from reading what is new: it is left out, and the run ends with 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from models.errors import FixityError
from models.observer import Observer
from models.run import DamageRecord, RunRecord
from pipelines.archive import archive as archives
from pipelines.archive.archive import Archive, last_phase, read_records
from pipelines.archive.copies import manifests_of, put_back, renew_copies
from pipelines.archive.damage import look_at_imports, look_at_parts
from pipelines.archive.homes import KnownHome, read_homes, rewrite_homes
from pipelines.archive.sweep import sweep
from pipelines.archive.tombstones import read_graveyard, write_graveyard
from pipelines.disk.atomic import disk_errors, read_sealed
from pipelines.disk.layout import Layout
from pipelines.run.unfinished_erasure import finish_forget


@dataclass(slots=True)
class Inspection:
    """What a run goes on from: the archive, every commit record that can be read, those that count, both the oldest
    first, the epoch of the next run, and what is damaged.
    """

    archive: Archive
    everything: list[RunRecord]
    runs: list[RunRecord]
    next_epoch: int
    damage: list[DamageRecord]


def inspect(layout: Layout, now: datetime, observer: Observer) -> Inspection:
    """Sweep what dead runs left, put back what is damaged, and return what a run goes on from. `now` is in UTC. The
    caller must hold the lock.

    Raises ExtractError where nothing can be kept soundly: the seed of the store, the tombstones or the journal of an
    erasure is lost with its copy, or which runs count cannot be told.
    """
    # Before its first commit a run may have died between the two files: then nothing is damaged.
    was_used = any(layout.runs.glob("*/run.json"))
    damage = archives.mend_identity(layout) if was_used and _has_identity(layout) else []
    archive = Archive.open_or_make(layout)
    finish_forget(layout, observer)
    observer.step_begins("look")
    everything, found = read_records(layout)
    is_partial = any(not one.mended for one in found)
    with disk_errors():
        damage += [*_mended_records(layout, everything, found), *_mended_others(layout, everything)]
        sweep(layout, everything, is_partial=is_partial)
        runs = archives.effective(everything)
        damage += _look(layout, runs, now)
        renew_copies(layout, everything, keep_others=is_partial)
    next_epoch = max(archives.next_epoch(everything), archives.last_epoch(layout) + 1)
    return Inspection(archive, everything, runs, next_epoch, damage)


def _has_identity(layout: Layout) -> bool:
    return layout.archive_file.exists() or layout.archive_copy.exists()


def _mended_records(
    layout: Layout, everything: Sequence[RunRecord], found: Sequence[DamageRecord]
) -> list[DamageRecord]:
    """Write the commit records that were read from their copies where they belong; returns what was `found` damaged."""
    by_id = {run.run_id: run for run in everything}
    for one in found:
        if one.mended and one.run_id in by_id:
            layout.run(one.run_id).mkdir(mode=0o700, exist_ok=True)
            archives.write_record(layout, by_id[one.run_id], "mend-record")
    return [_told_as_mended(one) if one.mended else one for one in found]


def _told_as_mended(one: DamageRecord) -> DamageRecord:
    return replace(one, problem=f"{one.problem}, and was put back from its second copy", mended=True)


def _mended_others(layout: Layout, everything: Sequence[RunRecord]) -> list[DamageRecord]:
    """Write homes.json, the tombstones and head.json anew where they are not what was written; returns which were
    not.
    """
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
    except FileNotFoundError:
        return "is gone" if layout.copy_of(path).exists() else None
    except (FixityError, OSError):
        return "is not what was written"
    return None


def _look(layout: Layout, runs: Sequence[RunRecord], now: datetime) -> list[DamageRecord]:
    """Look at the parts and the imported files; put damaged manifests back from their copies."""
    keys = {(phase.home_id, phase.phase) for run in runs for phase in run.phases}
    last = [found for key in sorted(keys) if (found := last_phase(runs, *key)) is not None]
    newest = {part.path for run, phase in last for part in manifests_of([replace(run, phases=[phase])])}
    manifests = {part.path: part for part in manifests_of(runs)}
    damage = []
    for one in look_at_parts(layout, runs, now, always=newest):
        part = manifests.get(one.path)
        damage.append(_told_as_mended(one) if part is not None and put_back(layout, part) else one)
    return [*damage, *look_at_imports(layout)]
