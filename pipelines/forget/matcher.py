"""Finds the content to erase in bytes: ids, texts and patterns, in each encoding in which a file may contain them.

It is used during an erasure, while the content is known; later runs recognise it by the digests of the tombstone.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import pyarrow as pa
import re2

from extractors.reading.erasure import readings
from models.errors import ConfigurationError
from models.identity import UUID
from models.text import safe

SHORTEST: Final = 4
"""Minimum bytes of a text: nearly every file contains a shorter one."""
_FEW: Final = 4
_NO_UTF_8: Final = b"\xff"
_UUID: Final = re.compile(UUID.encode())
_ID: Final = re.compile(UUID.encode() + rb"|[0-9a-f]{64}")
_ANCHORED: Final = (r"\A", r"\z")


class _Match(Protocol):
    """The methods used of a match of RE2, whose package declares no types."""

    def __getitem__(self, group: int) -> bytes:
        """Return the bytes of a group."""


class _Compiled(Protocol):
    """The methods used of a compiled expression of RE2."""

    def search(self, data: bytes) -> _Match | None:
        """Return the first match."""

    def finditer(self, data: bytes) -> Iterator[_Match]:
        """Yield every match."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression of RE2 over UTF-8: its time is linear in the text, for every expression."""

    written: str
    compiled: _Compiled = field(compare=False)

    def found(self, data: bytes) -> set[bytes]:
        """Return everything in the bytes that it matches. `.` matches no byte that is not UTF-8."""
        return {match[0] for match in self.compiled.finditer(data)}

    def is_in(self, data: bytes) -> bool:
        """Return whether it matches anywhere in the bytes; a byte that is not UTF-8 counts as a character here."""
        if self.compiled.search(data) is not None:
            return True
        replaced = data.decode(errors="replace").encode()
        return replaced != data and self.compiled.search(replaced) is not None


