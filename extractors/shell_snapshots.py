"""shell-snapshots/: the functions, options, aliases and variables of the user's shell at the start of a session;
deleted at a clean end.

Known from 1.0.x on: `snapshot-<shell>-<epoch ms>-<suffix>.sh`, rarely `snapshot-zsh-<8 hex>.sh`. They do not name the
session. zsh writes functions as text, bash in Base64, in one line or in several. See extractors/FORMATS.md:

    # Functions
    eval "$(echo 'Z3JlZXQgKCkgCnsgCiAgICBlY2hvIGhpCn0K' | base64 -d)" > /dev/null 2>&1
    # Shell Options
    shopt -s expand_aliases
    # Aliases
    alias -- ll='ls -l'
    export PATH=/usr/local/bin\\:/usr/bin

Values are kept exactly, even if they are tokens: the tables are for the owner of the home, as is the archive.
"""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from extractors.reading.contract import Entry, Reading, Source, shape
from extractors.reading.shell_words import read_exports, read_word
from models.schema import BYTES, FLAG, INSTANT, INTEGER, TEXT, Column, Row, Table

SHELL_SNAPSHOTS = Table(
    "shell_snapshots",
    "One row for each file of shell-snapshots/.",
    (
        Column("shell", TEXT, "The shell in the file's name: bash or zsh.", required=True),
        Column("created_at", INSTANT, "Time in the file's name, about when a session began (UTC); NULL in old names."),
        Column("suffix", TEXT, "The last part of the file's name, without .sh.", required=True),
        Column("size", INTEGER, "Length in bytes.", required=True),
        Column("line_count", INTEGER, "Number of lines; a last line without a line feed counts too.", required=True),
        Column("alias_count", INTEGER, "Aliases that were recognised.", required=True),
        Column("function_count", INTEGER, "Functions that were recognised.", required=True),
        Column("option_count", INTEGER, "Shell options that were recognised.", required=True),
        Column("export_count", INTEGER, "Exported variables that were recognised.", required=True),
        Column("content_text", TEXT, "The whole file; NULL if it is not UTF-8.", is_distinct=True),
        Column("content_bytes", BYTES, "The whole file, if it is not UTF-8."),
        Column("file_modified_at", INSTANT, "When the file was last written (UTC)."),
    ),
)

