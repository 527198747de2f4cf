"""Deletes files below the data directory that no commit record lists: leftovers of runs that were killed."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from models.run import RunRecord
from pipelines.archive.archive import read_all_runs
from pipelines.disk.atomic import sync_directories
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import Layout


def sweep(
    layout: Layout, runs: Sequence[RunRecord] | None = None, *, is_partial: bool = False, is_quick: bool = False
) -> int:
    """Delete the files that no commit record lists, and return how many paths were deleted. The caller must hold the
    writer lock. `runs` are all commit records; without them they are read.

    The deletions are flushed to the disk, so that nothing deleted comes back after a power failure.
    With `is_partial` (commit records are missing) only staged and temporary files are deleted: an unlisted file may
    belong to a run whose record is lost. `is_quick` is as in `leftovers`. Raises FixityError for missing records if
    `runs` is None.
    """
    removed = 0
    changed = set[Path]()
    for path in list(_unfinished(layout) if is_partial else leftovers(layout, runs, is_quick=is_quick)):
        if not os.path.lexists(path):
            continue  # deleted with its directory
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        changed |= {path.parent, *_remove_if_empty(layout, path.parent)}
        reach("sweep:removed")
        removed += 1
    sync_directories(directory for directory in changed if directory.is_dir())
    reach("sweep:flushed")
    return removed


def leftovers(layout: Layout, runs: Sequence[RunRecord] | None = None, *, is_quick: bool = False) -> Iterator[Path]:
    """Yield the paths that a sweep deletes: staged files, parts that no commit record lists, directories of runs that
    committed nothing, files that a removed run left beside its record, temporary files.

    With `is_quick`, directories of parts are not listed that have not changed since the record of their run was
    written: every writer of a part writes the record afterwards. Raises FixityError as `sweep` does.
    """
    runs = read_all_runs(layout) if runs is None else runs
    kept = {part.path for run in runs for phase in run.phases for part in phase.parts}
    settled = _settled(layout, runs) if is_quick else {}
    imported = os.fspath(layout.imported)
    for base in (layout.store, layout.tables):
        for place in _directories(os.fspath(base), settled):
            where = base.name + place[len(str(base)) :].replace(os.sep, "/")
            if place != imported:
                parts = (name for name in _names(place) if name.endswith(".parquet"))
                yield from (Path(place, name) for name in parts if f"{where}/{name}" not in kept)
    run_ids = {run.run_id for run in runs}
    if layout.runs.is_dir():
        yield from (path for path in layout.runs.iterdir() if path.is_dir() and path.name not in run_ids)
    for run in runs:
        if run.status == "removed":
            record = layout.commit_record(run.run_id)
            yield from (path for path in record.parent.iterdir() if path != record)
    yield from _unfinished(layout)


def _settled(layout: Layout, runs: Sequence[RunRecord]) -> dict[str, int]:
    """Return for the directory of each run that is not removed when its commit record was written."""
    made = {}
    for run in runs:
        if run.status != "removed":
            with suppress(OSError):
                made[f"run={run.run_id}"] = layout.commit_record(run.run_id).stat().st_mtime_ns
    return made


def _directories(base: str, settled: Mapping[str, int]) -> Iterator[str]:
    """Yield the directories below `base` and itself, except those in `settled` that have not changed since then."""
    unread = [base] if os.path.isdir(base) else []
    while unread:
        place = unread.pop()
        yield place
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    written = settled.get(entry.name)
                    if written is None or entry.stat(follow_symlinks=False).st_mtime_ns >= written:
                        unread.append(entry.path)


def _names(place: str) -> list[str]:
    with os.scandir(place) as entries:
        return [entry.name for entry in entries if not entry.is_dir(follow_symlinks=False)]


def _unfinished(layout: Layout) -> Iterator[Path]:
    if layout.staging.is_dir() and not layout.forget_file.exists():
        yield from layout.staging.iterdir()  # an unfinished erasure still needs its staged files
    for directory, pattern in (
        (layout.root, ".*.tmp"),
        (layout.store, ".*.tmp"),
        (layout.runs, "*/.*.tmp"),
        (layout.copies, "**/.*.tmp"),
        (layout.tables, "manifest/*/*/.*.tmp"),
        (layout.warehouses, "*.tmp*"),
    ):
        # A sync holds no writer's lock: the file that it is writing may be no leftover.
        yield from (path for path in directory.glob(pattern) if path.parent.name != layout.destinations.name)


def _remove_if_empty(layout: Layout, directory: Path) -> Iterator[Path]:
    """Remove the directories `run=…` and `home=…` if the deletion of a part has left them empty; yield the directories
    that held them.
    """
    for one in (directory, directory.parent):
        if one.name.startswith(("run=", "home=")) and layout.root in one.parents:
            with suppress(OSError):
                one.rmdir()
                yield one.parent
