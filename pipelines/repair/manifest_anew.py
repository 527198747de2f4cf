"""Makes the manifest of a phase again from the manifests before and after it, its readings, and the home."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from xxhash import xxh3_128

from extractors.home.home import Home
from models.errors import ConfigurationError, ExtractError, SourceError
from models.identity import file_id
from models.manifest import Change, FileState, Outcome
from models.run import PhaseRecord, RunRecord, in_effect
from models.schema import Row
from models.tables import EXTRACTIONS, MANIFEST
from models.text import printable_path
from pipelines.archive.archive import Archive
from pipelines.archive.committed import parts_of
from pipelines.archive.manifests import read_manifest
from pipelines.archive.parquet import check_part, read_columns
from pipelines.archive.store import StoreReader
from pipelines.disk.layout import Layout
from pipelines.repair.home_bytes import HomeFiles
from pipelines.repair.work import Work

_READ = (Change.APPENDED, Change.REWRITTEN, Change.NEW)
_GENERATIONS = 64
_UNKNOWN_SHA256 = "0" * 64

Reading = Mapping[str, int]
"""One file's row of `extractions`: from_offset, watermark and size, each in bytes."""


def manifest_rows(
    work: Work, runs: Sequence[RunRecord], run: RunRecord, phase: PhaseRecord, homes: HomeFiles
) -> list[FileState]:
    """Return the rows of a lost manifest, as far as others know them, sorted by path. `runs` are all runs."""
    layout = work.layout
    before, after, next_readings = _neighbours(layout, runs, run, phase)
    readings = _readings(layout, phase)
    earlier = {(state.path_bytes, state.entry_type): state for state in before}
    made = {key: _carried(state, None, run, phase) for key, state in earlier.items()}
    for state in after:
        key = (state.path_bytes, state.entry_type)
        if state.change == Change.VANISHED:
            present = replace(state, outcome=Outcome.INTACT, detail=None)
            made[key] = _carried(present, earlier.get(key), run, phase)
        elif state.change not in _READ:
            made[key] = _carried(state, earlier.get(key), run, phase)
        elif readings is None and state.change == Change.APPENDED and state.file_id is not None:
            ended = next_readings.get(state.file_id, {}).get("from_offset", 0)
            if ended > (earlier[key].watermark or 0 if key in earlier else 0):
                made[key] = _ended_at(state, ended, run, phase, homes)
    reader = StoreReader(layout, in_effect(runs, run.run_id), Archive.open(layout).seed, lenient=True)
    candidates = [*after, *before, *_in_the_home(work, run, phase)]
    for number, reading in (readings or {}).items():
        named = _named(number, phase.home_id, candidates)
        if named is not None:
            made[named.path_bytes, named.entry_type] = _as_read(named, number, reading, run, phase, reader)
        else:
            work.notes.append(f"a file that run {run.run_id} read has lost its name: file {number} of {phase.home_id}")
    return sorted(made.values(), key=lambda state: state.path_bytes)


def rows_of(states: Sequence[FileState]) -> Iterator[Row]:
    """Yield the rows of the table."""
    for state in states:
        yield state.row()


def _neighbours(
    layout: Layout, runs: Sequence[RunRecord], run: RunRecord, phase: PhaseRecord
) -> tuple[list[FileState], list[FileState], Mapping[int, Reading]]:
    """Return the rows of the sound manifests of the same phase and home just before and just after a run, and the
    readings of the latter by file_id.
    """
    before: list[FileState] = []
    for other in sorted(runs, key=lambda one: one.epoch):
        for record in other.phases:
            is_same = (record.home_id, record.phase) == (phase.home_id, phase.phase) and other.run_id != run.run_id
            for part in parts_of(record, MANIFEST) if is_same else ():
                try:
                    check_part(layout, part)
                    states = read_manifest(layout.root / part.path)
                except (ExtractError, OSError):
                    continue
                if other.epoch > run.epoch:
                    return before, states, _readings(layout, record) or {}
                before = states
    return before, [], {}


def _readings(layout: Layout, phase: PhaseRecord) -> dict[int, Reading] | None:
    """Return the readings of a phase by file_id; None where they are lost as well."""
    parts = parts_of(phase, EXTRACTIONS)
    names = ["file_id", "from_offset", "watermark", "size", "is_void"]
    try:
        for part in parts:
            check_part(layout, part)
        rows = read_columns(layout, parts, EXTRACTIONS, names).to_pylist()
    except (ExtractError, OSError):
        return None
    return {row["file_id"]: row for row in rows if not row["is_void"]} if parts else None


