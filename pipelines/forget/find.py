"""Finds every place below the data directory that holds what is to be forgotten: files, entries, rows, texts."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from extractors.reading.erasure import Span
from models.identity import file_id as id_of
from models.observer import Observer
from models.run import PhaseRecord, RunRecord
from models.schema import PROVENANCE, Table
from models.tables import ENTRIES, ERASED, EXTRACTIONS, MANIFEST, MESSAGES, OCCURRENCES, PIECES, STORE
from pipelines.archive.store import StoreReader
from pipelines.disk.layout import Layout
from pipelines.forget.imported import imports_that_hold
from pipelines.forget.matcher import Matcher, rows_that_hold
from pipelines.forget.parts import (
    Where,
    batches,
    integers,
    known_tables,
    parts_of,
    phases_of,
    raws,
    read_columns,
    texts,
)

Piece = tuple[int, int, bytes]
"""A row of a recipe: offset, length, digest."""

_SPAN = ("file_id", "byte_offset", "byte_length")
_BEYOND_LAST = 64
"""Generations after the last one of a manifest in which readings may lie that do not count."""
_LONG = 1 << 16
"""An entry of fewer bytes lies in one piece."""


@dataclass(slots=True)
class Wanted:
    """What is to be forgotten: what finds it in bytes; files by home and path; directories below any home, and all in
    them; messages by their id; entries by phase, file and span.
    """

    matcher: Matcher
    files: set[tuple[str, bytes]] = field(default_factory=set)
    directories: set[bytes] = field(default_factory=set)
    message_ids: set[str] = field(default_factory=set)
    entries: list[tuple[Where, int, Span]] = field(default_factory=list)


@dataclass(slots=True)
class FoundForErasure:
    """Where it stands.

    `paths` are files that go whole, with all their `file_ids`, by home and path. `entries` are the spans that go from
    others, by phase and file. `messages` are texts that nothing that stays says, `imported` is how many messages go
    from imported stores.
    """

    paths: set[tuple[str, bytes]] = field(default_factory=set)
    file_ids: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    entries: dict[Where, dict[int, set[Span]]] = field(default_factory=dict)
    messages: set[str] = field(default_factory=set)
    imported: int = 0

    @property
    def is_nothing(self) -> bool:
        """Whether nothing was found."""
        return not (self.paths or self.messages or self.imported or any(files for files in self.entries.values()))

    def add(self, where: Where, file_id: int, span: Span) -> None:
        """Note an entry, unless its file goes whole."""
        if file_id not in self.file_ids:
            self.entries.setdefault(where, {}).setdefault(file_id, set()).add(span)


class Finder:
    """Looks for what is wanted through everything that `runs` committed, undone ones too."""

    def __init__(
        self, layout: Layout, runs: Sequence[RunRecord], seed: int, wanted: Wanted, observer: Observer
    ) -> None:
        self.found = FoundForErasure()
        self._layout = layout
        self._runs = runs
        self._wanted = wanted
        self._observer = observer
        self._reader = StoreReader(layout, runs, seed)

    def find(self) -> FoundForErasure:
        """Look everywhere. Raises FixityError where something cannot be read."""
        self._find_paths()
        for where, file_id, span in self._wanted.entries:
            self.found.add(where, file_id, span)
        hits = self._hit_pieces()
        for where, phase in phases_of(self._runs):
            self._find_entries(where, phase, hits)
        for where, phase in phases_of(self._runs):
            self._find_rows(where, phase)
        for where, phase in phases_of(self._runs):
            self._find_said(where, phase)
        self._find_unsaid()
        ids = self.found.messages | self._wanted.message_ids
        self.found.imported = sum(one.going for one in imports_that_hold(self._layout, self._wanted.matcher, ids))
        return self.found

    def _find_paths(self) -> None:
        self._observer.step_begins("paths")
        names = ["home_id", "path_bytes", "generation", "link_target"]
        generations: dict[tuple[str, bytes], int] = {}
        for _, phase in phases_of(self._runs):
            rows = read_columns(self._layout, parts_of(phase, MANIFEST), MANIFEST, names)
            columns = (
                texts(rows, "home_id"),
                raws(rows, "path_bytes"),
                integers(rows, "generation"),
                raws(rows, "link_target"),
            )
            for home_id, path, generation, target in zip(*columns, strict=True):
                key = (home_id, path)
                if key in generations or self._goes(home_id, path, target):
                    generations[key] = max(generations.get(key, 0), generation)
        for (home_id, path), last in generations.items():
            self.found.paths.add((home_id, path))
            for generation in range(1, last + _BEYOND_LAST):
                self.found.file_ids[id_of(home_id, path, generation)] = (home_id, path)

    def _goes(self, home_id: str, path: bytes, target: bytes) -> bool:
        wanted = self._wanted
        if (home_id, path) in wanted.files or wanted.matcher.holds(path) or wanted.matcher.holds(target):
            return True
        return any(path == one or path.startswith(one + b"/") for one in wanted.directories)

    def _hit_pieces(self) -> set[bytes]:
        """Return the digests of the pieces that hold it."""
        matcher, hits = self._wanted.matcher, set[bytes]()
        parts = [part for _, phase in phases_of(self._runs) for part in parts_of(phase, STORE)]
        self._observer.step_begins("the store", sum(part.size for part in parts))
        if matcher.is_empty:
            return hits
        for part in parts:
            for rows in batches(self._layout, part, STORE):
                for digest, content in zip(raws(rows, "digest"), raws(rows, "content"), strict=True):
                    if matcher.looks_around or matcher.holds(content):
                        hits.add(digest)
            self._observer.advances(part.size)
        return hits

    def _find_entries(self, where: Where, phase: PhaseRecord, hits: set[bytes]) -> None:
        """Find the entries in pieces that hold it, and the long ones that hold it where two pieces meet."""
        matcher = self._wanted.matcher
        if matcher.is_empty:
            return
        pieces = read_columns(self._layout, parts_of(phase, PIECES), PIECES, ["file_id", "digest"])
        entries = read_columns(self._layout, parts_of(phase, ENTRIES), ENTRIES, ["file_id", "byte_length"])
        hit = pc.is_in(pieces["digest"], pa.array(sorted(hits), pa.binary(16)))
        long = pc.greater(entries["byte_length"], pa.scalar(_LONG))
        files = {*integers(pieces.filter(hit), "file_id"), *integers(entries.filter(long), "file_id")}
        files -= set(self.found.file_ids)
        recipes, spans = recipes_of(self._layout, phase, files), _entries_of(self._layout, phase, files)
        for file_id in sorted(files):
            for span in _spans_that_hold(self._reader, matcher, recipes[file_id], spans[file_id], hits):
                self.found.add(where, file_id, span)

    def _find_rows(self, where: Where, phase: PhaseRecord) -> None:
        """Find the rows and texts that hold it, though their entries as they stand do not."""
        matcher = self._wanted.matcher
        if matcher.is_empty:
            return
        self._observer.step_begins("tables", sum(part.size for part in phase.parts))
        for part in phase.parts:
            table = known_tables().get(part.table)
            self._observer.advances(part.size)
            if table is None or table in (PIECES, STORE, ENTRIES, MANIFEST, EXTRACTIONS):
                continue
            for rows in batches(self._layout, part, table):
                self._note_rows(where, table, rows, rows_that_hold(matcher, rows, _said_by_entries(table)))

    def _note_rows(self, where: Where, table: Table, rows: pa.Table, held: Collection[int]) -> None:
        if table is MESSAGES:
            self.found.messages |= {texts(rows, "message_id")[row] for row in held}
        elif table.has_provenance:
            columns = [integers(rows, name) for name in _SPAN] if held else []
            for row in held:
                file_id, offset, length = (column[row] for column in columns)
                self.found.add(where, file_id, (offset, length))

    def _find_said(self, where: Where, phase: PhaseRecord) -> None:
        """Find the entries that say a message that is to be forgotten."""
        wanted = self.found.messages | self._wanted.message_ids
        rows = read_columns(self._layout, parts_of(phase, OCCURRENCES), OCCURRENCES, ["message_id", *_SPAN])
        rows = rows.filter(pc.is_in(rows["message_id"], pa.array(sorted(wanted), pa.string())))
        for file_id, offset, length in zip(*(integers(rows, name) for name in _SPAN), strict=True):
            self.found.add(where, file_id, (offset, length))

    def _find_unsaid(self) -> None:
        """Find the messages that nothing that stays says."""
        kept = {one for _, phase in phases_of(self._runs) for one in self._texts(phase)}
        going = self._wanted.message_ids & kept
        for where, rows in self._said():
            going |= set(texts(rows.filter(going_rows(self.found, where, rows)), "message_id"))
        for where, rows in self._said():
            rows = rows.filter(pc.is_in(rows["message_id"], pa.array(sorted(going), pa.string())))
            going -= set(texts(rows.filter(pc.invert(going_rows(self.found, where, rows))), "message_id"))
        self.found.messages |= going

    def _texts(self, phase: PhaseRecord) -> list[str]:
        return texts(read_columns(self._layout, parts_of(phase, MESSAGES), MESSAGES, ["message_id"]), "message_id")

    def _said(self) -> Iterator[tuple[Where, pa.Table]]:
        names = ["message_id", "file_id", "byte_offset"]
        for where, phase in phases_of(self._runs):
            yield where, read_columns(self._layout, parts_of(phase, OCCURRENCES), OCCURRENCES, names)


def _said_by_entries(table: Table) -> list[str]:
    """Return the columns of a table that say what an entry does: not those that say where it stood."""
    ours = {column.name for column in PROVENANCE} | {"source"}
    return [column.name for column in table.all_columns if column.name not in ours]


def going_rows(found: FoundForErasure, where: Where, rows: pa.Table) -> "pa.BooleanArray":
    """Return for each row of a table with provenance whether it goes."""
    files = {*found.file_ids, *found.entries.get(where, {})}
    affected = pc.is_in(rows["file_id"], pa.array(sorted(files), pa.int64()))
    if not pc.any(affected).as_py():
        return pa.array([False] * rows.num_rows, pa.bool_())
    starts = {file_id: {start for start, _ in spans} for file_id, spans in found.entries.get(where, {}).items()}
    return pa.array(
        [
            file_id in found.file_ids or offset in starts.get(file_id, ())
            for file_id, offset in zip(integers(rows, "file_id"), integers(rows, "byte_offset"), strict=True)
        ],
        pa.bool_(),
    )


def paths_of(layout: Layout, runs: Sequence[RunRecord], file_ids: Collection[int]) -> dict[int, tuple[str, bytes]]:
    """Return home and path of files."""
    made: dict[int, tuple[str, bytes]] = {}
    for _, phase in phases_of(runs):
        rows = read_columns(layout, parts_of(phase, MANIFEST), MANIFEST, ["file_id", "home_id", "path_bytes"])
        rows = rows.filter(pc.is_in(rows["file_id"], pa.array(sorted(file_ids), pa.int64())))
        paths = zip(texts(rows, "home_id"), raws(rows, "path_bytes"), strict=True)
        made |= dict(zip(integers(rows, "file_id"), paths, strict=True))
    return made


def recipes_of(layout: Layout, phase: PhaseRecord, files: Collection[int]) -> dict[int, list[Piece]]:
    """Return which pieces each of `files` was cut into by a phase, in order of offset."""
    rows = read_columns(layout, parts_of(phase, PIECES), PIECES, [*_SPAN, "digest"])
    rows = rows.filter(pc.is_in(rows["file_id"], pa.array(sorted(files), pa.int64())))
    made: dict[int, list[Piece]] = {file_id: [] for file_id in files}
    columns = (integers(rows, name) for name in _SPAN)
    for file_id, offset, length, digest in zip(*columns, raws(rows, "digest"), strict=True):
        made[file_id].append((offset, length, digest))
    return {file_id: sorted(some) for file_id, some in made.items()}


def _entries_of(layout: Layout, phase: PhaseRecord, files: Collection[int]) -> dict[int, list[Span]]:
    rows = read_columns(layout, parts_of(phase, ENTRIES), ENTRIES, _SPAN)
    rows = rows.filter(pc.is_in(rows["file_id"], pa.array(sorted(files), pa.int64())))
    made: dict[int, list[Span]] = {file_id: [] for file_id in files}
    for file_id, offset, length in zip(*(integers(rows, name) for name in _SPAN), strict=True):
        made[file_id].append((offset, length))
    return {file_id: sorted(some) for file_id, some in made.items()}


def _spans_that_hold(
    reader: StoreReader, matcher: Matcher, pieces: Sequence[Piece], entries: Sequence[Span], hits: Collection[bytes]
) -> Iterator[Span]:
    """Yield the entries of a file that hold it. One in a piece that does not hold it is not looked at."""
    first, held_digest, held = 0, b"", b""
    for offset, length in entries:
        while first < len(pieces) and pieces[first][0] + pieces[first][1] <= offset:
            first += 1
        last = first
        while last < len(pieces) and pieces[last][0] < offset + length:
            last += 1
        touched = pieces[first:last]
        if not touched or any(digest == ERASED for _, _, digest in touched):
            continue
        if len(touched) > 1:
            if _long_holds(reader, matcher, touched, offset, length):
                yield offset, length
            continue
        start, _, digest = touched[0]
        if digest in hits:
            if digest != held_digest:
                held_digest, held = digest, reader.piece(digest)
            if matcher.holds(held[offset - start : offset - start + length]):
                yield offset, length


def _long_holds(reader: StoreReader, matcher: Matcher, pieces: Iterable[Piece], offset: int, length: int) -> bool:
    """Look through an entry of several pieces, each together with the end of the one before."""
    before = b""
    for start, _, digest in pieces:
        content = reader.piece(digest)[max(0, offset - start) : offset + length - start]
        if matcher.holds(before + content):
            return True
        before = (before + content)[-matcher.overlap :]
    return False
