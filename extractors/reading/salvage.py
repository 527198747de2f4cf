"""Recovers the complete records of a JSONL line that orjson refuses, and assigns a reject code to its other bytes.

Real homes have lines with a torn record followed by the next one, two records without a line end between them (`}{`),
runs of NUL before an intact record, and lone surrogates (anthropics/claude-code issues 81843, 52387, 49876, 56064).
Nearly every such line has a complete record. Nothing is invented: a record's value is the result of `JSON.parse` for
exactly its span, or that with the repairs in its flags. In doubt, complete objects amid damage are not read: the head
of one record and the tail of another can make an object that nobody wrote.

Complete objects are found without trying every position: whether a quote is escaped depends only on the backslashes
before it. So the quotes divide a line into stretches that are alternately outside and inside of strings, in one of two
phases, and every complete object is a pair of braces that match within one phase. One pass finds the pairs of both.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import Final

import orjson

from extractors.reading.fields import Malformed
from extractors.reading.json_repair import (
    MAX_DEPTH,
    REPAIR_DEPTH,
    BracketBalance,
    Flag,
    LenientReader,
    UnreadableJson,
    signs,
)
from extractors.reading.utf16 import Utf16, decoded_document, decoded_line
from models.json import JsonObject, JsonValue
from models.reject import RejectCode

_BOM: Final = b"\xef\xbb\xbf"
_SPACE: Final = b" \t\r\n"
_BLANK: Final = b" \t\r\n\0"
_OPENS, _CLOSES = b":[,", b",]}"
_END: Final = 0
_BRACE, _BRACKET, _END_BRACE, _END_BRACKET = b"{[}]"

_BLANK_RUN: Final = re.compile(rb"[ \t\r\n\0]++")
_OBJECT: Final = re.compile(rb'\{[ \t\r\n]*+["}]')
_FIRST_KEYS: Final = frozenset({"parentUuid", "type", "display"})


class PartKind(StrEnum):
    """The kind of a part of a line."""

    RECORD = "record"
    REJECT = "reject"
    PADDING = "padding"


@dataclass(frozen=True, slots=True)
class SalvagedPart:
    """A part of a line, from byte `start` to before `end`. The parts of a line tile it.

    Records have `value` and `flags`, rejects `code` and `detail`; `detail` never contains text of the home.
    """

    start: int
    end: int
    kind: PartKind
    value: JsonObject | None = None
    code: RejectCode | None = None
    flags: tuple[str, ...] = ()
    detail: str = ""


class _Look(Enum):
    """The resemblance to a record that an object needs to be accepted as one; this depends on the bytes around it."""

    ANY = ()
    """The line is intact before it, and ends or continues with an object after it: any object is accepted."""
    LIKELY = tuple(
        frozenset({key})
        for key in ("type", "uuid", "sessionId", "timestamp", "display", "messageId", "leafUuid", "summary", "project")
    )
    """It follows damage, but cannot be part of another object: one key of a record suffices."""
    CERTAIN = (
        frozenset({"type", "sessionId"}),
        frozenset({"type", "messageId"}),
        frozenset({"type", "leafUuid"}),
        frozenset({"type", "parentSessionId"}),
        frozenset({"display", "timestamp"}),
    )
    """It could be part of a torn record: it must begin as records do, and have a pair of keys that only records have,
    not the objects inside them. Every record type seen in real homes has one of these pairs: transcripts the first,
    snapshots of files the second, summaries the third, references to a fork's parent the fourth, the history of prompts
    the last."""

    def fits(self, value: JsonObject) -> bool:
        """Whether the object has this look."""
        if self is _Look.ANY:
            return True
        if self is _Look.CERTAIN and next(iter(value), None) not in _FIRST_KEYS:
            return False
        return any(all(isinstance(value.get(key), str | int) for key in keys) for keys in self.value)


def parse_line(line: bytes) -> JsonObject | None:
    """Return the JSON object of a line, None if the line needs `salvage`. The fast path: it calls orjson only.

    Like `JSON.parse` it uses the last of duplicate keys. An integer of more than 64 bits becomes the nearest double: a
    search for such integers would slow parsing by a fifth, and JavaScript writes none that a double cannot hold.
    """
    try:
        value: JsonValue = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def salvage(line: bytes, *, at_file_start: bool = False, utf16: Utf16 | None = None) -> list[SalvagedPart]:
    """Return the parts of a line (with or without its line end), in order; they tile it. An empty line has none.

    Records are recovered with the repairs of `Flag`; an object amid damage must resemble a record. White space at
    either end of the line belongs to the record or reject there; other blanks (white space and NUL) are padding, and so
    is a byte order mark in the first line of a file. With `utf16` the line is decoded first, and is one record if it
    parses. It never raises, and its time is proportional to the line's length.
    """
    if utf16 is not None:
        record = _record_in_utf16(decoded_line(line, utf16, at_file_start=at_file_start), len(line))
        if record is not None:
            return [record]
    start = len(_BOM) if at_file_start and line.startswith(_BOM) else 0
    parts = [SalvagedPart(0, start, PartKind.PADDING)] if start else []
    cursor = start
    reader = LenientReader()
    for record in _records(line, start, reader):
        if line[cursor : record.start].strip(_SPACE) or cursor > start:
            parts.extend(_left_over(line, cursor, record.start, reader))
            parts.append(record)
        else:
            flags = tuple(sorted((*record.flags, Flag.BOM))) if start else record.flags
            parts.append(replace(record, start=cursor, flags=flags))
        cursor = record.end
    if cursor < len(line):
        if parts and parts[-1].kind is PartKind.RECORD and not line[cursor:].strip(_SPACE):
            parts[-1] = replace(parts[-1], end=len(line))
        else:
            parts.extend(_left_over(line, cursor, len(line), reader))
    return parts


def salvage_document(data: bytes) -> tuple[JsonValue, tuple[str, ...]]:
    """Return the JSON value of a whole file, and the repairs (`Flag`) that were necessary.

    Raises `Malformed` (not_json, not_utf8, too_deep).
    """
    reader = LenientReader()
    text = data.removeprefix(_BOM)
    decoded = decoded_document(data)
    try:
        if decoded is not None:
            return reader.read(decoded.encode("utf-8", "surrogatepass")), tuple(sorted((*reader.flags, Flag.UTF16)))
        value = reader.read(text)
        return value, tuple(sorted((*reader.flags, Flag.BOM))) if len(text) < len(data) else reader.flags
    except UnreadableJson as error:
        raise Malformed(error.code, _DETAILS[error.code]) from error


def _record_in_utf16(text: str | None, size: int) -> SalvagedPart | None:
    """Return a line of UTF-16 as a record, None if the whole line is not one record."""
    if text is None:
        return None
    reader = LenientReader()
    try:
        value = reader.read(text.encode("utf-8", "surrogatepass"))
    except UnreadableJson:
        return None
    if not isinstance(value, dict):
        return None
    return SalvagedPart(0, size, PartKind.RECORD, value, flags=tuple(sorted((*reader.flags, Flag.UTF16))))


_DETAILS: Final = {
    RejectCode.NOT_JSON: "not JSON",
    RejectCode.NOT_UTF8: "bytes that are not UTF-8",
    RejectCode.NOT_AN_OBJECT: "JSON, but not an object",
    RejectCode.TOO_DEEP: f"nested more deeply than {MAX_DEPTH} levels, or than {REPAIR_DEPTH} and damaged",
}


def _records(line: bytes, start: int, reader: LenientReader) -> Iterator[SalvagedPart]:
    """Yield the complete records of a line from `start` on, without the white space around them."""
    end = max(start, len(line.rstrip(_BLANK)))
    start = _skip_blank(line, start)
    try:
        value = reader.read(line[start:end])
    except UnreadableJson:
        yield from _records_amid_damage(line, start, reader)
    else:
        if isinstance(value, dict):
            yield SalvagedPart(start, end, PartKind.RECORD, value, flags=reader.flags)


def _records_amid_damage(line: bytes, first: int, reader: LenientReader) -> Iterator[SalvagedPart]:
    """Yield the complete records of a damaged line, the leftmost and outermost first."""
    # Only hostile lines have many pairs that are not JSON; pairs inside a complete object are skipped at no cost.
    budget = 16 * len(line)
    is_intact = True
    for opened, closed in _pairs(line, first):
        if opened < first or closed - opened > budget:
            continue
        try:
            value = reader.read(line[opened:closed])
        except UnreadableJson:
            value = None
        look = _look_needed(line, first, opened, closed, is_intact=is_intact)
        is_glued = (
            Flag.DUPLICATE_KEY in reader.flags
        )  # the beginning of one record and the end of another: no program writes a key twice
        if isinstance(value, dict) and look.fits(value) and not is_glued:
            yield SalvagedPart(opened, closed, PartKind.RECORD, value, flags=reader.flags)
            is_intact = is_intact and opened == first
            first = _skip_blank(line, closed)
        else:
            budget -= closed - opened


def _pairs(line: bytes, start: int) -> list[tuple[int, int]]:
    """Return the spans of all matching braces that can be a record, sorted by start.

    Objects that are clearly parts of a larger value (as in `[{…},`) and objects nested too deeply are left out.
    """
    stacks: tuple[deque[int], deque[int]] = (deque(maxlen=MAX_DEPTH), deque(maxlen=MAX_DEPTH))
    found = []
    for at, sign, phase in signs(line, start):
        stack = stacks[phase]
        if sign == _BRACE:
            stack.append(at)
        elif sign == _BRACKET:
            stack.append(~at)
        elif stack and sign in (_END_BRACE, _END_BRACKET):
            opened = stack.pop()
            if (opened >= 0) != (sign == _END_BRACE):
                stack.clear()
            elif opened >= 0 and not _is_part(line, start, opened, at + 1):
                found.append((opened, at + 1))
    found.sort()
    return found


def _is_part(line: bytes, start: int, opened: int, closed: int) -> bool:
    is_begun = opened == start or _opens_before(line, start, opened)
    return (is_begun and _sign_after(line, closed) in _CLOSES) or not _OBJECT.match(line, opened)


def _look_needed(line: bytes, first: int, opened: int, closed: int, *, is_intact: bool) -> _Look:
    """Return how much an object must resemble a record.

    `first` is the offset of the first byte that no record covers yet; `is_intact` means that only records precede it.
    """
    after = _sign_after(line, closed)
    if after in _CLOSES or _opens_before(line, first, opened):
        return _Look.CERTAIN
    return _Look.ANY if is_intact and opened == first and after in (_END, _BRACE) else _Look.LIKELY


def _opens_before(line: bytes, start: int, at: int) -> bool:
    while at > start and line[at - 1] in _SPACE:
        at -= 1
    return at > start and line[at - 1] in _OPENS


def _sign_after(line: bytes, at: int) -> int:
    """Return the first non-blank byte from `at` on, or `_END`."""
    at = _skip_blank(line, at)
    return line[at] if at < len(line) else _END


def _skip_blank(line: bytes, at: int) -> int:
    run = _BLANK_RUN.match(line, at)
    return run.end() if run else at


def _left_over(line: bytes, start: int, end: int, reader: LenientReader) -> Iterator[SalvagedPart]:
    """Yield the bytes between records: a reject (with padding up to the nearest NUL), or only padding."""
    if start == end:
        return
    core_start = end - len(line[start:end].lstrip(_BLANK))
    core_end = start + len(line[start:end].rstrip(_BLANK))
    if core_end <= core_start:
        yield SalvagedPart(start, end, PartKind.PADDING)
        return
    code, detail = _why(line[core_start:core_end], reader)
    core_start = start + line[start:core_start].rfind(b"\0") + 1
    nul = line.find(b"\0", core_end, end)
    core_end = end if nul < 0 else nul
    if start < core_start:
        yield SalvagedPart(start, core_start, PartKind.PADDING)
    yield SalvagedPart(core_start, core_end, PartKind.REJECT, code=code, detail=detail)
    if core_end < end:
        yield SalvagedPart(core_end, end, PartKind.PADDING)


def _why(text: bytes, reader: LenientReader) -> tuple[RejectCode, str]:
    """Return the reject code and detail of a text without a record."""
    if not _is_utf8_but_for_its_ends(text):
        return RejectCode.NOT_UTF8, _DETAILS[RejectCode.NOT_UTF8]
    code = RejectCode.NOT_JSON
    try:
        if not isinstance(reader.read(text), dict):
            return RejectCode.NOT_AN_OBJECT, _DETAILS[RejectCode.NOT_AN_OBJECT]
    except UnreadableJson as error:
        code = error.code
    balance = BracketBalance(text)
    if balance.deepest <= MAX_DEPTH:
        if text.startswith(b"{") and balance.lacks_end:
            return RejectCode.TRUNCATED_RECORD, "the end of the record is missing"
        if text.endswith(b"}") and balance.lacks_beginning:
            return RejectCode.TRUNCATED_RECORD, "the beginning of the record is missing"
    return code, _DETAILS[code]


def _is_utf8_but_for_its_ends(text: bytes) -> bool:
    """Return whether the text is UTF-8, except for a character cut off at either end."""
    begin = 0
    while begin < min(3, len(text)) and text[begin] & 0xC0 == 0x80:
        begin += 1
    try:
        text[begin:].decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True
