"""Stores again the pieces that were lost with damaged parts of the store, from files of a home that still have them.

A recipe says which bytes of which file a piece is, and its digest proves that the file still has them there: neither
rows nor recipes are written anew.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final

import pyarrow as pa
from xxhash import xxh3_128

from extractors.home.home import Home
from models.errors import SourceError
from models.run import DamageRecord, RunRecord
from models.tables import ERASED, PIECES, STORE
from pipelines.archive.damage import without_damaged
from pipelines.archive.parquet import StagedPart, open_parquet
from pipelines.disk.atomic import disk_errors
from pipelines.disk.layout import Layout
from pipelines.run.digest_sets import KnownDigests, SharedSet
from pipelines.run.inventory import InventoryItem
from pipelines.run.staging import RowWriter

_HELD_BYTES: Final = 16 << 20

Lost = Mapping[int, Sequence[tuple[int, int, bytes]]]
"""Offset, length and digest of pieces that are in no whole part of the store, by the file_id of files that had them."""


def lost_pieces(layout: Layout, runs: Sequence[RunRecord], damage: Sequence[DamageRecord], known: Path) -> Lost:
    """Return the pieces of the recipes of `runs` that are not in the index `known`; none where no part of the store is
    damaged. A recipe that is damaged itself is passed over.
    """
    lost: dict[int, list[tuple[int, int, bytes]]] = defaultdict(list)
    if not any(one.table == STORE.name for one in damage):
        return lost
    pieces = KnownDigests(known)
    for part in without_damaged(runs, damage, PIECES.name):
        try:
            with open_parquet(layout.root / part.path) as file:
                for batch in file.iter_batches(columns=["file_id", "byte_offset", "byte_length", "digest"]):
                    for file_id, *place, digest in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                        if digest != ERASED and digest not in pieces:
                            lost[file_id].append((place[0], place[1], digest))
        except (OSError, pa.ArrowException):
            continue  # a part that was not digested in this run may be damaged all the same; a later run finds it
    pieces.close()
    return lost


class Mender:
    """Reads lost pieces where files of a home still have them, each once, and writes them as one part of the store."""

    def __init__(self, lost: Lost, home: Path, seed: int, met: Path, target: Path) -> None:
        """Take what is lost, the home, the seed of the store's digests, the table of digests that this run has met, and
        where the part is to be written. Nothing is opened yet.
        """
        self._lost, self._home, self._seed, self._met, self._target = lost, home, seed, met, target
        self._writer: RowWriter | None = None
        self._held = 0

    def mend(self, items: Iterable[InventoryItem]) -> None:
        """Look through the files among items that are read by the rules as they are now. A file that cannot be opened
        is passed over: reading it says so. No worker may be at work meanwhile.
        """
        wanted = [
            (item, spans)
            for item in items
            if item.found.kind == "file" and item.is_read and item.last is not None and item.last.file_id is not None
            if (spans := self._lost.get(item.last.file_id)) is not None
        ]
        if not wanted:
            return
        met = SharedSet(self._met, nullcontext())
        with Home(self._home) as home:
            for item, spans in wanted:
                try:
                    with home.open(item.found.path) as file:
                        for offset, length, digest in spans:
                            self._take(file.read(offset, length), digest, met)
                except SourceError:
                    continue
        met.close()

    def _take(self, data: bytes, digest: bytes, met: SharedSet) -> None:
        if xxh3_128(data, seed=self._seed).digest() != digest or not met.add(digest):
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
        """Return the part; None where nothing was found again."""
        return self._writer.close() if self._writer is not None else None
