"""The contract between a source and the runner: path shapes, entries whose fields a parser consumes, and the exception
that it may raise.
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
from models.identity import UUID
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


DESKTOP_SESSION: Final = r"(?:agent/)?local_[^/]+"
"""The name of a session of Claude Desktop's local agent mode, and of its directory."""

_DESKTOP_HOME: Final = re.compile(rf"{UUID}/{UUID}/{DESKTOP_SESSION}/\.claude/")

_ID: Final = re.compile(
    r"(?=.*\d)[\w-]{20,}|(?:toolu|srvtoolu|tooluse|call|msg|req)_\w+|\w+[:/\\].*|[/\\.].*|\d+", re.ASCII | re.DOTALL
)
"""Names of fields that are data rather than names: ids, paths, addresses, numbers."""


def _paths(left: JsonObject, prefix: str = "", depth: int = 0) -> Iterator[str]:
    """Yield the path of each field, once; a name that is data becomes `*`, so such fields share one path."""
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
    """A message in an entry: its message_id in hex and as bytes, its text, and the length of the text in UTF-8."""

    message_id: str
    digest: bytes
    text: str
    text_bytes: int
    kind: MessageKind
    role: str | None
    session_id: str | None
    said_at: datetime | None


class Entry:
    """One record of a file, as a parser gets it: its bytes or fields and the names in its path, never the path itself.

    `names` are the parts of the path that the shape's pattern names (`session_id`, `agent_id`, ...). `fields` has a
    JSON object's fields, `data` the bytes of any other entry. `flags` names the repairs of a damaged entry.
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
        """Record an occurrence of a message in this entry; return its message_id."""
        return self.note(kind, text, role, session_id, said_at).message_id

    def note(
        self, kind: MessageKind, text: str, role: str | None, session_id: str | None, said_at: datetime | None
    ) -> Said:
        """Do the same as `say`, and return the whole record of the message."""
        encoded = text.encode()
        made = message_digest(encoded)
        said = Said(made.hex(), made, text, len(encoded), kind, role, session_id, said_at)
        self.said.append(said)
        return said

    def sha256(self) -> str:
        """Return the SHA-256 of the entry's bytes in hex (`digest`, if the reader has computed it already)."""
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
        """Return a whole-file entry as JSON, and add the repairs that were necessary to `flags`. Raises `Malformed`
        (not_json, not_utf8, too_deep).
        """
        value, flags = salvage_document(self.data)
        self.flags = tuple(sorted({*self.flags, *flags}))
        return value

    def document(self) -> Fields:
        """Return the JSON object of a whole-file entry, which becomes its `fields`.

        Raises `Malformed` (not_json, not_utf8, too_deep, not_an_object).
        """
        value = self.json()
        if not isinstance(value, dict):
            raise Malformed(RejectCode.NOT_AN_OBJECT, "JSON, but not an object")
        self.fields = Fields(value)
        return self.fields

    def elements(self) -> list[Fields]:
        """Return the objects of a whole-file entry that is a JSON list.

        Raises `Malformed` (not_json, not_utf8, too_deep; wrong_type when it is not a list of objects).
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
        """Return the fields that the parser did not consume as JSON, and count each as drift under `record_type`; None
        if all were consumed.

        Call it last in a parser. For an object that becomes a row of its own, call it with `of`, last for that row.
        """
        left = (self.fields if of is None else of).leftover()
        if not left:
            return None
        self.odd.extend(("field", f"{record_type}.{name}") for name in _paths(left))
        return to_json(left)

    def note_unknown_type(self, name: str) -> None:
        """Count an unknown record type as drift; the record is kept with its envelope."""
        self.unknown_type = name


def inner_path(path: str) -> str:
    """Return a path relative to its innermost home: Claude Desktop keeps a home inside the home for each session of its
    local agent mode, `<organisation>/<account>/local_<id>/.claude/`.
    """
    match = _DESKTOP_HOME.match(path)
    return path if match is None else path[match.end() :]


class Reading(StrEnum):
    """The way in which a file is cut into entries."""

    JSONL = "jsonl"
    """Each line is a JSON object."""
    LOG = "log"
    """Each header line begins an entry; other lines continue it."""
    DOCUMENT = "document"
    """The whole file is one entry; the parser gets all of its bytes."""
    DIRECTORY = "directory"
    """A directory is an entry without bytes."""
    LINK = "link"
    """A symbolic link is an entry without bytes; the parser gets its target as `data`."""
    DATABASE = "database"
    """The shape's `parts` cuts the whole file into records; the bytes between them are padding."""
    OPAQUE = "opaque"
    """The whole file is one entry; the parser gets only its first bytes."""


