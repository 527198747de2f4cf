"""The two digests of a file, made of its bytes as they are read."""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from xxhash import xxh3_128

from extractors.reading.erasure import Tombstones, without
from models.manifest import Erased


class Digests:
    """SHA-256 and XXH3-128 of a file's bytes, fed in order.

    Of an erased span XXH3-128 gets what stands for it, so that one sees whether the span is still there, and SHA-256
    nothing, so that what is given back without the span can be proved.
    """

    def __init__(self) -> None:
        self.sha = sha256()
        self.xxh = xxh3_128()

    def feed(self, data: bytes) -> None:
        self.sha.update(data)
        self.xxh.update(data)

    def feed_file(self, chunks: Iterable[bytes], erased: Sequence[Erased], tombstones: Tombstones | None) -> None:
        """Feed a file from byte 0 on, of which `erased` was erased."""
        for data, is_seal in without(chunks, erased, tombstones):
            self.xxh.update(data)
            if not is_seal:
                self.sha.update(data)
