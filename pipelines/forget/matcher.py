"""Finds what is to be forgotten in bytes, while it is still known: ids, texts, patterns, however they are written."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from extractors.reading.erasure import UUID, readings
from models.errors import ConfigurationError

SHORTEST: Final = 4
"""Bytes of a text that may be looked for: a shorter one is in nearly everything."""
_FEW: Final = 4
_NO_UTF_8: Final = b"\xff"
_ID: Final = re.compile(UUID.pattern + rb"|[0-9a-f]{64}")
_LOOKING: Final = (r"\A", r"\Z", "(?=", "(?!", "(?<")


@dataclass(frozen=True, slots=True)
class Matcher:
    """Ids (that look like a UUID or a SHA-256), texts in UTF-8, and patterns."""

    ids: frozenset[bytes] = frozenset()
    texts: frozenset[bytes] = frozenset()
    patterns: tuple[re.Pattern[str], ...] = ()
    _literal: tuple[bytes, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        few_ids = self.ids if len(self.ids) <= _FEW else frozenset[bytes]()
        object.__setattr__(self, "_literal", (*self.texts, *few_ids))

    @property
    def is_empty(self) -> bool:
        """Whether it finds nothing."""
        return not (self.ids or self.texts or self.patterns)

    @property
    def looks_around(self) -> bool:
        """Whether a pattern may say something else of an entry by itself than of the same entry among others."""
        return any(mark in pattern.pattern for pattern in self.patterns for mark in _LOOKING)

    @property
    def overlap(self) -> int:
        """Bytes before a cut that must be looked at together with those behind it."""
        return max([1 << 16, *(8 * len(text) for text in self.texts)])

    def holds(self, data: bytes) -> bool:
        """Whether anything of it is in bytes."""
        return any(self._holds(reading) for reading in readings(data))

    def is_in(self, data: bytes) -> bool:
        """Whether an id or a text is in bytes just so, or as UTF-16."""
        if any(one in data for raw in self._literal for one in _written(raw)):
            return True
        return len(self.ids) > _FEW and not self.ids.isdisjoint(_ID.findall(data))

    def found(self, data: bytes) -> set[bytes]:
        """Return what the patterns match in bytes."""
        texts = [reading.decode(errors="surrogateescape") for reading in readings(data)] if self.patterns else []
        matches = {match[0] for text in texts for one in self.patterns for match in one.finditer(text)}
        return {match.encode(errors="surrogateescape") for match in matches}

    def _holds(self, data: bytes) -> bool:
        if any(text in data for text in self._literal):
            return True
        if len(self.ids) > _FEW and not self.ids.isdisjoint(_ID.findall(data)):
            return True
        if not self.patterns:
            return False
        text = data.decode(errors="surrogateescape")
        return any(pattern.search(text) for pattern in self.patterns)


def _written(raw: bytes) -> tuple[bytes, ...]:
    text = raw.decode(errors="replace")
    return raw, text.encode("utf-16-le"), text.encode("utf-16-be")


def text_matcher(text: str) -> Matcher:
    """Return what finds a text. Raises ConfigurationError for one that is in nearly everything."""
    wanted = text.encode("utf-8", "surrogateescape")
    if len(wanted) < SHORTEST:
        raise ConfigurationError(
            f"{text!r} is too short: it stands in nearly everything. Name at least {SHORTEST} bytes"
        )
    return Matcher(texts=frozenset([wanted]))


def pattern_matcher(pattern: str) -> Matcher:
    """Return what finds a regular expression: Python's, with `^` and `$` at lines.

    Raises ConfigurationError for what is none, and for what matches the empty text.
    """
    try:
        made = re.compile(pattern, re.MULTILINE)
    except re.error as error:
        raise ConfigurationError(f"{pattern!r} is no regular expression: {error}") from error
    if made.search("") is not None:
        raise ConfigurationError(f"{pattern!r} matches the empty text, and so everything")
    return Matcher(patterns=(made,))


def id_matcher(ids: Iterable[str]) -> Matcher:
    """Return what finds ids; one that does not look like a UUID is looked for as a text."""
    wanted = [one.encode() for one in ids]
    return Matcher(
        ids=frozenset(one for one in wanted if UUID.fullmatch(one)),
        texts=frozenset(one for one in wanted if not UUID.fullmatch(one)),
    )


def both(one: Matcher, other: Matcher) -> Matcher:
    """Return what finds what either of two finds."""
    return Matcher(one.ids | other.ids, one.texts | other.texts, (*one.patterns, *other.patterns))


def rows_that_hold(matcher: Matcher, table: pa.Table, columns: Collection[str] = ()) -> set[int]:
    """Return the rows of a table that hold it in a column of text or bytes, one of `columns` where these are named.

    Values are looked at one by one only where the column as a whole, in which they stand side by side, holds it.
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
                raws = [value.encode() if isinstance(value, str) else value or b"" for value in values]
                rows |= {start + number for number in values_that_hold(matcher, raws)}
            start += len(chunk)
    return rows


def values_that_hold(matcher: Matcher, values: Sequence[bytes]) -> list[int]:
    """Return the numbers of the values that hold it, looked at one by one only where all of them together do."""
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
    """Look at all values of a column as they stand side by side; True where only each by itself can tell."""
    if matcher.patterns or pa.types.is_dictionary(chunk.type):
        return True
    held = chunk.buffers()[-1]
    if held is None:
        return False
    data = held.to_pybytes()
    return b"\\" in data or b"\0" in data or matcher.holds(data)
