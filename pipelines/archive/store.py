"""Reads the store: the bytes of any archived file, or of a span of it, as of any run, each piece verified by its
digest.

The store has each distinct piece (a span of a file's bytes) once. A file's recipe lists its pieces by offset.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
from xxhash import xxh3_128

from models.errors import ConfigurationError, ErasedError, ExtractError, FixityError, StoreError
from models.manifest import FileState
from models.run import PartRecord, RunRecord
from models.tables import ERASED, EXTRACTIONS, LOST, MANIFEST, PIECES, STORE
from pipelines.archive.archive import Archive
from pipelines.archive.committed import PhaseKey, parts_of_runs
from pipelines.archive.copies import whole_copy
from pipelines.archive.manifests import read_manifest
from pipelines.archive.parquet import bytes_column, check_part, damage_raised, read_part
from pipelines.archive.store_part import DIGEST_BYTES, StorePart
from pipelines.disk.layout import Layout

_HELD_GROUPS: Final = 2
"""Row groups of the store kept in memory (at most about 28 MB each): neighbouring pieces are in the same one."""


class StoreReader:
    """Reads the store as the committed runs describe it. All bytes that it yields were compared with their digests.

    A file consists of its readings: each reading begins at the watermark of the previous one and replaces the bytes
    after it (an unfinished last line). Void readings are skipped. Not safe for use by two threads.

    A `lenient` reader continues without missing or damaged parts and records them in `damage`, by path below the data
    directory. It then uses an older manifest instead of the newest, and a file may come out shorter or older; so the
    caller must compare the bytes with the manifest's SHA-256.
    """

    def __init__(
        self,
        layout: Layout,
        runs: Sequence[RunRecord],
        seed: int,
        *,
        lenient: bool = False,
        others: Sequence[RunRecord] = (),
    ) -> None:
        """Take the committed `runs`, oldest first, and the `seed` of the store's digests. Reads nothing yet.

        Pieces are also searched in the parts of `others`: a later run may have stored the pieces of a damaged part
        again.
        """
        self.damage: dict[str, str] = {}
        self.bring: Callable[[PartRecord], None] | None = None
        """Called before a part of the store is searched for the first time: it may have to be downloaded."""
        self._lenient = lenient
        self._layout = layout
        self._runs = {run.run_id: run for run in runs}
        self._seed = seed
        self._readings: _Readings | None = None
        self._recipes: dict[PhaseKey, _Recipe | StoreError | FixityError] = {}
        mine = reversed(list(parts_of_runs(runs, STORE)))
        theirs = parts_of_runs([run for run in others if run.run_id not in self._runs], STORE)
        self._parts = [StorePart(layout, where, part) for where, part in (*mine, *theirs)]
        self._order: dict[PhaseKey, list[StorePart]] = {}
        self._groups: OrderedDict[tuple[str, int], list[bytes]] = OrderedDict()

    @classmethod
    def open(cls, layout: Layout, *, lenient: bool = False) -> "StoreReader":
        """Open the archive of a data directory. Raises as `Archive.open` and `read_runs` do."""
        archive = Archive.open(layout)
        return cls(layout, archive.runs(), archive.seed, lenient=lenient)

    @property
    def runs(self) -> list[RunRecord]:
        """The committed runs, oldest first."""
        return list(self._runs.values())

    def files(self, as_of: str | None = None) -> list[FileState]:
        """Return all rows of the newest manifest of each phase of each home as of a run.

        `as_of` is a run_id, None for the newest run. Withheld, listed and deleted paths are included: see `treatment`
        and `is_present`; the archive has no bytes of a row without `file_id`. Raises ConfigurationError for an unknown
        run.
        """
        manifests: dict[tuple[str, int], list[PartRecord]] = {}
        for (_, home_id, phase), part in parts_of_runs(self._until(as_of), MANIFEST):
            manifests.setdefault((home_id, phase), []).insert(0, part)
        return [state for _, parts in sorted(manifests.items()) for state in self._newest(parts)]

    def changes(self, as_of: str | None = None) -> Iterator[FileState]:
        """Yield each manifest row of a file that was new, had grown or was rewritten, the oldest run's first.

        Raises as `files` does.
        """
        for _, part in parts_of_runs(self._until(as_of), MANIFEST):
            yield from self._newest([part], ("new", "appended", "rewritten"))

    def covers(self, file_id: int, size: int, lost: Collection[tuple[str, str, int]]) -> bool:
        """Return whether the archived readings of a file cover its `size` bytes without a gap, and none belongs to a
        phase in `lost` (run_id, home_id, phase).
        """
        at = 0
        for extent in self._extents(file_id, None):
            if extent.start != at or extent.where in lost:
                return False
            at = extent.end
        return at == size

    def kept_bytes(self, file_id: int, as_of: str | None = None) -> int | None:
        """Return the number of archived bytes of a file as of a run; None if no run had read it by then."""
        extents = self._extents(file_id, as_of)
        return extents[-1].end if extents else None

    def read_range(
        self, file_id: int, offset: int, length: int, as_of: str | None = None, *, without_erased: bool = False
    ) -> Iterator[bytes]:
        """Yield `length` bytes of a file from `offset` on, as of a run, in blocks of at most 4 MiB.

        Bytes that were erased on request raise ErasedError, bytes that are known to be lost StoreError; with
        `without_erased` both are skipped. Raises ConfigurationError for bytes that were not archived by then,
        StoreError when a piece is missing, FixityError when a piece differs from its digest; the blocks before the
        exception are right.
        """
        extents = self._extents(file_id, as_of)
        kept = extents[-1].end if extents else None
        if kept is None:
            raise ConfigurationError(
                f"the archive has no bytes of file {file_id}{f' as of run {as_of}' if as_of else ''}"
            )
        if offset < 0 or length < 0 or offset + length > kept:
            raise ConfigurationError(
                f"bytes {offset} to {offset + length} are outside of the {kept} bytes that the archive has"
            )
        at, end = offset, offset + length
        for extent in extents:
            if at < end and extent.end > at:
                until = min(end, extent.end)
                for length, block in self._read_extent(file_id, extent, at, until):
                    at += length
                    if block is not None:
                        yield block
                    elif not without_erased:
                        self._refuse_lost(file_id, at - length, at, as_of)
                        raise ErasedError(f"bytes {at - length} to {at} of file {file_id} were erased on request")
                if at != until:
                    raise StoreError(f"the recipe of file {file_id} has a gap at byte {at}; see `extract verify`")

    def _refuse_lost(self, file_id: int, start: int, end: int, as_of: str | None) -> None:
        for offset, length in self.lost_spans(file_id, as_of):
            if offset < end and offset + length > start:
                raise StoreError(f"bytes {start} to {end} of file {file_id} are lost; see `extract verify`")

    def lost_spans(self, file_id: int, as_of: str | None = None) -> list[tuple[int, int]]:
        """Return offset and length of each span of a file, as of a run, that `extract repair` found nowhere, in order.
        Raises as `read_range` does for recipes that cannot be read.
        """
        found = []
        for extent in self._extents(file_id, as_of):
            recipe = self._recipe(extent.where)
            for offset, length, digest in recipe.pieces(file_id, extent.start) if recipe.has_lost else ():
                start, end = max(offset, extent.start), min(offset + length, extent.end)
                if digest == LOST and start < end:
                    found.append((start, end - start))
        return found

    def _until(self, as_of: str | None) -> list[RunRecord]:
        if as_of is None:
            return list(self._runs.values())
        if as_of not in self._runs:
            raise ConfigurationError(f"there is no committed run {as_of} in {self._layout.root}")
        return [run for run in self._runs.values() if run.epoch <= self._runs[as_of].epoch]

    def _extents(self, file_id: int, as_of: str | None) -> "list[_Extent]":
        """Return the extents of a file as of a run, from byte 0 on: which phase's recipe has which bytes."""
        if self._readings is None:
            self._readings = _Readings(self._layout, self.runs, self.damage if self._lenient else None)
        latest = self._runs[as_of].epoch if as_of in self._runs else None
        if as_of is not None and latest is None:
            raise ConfigurationError(f"there is no committed run {as_of} in {self._layout.root}")
        extents: list[_Extent] = []
        for extent in self._readings.of(file_id, latest):
            while extents and extents[-1].start >= extent.start:
                extents.pop()
            if extents and extents[-1].end > extent.start:
                extents[-1] = _Extent(extents[-1].where, extents[-1].start, extent.start)
            extents.append(extent)
        return extents

    def blocks(self, file_id: int, as_of: str | None = None) -> Iterator[tuple[int, bytes | None]]:
        """Yield a whole file as of a run: length and bytes of each block, None in place of the bytes of a span that was
        erased or is known to be lost. Raises as `read_range` does.
        """
        at = 0
        for extent in self._extents(file_id, as_of):
            for length, block in self._read_extent(file_id, extent, extent.start, extent.end):
                at += length
                yield length, block
            if at != extent.end:
                raise StoreError(f"the recipe of file {file_id} has a gap at byte {at}; see `extract verify`")

    def piece(self, digest: bytes) -> bytes:
        """Return the bytes of a piece, verified. Raises StoreError or FixityError."""
        return self._piece(digest, ("", "", 0))

    def _read_extent(self, file_id: int, extent: "_Extent", start: int, end: int) -> Iterator[tuple[int, bytes | None]]:
        """Yield length and bytes of each block, None in place of the bytes of a span that was erased or lost."""
        at = start
        for offset, length, digest in self._recipe(extent.where).pieces(file_id, start):
            if offset > at or at >= end:
                return
            if offset + length <= at:
                continue
            if digest in (ERASED, LOST):
                erased = min(offset + length, end) - at
                at += erased
                yield erased, None
                continue
            content = self._piece(digest, extent.where)
            if len(content) != length:
                raise StoreError(f"piece {digest.hex()} has {len(content)} bytes, but {length} in its recipe")
            block = content if offset == at and offset + length <= end else content[at - offset : end - offset]
            at += len(block)
            yield len(block), block

    def _recipe(self, where: "PhaseKey") -> "_Recipe":
        """Return the recipes of a committed phase. Raises StoreError or FixityError, the same one on each call."""
        held = self._recipes.get(where)
        if held is None:
            parts = [part for at, part in parts_of_runs(self._runs.values(), PIECES) if at == where]
            try:
                held = _Recipe(self._layout, parts)
            except (StoreError, FixityError) as error:
                held = error
                self.damage |= {part.path: str(error) for part in parts if part.path in str(error)}
            self._recipes[where] = held
        if isinstance(held, ExtractError):
            raise held
        return held

    def _piece(self, digest: bytes, where: "PhaseKey") -> bytes:
        """Return a piece's verified bytes. Searches the parts of phase `where` first, then all others."""
        if where not in self._order:
            self._order[where] = sorted(self._parts, key=lambda part: part.where != where)
        failure: StoreError | FixityError = StoreError(
            f"piece {digest.hex()} is in no part of the store; see `extract verify`"
        )
        for part in list(self._order[where]):
            if self.bring is not None and not part.is_indexed:
                self.bring(part.record)
            try:
                row = part.row_of(digest)
                if row is not None:
                    return self._verified(part, row, digest)
            except (StoreError, FixityError) as error:
                failure = (
                    error  # another part may have the piece: two workers that read it at the same time both store it
                )
                self.damage[part.path] = str(error)
                if not part.is_indexed:
                    self._parts.remove(part)
                    self._order.clear()
        for part in self._parts if not isinstance(failure, FixityError) else ():
            try:
                part.check()
            except FixityError as error:  # the pages with digests have a checksum, the part's footer has none
                failure = error
                self.damage[part.path] = str(error)
        raise failure

    def _verified(self, part: StorePart, row: int, digest: bytes) -> bytes:
        content = self._content(part, row)
        if xxh3_128(content, seed=self._seed).digest() != digest:
            raise FixityError(f"{part.path}: piece {digest.hex()} differs from its digest; see `extract verify`")
        return content

    def _content(self, part: StorePart, row: int) -> bytes:
        group, row = part.place_of(row)
        held = self._groups.pop((part.path, group), None)
        if held is None:
            held = part.contents(group)
            while len(self._groups) >= _HELD_GROUPS:
                self._groups.popitem(last=False)
        self._groups[part.path, group] = held
        return held[row]

    def _newest(self, parts: Sequence[PartRecord], changes: Collection[str] = ()) -> list[FileState]:
        """Return the rows of the first of these manifests; a lenient reader takes the next one if it is damaged."""
        for part in parts:
            try:
                with damage_raised(part.path):
                    check_part(self._layout, part)
                    return read_manifest(self._layout.root / part.path, changes)
            except (StoreError, FixityError) as error:
                copy = whole_copy(self._layout, part)
                if copy is not None:
                    return read_manifest(copy, changes)
                if not self._lenient:
                    raise
                self.damage[part.path] = str(error)
        return []


