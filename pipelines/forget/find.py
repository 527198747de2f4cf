"""Finds the archived files, entries, rows and messages that contain the content to erase."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from extractors.reading.erasure import Span
from models.identity import file_id as id_of
from models.observer import Observer
from models.run import PhaseRecord, RunRecord
from models.schema import PROVENANCE, Table
from models.tables import ENTRIES, ERASED, EXTRACTIONS, LOST, MANIFEST, MESSAGES, OCCURRENCES, PIECES, STORE
from pipelines.archive.committed import PhaseKey, known_tables, parts_of, phases_of
from pipelines.archive.parquet import bytes_column, integer_column, read_columns, read_row_groups, text_column
from pipelines.archive.store import StoreReader
from pipelines.disk.layout import Layout
from pipelines.forget.imported import imports_that_hold
from pipelines.forget.matcher import Matcher, rows_that_hold

Piece = tuple[int, int, bytes]
"""A row of a recipe: offset, length, digest."""

_SPAN = ("file_id", "byte_offset", "byte_length")
_BEYOND_LAST = 64
"""Readings of failed runs can have generations above the manifest's last one: this many more are erased too."""
_LONG = 1 << 16
"""A longer entry can be cut into several pieces; a shorter one is in one piece."""


@dataclass(slots=True)
class ErasureQuery:
    """The content to erase: a matcher for bytes; files by home_id and path; directories with all files in them, below
    any home; messages by message_id; entries by phase, file_id and span.

    With `is_by_age` it is a deletion by age: imported stores stay, and later runs recognise nothing of it.
    """

    matcher: Matcher
    files: set[tuple[str, bytes]] = field(default_factory=set)
    directories: set[bytes] = field(default_factory=set)
    message_ids: set[str] = field(default_factory=set)
    entries: list[tuple[PhaseKey, int, Span]] = field(default_factory=list)
    is_by_age: bool = False


@dataclass(slots=True)
class FoundForErasure:
    """The places of the content to erase.

    `paths` are the files (home_id, path) that are erased completely, `file_ids` their ids. `entries` are the spans to
    erase from other files, by phase and file_id. `messages` are the message_ids that no remaining entry contains.
    `imported` is the number of messages to erase from imported stores.
    """

    paths: set[tuple[str, bytes]] = field(default_factory=set)
    file_ids: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    entries: dict[PhaseKey, dict[int, set[Span]]] = field(default_factory=dict)
    messages: set[str] = field(default_factory=set)
    imported: int = 0

    @property
    def is_nothing(self) -> bool:
        """Whether the archive contains nothing of it."""
        return not (self.paths or self.messages or self.imported or any(files for files in self.entries.values()))

    def add(self, where: PhaseKey, file_id: int, span: Span) -> None:
        """Add an entry, unless its file is erased completely."""
        if file_id not in self.file_ids:
            self.entries.setdefault(where, {}).setdefault(file_id, set()).add(span)


