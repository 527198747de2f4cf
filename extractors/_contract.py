"""The contract between a source and the runner: shapes of paths, entries whose fields are consumed, and what a parser
may raise.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, NoReturn

import orjson

from models.json import JsonObject, JsonValue
from models.message import MessageKind, message_id
from models.reject import RejectCode
from models.schema import Row, Table

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_MS: Final = 253_402_300_799_999
_LARGEST: Final = 2**63


class Malformed(Exception):  # a value in the stream of entries, not a failure of the program
    """An entry cannot be understood. The runner turns it into a reject with `code` and `detail`."""

    def __init__(self, code: RejectCode, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


def to_json(value: JsonValue) -> str:
    """Return `value` as compact JSON. Raises `Malformed` (too_deep) when it is nested beyond what can be written."""
    try:
        return orjson.dumps(value).decode()
    except TypeError as error:
        if "ecursion" in str(error):
            raise Malformed(RejectCode.TOO_DEEP, "nested more deeply than 254 levels") from error
        return _to_json_with_big_integers(value)


def _to_json_with_big_integers(value: JsonValue) -> str:
    import json

    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Fields:
    """The fields of a JSON object, consumed one by one; what is left over is drift.

    `need_*` removes a field that the entry has no meaning without: missing, null or of another type raises `Malformed`.
    `take_*` removes an optional field: missing or null gives None, another type leaves it in place, so that it is kept
    and counted.
    """

    __slots__ = ("_children", "_left")

    def __init__(self, value: JsonObject) -> None:
        self._left = value
        self._children: list[tuple[str, Fields]] = []

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def names(self) -> list[str]:
        """Return the names that nobody consumed, in the order of the object."""
        return list(self._left)

    def peek(self, name: str) -> JsonValue:
        """Return the field without consuming it; None when it is missing."""
        return self._left.get(name)

    def take_text(self, name: str) -> str | None:
        """Consume a string."""
        value = self._left.get(name)
        if type(value) is str or value is None:
            self._left.pop(name, None)
            return value
        return None

    def take_integer(self, name: str) -> int | None:
        """Consume an integer that fits 64 bits; a float without a fraction counts as one."""
        value = self._left.get(name)
        if type(value) is float and value.is_integer():
            value = int(value)
        if value is None or (type(value) is int and -_LARGEST <= value < _LARGEST):
            self._left.pop(name, None)
            return value
        return None

    def take_float(self, name: str) -> float | None:
        """Consume a number."""
        value = self._left.get(name)
        if value is None:
            self._left.pop(name, None)
            return None
        if type(value) is float or (type(value) is int and abs(value) < _LARGEST):
            del self._left[name]
            return float(value)
        return None

    def take_flag(self, name: str) -> bool | None:
        """Consume a boolean."""
        value = self._left.get(name)
        if type(value) is bool or value is None:
            self._left.pop(name, None)
            return value
        return None

    def take_instant(self, name: str) -> datetime | None:
        """Consume an ISO-8601 string with a zone; gives the instant in UTC."""
        value = self._left.get(name)
        if value is None:
            self._left.pop(name, None)
            return None
        if type(value) is not str:
            return None
        instant = instant_of_iso(value)
        if instant is not None:
            del self._left[name]
        return instant

    def take_epoch_ms(self, name: str) -> datetime | None:
        """Consume milliseconds since 1970; gives the instant in UTC."""
        value = self._left.get(name)
        if value is None:
            self._left.pop(name, None)
            return None
        if type(value) not in (int, float) or not isinstance(value, int | float) or not 0 <= value <= _LATEST_MS:
            return None
        del self._left[name]
        return _EPOCH + timedelta(milliseconds=value)

    def take_json(self, name: str) -> str | None:
        """Consume any value; gives its JSON, or None when it is missing or null."""
        value = self._left.pop(name, None)
        return None if value is None else to_json(value)

    def take_any(self, name: str) -> JsonValue:
        """Consume any value as it is."""
        return self._left.pop(name, None)

    def take_known(self, names: frozenset[str]) -> JsonObject:
        """Consume every field of `names` that is there; gives them as one object."""
        left = self._left
        return {name: left.pop(name) for name in list(left) if name in names}

    def take_fields(self, name: str) -> "Fields | None":
        """Consume an object; what is left of it stays a leftover of this one, under its name."""
        value = self._left.get(name)
        if type(value) is not dict:
            if value is None:
                self._left.pop(name, None)
            return None
        del self._left[name]
        child = Fields(value)
        self._children.append((name, child))
        return child

    def take_list(self, name: str) -> list[JsonValue] | None:
        """Consume a list."""
        value = self._left.get(name)
        if type(value) is list or value is None:
            self._left.pop(name, None)
            return value
        return None

    def take_each(self, name: str) -> list["Fields"]:
        """Consume an object of objects, or a list of objects; gives the objects. What is not an object stays a
        leftover.
        """
        value = self._left.get(name)
        if value is None:
            self._left.pop(name, None)
            return []
        if not isinstance(value, dict | list):
            return []
        elements = list(value.values()) if isinstance(value, dict) else value
        if not all(isinstance(element, dict) for element in elements):
            return []
        del self._left[name]
        children = [Fields(element) for element in elements if isinstance(element, dict)]
        self._children.extend((f"{name}[]", child) for child in children)
        return children

    def take_row(self, name: str) -> "Fields | None":
        """Consume an object that becomes a row of its own: what is left of it is the row's, not this object's."""
        value = self._left.get(name)
        if type(value) is not dict:
            if value is None:
                self._left.pop(name, None)
            return None
        del self._left[name]
        return Fields(value)

    def take_rows(self, name: str) -> list["Fields"]:
        """Consume a list of objects, each of which becomes a row of its own. A list of anything else stays in place."""
        value = self._left.get(name)
        if value is None:
            self._left.pop(name, None)
            return []
        if type(value) is not list or not all(type(element) is dict for element in value):
            return []
        del self._left[name]
        return [Fields(element) for element in value if isinstance(element, dict)]

    def adopt(self, name: str, child: "Fields") -> None:
        """Let what is left of `child`, from a consumed list, count as a leftover of this object under `name`."""
        self._children.append((name, child))

    def need_text(self, name: str) -> str:
        """Consume a string that must be there."""
        value = self.take_text(name)
        if value is None:
            self._refuse(name, "a string")
        return value

    def need_integer(self, name: str) -> int:
        """Consume an integer that must be there."""
        value = self.take_integer(name)
        if value is None:
            self._refuse(name, "an integer")
        return value

    def need_instant(self, name: str) -> datetime:
        """Consume an ISO-8601 instant that must be there."""
        value = self.take_instant(name)
        if value is None:
            self._refuse(name, "an instant")
        return value

    def need_epoch_ms(self, name: str) -> datetime:
        """Consume milliseconds since 1970 that must be there."""
        value = self.take_epoch_ms(name)
        if value is None:
            self._refuse(name, "milliseconds since 1970")
        return value

    def need_fields(self, name: str) -> "Fields":
        """Consume an object that must be there."""
        value = self.take_fields(name)
        if value is None:
            self._refuse(name, "an object")
        return value

    def _refuse(self, name: str, wanted: str) -> NoReturn:
        value = self._left.get(name)
        if value is None:
            raise Malformed(RejectCode.MISSING_FIELD, f"{name} is missing")
        raise Malformed(RejectCode.WRONG_TYPE, f"{name} is not {wanted}")

    def leftover(self) -> JsonObject:
        """Return what nobody consumed, with what is left of nested objects under their names, or nothing."""
        if not self._children:
            return self._left
        left = dict(self._left)
        for name, child in self._children:
            rest = child.leftover()
            if rest:
                before = left.get(name)
                left[name] = {**before, **rest} if isinstance(before, dict) else rest
        return left


def _paths(left: JsonObject, prefix: str = "", depth: int = 0) -> Iterator[str]:
    for name, value in left.items():
        if isinstance(value, dict) and value and depth < 1:
            yield from _paths(value, f"{prefix}{name}.", depth + 1)
        else:
            yield f"{prefix}{name}"


def instant_of_iso(text: str) -> datetime | None:
    """Return the UTC instant that an ISO-8601 string with a zone names, or None when it is none."""
    try:
        instant = datetime.fromisoformat(text)
        return None if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@dataclass(slots=True)
class Said:
    """A message met in an entry."""

    message_id: str
    text: str
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

    __slots__ = ("data", "fields", "flags", "modified_at", "names", "odd", "said", "size", "unknown_type", "version")

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
        digest = message_id(text)
        self.said.append(Said(digest, text, kind, role, session_id, said_at))
        return digest

    def text(self) -> str:
        """Return the entry's bytes as text. Raises `Malformed` (not_utf8)."""
        try:
            return self.data.decode()
        except UnicodeDecodeError as error:
            raise Malformed(RejectCode.NOT_UTF8, f"byte {error.start} is not UTF-8") from error

    def json(self) -> JsonValue:
        """Return a whole-file entry as JSON. Raises `Malformed` (not_json, not_utf8, too_deep)."""
        return parse_document(self.data)

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
    OPAQUE = "opaque"
    """The whole file is one entry, of which the parser sees the first bytes only."""


