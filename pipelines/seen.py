"""Have we these bytes, have we this message: digests known from earlier runs, and those of this run, shared by its
workers.
"""

import mmap
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

WIDTH: Final = 16
"""Bytes of a digest that are compared: XXH3-128 whole, SHA-256 by its first half."""

_BUCKETS: Final = 1 << 16
_OFFSET: Final = 4
_HEADER: Final = (_BUCKETS + 1) * _OFFSET


def write_known(path: Path, digests: list[bytes]) -> None:
    """Write sorted distinct digests as an index of 65,536 buckets by their first two bytes."""
    offsets = [0] * (_BUCKETS + 1)
    for digest in digests:
        offsets[(digest[0] << 8 | digest[1]) + 1] += 1
    for bucket in range(_BUCKETS):
        offsets[bucket + 1] += offsets[bucket]
    header = b"".join(offset.to_bytes(_OFFSET, "little") for offset in offsets)
    path.write_bytes(header + b"".join(digests))


class Known:
    """The digests of earlier runs: a sorted index file of our own, read where it is asked."""

    def __init__(self, path: Path | None) -> None:
        self._map: mmap.mmap | None = None
        if path is not None and path.exists() and path.stat().st_size > _HEADER:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __contains__(self, digest: bytes) -> bool:
        held = self._map
        if held is None:
            return False
        at = (digest[0] << 8 | digest[1]) * _OFFSET
        start = _HEADER + int.from_bytes(held[at : at + _OFFSET], "little") * WIDTH
        end = _HEADER + int.from_bytes(held[at + _OFFSET : at + 2 * _OFFSET], "little") * WIDTH
        found = held.find(digest, start, end)
        while found >= 0 and (found - _HEADER) % WIDTH:
            found = held.find(digest, found + 1, end)
        return found >= 0

    def close(self) -> None:
        """Let go of the index file."""
        if self._map is not None:
            self._map.close()
            self._map = None


class SharedSet:
    """The digests of this run: an open-addressing table in a file of our own that every worker maps.

    `add` is exact while the table has room. When it is nearly full, a digest may be called new twice; whoever relies on
    "once" must
    tolerate that.
    """

    _PROBES: Final = 64

    def __init__(self, path: Path, lock: AbstractContextManager[object]) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self._slots = len(self._map) // WIDTH
        self._lock = lock

    @staticmethod
    def make(path: Path, expected: int) -> None:
        """Make an empty table with room for `expected` digests."""
        with path.open("xb") as file:
            file.truncate(max(1024, expected * 3) * WIDTH)

    def add(self, digest: bytes) -> bool:
        """Add a digest of `WIDTH` bytes; returns whether it was new."""
        table = self._map
        slot = int.from_bytes(digest[:8], "little") % self._slots
        with self._lock:
            for _ in range(self._PROBES):
                at = slot * WIDTH
                held = table[at : at + WIDTH]
                if held == digest:
                    return False
                if held == _EMPTY:
                    table[at : at + WIDTH] = digest
                    return True
                slot = (slot + 1) % self._slots
        return True

    def close(self) -> None:
        """Let go of the table."""
        self._map.close()


_EMPTY: Final = bytes(WIDTH)


class Seen:
    """What is known from earlier runs and what this run has met so far."""

    def __init__(self, known: Known, shared: SharedSet) -> None:
        self._known = known
        self._shared = shared

    def add(self, digest: bytes) -> bool:
        """Note a digest; returns whether nobody has met it before."""
        key = digest[:WIDTH]
        return key not in self._known and self._shared.add(key)
