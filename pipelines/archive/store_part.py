"""A Parquet file of the store, searched by digest."""

from array import array
from bisect import bisect_left, bisect_right
from typing import Final

import pyarrow as pa

from models.run import PartRecord
from pipelines.archive.committed import PhaseKey
from pipelines.archive.parquet import bytes_column, check_part, damage_raised, open_part, read_part
from pipelines.disk.layout import Layout

DIGEST_BYTES: Final = 16
"""Length of a piece's digest in bytes."""


class StorePart:
    """A Parquet file of the store. It reads the digests at the first search, the contents by row group."""

    def __init__(self, layout: Layout, where: PhaseKey, part: PartRecord) -> None:
        self.where = where
        self.path = part.path
        self.record = part
        self._layout = layout
        self._part = part
        self._digests: bytes | None = None
        self._is_checked = False
        self._rows = array("q")
        self._group_starts: list[int] = []

    def check(self) -> None:
        """Compare the part with the SHA-256 of its commit record, once. Raises FixityError when it differs."""
        if not self._is_checked:
            with damage_raised(self.path):
                check_part(self._layout, self._part)
            self._is_checked = True

    @property
    def is_indexed(self) -> bool:
        """Whether its digests have been read."""
        return self._digests is not None

    def row_of(self, digest: bytes) -> int | None:
        """Return the row of a piece, None if the part does not have it. Raises StoreError or FixityError."""
        if self._digests is None:
            with damage_raised(self.path):
                digests = bytes_column(read_part(self._layout, self._part, ["digest"]), "digest")
            self._rows = array("q", sorted(range(len(digests)), key=digests.__getitem__))
            self._digests = b"".join(digests[row] for row in self._rows)
        held = self._digests
        at = bisect_left(
            range(len(self._rows)), digest, key=lambda row: held[row * DIGEST_BYTES : (row + 1) * DIGEST_BYTES]
        )
        found = at < len(self._rows) and held[at * DIGEST_BYTES : (at + 1) * DIGEST_BYTES] == digest
        return self._rows[at] if found else None

    def place_of(self, row: int) -> tuple[int, int]:
        """Return the row group of a row, and its index in that group."""
        if not self._group_starts:
            with damage_raised(self.path), open_part(self._layout, self._part) as file:
                start = 0
                for group in range(file.metadata.num_row_groups):
                    self._group_starts.append(start)
                    start += file.metadata.row_group(group).num_rows
        group = bisect_right(self._group_starts, row) - 1
        return group, row - self._group_starts[group]

    def contents(self, group: int) -> list[bytes]:
        """Return the bytes of all pieces of a row group."""
        with damage_raised(self.path), open_part(self._layout, self._part) as file:
            made = bytes_column(file.read_row_group(group, columns=["content"]), "content")
            if len(made) != file.metadata.row_group(group).num_rows:
                raise pa.ArrowInvalid("rows are missing")
            return made