SHELL_DEFINITIONS = Table(
    "shell_definitions",
    "One row for each alias, function, option and exported variable that was recognised in a shell snapshot.",
    (
        Column("kind", TEXT, "alias, function, option or export.", required=True),
        Column("name", TEXT, "The defined name.", required=True),
        Column(
            "value",
            TEXT,
            "Alias, export: the text without quotes, unexpanded. Function: the whole definition. Option: on or off.",
        ),
        Column("section", TEXT, "The comment line above it that names a section, without #."),
        Column("line_number", INTEGER, "The line where it begins, from 1.", required=True),
        Column("was_encoded", FLAG, "Whether the file has it in Base64.", required=True),
        Column("has_expansion", FLAG, "Whether the shell would expand a part of the value.", required=True),
        Column("was_repaired", FLAG, "Whether bytes that are not UTF-8 became U+FFFD.", required=True),
    ),
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_MS: Final = 253_402_300_799_999
_MOST_FAILURES: Final = 100

_START: Final = re.compile(
    r"""
    (?P<alias> [ \t]* alias [ \t]+ (?:-[gs][ \t]+)? (?:--[ \t]+)? ) (?=\S)
    | (?P<option> [ \t]* (?: (?P<setopt>(?:un)?setopt) | (?P<set>(?:shopt[ \t]+-[su]|set[ \t]+[-+]o)) )
        [ \t]+ (?P<option_name>[\w-]+) [ \t\r]* (?:\n|\Z) )
    | (?P<encoded> [ \t]* eval[ ]"\$\(echo[ ]'(?P<base64>[A-Za-z0-9+/=\s]*+)'[ ]\|[ ]base64[ ](?:-d|-D|--decode)\)" )
    | (?P<claude> [ \t]* function[ \t]+(?P<claude_name>[^\s(){}]+) [ \t]* (?:\(\))? [ \t]* \{[ \t\r]*\n )
    | (?P<function> (?P<function_name>[^\s#][^\n]*?) [ ]\(\)[ ]? (?:\{[ \t\r]*\n|\r?\n\{[ ]?\r?\n) )
    | (?P<export> [ \t]* (?=export[ \t]) )
    | \#[ ] (?P<section> [A-Z][^\r\n]* )
    """,
    re.VERBOSE,
)
_CLOSE: Final = re.compile(r"^\}[ \t\r]*(?:\n|\Z)", re.MULTILINE)
_LAST_CLOSE: Final = re.compile(
    r"""
    ^\} [^\n'"]* (?:\n|\Z)
    (?= \Z | [^\s\#][^\n]*[ ]\(\)[ ]? (?:\{|\r?\n\{)
        | \#[ ](?:Shell[ ]Options|Aliases|Check[ ]for) | eval[ ]"\$\(echo[ ]' )
    """,
    re.MULTILINE | re.VERBOSE,
)
_DEFINED_NAME: Final = re.compile(r"\s*(?:function\s+)?(\S+?)\s*\(\)")


@dataclass(frozen=True, slots=True)
class Definition:
    """One definition of a snapshot; `start` is its offset in the text, in characters."""

    kind: str
    name: str
    value: str | None
    section: str | None
    start: int
    was_encoded: bool = False
    has_expansion: bool = False
    was_repaired: bool = False


class _Script:
    """A snapshot's text, read from start to end; lines that are not recognised are skipped."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.section: str | None = None
        self.failures = 0
        self._closes = [match.end() for match in _CLOSE.finditer(text)]
        self._last_closes = [match.end() for match in _LAST_CLOSE.finditer(text)]

    def definitions(self) -> Iterator[Definition]:
        """Yield the definitions, in the order of the text."""
        text = self.text
        position = 0
        while position < len(text) and self.failures < _MOST_FAILURES:
            match = _START.match(text, position)
            found: list[Definition] = []
            end = position
            if match is not None:
                found, end = self._read(match)
            yield from found
            line_end = text.find("\n", max(end - 1, position))
            position = len(text) if line_end < 0 else line_end + 1

    def _read(self, match: re.Match[str]) -> tuple[list[Definition], int]:
        """Return the definitions that begin at a match, and the end of their text."""
        start = match.start()
        if match["section"] is not None:
            self.section = match["section"].rstrip()
            return [], match.end()
        if match["option"] is not None:
            is_off = match["setopt"] == "unsetopt" or (match["set"] or "").endswith(("-u", "+o"))
            value = "off" if is_off else "on"
            return [self._define("option", match["option_name"], value, start)], match.end()
        if match["encoded"] is not None:
            return self._encoded(match["base64"], start), match.end()
        if match["alias"] is not None:
            return self._alias(start, match.end())
        if match["export"] is not None:
            exports, end, is_open = read_exports(self.text, match.end())
            self.failures += is_open
            return [
                self._define("export", e.name, e.value, e.start, has_expansion=e.has_expansion) for e in exports
            ], end
        name = match["function_name"] or match["claude_name"]
        end = self._function_end(match.end(), is_listed=match["function"] is not None)
        if end < 0:
            return [], match.end()
        value = self.text[start:end].rstrip("\r\n").lstrip(" \t")
        return [self._define("function", name, value, start)], end

    def _define(
        self, kind: str, name: str, value: str | None, start: int, *, has_expansion: bool = False
    ) -> Definition:
        return Definition(kind, name, value, self.section, start, has_expansion=has_expansion)

    def _function_end(self, start: int, *, is_listed: bool) -> int:
        """Return the end of a function whose body begins at `start`, -1 if there is none.

        A `}` at the beginning of a line can be inside a string of the body. So a function of a list (`is_listed`) ends
        where the next function or section begins, if there is one.
        """
        for ends in (self._last_closes, self._closes) if is_listed else (self._closes,):
            place = bisect_left(ends, start)
            if place < len(ends):
                return ends[place]
        return -1

    def _alias(self, start: int, position: int) -> tuple[list[Definition], int]:
        name = read_word(self.text, position, stops_at_equals=True)
        if name is None or self.text[name.end : name.end + 1] != "=":
            self.failures += name is None
            return [], position
        value = read_word(self.text, name.end + 1)
        if value is None:
            self.failures += 1
            return [], position
        return [self._define("alias", name.text, value.text, start, has_expansion=value.has_expansion)], value.end

    def _encoded(self, base64: str, start: int) -> list[Definition]:
        try:
            data = b64decode("".join(base64.split()))
        except (NotBase64, ValueError):
            return []
        text = data.decode(errors="replace")
        name = _DEFINED_NAME.match(text)
        if name is None:
            return []
        was_repaired = "\ufffd" in text and text.encode() != data
        value = text.rstrip("\n")
        return [
            Definition("function", name[1], value, self.section, start, was_encoded=True, was_repaired=was_repaired)
        ]


def read_definitions(text: str) -> Iterator[Definition]:
    """Yield the definitions of a snapshot, in order. Raises nothing: text that is not recognised is skipped."""
    return _Script(text).definitions()


def parse(entry: Entry) -> Iterator[Row]:
    """Yield one row for each definition of a snapshot, and the row of the snapshot."""
    data = entry.data
    content: str | None = None
    try:
        text = content = data.decode()
    except UnicodeDecodeError:
        text = data.decode(errors="replace")
    counts: Counter[str] = Counter()
    line_number = 1
    counted = 0
    for definition in read_definitions(text):
        counts[definition.kind] += 1
        line_number += text.count("\n", counted, definition.start)
        counted = definition.start
        yield SHELL_DEFINITIONS.row(
            kind=definition.kind,
            name=definition.name,
            value=definition.value,
            section=definition.section,
            line_number=line_number,
            was_encoded=definition.was_encoded,
            has_expansion=definition.has_expansion,
            was_repaired=definition.was_repaired
            or (content is None and "\ufffd" in f"{definition.name}{definition.value}"),
        )
    yield SHELL_SNAPSHOTS.row(
        shell=entry.names["shell"],
        created_at=_instant(entry.names.get("created_ms")),
        suffix=entry.names["suffix"],
        size=len(data),
        line_count=data.count(b"\n") + (data[-1:] not in (b"", b"\n")),
        alias_count=counts["alias"],
        function_count=counts["function"],
        option_count=counts["option"],
        export_count=counts["export"],
        content_text=content,
        content_bytes=data if content is None else None,
        file_modified_at=entry.modified_at,
    )


def _instant(digits: str | None) -> datetime | None:
    milliseconds = -1 if digits is None else int(digits)
    return _EPOCH + timedelta(milliseconds=milliseconds) if 0 <= milliseconds <= _LATEST_MS else None


SOURCE = Source(
    "shell-snapshots",
    5,
    "Shell snapshots",
    (
        shape(
            "shell-snapshots/snapshot-{shell}-{created_ms}-{suffix}.sh",
            Reading.DOCUMENT,
            parse,
            shell="[^/-]+",
            created_ms="[0-9]{9,16}",
        ),
        shape("shell-snapshots/snapshot-{shell}-{suffix}.sh", Reading.DOCUMENT, parse, shell="[^/-]+"),
    ),
    (SHELL_SNAPSHOTS, SHELL_DEFINITIONS),
)
