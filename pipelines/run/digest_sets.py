"""Sets of digests, for deduplication: a read-only index file over earlier runs, and a hash table that the workers of
this run share.
"""

import mmap
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from itertools import accumulate, chain
from pathlib import Path
from struct import Struct, pack, unpack
from typing import Final

from xxhash import xxh3_128

from models.errors import FixityError
from pipelines.disk.atomic import open_regular, read_regular
from pipelines.disk.platform import reserve

WIDTH: Final = 16
"""Bytes of a digest that are compared: all of an XXH3-128, the first half of a SHA-256."""

_BUCKETS: Final = 1 << 16
_OFFSET: Final = 4
_BUCKET: Final = Struct("<2I")
_HEADER: Final = (_BUCKETS + 1) * _OFFSET
_TRAILER: Final = 16


def write_known_digests(path: Path, digests: Iterable[bytes]) -> None:
    """Write an index file: 65,536 buckets by a digest's first two bytes, in them the sorted distinct digests, and the
    XXH3-128 of the whole file as a trailer.
    """
    # Sorted per first byte, in byte arrays: all digests as Python objects would take seven times the memory.
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
    """Write the union of an earlier index and `digests` to `path`: copies the earlier index and inserts the new
    digests, without sorting again.

    Raises FixityError if the trailer of the earlier index does not match its content.
    """
    try:
        held = read_regular(earlier)
    except OSError as error:
        raise _refusal(earlier) from error
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
    return FixityError(f"the index {path} is damaged; delete it: the next run builds it again")


def is_whole(path: Path) -> bool:
    """Whether an index file exists and its trailer matches its content."""
    try:
        KnownDigests(path).close()
    except (FileNotFoundError, FixityError):
        return False
    return True


class KnownDigests:
    """The digests of earlier runs: an index file of `write_known_digests`, mapped into memory and searched there.

    An index that wrongly contained a digest would make the run drop new bytes, so opening one checks the whole file.
    """

    def __init__(self, path: Path) -> None:
        """Open an index file. Raises FixityError if it cannot be read, or its trailer does not match its content."""
        self._map: mmap.mmap | None = None
        with suppress(OSError), open_regular(path) as file:
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
        """Unmap the index file."""
        if self._map is not None:
            self._map.close()
            self._map = None


def _has_trailer(held: mmap.mmap | bytes) -> bool:
    with memoryview(held) as view, view[:-_TRAILER] as body:
        return xxh3_128(body).digest() == view[-_TRAILER:]


class SharedSet:
    """The digests of this run: an open-addressing hash table in a file that every worker maps.

    `add` is exact while the table has room. When the table is nearly full, `add` may return True twice for the same
    digest: callers must tolerate a duplicate.
    """

    _PROBES: Final = 64

    def __init__(self, path: Path, lock: AbstractContextManager[object]) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self._slots = len(self._map) // WIDTH
        self._lock = lock

    @staticmethod
    def make(path: Path, expected: int) -> None:
        """Create the file of an empty table that is two thirds full with `expected` digests.

        Reserves the disk space now and raises OSError if the disk is full: writing to a mapped page without disk space
        would kill the process (SIGBUS).
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
        """Unmap the table's file."""
        self._map.close()


_EMPTY: Final = bytes(WIDTH)


class SeenDigests:
    """The union of the digests of earlier runs and of those that this run has added so far."""

    def __init__(self, known: KnownDigests, shared: SharedSet) -> None:
        self._known = known
        self._shared = shared

    def add(self, digest: bytes) -> bool:
        """Add a digest; returns whether neither an earlier run nor this one had it."""
        key = digest[:WIDTH]
        return key not in self._known and self._shared.add(key)