@dataclass(frozen=True, slots=True)
class Matcher:
    """A search for ids (UUIDs or SHA-256 digits), texts in UTF-8, and regular expressions."""

    ids: frozenset[bytes] = frozenset()
    texts: frozenset[bytes] = frozenset()
    patterns: tuple[Pattern, ...] = ()
    _literal: tuple[bytes, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        few_ids = self.ids if len(self.ids) <= _FEW else frozenset[bytes]()
        object.__setattr__(self, "_literal", (*self.texts, *few_ids))

    @property
    def is_empty(self) -> bool:
        """Whether it searches for nothing."""
        return not (self.ids or self.texts or self.patterns)

    @property
    def looks_around(self) -> bool:
        """Whether a pattern has anchors: it may match an entry alone and not inside a piece."""
        return any(mark in pattern.written for pattern in self.patterns for mark in _ANCHORED)

    @property
    def overlap(self) -> int:
        """The number of bytes before a cut that must be searched together with those after it."""
        return max([1 << 16, *(8 * len(text) for text in self.texts)])

    def holds(self, data: bytes) -> bool:
        """Return whether the bytes contain any of it, in any encoding of JSON or shell escapes."""
        return any(self._holds(reading) for reading in readings(data))

    def is_in(self, data: bytes) -> bool:
        """Return whether the bytes contain an id or a text literally, in UTF-8 or UTF-16."""
        if any(one in data for raw in self._literal for one in _written(raw)):
            return True
        return len(self.ids) > _FEW and not self.ids.isdisjoint(_ID.findall(data))

    def found(self, data: bytes) -> set[bytes]:
        """Return the matches of the patterns in the bytes."""
        if not self.patterns:
            return set()
        return {match for reading in readings(data) for one in self.patterns for match in one.found(reading)}

    def _holds(self, data: bytes) -> bool:
        if any(text in data for text in self._literal):
            return True
        if len(self.ids) > _FEW and not self.ids.isdisjoint(_ID.findall(data)):
            return True
        return any(pattern.is_in(data) for pattern in self.patterns)


def _written(raw: bytes) -> tuple[bytes, ...]:
    text = raw.decode(errors="replace")
    return raw, text.encode("utf-16-le"), text.encode("utf-16-be")


def text_matcher(text: str) -> Matcher:
    """Return a matcher for a text. Raises ConfigurationError for one that is too short."""
    wanted = text.encode("utf-8", "surrogateescape")
    if len(wanted) < SHORTEST:
        raise ConfigurationError(
            f"{text!r} is too short: nearly every file contains it. Name at least {SHORTEST} bytes"
        )
    return Matcher(texts=frozenset([wanted]))


def pattern_matcher(pattern: str) -> Matcher:
    """Return a matcher for a regular expression of RE2; `^` and `$` match at lines.

    Raises ConfigurationError for an invalid one (lookaround and references back among them: RE2 has neither, which is
    why no expression can run for longer than its text), and for one that matches the empty text.
    """
    options = re2.Options()
    options.log_errors = False
    try:
        made: _Compiled = re2.compile(b"(?m)" + pattern.encode(), options)
    except UnicodeEncodeError as error:
        raise ConfigurationError(f"{safe(pattern)} is not UTF-8, so it is no regular expression") from error
    except re2.error as error:
        (why,) = error.args
        reason = safe(why.decode(errors="replace") if isinstance(why, bytes) else str(why))
        raise ConfigurationError(
            f"{pattern!r} is not a valid regular expression of RE2 (github.com/google/re2/wiki/Syntax): {reason}"
        ) from error
    if made.search(b"") is not None:
        raise ConfigurationError(f"{pattern!r} matches the empty text, so it would erase everything")
    return Matcher(patterns=(Pattern(pattern, made),))


def id_matcher(ids: Iterable[str]) -> Matcher:
    """Return a matcher for ids; one that is not a UUID is searched for as a text."""
    wanted = [one.encode() for one in ids]
    return Matcher(
        ids=frozenset(one for one in wanted if _UUID.fullmatch(one)),
        texts=frozenset(one for one in wanted if not _UUID.fullmatch(one)),
    )


def either_matcher(one: Matcher, other: Matcher) -> Matcher:
    """Return a matcher that finds the matches of both matchers."""
    return Matcher(one.ids | other.ids, one.texts | other.texts, (*one.patterns, *other.patterns))


def rows_that_hold(matcher: Matcher, table: pa.Table, columns: Collection[str] = ()) -> set[int]:
    """Return the numbers of the rows that contain it in a column of text or bytes (default: any; else of `columns`).

    A column is first searched as one buffer, and its values one by one only after a hit: that is much faster.
    """
    rows: set[int] = set()
    for name in columns or table.column_names:
        column = table.column(name)
        if not _is_text(column.type):
            continue
        start = 0
        for chunk in column.chunks:
            if _whole_holds(matcher, chunk):
                values = chunk.to_pylist()
                bytes_column = [value.encode() if isinstance(value, str) else value or b"" for value in values]
                rows |= {start + number for number in values_that_hold(matcher, bytes_column)}
            start += len(chunk)
    return rows


def values_that_hold(matcher: Matcher, values: Sequence[bytes]) -> list[int]:
    """Return the indices of the values that contain it; searches them joined first, one by one only after a hit."""
    if not matcher.patterns and not matcher.holds(_NO_UTF_8.join(values)):
        return []
    return [number for number, value in enumerate(values) if value and matcher.holds(value)]


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_dictionary(kind)
    )


def _whole_holds(matcher: Matcher, chunk: "pa.Array[pa.Scalar[pa.DataType]]") -> bool:
    """Search the buffer of a column's chunk; True also where each value must be searched by itself."""
    if matcher.patterns or pa.types.is_dictionary(chunk.type):
        return True
    held = chunk.buffers()[-1]
    if held is None:
        return False
    data = held.to_pybytes()
    return b"\\" in data or b"\0" in data or matcher.holds(data)