class Finder:
    """Searches everything that `runs` committed, including runs that a rollback has undone."""

    def __init__(
        self, layout: Layout, runs: Sequence[RunRecord], seed: int, wanted: ErasureQuery, observer: Observer
    ) -> None:
        self.found = FoundForErasure()
        self._layout = layout
        self._runs = runs
        self._wanted = wanted
        self._observer = observer
        self._reader = StoreReader(layout, runs, seed)

    def find(self) -> FoundForErasure:
        """Search paths, store, tables and imported stores. Raises FixityError when a committed file is unreadable."""
        self._find_paths()
        for where, file_id, span in self._wanted.entries:
            self.found.add(where, file_id, span)
        hits = self._hit_pieces()
        for where, phase in phases_of(self._runs):
            self._find_entries(where, phase, hits)
        for where, phase in phases_of(self._runs):
            self._find_rows(where, phase)
        for where, phase in phases_of(self._runs):
            self._find_occurrences(where, phase)
        self._find_messages_without_occurrence()
        if self._wanted.is_by_age:
            return self.found
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
                text_column(rows, "home_id"),
                bytes_column(rows, "path_bytes"),
                integer_column(rows, "generation"),
                bytes_column(rows, "link_target"),
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
        """Return the digests of the pieces of the store that contain it."""
        matcher, hits = self._wanted.matcher, set[bytes]()
        parts = [part for _, phase in phases_of(self._runs) for part in parts_of(phase, STORE)]
        self._observer.step_begins("the store", sum(part.size for part in parts))
        if matcher.is_empty:
            return hits
        for part in parts:
            for rows in read_row_groups(self._layout, part, STORE):
                for digest, content in zip(bytes_column(rows, "digest"), bytes_column(rows, "content"), strict=True):
                    if matcher.looks_around or matcher.holds(content):
                        hits.add(digest)
            self._observer.advances(part.size)
        return hits

    def _find_entries(self, where: PhaseKey, phase: PhaseRecord, hits: set[bytes]) -> None:
        """Find the entries in these pieces, and long entries that contain it across the border of two pieces."""
        matcher = self._wanted.matcher
        if matcher.is_empty:
            return
        pieces = read_columns(self._layout, parts_of(phase, PIECES), PIECES, ["file_id", "digest"])
        entries = read_columns(self._layout, parts_of(phase, ENTRIES), ENTRIES, ["file_id", "byte_length"])
        hit = pc.is_in(pieces["digest"], pa.array(sorted(hits), pa.binary(16)))
        long = pc.greater(entries["byte_length"], pa.scalar(_LONG))
        files = {*integer_column(pieces.filter(hit), "file_id"), *integer_column(entries.filter(long), "file_id")}
        files -= set(self.found.file_ids)
        recipes, spans = recipes_of(self._layout, phase, files), _entries_of(self._layout, phase, files)
        for file_id in sorted(files):
            for span in _spans_that_hold(self._reader, matcher, recipes[file_id], spans[file_id], hits):
                self.found.add(where, file_id, span)

    def _find_rows(self, where: PhaseKey, phase: PhaseRecord) -> None:
        """Find rows and messages that contain it though the raw entry does not: a row's value may be decoded."""
        matcher = self._wanted.matcher
        if matcher.is_empty:
            return
        self._observer.step_begins("tables", sum(part.size for part in phase.parts))
        for part in phase.parts:
            table = known_tables().get(part.table)
            self._observer.advances(part.size)
            if table is None or table in (PIECES, STORE, ENTRIES, MANIFEST, EXTRACTIONS):
                continue
            for rows in read_row_groups(self._layout, part, table):
                self._note_rows(where, table, rows, rows_that_hold(matcher, rows, _content_columns(table)))

    def _note_rows(self, where: PhaseKey, table: Table, rows: pa.Table, held: Collection[int]) -> None:
        if table is MESSAGES:
            self.found.messages |= {text_column(rows, "message_id")[row] for row in held}
        elif table.has_provenance:
            columns = [integer_column(rows, name) for name in _SPAN] if held else []
            for row in held:
                file_id, offset, length = (column[row] for column in columns)
                self.found.add(where, file_id, (offset, length))

    def _find_occurrences(self, where: PhaseKey, phase: PhaseRecord) -> None:
        """Find the entries in which a message to erase occurs."""
        wanted = self.found.messages | self._wanted.message_ids
        rows = read_columns(self._layout, parts_of(phase, OCCURRENCES), OCCURRENCES, ["message_id", *_SPAN])
        rows = rows.filter(pc.is_in(rows["message_id"], pa.array(sorted(wanted), pa.string())))
        for file_id, offset, length in zip(*(integer_column(rows, name) for name in _SPAN), strict=True):
            self.found.add(where, file_id, (offset, length))

    def _find_messages_without_occurrence(self) -> None:
        """Find the messages that occur in no remaining entry."""
        kept = {one for _, phase in phases_of(self._runs) for one in self._message_ids(phase)}
        going = self._wanted.message_ids & kept
        for where, rows in self._occurrences():
            going |= set(text_column(rows.filter(going_rows(self.found, where, rows)), "message_id"))
        for where, rows in self._occurrences():
            rows = rows.filter(pc.is_in(rows["message_id"], pa.array(sorted(going), pa.string())))
            going -= set(text_column(rows.filter(pc.invert(going_rows(self.found, where, rows))), "message_id"))
        self.found.messages |= going

    def _message_ids(self, phase: PhaseRecord) -> list[str]:
        return text_column(
            read_columns(self._layout, parts_of(phase, MESSAGES), MESSAGES, ["message_id"]), "message_id"
        )

    def _occurrences(self) -> Iterator[tuple[PhaseKey, pa.Table]]:
        names = ["message_id", "file_id", "byte_offset"]
        for where, phase in phases_of(self._runs):
            yield where, read_columns(self._layout, parts_of(phase, OCCURRENCES), OCCURRENCES, names)