def _carried(state: FileState, earlier: FileState | None, run: RunRecord, phase: PhaseRecord) -> FileState:
    """Return the row of a file that a neighbour's manifest has as it was."""
    change = Change.UNCHANGED if state.is_present else Change.NONE
    if state.file_id is not None and state.first_run_id == run.run_id:
        change = Change.NEW
    elif earlier is not None and state.file_id is not None and state.sha256 != earlier.sha256:
        change = Change.APPENDED if state.file_id == earlier.file_id else Change.REWRITTEN
    return replace(state, run_id=run.run_id, phase=phase.phase, change=change)


def _ended_at(state: FileState, size: int, run: RunRecord, phase: PhaseRecord, homes: HomeFiles) -> FileState:
    """Return the row of a file that the run after read on from byte `size`; its digests where the home still has it."""
    data = homes.whole(state, state.size)
    head = data[:size] if data is not None else None
    fast = xxh3_128(head).digest() if head is not None else bytes(16)
    return replace(
        state,
        run_id=run.run_id,
        phase=phase.phase,
        change=Change.NEW if state.first_run_id == run.run_id else Change.APPENDED,
        size=size,
        watermark=size,
        sha256=sha256(head).hexdigest() if head is not None else _UNKNOWN_SHA256,
        content_xxh3=fast,
        prefix_xxh3=fast,
    )


def _named(number: int, home_id: str, candidates: Sequence[FileState]) -> FileState | None:
    """Return the row of the file with an id, found out from the paths of other rows."""
    by_id = {state.file_id: state for state in candidates if state.file_id is not None}
    if number in by_id:
        return by_id[number]
    for state in candidates:
        for generation in range(1, max(state.generation or 1, 1) + 2):
            if generation <= _GENERATIONS and file_id(home_id, state.path_bytes, generation) == number:
                return replace(state, generation=generation, file_id=number, first_run_id=None)
    return None


def _as_read(
    state: FileState, number: int, reading: Reading, run: RunRecord, phase: PhaseRecord, reader: StoreReader
) -> FileState:
    """Return the row of a file as a reading left it, with the digests of its bytes in the store."""
    size, watermark = reading["size"], reading["watermark"]
    proof, whole, prefix, at = sha256(), xxh3_128(), xxh3_128(), 0
    try:
        for block in reader.read_range(number, 0, size, run.run_id):
            proof.update(block)
            whole.update(block)
            prefix.update(block[: max(0, watermark - at)])
            at += len(block)
        digests = (proof.hexdigest(), whole.digest(), prefix.digest())
    except (ExtractError, OSError):
        is_same = state.size == size and state.sha256 is not None
        kept = (state.sha256, state.content_xxh3, state.prefix_xxh3)
        digests = kept if is_same else (_UNKNOWN_SHA256, bytes(16), bytes(16))  # type: ignore[assignment]
    change = Change.APPENDED if reading["from_offset"] else Change.NEW
    return replace(
        state,
        run_id=run.run_id,
        phase=phase.phase,
        change=change,
        outcome=Outcome.INTACT,
        check_made="none",
        file_id=number,
        first_run_id=state.first_run_id or run.run_id,
        size=size,
        watermark=watermark,
        sha256=digests[0],
        content_xxh3=digests[1],
        prefix_xxh3=digests[2],
    )


def _in_the_home(work: Work, run: RunRecord, phase: PhaseRecord) -> Iterator[FileState]:
    """Yield a row for each file of the home as it is now, for its name."""
    root = work.homes.get(phase.home_id)
    if root is None or not Path(root).is_dir():
        return
    try:
        with Home(root) as home:
            for found in home.walk():
                yield FileState(
                    phase.home_id, run.run_id, phase.phase, "other", printable_path(found.path), found.path, found.kind,
                    "archive", "made again", Change.NEW, Outcome.UNCHECKED, "none", 0, found.stat.mtime_ns,
                    found.stat.ctime_ns, found.stat.mode, found.stat.inode, generation=1,
                )  # fmt: skip
    except (SourceError, ConfigurationError):
        return
