"""Counts the content of an erasure: files erased completely, entries erased from other files, their rows and bytes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from models.run import RunRecord
from models.tables import ENTRIES, EXTRACTIONS, MANIFEST
from pipelines.archive.committed import parts_of, phases_of
from pipelines.archive.parquet import bytes_column, integer_column, read_columns, text_column
from pipelines.disk.layout import Layout
from pipelines.forget.find import FoundForErasure, going_rows, paths_of

_Key = tuple[str, bytes]


@dataclass(slots=True)
class SourceShare:
    """The erased content of one source: files erased completely (`files`), files that lose entries (`touched_files`),
    and the entries, rows and bytes of both."""

    files: int = 0
    touched_files: int = 0
    entries: int = 0
    rows: int = 0
    size: int = 0


@dataclass(slots=True)
class Preview:
    """The counts of an erasure by source; `touched` has the erased entries of each file by home_id and path."""

    sources: dict[str, SourceShare] = field(default_factory=dict)
    touched: dict[_Key, int] = field(default_factory=dict)
    untouched_files: int = 0

    @property
    def total(self) -> SourceShare:
        """The sum over the sources."""
        total = SourceShare()
        for share in self.sources.values():
            total.files += share.files
            total.touched_files += share.touched_files
            total.entries += share.entries
            total.rows += share.rows
            total.size += share.size
        return total


def preview_of(layout: Layout, runs: Sequence[RunRecord], found: FoundForErasure) -> Preview:
    """Return the counts; each file and entry counts once, however many runs have read it."""
    made = Preview()
    _count_files(layout, runs, found, made)
    spans = {file_id for files in found.entries.values() for file_id in files}
    paths = paths_of(layout, runs, spans)
    sources = _sources(layout, runs, {*spans, *found.file_ids})
    for file_id, entries in _entries(layout, runs, found, sources).items():
        share = made.sources.setdefault(sources[file_id], SourceShare())
        share.entries += len(entries)
        share.rows += sum(rows for _, rows in entries.values())
        if file_id not in found.file_ids:
            share.size += sum(length for length, _ in entries.values())
            made.touched[paths[file_id]] = made.touched.get(paths[file_id], 0) + len(entries)
    by_source = {(sources[file_id], paths[file_id]) for file_id in spans if file_id in paths and file_id in sources}
    for source, key in by_source:
        made.sources.setdefault(source, SourceShare()).touched_files += key in made.touched
    made.untouched_files -= len(made.touched)
    return made


def _count_files(layout: Layout, runs: Sequence[RunRecord], found: FoundForErasure, made: Preview) -> None:
    """Count the files that are erased completely, each with its newest size, and all others."""
    last: dict[_Key, tuple[str, str, int]] = {}
    for _, phase in phases_of(runs):
        names = ["home_id", "path_bytes", "source", "entry_type", "size"]
        rows = read_columns(layout, parts_of(phase, MANIFEST), MANIFEST, names)
        columns = (text_column(rows, "source"), text_column(rows, "entry_type"), integer_column(rows, "size"))
        for key in zip(text_column(rows, "home_id"), bytes_column(rows, "path_bytes"), *columns, strict=True):
            last[key[0], key[1]] = key[2:]
    for path, (source, kind, size) in last.items():
        if path in found.paths:
            share = made.sources.setdefault(source, SourceShare())
            share.files += kind == "file"
            share.size += size
        else:
            made.untouched_files += kind == "file"


def _sources(layout: Layout, runs: Sequence[RunRecord], file_ids: Collection[int]) -> dict[int, str]:
    made: dict[int, str] = {}
    for _, phase in phases_of(runs):
        rows = read_columns(layout, parts_of(phase, EXTRACTIONS), EXTRACTIONS, ["file_id", "source"])
        rows = rows.filter(pc.is_in(rows["file_id"], pa.array(sorted(file_ids), pa.int64())))
        made |= dict(zip(integer_column(rows, "file_id"), text_column(rows, "source"), strict=True))
    return made


def _entries(
    layout: Layout, runs: Sequence[RunRecord], found: FoundForErasure, file_ids: Collection[int]
) -> dict[int, dict[int, tuple[int, int]]]:
    """Return length and number of rows of each erased entry, by file_id and offset."""
    made: dict[int, dict[int, tuple[int, int]]] = {}
    names = ["file_id", "byte_offset", "byte_length", "row_count"]
    for where, phase in phases_of(runs):
        rows = read_columns(layout, parts_of(phase, ENTRIES), ENTRIES, [*names, "entry_kind"])
        rows = rows.filter(pc.is_in(rows["file_id"], pa.array(sorted(file_ids), pa.int64())))
        rows = rows.filter(pc.is_in(rows["entry_kind"], pa.array(["entry", "reject", "tail"])))
        rows = rows.filter(going_rows(found, where, rows))
        for file_id, offset, length, count in zip(*(integer_column(rows, name) for name in names), strict=True):
            made.setdefault(file_id, {})[offset] = (length, count)
    return made
