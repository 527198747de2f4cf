"""Recognises erased content when a home still contains it, without keeping the content.

For each erased text, id, path or entry the archive keeps an HMAC-SHA256 under its own secret key. Ids are compared with
everything that looks like an id; paths with a path and each of its parents; entries as a whole. A text can begin at any
byte, so each byte value is assigned one of two classes, depending on the key, and the classes of the text's first 16
bytes are kept: a digest is computed only where these match. So the archive reveals 16 bits of a text, and its length.

JSON can write one text in many ways, and JSON inside JSON in more. So bytes are searched unchanged and with their
escapes resolved (`readings`).
"""

import hmac
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Final

from models.erased import Erased
from models.identity import UUID

_UUID: Final = re.compile(UUID.encode())
_HINT_BYTES: Final = 16
_TELLING: Final = 64
"""An erased entry of at least this many bytes is recognised in every file; a shorter one only in its own file."""
_LEVELS: Final = 3
_OVERLAP: Final = 1 << 16
_ESCAPE: Final = re.compile(rb'\\(?:u[0-9a-fA-F]{4}(?:\\u[0-9a-fA-F]{4})*|["\\/bfnrt])')
_PLAIN: Final = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}

Span = tuple[int, int]
"""Offset and length in bytes."""


def readings(data: bytes) -> Iterator[bytes]:
    """Yield bytes unchanged, with their JSON escapes resolved once, twice and three times, and decoded from UTF-16."""
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
    """An erased text: its length in bytes of UTF-8, the classes of its first 16 bytes (`hint`), its HMAC."""

    length: int
    hint: bytes
    digest: bytes


class Tombstones:
    """The digests of all erased content, under the archive's `key`. It can be pickled, and is immutable."""

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
        """Return tombstones with other digests under the same key."""
        return Tombstones(self._key, ids=ids, needles=needles)

    def of_id(self, found: bytes) -> bytes:
        """Return the digest of an id."""
        return self._digest(b"id", found)

    def of_path(self, path: bytes) -> bytes:
        """Return the digest of a path below a home; it matches everything below the path too."""
        return self._digest(b"path", path)

    def of_message(self, message_id: str) -> bytes:
        """Return the digest of a message_id."""
        return self._digest(b"message", message_id.encode())

    def of_entry(self, path: bytes, data: bytes) -> bytes:
        """Return the digest of an entry: a short one matches only in the file at `path`, a long one in every file."""
        return self._digest(b"entry", (path if len(data) < _TELLING else b"") + b"\0" + data)

    def of_text(self, text: bytes) -> Needle:
        """Return length, hint and digest of a text."""
        return Needle(len(text), text[:_HINT_BYTES].translate(self._classes), self._digest(b"text", text))

    def name_of(self, path: bytes) -> bytes:
        """Return the substitute under which an erased path is listed: it is counted, but not named."""
        return b"forgotten/" + self._digest(b"name", path)[:8].hex().encode()

    def seal(self, data: bytes) -> bytes:
        """Return the HMAC that replaces an erased span in the XXH3-128 of its file."""
        return self._digest(b"span", data)

    def sealer(self) -> "hmac.HMAC":
        """Return an HMAC object that computes `seal` incrementally."""
        return hmac.new(self._key, b"span\0", sha256)

    def holds_path(self, path: bytes) -> bool:
        """Return whether a path was erased, is below an erased one, or has erased content in its name."""
        if self._paths:
            parts = path.split(b"/")
            if any(self.of_path(b"/".join(parts[:depth])) in self._paths for depth in range(1, len(parts) + 1)):
                return True
        return self.holds(path)

    def holds_message(self, message_id: str) -> bool:
        """Return whether a message was erased."""
        return bool(self._messages) and self.of_message(message_id) in self._messages

    def holds_entry(self, path: bytes, data: bytes) -> bool:
        """Return whether an entry of the file at `path` was erased, or contains erased content."""
        return (bool(self._entries) and self.of_entry(path, data) in self._entries) or self.holds(data)

    def holds_long_entry(self, path: bytes, chunks: Iterable[bytes]) -> bool:
        """Do the same for an entry that is too long for memory."""
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
        """Return whether bytes contain an erased text or id."""
        if not self._ids and not self._needles:
            return False
        return any(self._holds(reading) for reading in readings(data))

    def _holds(self, data: bytes) -> bool:
        if self._ids and any(self.of_id(found) in self._ids for found in set(_UUID.findall(data))):
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
    """Yield the bytes of a file (`chunks` begin at byte 0) outside of its erased spans, and in the place of each span
    the HMAC of the bytes that the file has there now; the flag is True for an HMAC.
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
