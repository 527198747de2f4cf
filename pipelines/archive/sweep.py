"""Removes what lies below the data directory and belongs to nothing: what runs that died have left behind."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from models.errors import StoreError
from models.run import RunRecord
from pipelines.archive.archive import read_all_runs, was_committed
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import Layout


def sweep(layout: Layout, runs: Sequence[RunRecord] | None = None) -> int:
    """Remove what no commit record lists: none of `runs`, who has read all of them. Returns how many things went. Only
    the writer may sweep.

    Raises StoreError when a run that had been committed has no commit record any more: all that it kept would go.
    """
    removed = 0
    for path in list(leftovers(layout, runs)):
        if not os.path.lexists(path):
            continue  # gone with its directory
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        _remove_if_empty(layout, path.parent)
        reach("sweep:removed")
        removed += 1
    return removed


def leftovers(layout: Layout, runs: Sequence[RunRecord] | None = None) -> Iterator[Path]:
    """Yield what a sweep removes: what is staged, parts that no commit record lists, directories of runs that died
    before they committed anything, what a removed run has left beside its record, files half written.

    Raises StoreError as `sweep` does.
    """
    runs = read_all_runs(layout) if runs is None else runs
    dead = _dead_runs(layout, runs)
    if layout.staging.is_dir() and not layout.forget_file.exists():
        yield from layout.staging.iterdir()  # of an erasure that is not finished, what is staged is still needed
    kept = {part.path for run in runs for phase in run.phases for part in phase.parts}
    for base in (layout.store, layout.tables):
        for place, _, names in os.walk(base):
            where = base.name + place[len(str(base)) :].replace(os.sep, "/")
            if place != str(layout.imported):
                parts = (name for name in names if name.endswith(".parquet"))
                yield from (Path(place, name) for name in parts if f"{where}/{name}" not in kept)
    yield from dead
    for run in runs:
        if run.status == "removed":
            record = layout.commit_record(run.run_id)
            yield from (path for path in record.parent.iterdir() if path != record)
    for directory, pattern in (
        (layout.root, ".*.tmp"),
        (layout.store, ".*.tmp"),
        (layout.runs, "*/.*.tmp"),
        (layout.warehouses, "*.tmp*"),
    ):
        yield from directory.glob(pattern)


def _dead_runs(layout: Layout, runs: Sequence[RunRecord]) -> list[Path]:
    if not layout.runs.is_dir():
        return []
    run_ids = {run.run_id for run in runs}
    dead = [path for path in layout.runs.iterdir() if path.is_dir() and path.name not in run_ids]
    for directory in dead:
        if was_committed(directory):
            raise StoreError(
                f"{layout.relative(directory)} has no run.json, though its run was committed; put it back from a "
                f"backup, or delete the directory to give up what the run kept"
            )
    return dead


def _remove_if_empty(layout: Layout, directory: Path) -> None:
    """Remove the directories `home=…/run=…` that a part has left empty."""
    for one in (directory, directory.parent):
        if one.name.startswith(("run=", "home=")) and layout.root in one.parents:
            with suppress(OSError):
                one.rmdir()