def _without_void(table: pa.Table) -> pa.Table:
    """Return the rows that are not void. Void rows are rare, and to filter a table imports `pyarrow.compute`, which
    takes a tenth of a second.
    """
    is_void = table["is_void"].to_pylist()
    return table.filter(pa.array([not one for one in is_void])) if any(is_void) else table


@dataclass(frozen=True, slots=True)
class _Extent:
    """The bytes [start, end) of a file, whose recipe belongs to the phase `where`."""

    where: PhaseKey
    start: int
    end: int


class _Readings:
    """All readings that are not void (rows of `extractions`), sorted by file: start and size of each."""

    def __init__(self, layout: Layout, runs: Iterable[RunRecord], damage: dict[str, str] | None) -> None:
        """Read them. With `damage`, damaged parts are recorded there and skipped; without it they raise."""
        self._where: list[PhaseKey] = []
        self._epochs: list[int] = []
        epochs = {run.run_id: run.epoch for run in runs}
        tables = []
        for where, part in parts_of_runs(runs, EXTRACTIONS):
            try:
                table = read_part(layout, part, ["file_id", "from_offset", "size", "is_void"], checked=True)
            except (StoreError, FixityError) as error:
                if damage is None:
                    raise
                damage[part.path] = str(error)
                continue
            number = pa.array([len(self._where)] * table.num_rows, pa.int64())
            tables.append(_without_void(table.append_column("number", number)))
            self._where.append(where)
            self._epochs.append(epochs[where[0]])
        found = (
            pa.concat_tables(tables).sort_by([("file_id", "ascending"), ("number", "ascending")]) if tables else None
        )
        self._file_ids, self._numbers, self._starts, self._sizes = (
            _integers(found, name) for name in ("file_id", "number", "from_offset", "size")
        )

    def of(self, file_id: int, latest: int | None) -> Iterator[_Extent]:
        """Yield the readings of a file as extents, oldest first, up to the run of epoch `latest`."""
        for row in range(bisect_left(self._file_ids, file_id), bisect_right(self._file_ids, file_id)):
            number = self._numbers[row]
            if latest is None or self._epochs[number] <= latest:
                yield _Extent(self._where[number], self._starts[row], self._sizes[row])


