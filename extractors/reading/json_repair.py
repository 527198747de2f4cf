"""Parses one JSON text as JavaScript's `JSON.parse` does, and if that would refuse, with a few repairs, each with a
flag.

The repairs are for damage found in transcripts: halves of surrogate pairs (anthropics/claude-code issues 45982, 56064,
61301), numbers too large for a double, raw control characters. Trailing commas and comments are not repaired.
"""

import json
import re
from collections.abc import Iterator
from enum import StrEnum
from math import inf
from typing import Final

import orjson

from models.json import JsonObject, JsonValue
from models.reject import RejectCode

MAX_DEPTH: Final = 1024
"""The levels of nesting that orjson accepts."""
REPAIR_DEPTH: Final = 512
"""The levels of nesting that the repairing parser accepts. The standard library's parser fails at about 1000 levels,
fewer if the stack is deep already; a fixed lower limit gives the same result everywhere."""

_SIGNS: Final = re.compile(rb'\\+"?|["{}\[\]]')
_QUOTE, _BACKSLASH, _BRACE, _BRACKET, _END_BRACE, _END_BRACKET = b'"\\{[}]'
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
_CONTROL: Final = re.compile(rb"[\0-\x1f]")


class Flag(StrEnum):
    """The repair of a record that a JSON parser refuses, or silently changes."""

    BOM = "bom"
    """A byte order mark before the record, at the start of the file."""
    UTF16 = "utf16"
    """The text is UTF-16, as PowerShell 5.1 rewrites files."""
    LONE_SURROGATE = "lone_surrogate"
    """An escape of half a surrogate pair in a key or string; replaced by U+FFFD."""
    NON_FINITE_NUMBER = "non_finite_number"
    """NaN, Infinity, or a number too large for a double; replaced by null."""
    CONTROL_CHARACTER = "control_character"
    """A raw control character in a key or string; kept."""
    DUPLICATE_KEY = "duplicate_key"
    """A key occurs twice in an object; the last value is used, as in JavaScript."""
    BIG_INTEGER = "big_integer"
    """An integer of more than 64 bits; kept exactly."""


class UnreadableJson(ValueError):
    """The text is not JSON, even with repairs."""

    def __init__(self, code: RejectCode) -> None:
        super().__init__(code)
        self.code = code


class LenientReader:
    """Parses JSON texts as `JSON.parse` does, and if that would refuse, with repairs."""

    def __init__(self) -> None:
        self._noted: set[Flag] = set()
        self._strict = self._decoder(strict=True)
        self._lenient = self._decoder(strict=False)

    @property
    def flags(self) -> tuple[str, ...]:
        """The repairs of the last text."""
        return tuple(sorted(self._noted))

    def read(self, text: bytes) -> JsonValue:
        """Return the value of a JSON text. Raises `UnreadableJson`."""
        self._noted.clear()
        if _is_deeper(text, REPAIR_DEPTH):
            return _read_deep(text)
        try:
            return self._repair(text)
        except UnicodeDecodeError as error:
            raise UnreadableJson(RejectCode.NOT_UTF8) from error
        except json.JSONDecodeError as error:
            raise UnreadableJson(RejectCode.NOT_JSON) from error
        except RecursionError as error:
            raise UnreadableJson(RejectCode.TOO_DEEP) from error

    def _repair(self, text: bytes) -> JsonValue:
        if _SURROGATE.search(text):
            text = _ESCAPE.sub(self._escape, text)
        decoded = text.decode()
        value: JsonValue
        try:
            value = self._strict.decode(decoded)
        except json.JSONDecodeError:
            if not _CONTROL.search(text):
                raise
            value = self._lenient.decode(decoded)
            self._noted.add(Flag.CONTROL_CHARACTER)
        return value

    def _decoder(self, *, strict: bool) -> json.JSONDecoder:
        return json.JSONDecoder(
            strict=strict,
            object_pairs_hook=self._object,
            parse_int=self._integer,
            parse_float=self._float,
            parse_constant=self._constant,
        )

    def _escape(self, match: re.Match[bytes]) -> bytes:
        if match[1] is None:
            return match[0]
        self._noted.add(Flag.LONE_SURROGATE)
        return rb"\ufffd"

    def _object(self, pairs: list[tuple[str, JsonValue]]) -> JsonObject:
        made = dict(pairs)
        if len(made) < len(pairs):
            self._noted.add(Flag.DUPLICATE_KEY)
        return made

    def _integer(self, digits: str) -> int | None:
        # Python refuses to convert thousands of digits; a double has at most 309 before the point.
        if len(digits) > 18:
            if self._float(digits) is None:
                return None
            if not -(2**63) <= int(digits) < 2**64:
                self._noted.add(Flag.BIG_INTEGER)
        return int(digits)

    def _float(self, digits: str) -> float | None:
        value = float(digits)
        if value not in (inf, -inf):
            return value
        self._constant(digits)
        return None

    def _constant(self, _name: str) -> None:
        self._noted.add(Flag.NON_FINITE_NUMBER)


def _read_deep(text: bytes) -> JsonValue:
    try:
        value: JsonValue = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UnreadableJson(RejectCode.TOO_DEEP) from error
    return value


def _is_deeper(text: bytes, limit: int) -> bool:
    if len(text) <= limit or text.count(b"{") + text.count(b"[") <= limit:
        return False
    return BracketBalance(text).deepest > limit


def signs(text: bytes, start: int = 0) -> Iterator[tuple[int, int, int]]:
    """Yield offset, byte and phase of each bracket, brace and unescaped quote from `start` on.

    The phase alternates between 0 and 1 at each quote (a quote has the phase that it begins). Brackets of phase 0 are
    outside of strings if the text at `start` is; brackets of phase 1 are if it is inside a string.
    """
    phase = 0
    for token in _SIGNS.finditer(text, start):
        end = token.end()
        sign = text[end - 1]
        if sign == _QUOTE:
            if (end - token.start()) % 2 == 0:  # an odd run of backslashes escapes the quote
                continue
            phase ^= 1
        elif sign == _BACKSLASH:
            continue
        yield end - 1, sign, phase


class BracketBalance:
    """The balance of a text's brackets, read forward from its start and, with regard to strings, backward from its
    end.
    """

    def __init__(self, text: bytes) -> None:
        depth, deepest, lowest = [0, 0], [0, 0], [0, 0]
        phase = 0
        for _, sign, phase in signs(text):
            if sign in (_BRACE, _BRACKET):
                depth[phase] += 1
                deepest[phase] = max(deepest[phase], depth[phase])
            elif sign in (_END_BRACE, _END_BRACKET):
                depth[phase] -= 1
                lowest[phase] = min(lowest[phase], depth[phase])
        self.deepest = deepest[0]
        self.lacks_end = phase == 1 or depth[0] > 0
        self.lacks_beginning = lowest[phase] < 0
