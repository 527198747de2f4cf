"""Finds the files of a home to read again from their first byte, because their rows or recipes are lost."""

from collections.abc import Sequence

from models.run import DamageRecord, RunRecord
from models.tables import MANIFEST, STORE
from pipelines.archive.store import StoreReader
from pipelines.disk.layout import Layout
from pipelines.run.snapshot import Snapshot


def files_to_read_anew(
    layout: Layout, runs: Sequence[RunRecord], seed: int, damage: Sequence[DamageRecord], snapshot: Snapshot
) -> set[int]:
    """Return the file_id of each file of a home with rows or recipes in a damaged Parquet file: it has to be read from
    its first byte. After that, readers no longer need the damaged Parquet files for it.
    """
    paths = {one.path for one in damage if not one.mended and one.table not in (STORE.name, MANIFEST.name)}
    if not paths:
        return set()
    lost = {
        (run.run_id, phase.home_id, phase.phase)
        for run in runs
        for phase in run.phases
        if any(part.path in paths for part in phase.parts)
    }
    reader = StoreReader(layout, runs, seed, lenient=True)
    return {
        state.file_id
        for last in snapshot.last.values()
        for state in last
        if state.file_id is not None and state.entry_type == "file" and state.is_present
        if not reader.covers(state.file_id, state.size, lost)
    }
