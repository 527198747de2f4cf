"""Makes the list of readings and the recipes of a phase again: from its manifest, its other parts, the store and the
home.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import accumulate
from typing import Final

from xxhash import xxh3_128

from models.errors import ExtractError
from models.manifest import Change, FileState
from models.run import PartRecord, PhaseRecord, RunRecord, in_effect
from models.schema import Row, Table
from models.tables import ENTRIES, EXTRACTIONS, LOST, MANIFEST, OCCURRENCES, PIECES, STORE
from pipelines.archive.archive import Archive
from pipelines.archive.committed import parts_of
from pipelines.archive.manifests import read_manifest
from pipelines.archive.parquet import check_part, read_columns
from pipelines.archive.store import StoreReader
from pipelines.repair.home_bytes import HomeFiles
from pipelines.repair.work import Work

_PIECE_BYTES: Final = 64 << 10
_TRIES: Final = 20_000
_READ: Final = (Change.NEW, Change.APPENDED, Change.REWRITTEN)

Piece = tuple[int, int, bytes]
"""Offset, length and digest of a piece of a file."""


def states_of(work: Work, phase: PhaseRecord) -> dict[int, FileState]:
    """Return the rows of a phase's manifest that have bytes, by file_id."""
    found = {}
    for part in parts_of(phase, MANIFEST):
        for state in read_manifest(work.layout.root / part.path):
            if state.file_id is not None:
                found[state.file_id] = state
    return found


def sound(work: Work, phase: PhaseRecord, table: Table) -> list[PartRecord]:
    """Return the undamaged parts of a table in a phase."""
    found = []
    for part in parts_of(phase, table):
        try:
            check_part(work.layout, part)
        except (ExtractError, OSError):
            continue
        found.append(part)
    return found


def extraction_rows(work: Work, runs: Sequence[RunRecord], run: RunRecord, phase: PhaseRecord) -> Iterator[Row]:
    """Yield the rows of a lost list of readings. A file that the manifest does not have changed while it was read: its
    reading counts as void.
    """
    states = states_of(work, phase)
    pieces = recipes(work, phase)
    entries = _by_file(work, sound(work, phase, ENTRIES), ENTRIES, ["byte_length", "entry_kind", "row_count"])
    seen = _by_file(work, sound(work, phase, OCCURRENCES), OCCURRENCES, ["place"])
    read = {number for number, state in states.items() if state.change in _READ and state.is_present}
    before = _watermarks(work, runs, run)
    for number in sorted({*read, *pieces}):
        state, own = states.get(number), pieces.get(number, [])
        start = own[0][0] if own else before.get(number, 0)
        end = own[-1][0] + own[-1][1] if own else state.size if state is not None else 0
        watermark = state.watermark if state is not None and state.watermark is not None else end
        if state is not None and state.change not in (Change.APPENDED, Change.UNCHANGED) and not own:
            start = 0
        kinds = [str(row[1]) for row in entries.get(number, ())]
        with_rows, rejects = kinds.count("entry"), kinds.count("reject")
        padding = sum(int(str(row[0])) for row in entries.get(number, ()) if row[1] == "padding")
        yield EXTRACTIONS.row(
            home_id=phase.home_id,
            run_id=run.run_id,
            phase=phase.phase,
            source=state.source if state is not None else "other",
            file_id=number,
            from_offset=min(start, watermark),
            watermark=watermark,
            size=max(end, watermark),
            entry_count=with_rows + rejects,
            entries_with_rows=with_rows,
            reject_count=rejects,
            padding_bytes=padding,
            tail_bytes=max(end, watermark) - watermark,
            row_count=sum(int(str(row[2])) for row in entries.get(number, ())),
            message_count=len(seen.get(number, ())),
            piece_count=len(own),
            new_piece_bytes=0,
            is_void=state is None,
        )


def _by_file(
    work: Work, parts: Sequence[PartRecord], table: Table, names: Sequence[str]
) -> Mapping[int, list[tuple[object, ...]]]:
    found: dict[int, list[tuple[object, ...]]] = defaultdict(list)
    for row in read_columns(work.layout, parts, table, ["file_id", *names]).to_pylist():
        found[row["file_id"]].append(tuple(row[name] for name in names))
    return found


def recipes(work: Work, phase: PhaseRecord) -> dict[int, list[Piece]]:
    """Return the pieces of each file in the undamaged parts of a phase, by file_id, in the order of offsets."""
    found: dict[int, list[Piece]] = defaultdict(list)
    names = ["file_id", "byte_offset", "byte_length", "digest"]
    for row in read_columns(work.layout, sound(work, phase, PIECES), PIECES, names).to_pylist():
        found[row["file_id"]].append((row["byte_offset"], row["byte_length"], row["digest"]))
    return {number: sorted(pieces) for number, pieces in found.items()}


