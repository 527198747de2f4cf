"""Finds the files of a home to read again from their first byte, because their rows, recipes or manifest are lost."""

from collections.abc import Sequence

from models.run import DamageRecord, RunRecord
from models.tables import MANIFEST, STORE
from pipelines.archive.store import StoreReader
from pipelines.disk.layout import Layout
from pipelines.run.snapshot import Snapshot


def files_to_read_anew(
    layout: Layout, runs: Sequence[RunRecord], seed: int, damage: Sequence[DamageRecord], snapshot: Snapshot
) -> set[int]:
    """Return the file_id of each file of a home that has to be read from its first byte.

    These are the files with rows or recipes in a damaged Parquet file, which readers no longer need then, and those of
    an outdated manifest: its watermarks are not the ones up to which later runs have read.
    """
    anew = {
        state.file_id
        for last in snapshot.last.values()
        if last.is_outdated
        for state in last
        if state.file_id is not None and state.entry_type == "file"
    }
    paths = {one.path for one in damage if not one.mended and one.table not in (STORE.name, MANIFEST.name)}
    if not paths:
        return anew
    lost = {
        (run.run_id, phase.home_id, phase.phase)
        for run in runs
        for phase in run.phases
        if any(part.path in paths for part in phase.parts)
    }
    reader = StoreReader(layout, runs, seed, lenient=True)
    return anew | {
        state.file_id
        for last in snapshot.last.values()
        for state in last
        if state.file_id is not None and state.entry_type == "file" and state.is_present
        if not reader.covers(state.file_id, state.size, lost)
    }
