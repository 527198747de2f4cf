"""Finds the matches of the rules in a text, and replaces them by masks."""

import hmac
import secrets
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Final, Protocol

import re2

from pipelines.redact.rules import RULES, PrivacyLevel, SecretRule

_ALPHABETS: Final = (ascii_lowercase, ascii_uppercase, digits)


class _Match(Protocol):
    """The methods used of a match of RE2, whose package declares no types."""

    def span(self, group: int) -> tuple[int, int]:
        """Return the start and end of a group."""


class _Compiled(Protocol):
    def search(self, data: bytes, start: int) -> _Match | None:
        """Return the first match at or after `start`."""


class _Set(Protocol):
    def Match(self, data: bytes) -> list[int] | None:  # noqa: N802 (RE2's own name)
        """Return the indexes of the expressions that match anywhere, None if none does."""


@dataclass(frozen=True, slots=True)
class SecretMatch:
    """A secret or a piece of personal data: its rule, and its span in the bytes of the text."""

    rule: SecretRule
    start: int
    end: int


def find(data: bytes, level: PrivacyLevel) -> list[SecretMatch]:
    """Return the matches that a level masks in UTF-8 bytes, in order and without overlaps.

    All rules are tried at once first: most texts match none.
    """
    rules, whole = _compiled(level)
    found: list[SecretMatch] = []
    for number in whole.Match(data) or ():
        rule, compiled = rules[number]
        found += _matches(rule, compiled, data)
    if not found:
        return found
    order = {rule.name: place for place, (rule, _) in enumerate(rules)}
    found.sort(key=lambda one: (one.start, order[one.rule.name], -one.end))
    kept: list[SecretMatch] = []
    for one in found:
        if kept and one.start < kept[-1].end:
            if one.end > kept[-1].end:
                kept[-1] = SecretMatch(kept[-1].rule, kept[-1].start, one.end)
            continue
        kept.append(one)
    return kept


def find_each(data: bytes, ends: Sequence[int], level: PrivacyLevel) -> Iterator[tuple[int, list[SecretMatch]]]:
    """Yield the number and the matches of each text that has any, in order, as `find` returns them.

    `data` has the texts one after the other, `ends` the end of each. All are tried at once, which is faster than one by
    one, most of all where they are short.
    """
    _, whole = _compiled(level)
    marks, numbers = _marks(level), set[int]()
    for rule in whole.Match(data) or ():
        at = 0
        while at < len(data) and (match := marks[rule].search(data, at)) is not None:
            start, end = match.span(0)
            at = max(end, at + 1)
            # A match may reach over the end of a text: it hides others only in the texts that it reaches.
            numbers.update(range(bisect_right(ends, start), bisect_right(ends, at - 1) + 1))
    for number in sorted(numbers):
        found = find(data[ends[number - 1] if number else 0 : ends[number]], level)
        if found:
            yield number, found


class Masker:
    """Masks the texts of one document: the same value gets the same mask everywhere in it, and in no other document.

    A mask has the form of its value: a digit replaces each digit, a letter each letter, and the rest is unchanged. The
    key of the masks is random for each document, so that nobody can find a value by trying which one gives its mask.
    """

    def __init__(self, level: PrivacyLevel, key: bytes = b"") -> None:
        """`key` is the caller's secret key for the masks; without it a random one is used."""
        self._level = level
        self._key = key or secrets.token_bytes(32)

    def mask(self, text: str) -> str:
        """Return the text with every match of the level replaced by its mask."""
        data = text.encode("utf-8", "surrogatepass")
        found = find(data, self._level)
        if not found:
            return text
        pieces, last = list[bytes](), 0
        for one in found:
            before_it = data[max(one.start - 1, 0) : one.start]
            pieces += [data[last : one.start], self._masked(data[one.start : one.end], before_it)]
            last = one.end
        return b"".join([*pieces, data[last:]]).decode("utf-8", "surrogatepass")

    def _masked(self, value: bytes, before_it: bytes) -> bytes:
        text = value.decode("utf-8", "replace")
        drawn = zip(text, (before_it.decode("latin-1") or "\0") + text, self._stream(value), strict=False)
        # A character after a backslash is part of an escape sequence, for example in JSON: replacing it breaks that.
        return "".join(one if before == "\\" else self._letter(one, number) for one, before, number in drawn).encode()

    @staticmethod
    def _letter(one: str, drawn: int) -> str:
        for alphabet in _ALPHABETS:
            if one in alphabet:
                return alphabet[drawn % len(alphabet)]
        return "x" if one.isalnum() else one

    def _stream(self, value: bytes) -> Iterator[int]:
        counter = 0
        while True:
            yield from hmac.new(self._key, counter.to_bytes(4, "big") + value, sha256).digest()
            counter += 1


def masked(cell: object, masker: Masker) -> object:
    """Return a value with every text in it masked; bytes are not shown at all."""
    match cell:
        case str():
            return masker.mask(cell)
        case bytes() | bytearray() | memoryview():
            return f"[{len(cell)} bytes]"
        case list() | tuple():
            return [masked(one, masker) for one in cell]
        case dict():
            return {masked(name, masker): masked(value, masker) for name, value in cell.items()}
        case _:
            return cell


def _matches(rule: SecretRule, compiled: _Compiled, data: bytes) -> Iterator[SecretMatch]:
    at = 0
    while at <= len(data) and (match := compiled.search(data, at)) is not None:
        start, end = match.span(1)
        at = max(end, at + 1)
        value = data[start:end].decode("utf-8", "replace")
        if end > start and (rule.check is None or rule.check(_bare(rule, value))):
            yield SecretMatch(rule, start, end)


def _bare(rule: SecretRule, value: str) -> str:
    """Return the value for the rule's check: numbers of cards and accounts without spaces and dashes."""
    return value.replace(" ", "").replace("-", "") if rule.level is PrivacyLevel.TEAM else value


@cache
def _marks(level: PrivacyLevel) -> list[_Compiled]:
    return [re2.compile(rule.mark.encode()) for rule, _ in _compiled(level)[0]]


@cache
def _compiled(level: PrivacyLevel) -> tuple[list[tuple[SecretRule, _Compiled]], _Set]:
    options = re2.Options()
    options.max_mem = 64 << 20
    rules = [rule for rule in RULES if rule.level <= level]
    whole = re2.Set.SearchSet(options)
    for rule in rules:
        whole.Add(rule.mark.encode())
    whole.Compile()
    return [(rule, re2.compile(rule.pattern.encode(), options)) for rule in rules], whole
