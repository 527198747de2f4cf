"""The contract between a source and the runner: shapes of paths, entries whose fields are consumed, and what a parser
may raise.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from typing import Final, NamedTuple

import pyarrow as pa

from extractors.reading.fields import Fields, Malformed, instant_of_iso, to_json
from extractors.reading.salvage import salvage_document
from extractors.reading.utf16 import decoded_document
from models.json import JsonObject, JsonValue
from models.message import MessageKind, message_digest
from models.reject import RejectCode
from models.schema import Row, Table

__all__ = [
    "DESKTOP_SESSION",
    "UUID",
    "Block",
    "Columns",
    "Entry",
    "Fields",
    "Malformed",
    "Parse",
    "ParseBlock",
    "Reading",
    "Said",
    "Shape",
    "Source",
    "inner_path",
    "instant_of_iso",
    "shape",
    "to_json",
]


UUID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
"""Session ids as Claude Code writes them (FORMATS: uuid v4, lower case)."""

DESKTOP_SESSION: Final = r"(?:agent/)?local_[^/]+"
"""The name of a session of Claude Desktop's local agent mode, and of its directory."""

_DESKTOP_HOME: Final = re.compile(rf"{UUID}/{UUID}/{DESKTOP_SESSION}/\.claude/")

_ID: Final = re.compile(
    r"(?=.*\d)[\w-]{20,}|(?:toolu|srvtoolu|tooluse|call|msg|req)_\w+|\w+[:/\\].*|[/\\.].*|\d+", re.ASCII | re.DOTALL
)
"""Names of an object that are data: ids, paths, addresses, numbers."""


def _paths(left: JsonObject, prefix: str = "", depth: int = 0) -> Iterator[str]:
    """Yield the place of each field, once; fields under names that are data have one place, with `*` for the name."""
    seen = set()
    for name, value in left.items():
        if isinstance(value, dict) and value and depth < 1:
            yield from _paths(value, f"{prefix}{name}.", depth + 1)
            continue
        shown = "*" if depth and _ID.fullmatch(name) else name
        if shown not in seen:
            seen.add(shown)
            yield f"{prefix}{shown}"


class Said(NamedTuple):
    """A message met in an entry: its id, as hex and as bytes, its text and the length of that in bytes of UTF-8."""

    message_id: str
    digest: bytes
    text: str
    text_bytes: int
    kind: MessageKind
    role: str | None
    session_id: str | None
    said_at: datetime | None