class _Recipe:
    """The recipes of one committed phase, sorted by file and offset."""

    def __init__(self, layout: Layout, parts: Iterable[PartRecord]) -> None:
        columns = ["file_id", "byte_offset", "byte_length", "digest"]
        tables = [read_part(layout, part, columns, checked=True) for part in parts]
        found = None
        if tables:
            found = pa.concat_tables(tables).sort_by([("file_id", "ascending"), ("byte_offset", "ascending")])
        self._file_ids, self._offsets, self._lengths = (
            _integers(found, name) for name in ("file_id", "byte_offset", "byte_length")
        )
        digests = bytes_column(found, "digest") if found is not None else []
        self._digests = b"".join(digests)
        self.has_lost = LOST in digests

    def pieces(self, file_id: int, start: int) -> Iterator[tuple[int, int, bytes]]:
        """Yield offset, length and digest of a file's pieces, beginning with the one that contains byte `start`."""
        first, last = bisect_left(self._file_ids, file_id), bisect_right(self._file_ids, file_id)
        for row in range(max(first, bisect_right(self._offsets, start, first, last) - 1), last):
            yield self._offsets[row], self._lengths[row], self._digests[row * DIGEST_BYTES : (row + 1) * DIGEST_BYTES]


def _integers(table: pa.Table | None, name: str) -> "array[int]":
    return array("q", (value or 0 for value in table.column(name).to_pylist()) if table is not None else ())
