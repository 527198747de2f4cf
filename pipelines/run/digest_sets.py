"""Have we these bytes, have we this message: digests known from earlier runs, and those of this run, shared by its
workers.
"""

import mmap
from collections.abc import Iterable
from contextlib import AbstractContextManager
from itertools import accumulate, chain
from pathlib import Path
from struct import Struct, pack, unpack
from typing import Final

from xxhash import xxh3_128

from models.errors import FixityError
from pipelines.disk.platform import reserve

WIDTH: Final = 16
"""Bytes of a digest that are compared: XXH3-128 whole, SHA-256 by its first half."""

_BUCKETS: Final = 1 << 16
_OFFSET: Final = 4
_BUCKET: Final = Struct("<2I")
_HEADER: Final = (_BUCKETS + 1) * _OFFSET
_TRAILER: Final = 16


def write_known_digests(path: Path, digests: Iterable[bytes]) -> None:
    """Write digests as an index of 65,536 buckets by their first two bytes, each digest once and in order, with the
    XXH3-128 of it all at its end.
    """
    # Sorted by a byte's worth at a time: as objects they would take seven times the room.
    shelves = [bytearray() for _ in range(256)]
    for digest in digests:
        shelves[digest[0]] += digest
    counts = [0] * (_BUCKETS + 1)
    for number, shelf in enumerate(shelves):
        found = sorted({bytes(shelf[at : at + WIDTH]) for at in range(0, len(shelf), WIDTH)})
        for digest in found:
            counts[(digest[0] << 8 | digest[1]) + 1] += 1
        shelves[number] = bytearray().join(found)
    _write(path, accumulate(counts), shelves)


def extend_known_digests(earlier: Path, path: Path, digests: Iterable[bytes]) -> None:
    """Write the index of what an earlier one holds and of `digests`, with a look at those alone.

    Raises FixityError when the earlier one is not what was written.
    """
    held = earlier.read_bytes()
    if len(held) < _HEADER + _TRAILER or not _has_trailer(held):
        raise _refusal(earlier)
    starts = unpack(f"<{_BUCKETS + 1}I", held[:_HEADER])
    counts = [0] * (_BUCKETS + 1)
    body: list[bytes] = []
    copied = _HEADER
    for digest in sorted(set(digests)):
        bucket = digest[0] << 8 | digest[1]
        at, end = (_HEADER + start * WIDTH for start in starts[bucket : bucket + 2])
        while at < end and held[at : at + WIDTH] < digest:
            at += WIDTH
        if at == end or held[at : at + WIDTH] != digest:
            body += [held[copied:at], digest]
            copied = at
            counts[bucket + 1] += 1
    body.append(held[copied:-_TRAILER])
    _write(path, [start + before for start, before in zip(starts, accumulate(counts), strict=True)], body)


def _write(path: Path, starts: Iterable[int], body: Iterable[bytes | bytearray]) -> None:
    with path.open("wb") as file:
        trailer = xxh3_128()
        for piece in chain([pack(f"<{_BUCKETS + 1}I", *starts)], body):
            trailer.update(piece)
            file.write(piece)
        file.write(trailer.digest())


def _refusal(path: Path) -> FixityError:
    return FixityError(f"the index {path} is not what was written; delete it: the next run makes it again")


def is_whole(path: Path) -> bool:
    """Whether an index is there and is what was written."""
    try:
        KnownDigests(path).close()
    except (FileNotFoundError, FixityError):
        return False
    return True


class KnownDigests:
    """The digests of earlier runs: a sorted index file of our own, read where it is asked.

    An index that says of new bytes that they are known would have them lost, so it is checked whole when it is opened.
    """

    def __init__(self, path: Path) -> None:
        """Open an index. Raises FixityError when it is not what `write_known_digests` wrote."""
        self._map: mmap.mmap | None = None
        with path.open("rb") as file:
            size = path.stat().st_size
            if size >= _HEADER + _TRAILER:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if self._map is None or not _has_trailer(self._map):
            self.close()
            raise _refusal(path)

    def __contains__(self, digest: bytes) -> bool:
        held = self._map
        if held is None:
            return False
        at = (digest[0] << 8 | digest[1]) * _OFFSET
        first, last = _BUCKET.unpack_from(held, at)
        if first == last:
            return False
        start, end = _HEADER + first * WIDTH, _HEADER + last * WIDTH
        found = held.find(digest, start, end)
        while found >= 0 and (found - _HEADER) % WIDTH:
            found = held.find(digest, found + 1, end)
        return found >= 0

    def close(self) -> None:
        """Let go of the index file."""
        if self._map is not None:
            self._map.close()
            self._map = None


def _has_trailer(held: mmap.mmap | bytes) -> bool:
    with memoryview(held) as view, view[:-_TRAILER] as body:
        return xxh3_128(body).digest() == view[-_TRAILER:]


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
        """Make an empty table with room for `expected` digests, two thirds of which are then in use.

        Raises OSError where the disk is full: a mapped page that the disk has no room for kills the process (SIGBUS).
        """
        with path.open("xb") as file:
            reserve(file.fileno(), max(1024, expected * 3 // 2) * WIDTH)

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


class SeenDigests:
    """What is known from earlier runs and what this run has met so far."""

    def __init__(self, known: KnownDigests, shared: SharedSet) -> None:
        self._known = known
        self._shared = shared

    def add(self, digest: bytes) -> bool:
        """Note a digest; returns whether nobody has met it before."""
        key = digest[:WIDTH]
        return key not in self._known and self._shared.add(key)