def _watermarks(work: Work, runs: Sequence[RunRecord], run: RunRecord) -> dict[int, int]:
    """Return where the last reading of each file before a run ended, by file_id."""
    found: dict[int, int] = {}
    for other in in_effect(runs, run.run_id)[:-1]:
        for phase in other.phases:
            names = ["file_id", "watermark", "is_void"]
            rows = read_columns(work.layout, sound(work, phase, EXTRACTIONS), EXTRACTIONS, names).to_pylist()
            found |= {row["file_id"]: row["watermark"] for row in rows if not row["is_void"]}
    return found


class RecipeMaker:
    """Makes the recipes of readings that have none, from the home or from the pieces of the phase's own store.

    `found` are bytes of pieces that no sound part of the store may have, by digest.
    """

    def __init__(
        self, work: Work, runs: Sequence[RunRecord], run: RunRecord, phase: PhaseRecord, homes: HomeFiles
    ) -> None:
        self.found: dict[bytes, bytes] = {}
        self._work, self._run, self._phase, self._homes = work, run, phase, homes
        self._seed = Archive.open(work.layout).seed
        self._reader = StoreReader(work.layout, in_effect(runs, run.run_id), self._seed, lenient=True)
        self._stored: list[tuple[bytes, int]] | None = None

    def rows(self) -> Iterator[Row]:
        """Yield the rows of the table `pieces` for each reading of the phase of which no recipe is left."""
        states, known = states_of(self._work, self._phase), recipes(self._work, self._phase)
        names = ["file_id", "from_offset", "size", "is_void"]
        parts = sound(self._work, self._phase, EXTRACTIONS)
        for row in read_columns(self._work.layout, parts, EXTRACTIONS, names).to_pylist():
            number, start, size = row["file_id"], row["from_offset"], row["size"]
            if number in known or start == size or row["is_void"] or number not in states:
                continue
            for offset, length, digest in self._pieces(states[number], start, size):
                yield *PIECES.row(digest=digest), self._phase.home_id, self._run.run_id, number, offset, length

    def _pieces(self, state: FileState, start: int, size: int) -> list[Piece]:
        data = self._homes.whole(state, size) if state.entry_type == "file" and state.size == size else None
        if data is None and state.link_target is not None and len(state.link_target) == size:
            data = state.link_target
        if data is not None:
            return list(self._cut(data, start))
        return self._from_the_store(state, start, size) or [(start, size - start, LOST)]

    def _cut(self, data: bytes, start: int) -> Iterator[Piece]:
        for offset in range(start, len(data), _PIECE_BYTES):
            piece = data[offset : offset + _PIECE_BYTES]
            digest = xxh3_128(piece, seed=self._seed).digest()
            self.found[digest] = piece
            yield offset, len(piece), digest

    def _from_the_store(self, state: FileState, start: int, size: int) -> list[Piece] | None:
        """Return the recipe of a reading whose pieces are all in a row in the phase's store: the SHA-256 proves it."""
        if state.sha256 is None or state.size != size or state.erased_spans is not None:
            return None
        head = sha256()
        try:
            for block in self._reader.read_range(state.file_id or 0, 0, start, None) if start else ():
                head.update(block)
        except (ExtractError, OSError):
            return None
        stored = self._own_pieces()
        ends = list(accumulate((length for _, length in stored), initial=0))
        first_with = {end: number for number, end in reversed(list(enumerate(ends)))}
        for first in range(min(len(stored), _TRIES)):
            last = first_with.get(ends[first] + size - start)
            if last is None:
                continue
            proof = head.copy()
            try:
                for digest, _ in stored[first:last]:
                    proof.update(self._reader.piece(digest))
            except (ExtractError, OSError):
                continue
            if proof.hexdigest() == state.sha256:
                offsets = [start + end - ends[first] for end in ends[first:last]]
                return [
                    (offset, length, digest)
                    for offset, (digest, length) in zip(offsets, stored[first:last], strict=True)
                ]
        return None

    def _own_pieces(self) -> list[tuple[bytes, int]]:
        if self._stored is None:
            parts = sound(self._work, self._phase, STORE)
            rows = read_columns(self._work.layout, parts, STORE, ["digest", "piece_bytes"]).to_pylist()
            self._stored = [(row["digest"], row["piece_bytes"]) for row in rows]
        return self._stored