def _content_columns(table: Table) -> list[str]:
    """Return the columns of a table with content of an entry: all but those of provenance."""
    ours = {column.name for column in PROVENANCE} | {"source"}
    return [column.name for column in table.all_columns if column.name not in ours]


def going_rows(found: FoundForErasure, where: PhaseKey, rows: pa.Table) -> "pa.BooleanArray":
    """Return a mask: for each row of a table with provenance, whether its entry is erased."""
    files = {*found.file_ids, *found.entries.get(where, {})}
    affected = pc.is_in(rows["file_id"], pa.array(sorted(files), pa.int64()))
    if not pc.any(affected).as_py():
        return pa.array([False] * rows.num_rows, pa.bool_())
    starts = {file_id: {start for start, _ in spans} for file_id, spans in found.entries.get(where, {}).items()}
    return pa.array(
        [
            file_id in found.file_ids or offset in starts.get(file_id, ())
            for file_id, offset in zip(
                integer_column(rows, "file_id"), integer_column(rows, "byte_offset"), strict=True
            )
        ],
        pa.bool_(),
    )


def paths_of(layout: Layout, runs: Sequence[RunRecord], file_ids: Collection[int]) -> dict[int, tuple[str, bytes]]:
    """Return home_id and path of each of `file_ids` that a manifest contains."""
    made: dict[int, tuple[str, bytes]] = {}
    for _, phase in phases_of(runs):
        rows = read_columns(layout, parts_of(phase, MANIFEST), MANIFEST, ["file_id", "home_id", "path_bytes"])
        rows = rows.filter(pc.is_in(rows["file_id"], pa.array(sorted(file_ids), pa.int64())))
        paths = zip(text_column(rows, "home_id"), bytes_column(rows, "path_bytes"), strict=True)
        made |= dict(zip(integer_column(rows, "file_id"), paths, strict=True))
    return made


def recipes_of(layout: Layout, phase: PhaseRecord, files: Collection[int]) -> dict[int, list[Piece]]:
    """Return the recipes of `files` in a phase: the pieces of each file, sorted by offset."""
    rows = read_columns(layout, parts_of(phase, PIECES), PIECES, [*_SPAN, "digest"])
    rows = rows.filter(pc.is_in(rows["file_id"], pa.array(sorted(files), pa.int64())))
    made: dict[int, list[Piece]] = {file_id: [] for file_id in files}
    columns = (integer_column(rows, name) for name in _SPAN)
    for file_id, offset, length, digest in zip(*columns, bytes_column(rows, "digest"), strict=True):
        made[file_id].append((offset, length, digest))
    return {file_id: sorted(some) for file_id, some in made.items()}


def _entries_of(layout: Layout, phase: PhaseRecord, files: Collection[int]) -> dict[int, list[Span]]:
    rows = read_columns(layout, parts_of(phase, ENTRIES), ENTRIES, _SPAN)
    rows = rows.filter(pc.is_in(rows["file_id"], pa.array(sorted(files), pa.int64())))
    made: dict[int, list[Span]] = {file_id: [] for file_id in files}
    for file_id, offset, length in zip(*(integer_column(rows, name) for name in _SPAN), strict=True):
        made[file_id].append((offset, length))
    return {file_id: sorted(some) for file_id, some in made.items()}


def _spans_that_hold(
    reader: StoreReader, matcher: Matcher, pieces: Sequence[Piece], entries: Sequence[Span], hits: Collection[bytes]
) -> Iterator[Span]:
    """Yield the spans of a file's entries that contain it. Entries in pieces without a hit are skipped."""
    first, held_digest, held = 0, b"", b""
    for offset, length in entries:
        while first < len(pieces) and pieces[first][0] + pieces[first][1] <= offset:
            first += 1
        last = first
        while last < len(pieces) and pieces[last][0] < offset + length:
            last += 1
        touched = pieces[first:last]
        if not touched or any(digest in (ERASED, LOST) for _, _, digest in touched):
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
    """Search an entry of several pieces: each piece together with the end of the previous one."""
    before = b""
    for start, _, digest in pieces:
        content = reader.piece(digest)[max(0, offset - start) : offset + length - start]
        if matcher.holds(before + content):
            return True
        before = (before + content)[-matcher.overlap :]
    return False