class Entry:
    """One record of a file, as a parser sees it: its bytes or fields, the names in its path, and never the path itself.

    `names` holds the parts that the shape's pattern names (`session_id`, `agent_id`, ...). `fields` is there for JSON
    objects,
    `data` for everything else. `flags` says how the entry was won when its bytes were damaged.
    """

    __slots__ = (
        "data",
        "digest",
        "fields",
        "flags",
        "modified_at",
        "names",
        "odd",
        "said",
        "size",
        "unknown_type",
        "version",
    )

    def __init__(
        self, names: Mapping[str, str], data: bytes, value: JsonObject | None = None, flags: tuple[str, ...] = ()
    ) -> None:
        self.names = names
        self.data = data
        self.fields = Fields({} if value is None else value)
        self.flags = flags
        self.said: list[Said] = []
        self.version: str | None = None
        self.unknown_type: str | None = None
        self.odd: list[tuple[str, str]] = []
        self.size = len(data)
        self.digest: str | None = None
        self.modified_at: datetime | None = None

    def say(
        self,
        kind: MessageKind,
        text: str,
        *,
        role: str | None = None,
        session_id: str | None = None,
        said_at: datetime | None = None,
    ) -> str:
        """Note that a message was seen here and return its id."""
        return self.note(kind, text, role, session_id, said_at).message_id

    def note(
        self, kind: MessageKind, text: str, role: str | None, session_id: str | None, said_at: datetime | None
    ) -> Said:
        """Do what `say` does and return all that is noted."""
        encoded = text.encode()
        made = message_digest(encoded)
        said = Said(made.hex(), made, text, len(encoded), kind, role, session_id, said_at)
        self.said.append(said)
        return said

    def sha256(self) -> str:
        """Return the SHA-256 of the entry's bytes in hex: `digest`, where the reader of a whole file knows it."""
        return sha256(self.data).hexdigest() if self.digest is None else self.digest

    def text(self) -> str:
        """Return the entry's bytes as text, also where that is UTF-16. Raises `Malformed` (not_utf8)."""
        decoded = decoded_document(self.data)
        if decoded is not None and "\0" not in decoded:
            self.flags = tuple(sorted({*self.flags, "utf16"}))
            return decoded
        try:
            return self.data.decode()
        except UnicodeDecodeError as error:
            raise Malformed(RejectCode.NOT_UTF8, f"byte {error.start} is not UTF-8") from error

    def json(self) -> JsonValue:
        """Return a whole-file entry as JSON; `flags` then say how it was won. Raises `Malformed` (not_json, not_utf8,
        too_deep).
        """
        value, flags = salvage_document(self.data)
        self.flags = tuple(sorted({*self.flags, *flags}))
        return value

    def document(self) -> Fields:
        """Return the object that a whole-file entry holds, which becomes its `fields`.

        Raises `Malformed` (not_json, not_utf8, too_deep, not_an_object).
        """
        value = self.json()
        if not isinstance(value, dict):
            raise Malformed(RejectCode.NOT_AN_OBJECT, "JSON, but not an object")
        self.fields = Fields(value)
        return self.fields

    def elements(self) -> list[Fields]:
        """Return the objects of the list that a whole-file entry holds.

        Raises `Malformed` (not_json, not_utf8, too_deep; wrong_type when it is no list of objects).
        """
        value = self.json()
        if not isinstance(value, list):
            raise Malformed(RejectCode.WRONG_TYPE, "JSON, but not a list")
        objects = [Fields(element) for element in value if isinstance(element, dict)]
        if len(objects) < len(value):
            raise Malformed(
                RejectCode.WRONG_TYPE, f"{len(value) - len(objects)} of {len(value)} elements are not objects"
            )
        return objects

    def unparsed(self, record_type: str, of: Fields | None = None) -> str | None:
        """Return the JSON of the fields that nobody consumed, and count each as drift under `record_type`; None when
        there are none.

        Call it last in a parser; with `of` for each object that becomes a row of its own, last for that row.
        """
        left = (self.fields if of is None else of).leftover()
        if not left:
            return None
        self.odd.extend(("field", f"{record_type}.{name}") for name in _paths(left))
        return to_json(left)

    def note_unknown_type(self, name: str) -> None:
        """Count a record type that we do not know as drift; the record is kept with its envelope."""
        self.unknown_type = name


def inner_path(path: str) -> str:
    """Return the path below the home in which a file lies: Claude Desktop keeps a home of its own for each session of
    its local agent mode, `<organisation>/<account>/local_<id>/.claude/`.
    """
    match = _DESKTOP_HOME.match(path)
    return path if match is None else path[match.end() :]


class Reading(StrEnum):
    """How a file is cut into entries."""

    JSONL = "jsonl"
    """Each line is a JSON object."""
    LOG = "log"
    """Each header line begins an entry; lines that are none continue it."""
    DOCUMENT = "document"
    """The whole file is one entry, given whole to the parser."""
    DIRECTORY = "directory"
    """A directory is an entry of no bytes."""
    LINK = "link"
    """A symbolic link is an entry of no bytes; the parser sees its target as `data`."""
    DATABASE = "database"
    """The whole file is cut into records by the shape's `parts`; what lies between them is padding."""
    OPAQUE = "opaque"
    """The whole file is one entry, of which the parser sees the first bytes only."""


Parse = Callable[[Entry], Iterator[Row]]


