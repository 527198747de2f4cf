"""Recognises what was erased on request when it is met again, without knowing what it was.

Of a text, an id, a path or an entry that was erased, its HMAC-SHA256 under a key of the archive's own is kept, and no
content. Ids are looked for among all that look like one, paths by themselves and all that lies above them, entries
whole. A text may begin anywhere: so each byte is given one of two classes, by chance and by the key, and the classes of
the text's first bytes are kept too; only where these fit is a digest compared. That is 16 bits of a text, and its
length.

JSON writes a text in many ways, and a text of JSON within JSON in more: so bytes are looked at as they stand and with
their escapes resolved (`readings`).
"""

import hmac
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Final

from models.manifest import Erased

UUID: Final = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_HINT_BYTES: Final = 16
_TELLING: Final = 64
"""Bytes of an entry from which on it is told from all others, wherever it stands."""
_LEVELS: Final = 3
_OVERLAP: Final = 1 << 16
_ESCAPE: Final = re.compile(rb'\\(?:u[0-9a-fA-F]{4}(?:\\u[0-9a-fA-F]{4})*|["\\/bfnrt])')
_PLAIN: Final = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}

Span = tuple[int, int]
"""Offset and length in bytes."""


def readings(data: bytes) -> Iterator[bytes]:
    """Yield bytes as they stand, with their JSON escapes resolved once, twice and three times, and as UTF-16."""
    yield data
    if b"\\" in data:
        before = data
        for _ in range(_LEVELS):
            after = _ESCAPE.sub(_resolved, before)
            if after == before:
                break
            yield after
            before = after
    if b"\0" in data:
        for codec in ("utf-16-le", "utf-16-be"):
            for start in (0, 1):
                yield data[start:].decode(codec, "ignore").encode("utf-8", "ignore")


def _resolved(match: re.Match[bytes]) -> bytes:
    escape = match[0][1:]
    if escape[:1] == b"u":
        return bytes.fromhex(escape.replace(b"\\u", b"")[1:].decode()).decode("utf-16-be", "replace").encode()
    return _PLAIN.get(escape, escape)


@dataclass(frozen=True, slots=True)
class Needle:
    """A text that was erased: its length in bytes of UTF-8, the classes of its first bytes, its HMAC."""

    length: int
    hint: bytes
    digest: bytes