Parse = Callable[[Entry], Iterator[Row]]


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive complete entries of a log: their bytes, the offset of each entry in them, the names in the path."""

    names: Mapping[str, str]
    data: bytes
    starts: Sequence[int]


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows as columns: the table, and an array of values for each of its own columns."""

    table: Table
    arrays: Sequence["pa.Array[pa.Scalar[pa.DataType]]"]


ParseBlock = Callable[[Block], Columns | None]
"""Parses a block of entries at once: the result equals that of `Parse` for each entry, with exactly one row for each
and no messages or drift. None means that it cannot guarantee this, and the entries must be parsed one by one.
"""


@dataclass(frozen=True, slots=True)
class PlacedRecord:
    """A record of a database: its span in the file, `start` to before `end`, and its fields."""

    start: int
    end: int
    value: JsonObject


CutDatabase = Callable[[bytes], Iterable[PlacedRecord]]
"""Yields the records of a database file, which do not overlap. Raises `Malformed` for bytes that are not a database."""


@dataclass(frozen=True)
class Shape:
    """One path pattern of a source, the way of reading its files, and the pure parser of their entries.

    `pattern` is a path below the home: `{name}` matches one component or a piece of it, `{name*}` any number of
    components. `where` restricts names by regular expressions. `header` is the regular expression of a log's header
    lines. `parse_block` is for logs with very many entries: it is many times faster than parsing one by one. `parts` is
    for databases: it yields the records of a file, in the order of their spans.
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
        """Whether the file only grows at its end, so that the next run continues at its watermark."""
        return self.reading in (Reading.JSONL, Reading.LOG)

    def names_in(self, path: str) -> dict[str, str]:
        """Return the named parts of a path that matches this shape; empty for another path."""
        match = self.regex.fullmatch(inner_path(path))
        return {} if match is None else match.groupdict()

    @property
    def directories(self) -> list[re.Pattern[str]]:
        """The patterns of the directories above files of this shape, the outermost first."""
        parts = self.pattern.split("/")
        where = {"session_id": UUID, **self.where}
        return [_compiled("/".join(parts[:depth]), where) for depth in range(1, len(parts))]

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The pattern as a regular expression with a group for each name."""
        return _compiled(self.pattern, self.where)


def _compiled(pattern: str, where: Mapping[str, str]) -> re.Pattern[str]:
    """Return a path pattern as a regular expression with a group for each name."""
    parts = re.split(r"(\{\w+\*?\})", pattern)
    made = ""
    for part in parts:
        if part.startswith("{") and part.endswith("*}"):
            made += f"(?P<{part[1:-2]}>{where.get(part[1:-2], '.+')})"
        elif part.startswith("{"):
            made += f"(?P<{part[1:-1]}>{where.get(part[1:-1], '[^/]+')})"
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
    """Return a shape; other keyword arguments restrict the names of the pattern by regular expressions."""
    return Shape(pattern, reading, parse, where, header, parse_block, parts)


@dataclass(frozen=True)
class Source:
    """One kind of data in a home: its name, phase, path shapes and the tables that its parsers fill.

    `version` must be raised with each change of a parser that gives other rows for the same bytes: archived files are
    then parsed again (`pipelines.run.reparse`). Changed columns or path shapes have that effect by themselves.
    """

    name: str
    phase: int
    title: str
    shapes: tuple[Shape, ...]
    tables: tuple[Table, ...]
    version: int = 1