@dataclass(frozen=True, slots=True)
class Block:
    """One or more whole entries of a log that follow one another: their bytes, where each begins in them, the names in
    the path.
    """

    names: Mapping[str, str]
    data: bytes
    starts: Sequence[int]


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows as columns: the table and, for each of its own columns, the values in the order of the rows."""

    table: Table
    arrays: Sequence["pa.Array[pa.Scalar[pa.DataType]]"]


ParseBlock = Callable[[Block], Columns | None]
"""Gives what `Parse` gives for each of the block's entries, one row for each, and nothing besides rows; None when it
cannot vouch for that, and the entries are to be parsed one by one.
"""


@dataclass(frozen=True, slots=True)
class PlacedRecord:
    """A record of a database: its bytes in the file, `start` to before `end`, and its fields."""

    start: int
    end: int
    value: JsonObject


CutDatabase = Callable[[bytes], Iterable[PlacedRecord]]
"""Yields the records of a whole file; they do not overlap. Raises `Malformed` where it is not what it should be."""


@dataclass(frozen=True)
class Shape:
    """One exact path shape of a source, how it is read, and the pure parser of its entries.

    `pattern` is a path below the home: `{name}` stands for one part or a piece of it, `{name*}` for any number of
    parts.
    A `where` narrows names by regular expression. `header` is the regular expression of a log's header lines.
    `parse_block` is there for logs of very many entries, which it parses many times faster than one by one. `parts` is
    there for databases: it yields the records that a whole file holds, in the order of their places.
    """

    pattern: str
    reading: Reading
    parse: Parse
    where: Mapping[str, str]
    header: bytes | None = None
    parse_block: ParseBlock | None = None
    parts: CutDatabase | None = None

    @property
    def is_append_only(self) -> bool:
        """Whether the file grows at its end and is continued at its watermark."""
        return self.reading in (Reading.JSONL, Reading.LOG)

    def names_in(self, path: str) -> dict[str, str]:
        """Return the parts of a path of this shape that the pattern names; none of a path of another shape."""
        match = self.regex.fullmatch(inner_path(path))
        return {} if match is None else match.groupdict()

    @property
    def directories(self) -> list[re.Pattern[str]]:
        """The patterns of the directories in which things of this shape lie, the outermost first."""
        parts = self.pattern.split("/")
        return [self._compiled("/".join(parts[:depth])) for depth in range(1, len(parts))]

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The pattern as a regular expression with a group for each name."""
        return self._compiled(self.pattern)

    def _compiled(self, pattern: str) -> re.Pattern[str]:
        parts = re.split(r"(\{\w+\*?\})", pattern)
        made = ""
        for part in parts:
            if part.startswith("{") and part.endswith("*}"):
                made += f"(?P<{part[1:-2]}>{self.where.get(part[1:-2], '.+')})"
            elif part.startswith("{"):
                made += f"(?P<{part[1:-1]}>{self.where.get(part[1:-1], '[^/]+')})"
            else:
                made += re.escape(part)
        return re.compile(made, re.DOTALL)


def shape(
    pattern: str,
    reading: Reading,
    parse: Parse,
    *,
    header: bytes | None = None,
    parse_block: ParseBlock | None = None,
    parts: CutDatabase | None = None,
    **where: str,
) -> Shape:
    """Return a shape; other keyword arguments narrow the names of the pattern by regular expression."""
    return Shape(pattern, reading, parse, where, header, parse_block, parts)


@dataclass(frozen=True)
class Source:
    """One kind of data in a home: its name, phase, path shapes and the tables that its parsers fill.

    `version` counts the changes of its parsers that give other rows for the same bytes: a higher one has what is kept
    parsed again (`pipelines.run.reparse`). Other columns or path shapes do so by themselves.
    """

    name: str
    phase: int
    title: str
    shapes: tuple[Shape, ...]
    tables: tuple[Table, ...]
    version: int = 1
