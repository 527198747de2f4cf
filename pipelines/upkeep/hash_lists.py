"""Finds the hashes in a JSON file of any size without holding it: a list of them, or an object whose keys or values
they are.
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
    """Yield the raw strings, without their quotes, that stand where such a file has its hashes.

    These are the elements of a list; of an object its keys when the first one is a hash, else its values and the
    elements of lists that are its values. Raises ConfigurationError for what is no JSON list or object, or not whole.
    """
    place = _Place()
    for text, mark in _tokens(chunks):
        if mark is not None:
            place.move(mark)
        elif place.is_of_hashes(text) and text is not None:
            yield text
    if place.open or not place.has_begun:
        raise ConfigurationError("it is no JSON list or object, or it ends within one")


def _tokens(chunks: Iterable[bytes]) -> Iterator[tuple[bytes | None, bytes | None]]:
    """Yield each token as (string, None), (None, bracket or separator), or (None, None) for a number or a word."""
    held, at, is_first = b"", 0, True
    for chunk in chunks:
        held, at = held[at:] + chunk, len(_BOM) if is_first and chunk.startswith(_BOM) else 0
        is_first = False
        # A token that ends where the held bytes end may go on in the next chunk.
        while (match := _TOKEN.match(held, at)) and match.end() < len(held):
            yield match[1], match[2]
            at = match.end()
        if len(held) - at > _LONGEST_TOKEN:
            raise ConfigurationError(f"one value in it is longer than {_LONGEST_TOKEN >> 20} MiB")
    while match := _TOKEN.match(held, at):
        yield match[1], match[2]
        at = match.end()
    if held[at:].strip():
        raise ConfigurationError("it ends within a string")


class _Place:
    """Where in the JSON the reader stands."""

    def __init__(self) -> None:
        self.open: list[bytes] = []
        self.has_begun = False
        self._expects_key = False
        self._keys_are_hashes: bool | None = None

    def move(self, mark: bytes) -> None:
        """Pass a bracket or separator."""
        if not self.open and (self.has_begun or mark not in b"[{"):
            raise ConfigurationError("it is no JSON list or object, or something follows it")
        if mark in b"[{":
            self.open.append(mark)
            self.has_begun = True
        elif mark in b"]}" and self.open.pop() != _OPENS[mark]:
            raise ConfigurationError("it is no JSON: its brackets do not match")
        self._expects_key = mark in b"{," and self.open[-1:] == [b"{"]

    def is_of_hashes(self, text: bytes | None) -> bool:
        """Pass a string (None: a number or a word) and tell whether hashes stand where it stands."""
        if not self.open:
            raise ConfigurationError("it is no JSON list or object, or something follows it")
        if self.open == [b"["]:
            return True
        if self.open == [b"{"] and self._expects_key:
            if self._keys_are_hashes is None:
                self._keys_are_hashes = text is not None and HASH.fullmatch(text) is not None
            return self._keys_are_hashes
        return self._keys_are_hashes is False and self.open in ([b"{"], [b"{", b"["])
