"""Reads the hashes of a JSON file of any size as a stream: a list of hashes, or an object whose keys or values are
hashes. The file is never in memory as a whole.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from models.errors import ConfigurationError

HASH: Final = re.compile(rb"[0-9a-fA-F]{64}")
"""A SHA-256 in hex."""

_TOKEN: Final = re.compile(rb'\s*(?:"([^"\\]*(?:\\.[^"\\]*)*)"|([\[\]{}:,])|([^\s"\[\]{}:,]+))', re.DOTALL)
_LONGEST_TOKEN: Final = 16 << 20
_OPENS: Final = {b"]": b"[", b"}": b"{"}
_BOM: Final = b"\xef\xbb\xbf"


def strings_of_hashes(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the raw strings, without quotes, at the places where such a file has its hashes.

    These are the elements of a list; of an object the keys if the first key is a hash, else the values and the elements
    of values that are lists. Raises ConfigurationError when the file is not one complete JSON list or object.
    """
    place = _JsonPosition()
    for text, mark in _tokens(chunks):
        if mark is not None:
            place.move(mark)
        elif place.is_of_hashes(text) and text is not None:
            yield text
    if place.open or not place.has_begun:
        raise ConfigurationError("not a JSON list or object, or cut off inside one")


def _tokens(chunks: Iterable[bytes]) -> Iterator[tuple[bytes | None, bytes | None]]:
    """Yield each token as (string, None), (None, bracket or separator), or (None, None) for a number or a word."""
    held, at, is_first = b"", 0, True
    for chunk in chunks:
        held, at = held[at:] + chunk, len(_BOM) if is_first and chunk.startswith(_BOM) else 0
        is_first = False
        # A token at the end of the held bytes may continue in the next chunk.
        while (match := _TOKEN.match(held, at)) and match.end() < len(held):
            yield match[1], match[2]
            at = match.end()
        if len(held) - at > _LONGEST_TOKEN:
            raise ConfigurationError(f"one of its values is longer than {_LONGEST_TOKEN >> 20} MiB")
    while match := _TOKEN.match(held, at):
        yield match[1], match[2]
        at = match.end()
    if held[at:].strip():
        raise ConfigurationError("cut off inside a string")


class _JsonPosition:
    """The position of the reader in the JSON: the open brackets, and whether an object's keys are the hashes."""

    def __init__(self) -> None:
        self.open: list[bytes] = []
        self.has_begun = False
        self._expects_key = False
        self._keys_are_hashes: bool | None = None

    def move(self, mark: bytes) -> None:
        """Consume a bracket or separator."""
        if not self.open and (self.has_begun or mark not in b"[{"):
            raise ConfigurationError("it is no JSON list or object, or something follows it")
        if mark in b"[{":
            self.open.append(mark)
            self.has_begun = True
        elif mark in b"]}" and self.open.pop() != _OPENS[mark]:
            raise ConfigurationError("it is no JSON: its brackets do not match")
        self._expects_key = mark in b"{," and self.open[-1:] == [b"{"]

    def is_of_hashes(self, text: bytes | None) -> bool:
        """Consume a string (None: a number or literal); return whether its place is one for hashes."""
        if not self.open:
            raise ConfigurationError("it is no JSON list or object, or something follows it")
        if self.open == [b"["]:
            return True
        if self.open == [b"{"] and self._expects_key:
            if self._keys_are_hashes is None:
                self._keys_are_hashes = text is not None and HASH.fullmatch(text) is not None
            return self._keys_are_hashes
        return self._keys_are_hashes is False and self.open in ([b"{"], [b"{", b"["])
