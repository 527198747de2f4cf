"""Recovers pieces that were lost with damaged Parquet files of the store, from files of a home that still have them.

The table `pieces` says which bytes of which file a piece is; the digest proves that the file still has them there. So
only the piece is stored again; no row of another table changes.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final

import pyarrow as pa
from xxhash import xxh3_128

from extractors.home.home import Home
from extractors.reading.registry import followed_links
from models.errors import SourceError
from models.run import DamageRecord, RunRecord
from models.tables import ERASED, LOST, PIECES, STORE
from pipelines.archive.damage import without_damaged
from pipelines.archive.parquet import StagedPart, open_parquet
from pipelines.disk.atomic import disk_errors
from pipelines.disk.layout import Layout
from pipelines.run.digest_sets import KnownDigests, SharedSet
from pipelines.run.inventory import InventoryItem
from pipelines.run.staging import RowWriter

_HELD_BYTES: Final = 16 << 20

Lost = Mapping[int, Sequence[tuple[int, int, bytes]]]
"""The lost pieces by file_id: offset, length and digest of each piece that no undamaged Parquet file of the store
holds.
"""


def lost_pieces(layout: Layout, runs: Sequence[RunRecord], damage: Sequence[DamageRecord], known: Path) -> Lost:
    """Return the pieces of the recipes of `runs` that are not in the index `known`; none where neither a part of the
    store nor a commit record is lost. A recipe that is damaged itself is passed over.
    """
    lost: dict[int, list[tuple[int, int, bytes]]] = defaultdict(list)
    if not any(one.table in (STORE.name, "") and not one.mended for one in damage):
        return lost
    pieces = KnownDigests(known)
    for part in without_damaged(runs, damage, PIECES.name):
        try:
            with open_parquet(layout.root / part.path) as file:
                for batch in file.iter_batches(columns=["file_id", "byte_offset", "byte_length", "digest"]):
                    for file_id, *place, digest in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                        if digest not in (ERASED, LOST) and digest not in pieces:
                            lost[file_id].append((place[0], place[1], digest))
        except (OSError, pa.ArrowException):
            continue  # each run digests only some of the files: this one is damaged too, and a later run reports it
    pieces.close()
    return lost


class Mender:
    """Reads lost pieces from the files of a home that still have them, and writes each once to a Parquet file of the
    store.
    """

    def __init__(
        self, lost: Lost, home: Path, seed: int, stored: Path, target: Path, *, follow_links: bool = False
    ) -> None:
        """Take the lost pieces, the home, the seed of the store's digests, the file of the digests that this run has
        stored (a SharedSet), and the path of the Parquet file to write. Opens nothing yet.
        """
        self._lost, self._home, self._seed, self._stored, self._target = lost, home, seed, stored, target
        self._follow_links = follow_links
        self._writer: RowWriter | None = None
        self._held = 0

    def mend(self, items: Iterable[InventoryItem]) -> None:
        """Recover lost pieces from those of `items` that are files and that the current rules let a run read. Skips a
        file that cannot be opened: the phase reports it when reading it. No worker may run meanwhile: the SharedSet is
        used without a lock.
        """
        wanted = [
            (item, spans)
            for item in items
            if item.found.kind == "file" and item.is_read and item.last is not None and item.last.file_id is not None
            if (spans := self._lost.get(item.last.file_id)) is not None
        ]
        if not wanted:
            return
        stored = SharedSet(self._stored, nullcontext())
        with Home(self._home, followed_links(follow_links=self._follow_links)) as home:
            for item, spans in wanted:
                try:
                    with home.open(item.found.path) as file:
                        for offset, length, digest in spans:
                            self._take(file.read(offset, length), digest, stored)
                except SourceError:
                    continue
        stored.close()

    def _take(self, data: bytes, digest: bytes, stored: SharedSet) -> None:
        if xxh3_128(data, seed=self._seed).digest() != digest or not stored.add(digest):
            return
        with disk_errors():
            if self._writer is None:
                self._writer = RowWriter(self._target, STORE)
            self._writer.write([STORE.row(digest, len(data), data)])
            self._held += len(data)
            if self._held >= _HELD_BYTES:
                self._writer.flush()
                self._held = 0

    def close(self) -> StagedPart | None:
        """Close and return the Parquet file; None if no piece was recovered."""
        return self._writer.close() if self._writer is not None else None