Parse = Callable[[Entry], Iterator[Row]]


@dataclass(frozen=True)
class Shape:
    """One exact path shape of a source, how it is read, and the pure parser of its entries.

    `pattern` is a path below the home: `{name}` stands for one part or a piece of it, `{name*}` for any number of
    parts.
    A `where` narrows names by regular expression. `header` is the regular expression of a log's header lines.
    """

    pattern: str
    reading: Reading
    parse: Parse
    where: Mapping[str, str]
    header: bytes | None = None

    @property
    def is_append_only(self) -> bool:
        """Whether the file grows at its end and is continued at its watermark."""
        return self.reading in (Reading.JSONL, Reading.LOG)

    def regex(self) -> re.Pattern[str]:
        """Return the pattern as a regular expression with a group for each name."""
        parts = re.split(r"(\{\w+\*?\})", self.pattern)
        made = ""
        for part in parts:
            if part.startswith("{") and part.endswith("*}"):
                made += f"(?P<{part[1:-2]}>{self.where.get(part[1:-2], '.+')})"
            elif part.startswith("{"):
                made += f"(?P<{part[1:-1]}>{self.where.get(part[1:-1], '[^/]+')})"
            else:
                made += re.escape(part)
        return re.compile(made, re.DOTALL)


def shape(pattern: str, reading: Reading, parse: Parse, *, header: bytes | None = None, **where: str) -> Shape:
    """Return a shape; keyword arguments narrow the names of the pattern by regular expression."""
    return Shape(pattern, reading, parse, where, header)


@dataclass(frozen=True)
class Source:
    """One kind of data in a home: its name, phase, path shapes and the tables that its parsers fill.

    `primary` is the table that gets exactly one row for each entry of the source's main shape, where there is one.
    """

    name: str
    phase: int
    title: str
    shapes: tuple[Shape, ...]
    tables: tuple[Table, ...]


UUID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
"""Session ids as Claude Code writes them (FORMATS: uuid v4, lower case)."""


def parse_document(data: bytes) -> JsonValue:
    """Return a whole file as JSON. Raises `Malformed` (not_json, not_utf8, too_deep)."""
    from extractors._salvage import salvage_document

    return salvage_document(data)
