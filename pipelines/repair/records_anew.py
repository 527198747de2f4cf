"""Makes the commit record of a run again from the parts that the run has left."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from models.counts import READING_COUNTS, add_reading
from models.errors import ExtractError
from models.run import RUN_ID, PartRecord, PhaseRecord, RunRecord, SourceCounts
from models.tables import EXTRACTIONS, MANIFEST, MESSAGES, OCCURRENCES, REJECTS
from pipelines.archive.committed import known_tables, parts_of
from pipelines.archive.manifests import read_manifest
from pipelines.archive.parquet import open_parquet, read_columns
from pipelines.disk.atomic import sha256_of
from pipelines.disk.layout import Layout
from pipelines.repair.work import Work
from pipelines.run.phase_counts import count_state
from pipelines.version import VERSION

_PHASE = re.compile(r"(?:phase|mended|repaired)-([0-9]+)(?:-[0-9a-f]+)?\.parquet")
_RUN = re.compile(rf"run=({RUN_ID})")


def orphaned(layout: Layout) -> list[str]:
    """Return the ids of all runs that have directories of parts, sorted."""
    places = [*layout.store.glob("home=*/run=*"), *layout.tables.glob("*/home=*/run=*")]
    return sorted({match[1] for path in places if (match := _RUN.fullmatch(path.name)) is not None})


def made_of_parts(work: Work, run_id: str, epoch: int, others: Sequence[RunRecord]) -> RunRecord | None:
    """Return the record of a run made from its parts; None where it has left no whole phase. A part that cannot be
    read is left out: it counts as no part of the run.

    A part has no digest but the one in the lost record: each page is compared with its checksum instead.
    """
    layout = work.layout
    parts: dict[tuple[str, int], list[PartRecord]] = {}
    for path, home_id, table in _files(layout, run_id):
        match = _PHASE.fullmatch(path.name)
        if match is None or table not in known_tables():
            continue
        rows = _rows_of(path)
        if rows is None:
            work.tell(path, "cannot be read", "left out: its commit record is lost too")
            continue
        part = PartRecord(layout.relative(path), table, rows, path.stat().st_size, sha256_of(path))
        parts.setdefault((home_id, int(match[1])), []).append(part)
    phases = [_phase(layout, home_id, phase, run_id, found) for (home_id, phase), found in sorted(parts.items())]
    whole = [phase for phase in phases if phase is not None]
    if not whole:
        return None
    for phase in whole:
        phase.parsers = _parsers(phase.phase, epoch, others)
    roots = {home_id: root for run in others for home_id, root in run.homes.items()}
    has_manifests = any(parts_of(phase, MANIFEST) for phase in whole)
    return RunRecord(
        run_id=run_id,
        epoch=epoch,
        status="open",
        started_at=_instant(run_id),
        finished_at=None,
        tool_version=VERSION,
        is_full=False,
        homes={phase.home_id: roots.get(phase.home_id, "") for phase in whole},
        phases=whole,
        kind="run" if has_manifests else "reparse",
    )


def _parsers(phase: int, epoch: int, others: Sequence[RunRecord]) -> dict[str, str]:
    """Return the digests of the parsers that the runs before and after a lost record agree on: only a parser that
    changed in between makes the next run parse the files of its source again.
    """
    ordered = sorted(others, key=lambda run: run.epoch)
    before = [one.parsers for run in ordered if run.epoch < epoch for one in run.phases if one.phase == phase]
    after = [one.parsers for run in ordered if run.epoch > epoch for one in run.phases if one.phase == phase]
    return dict(before[-1].items() & after[0].items()) if before and after else {}


def _files(layout: Layout, run_id: str) -> Iterator[tuple[Path, str, str]]:
    """Yield each file in the directories of a run's parts, with its home and table."""
    for directory in sorted(layout.store.glob(f"home=*/run={run_id}")):
        for path in sorted(directory.glob("*.parquet")):
            yield path, directory.parent.name.removeprefix("home="), "store"
    for directory in sorted(layout.tables.glob(f"*/home=*/run={run_id}")):
        for path in sorted(directory.glob("*.parquet")):
            yield path, directory.parent.name.removeprefix("home="), directory.parent.parent.name


def _rows_of(path: Path) -> int | None:
    """Return the number of rows of a file, all of whose pages were read; None where one is damaged."""
    try:
        with open_parquet(path) as file:
            for group in range(file.num_row_groups):
                file.read_row_group(group, use_threads=False)
            return int(file.metadata.num_rows)
    except (OSError, pa.ArrowException):
        return None


def _phase(layout: Layout, home_id: str, phase: int, run_id: str, parts: list[PartRecord]) -> PhaseRecord | None:
    """Return the record of a phase; None where it was not committed: its manifest and readings come last."""
    made = PhaseRecord(home_id, phase, _instant(run_id), 0.0, parts, {}, {}, {})
    if len(parts_of(made, EXTRACTIONS)) != 1:
        return None
    try:
        _count(layout, made)
    except (ExtractError, OSError, pa.ArrowException):
        return None
    return made


def _count(layout: Layout, phase: PhaseRecord) -> None:
    counts: dict[str, SourceCounts] = {}
    files: set[int] = set()
    for part in parts_of(phase, MANIFEST):
        states = read_manifest(layout.root / part.path)
        files = {state.file_id for state in states if state.file_id is not None and state.entry_type == "file"}
        phase.outcomes = dict(sorted(Counter(str(state.outcome) for state in states).items()))
        for state in states:
            count_state(counts.setdefault(state.source, SourceCounts()), state)
    names = ["source", "file_id", "is_void", "from_offset", "size", *(one.name for one in READING_COUNTS)]
    void = set()
    for row in read_columns(layout, parts_of(phase, EXTRACTIONS), EXTRACTIONS, names).to_pylist():
        if row["is_void"]:
            void.add(row["file_id"])
            continue
        of_source = counts.setdefault(str(row["source"]), SourceCounts())
        is_file = row["file_id"] in files or not files
        of_source.files_read += is_file
        of_source.bytes_read += row["size"] - row["from_offset"] if is_file else 0
        add_reading(of_source, lambda name, row=row: int(row[name]), is_file=is_file)  # type: ignore[misc]
    rejects = read_columns(layout, parts_of(phase, REJECTS), REJECTS, ["file_id", "code"]).to_pylist()
    phase.rejects = dict(sorted(Counter(str(row["code"]) for row in rejects if row["file_id"] not in void).items()))
    seen = read_columns(layout, parts_of(phase, OCCURRENCES), OCCURRENCES, ["source"]).to_pylist()
    new = sum(part.rows for part in parts_of(phase, MESSAGES))
    for source, count in sorted(Counter(str(row["source"]) for row in seen).items()):
        of_source = counts.setdefault(source, SourceCounts())
        of_source.messages_new = min(new, count)
        of_source.messages_duplicate = count - of_source.messages_new
        new -= of_source.messages_new
    phase.sources = dict(sorted(counts.items()))


def _instant(run_id: str) -> str:
    try:
        return datetime.strptime(run_id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).isoformat(timespec="milliseconds")
    except ValueError:
        return datetime.now(UTC).isoformat(timespec="milliseconds")
