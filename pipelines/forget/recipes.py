"""Computes the recipes of files without the erased spans, and the pieces that the store then needs.

A recipe lists the pieces of a file by offset. A piece that overlaps an erased span is cut: the remainders become pieces
of their own, and the recipe has the span as erased, so every other byte keeps its offset. As in a run, the first run
that needs a piece stores it; after a rollback each branch of runs has its own first one.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
from xxhash import xxh3_128

from extractors.reading.erasure import Span
from models.run import RunRecord, in_effect
from models.tables import ERASED, LOST, PIECES, STORE
from pipelines.archive.committed import PhaseKey, parts_of, phases_of
from pipelines.archive.parquet import bytes_column, integer_column, read_columns
from pipelines.archive.store import StoreReader
from pipelines.disk.layout import Layout
from pipelines.forget.find import FoundForErasure, Piece, recipes_of

_Cut = tuple[bytes, int, int]
"""A remainder of a piece: the piece's digest, first byte, one past the last byte."""


@dataclass(slots=True)
class Recipes:
    """New recipes by phase and file_id, and by phase the pieces removed from and added to its store."""

    rows: dict[PhaseKey, dict[int, list[Piece]]] = field(default_factory=dict)
    removed: dict[PhaseKey, set[bytes]] = field(default_factory=dict)
    added: dict[PhaseKey, list[bytes]] = field(default_factory=dict)
    cuts: dict[bytes, _Cut] = field(default_factory=dict)

    def content(self, reader: StoreReader, digest: bytes) -> bytes:
        """Return the bytes of a stored piece or of a new remainder."""
        whole, start, end = self.cuts.get(digest, (digest, 0, -1))
        content = reader.piece(whole)
        return content if end < 0 else content[start:end]


def make_recipes(
    layout: Layout, runs: Sequence[RunRecord], reader: StoreReader, seed: int, found: FoundForErasure
) -> Recipes:
    """Return the recipes without the content found. `runs` are all runs; `reader` reads everything they stored."""
    made = Recipes()
    touched: set[bytes] = set()
    for where, phase in phases_of(runs):
        for file_id, pieces in recipes_of(layout, phase, found.entries.get(where, {})).items():
            spans = sorted(found.entries[where][file_id])
            rows = list(_without_spans(made, reader, seed, pieces, spans))
            made.rows.setdefault(where, {})[file_id] = rows
            touched |= {digest for _, _, digest in pieces} ^ {digest for _, _, digest in rows}
        dropped = recipes_of(layout, phase, found.file_ids) if found.file_ids else {}
        touched |= {digest for pieces in dropped.values() for _, _, digest in pieces}
    touched -= {ERASED, LOST}
    if touched:
        _place(layout, runs, found, made, touched)
    return made


def _without_spans(
    made: Recipes, reader: StoreReader, seed: int, pieces: Sequence[Piece], spans: Sequence[Span]
) -> Iterator[Piece]:
    for offset, length, digest in pieces:
        overlapping = [(start, size) for start, size in spans if start < offset + length and start + size > offset]
        if digest in (ERASED, LOST) or not overlapping:
            yield offset, length, digest
            continue
        content = reader.piece(digest)
        at = offset
        for start, size in [*overlapping, (offset + length, 0)]:
            if at < start:
                part = content[at - offset : start - offset]
                new = xxh3_128(part, seed=seed).digest()
                made.cuts[new] = (digest, at - offset, start - offset)
                yield at, start - at, new
                at = start
            end = min(start + size, offset + length)
            if at < end:
                yield at, end - at, ERASED
                at = end


def _place(
    layout: Layout, runs: Sequence[RunRecord], found: FoundForErasure, made: Recipes, touched: Collection[bytes]
) -> None:
    """Decide for each touched piece which phases store it."""
    digests = pa.array(sorted(touched), pa.binary(16))
    lines = {run.run_id: {one.run_id for one in in_effect(runs, run.run_id)} for run in runs}
    stored: dict[bytes, list[PhaseKey]] = {}
    for where, phase in phases_of(runs):
        before = set(
            bytes_column(_only(read_columns(layout, parts_of(phase, STORE), STORE, ["digest"]), digests), "digest")
        )
        rows = _only(read_columns(layout, parts_of(phase, PIECES), PIECES, ["file_id", "digest"]), digests)
        new_rows = made.rows.get(where, {})
        needed = {
            digest
            for file_id, digest in zip(integer_column(rows, "file_id"), bytes_column(rows, "digest"), strict=True)
            if file_id not in found.file_ids and file_id not in new_rows
        }
        needed |= {digest for pieces in new_rows.values() for _, _, digest in pieces if digest in touched}
        after = set()
        for digest in sorted(needed):
            earlier = stored.setdefault(digest, [])
            if not any(run_id in lines[where[0]] for run_id, _, _ in earlier):
                earlier.append(where)
                after.add(digest)
        if before != after:
            made.removed[where] = before - after
            made.added[where] = sorted(after - before)


def _only(rows: pa.Table, digests: "pa.Array[pa.Scalar[pa.FixedSizeBinaryType]]") -> pa.Table:
    return rows.filter(pc.is_in(rows["digest"], digests))
