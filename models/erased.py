"""An erased span of a file: a module of its own, since a search imports it, but no tables and no Arrow."""

from typing import NamedTuple


class Erased(NamedTuple):
    """An erased span of a file. `seal` is the HMAC of its bytes, which replaces them in the file's XXH3-128."""

    offset: int
    length: int
    seal: bytes