class Tombstones:
    """All that was erased, under the `key` of the archive. Can be pickled, and is never changed."""

    def __init__(
        self,
        key: bytes,
        *,
        ids: Iterable[bytes] = (),
        paths: Iterable[bytes] = (),
        entries: Iterable[bytes] = (),
        needles: Iterable[Needle] = (),
        messages: Iterable[bytes] = (),
    ) -> None:
        self._key = key
        self._ids = frozenset(ids)
        self._paths = frozenset(paths)
        self._entries = frozenset(entries)
        self._needles = tuple(needles)
        self._messages = frozenset(messages)

    def having(self, *, ids: Iterable[bytes] = (), needles: Iterable[Needle] = ()) -> "Tombstones":
        """Return others under the same key."""
        return Tombstones(self._key, ids=ids, needles=needles)

    def of_id(self, found: bytes) -> bytes:
        """Return the digest of an id."""
        return self._digest(b"id", found)

    def of_path(self, path: bytes) -> bytes:
        """Return the digest of a path below a home: it stands for all that lies below, too."""
        return self._digest(b"path", path)

    def of_message(self, message_id: str) -> bytes:
        """Return the digest of a message_id."""
        return self._digest(b"message", message_id.encode())

    def of_entry(self, path: bytes, data: bytes) -> bytes:
        """Return the digest of an entry: a short one counts in the file at its path alone, a long one anywhere."""
        return self._digest(b"entry", (path if len(data) < _TELLING else b"") + b"\0" + data)

    def of_text(self, text: bytes) -> Needle:
        """Return what is kept of a text."""
        return Needle(len(text), text[:_HINT_BYTES].translate(self._classes), self._digest(b"text", text))

    def name_of(self, path: bytes) -> bytes:
        """Return the path under which something forgotten is listed, so that it is accounted for and not named."""
        return b"forgotten/" + self._digest(b"name", path)[:8].hex().encode()

    def seal(self, data: bytes) -> bytes:
        """Return what stands for an erased span in the digests of its file."""
        return self._digest(b"span", data)

    def sealer(self) -> "hmac.HMAC":
        """Return what computes `seal` piece by piece."""
        return hmac.new(self._key, b"span\0", sha256)

    def holds_path(self, path: bytes) -> bool:
        """Whether a path is one that was erased, lies below one, or has what was erased in its name."""
        if self._paths:
            parts = path.split(b"/")
            if any(self.of_path(b"/".join(parts[:depth])) in self._paths for depth in range(1, len(parts) + 1)):
                return True
        return self.holds(path)

    def holds_message(self, message_id: str) -> bool:
        """Whether a message is one that was erased from everywhere."""
        return bool(self._messages) and self.of_message(message_id) in self._messages

    def holds_entry(self, path: bytes, data: bytes) -> bool:
        """Whether an entry of the file at a path is one that was erased, or has in it what was."""
        return (bool(self._entries) and self.of_entry(path, data) in self._entries) or self.holds(data)

    def holds_long_entry(self, path: bytes, chunks: Iterable[bytes]) -> bool:
        """The same of an entry that is too long to be held."""
        here = hmac.new(self._key, b"entry\0" + path + b"\0", sha256)
        anywhere = hmac.new(self._key, b"entry\0\0", sha256)
        size = 0
        overlap = max([_OVERLAP, *(2 * needle.length for needle in self._needles)])
        held = b""
        for chunk in chunks:
            size += len(chunk)
            for whole in (here, anywhere):
                whole.update(chunk)
            held += chunk
            if self.holds(held):
                return True
            held = held[-overlap:]
        return (here if size < _TELLING else anywhere).digest() in self._entries

    def holds(self, data: bytes) -> bool:
        """Whether bytes have in them a text or an id that was erased."""
        if not self._ids and not self._needles:
            return False
        return any(self._holds(reading) for reading in readings(data))

    def _holds(self, data: bytes) -> bool:
        if self._ids and any(self.of_id(found) in self._ids for found in set(UUID.findall(data))):
            return True
        classes = data.translate(self._classes) if self._needles else b""
        for needle in self._needles:
            at = classes.find(needle.hint)
            while 0 <= at <= len(data) - needle.length:
                if self._digest(b"text", data[at : at + needle.length]) == needle.digest:
                    return True
                at = classes.find(needle.hint, at + 1)
        return False

    @cached_property
    def _classes(self) -> bytes:
        bits = int.from_bytes(self._digest(b"classes", b""), "little")
        return bytes(48 + (bits >> byte & 1) for byte in range(256))

    def _digest(self, kind: bytes, data: bytes) -> bytes:
        return hmac.digest(self._key, kind + b"\0" + data, "sha256")


def without(
    chunks: Iterable[bytes], erased: Sequence[Erased], tombstones: Tombstones | None
) -> Iterator[tuple[bytes, bool]]:
    """Yield the bytes of a file, given in `chunks` from byte 0 on, that were not erased, and for each span that was, in
    order, what stands for the bytes that are there now; the flag says which.
    """
    if not erased or tombstones is None:
        for chunk in chunks:
            yield chunk, False
        return
    rest = [(one.offset, one.length) for one in reversed(erased)]
    sealer = tombstones.sealer()
    at = 0
    for chunk in chunks:
        start = 0
        while start < len(chunk):
            offset, length = rest[-1] if rest else (at + len(chunk), 0)
            if at + start < offset:
                end = min(len(chunk), offset - at)
                yield chunk[start:end], False
            else:
                end = min(len(chunk), offset + length - at)
                sealer.update(chunk[start:end])
                if at + end == offset + length:
                    yield sealer.digest(), True
                    sealer = tombstones.sealer()
                    rest.pop()
            start = end
        at += len(chunk)
    if rest and rest[-1][0] < at:
        yield sealer.digest(), True
