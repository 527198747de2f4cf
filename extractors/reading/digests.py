"""The two digests of a file, made of its bytes as they are read."""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from xxhash import xxh3_128

from extractors.reading.erasure import Tombstones, without
from models.erased import Erased


class Digests:
    """SHA-256 and XXH3-128 of a file's bytes, fed in order.

    For an erased span XXH3-128 gets its HMAC, so that the next run can compare the home's complete file; SHA-256 skips
    it, so that a file restored without the span can be checked.
    """

    def __init__(self) -> None:
        self.sha = sha256()
        self.xxh = xxh3_128()

    def feed(self, data: bytes) -> None:
        self.sha.update(data)
        self.xxh.update(data)

    def feed_file(self, chunks: Iterable[bytes], erased: Sequence[Erased], tombstones: Tombstones | None) -> None:
        """Feed the bytes of a file from byte 0 on; `erased` are its erased spans."""
        for data, is_seal in without(chunks, erased, tombstones):
            self.xxh.update(data)
            if not is_seal:
                self.sha.update(data)
