"""The fields of a JSON object, which a parser consumes one by one; the fields left over are drift."""

import json
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import orjson

from models.json import JsonObject, JsonValue
from models.reject import RejectCode

T = TypeVar("T")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_MS: Final = 253_402_300_799_999
_LARGEST: Final = 2**63


class Malformed(Exception):  # about one entry of a home, not a failure of the program
    """An entry cannot be parsed. The runner turns it into a reject with `code` and `detail`."""

    def __init__(self, code: RejectCode, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


def to_json(value: JsonValue) -> str:
    """Return `value` as compact JSON. Raises `Malformed` (too_deep) when it is nested too deeply to be written."""
    try:
        return orjson.dumps(value).decode()
    except TypeError as error:
        if "ecursion" in str(error):
            raise Malformed(RejectCode.TOO_DEEP, "nested more deeply than 254 levels") from error
        return _to_json_with_big_integers(value)


def _to_json_with_big_integers(value: JsonValue) -> str:

    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Fields:
    """The fields of a JSON object, consumed one by one; those left over are drift.

    `need_*` consumes a required field: missing, null or of another type raises `Malformed`. `take_*` consumes an
    optional field: missing or null gives None; a field of another type also gives None, but is left over, so it is kept
    and counted.
    """

    __slots__ = ("_children", "_left")

    def __init__(self, value: JsonObject) -> None:
        self._left = value
        self._children: list[tuple[str, Fields]] = []

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def names(self) -> list[str]:
        """Return the names of the fields left over, in the order of the object."""
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
        """Consume an ISO 8601 string with an offset; return the instant in UTC."""
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
        """Consume milliseconds since 1970; return the instant in UTC."""
        value = self._left.get(name)
        if value is None:
            self._left.pop(name, None)
            return None
        if type(value) not in (int, float) or not isinstance(value, int | float) or not 0 <= value <= _LATEST_MS:
            return None
        del self._left[name]
        return _EPOCH + timedelta(milliseconds=value)

    def take_json(self, name: str) -> str | None:
        """Consume a value of any type; return its JSON, None if it is missing or null."""
        value = self._left.pop(name, None)
        return None if value is None else to_json(value)

    def take_any(self, name: str) -> JsonValue:
        """Consume a value of any type."""
        return self._left.pop(name, None)

    def take_known(self, names: frozenset[str]) -> JsonObject:
        """Consume every existing field of `names`; return them as one object."""
        left = self._left
        return {name: left.pop(name) for name in list(left) if name in names}

    def take_fields(self, name: str) -> "Fields | None":
        """Consume an object; its fields left over count as left over of this object, under its name."""
        value = self._left.get(name)
        if type(value) is not dict:
            if value is None:
                self._left.pop(name, None)
            return None
        del self._left[name]
        child = Fields(value)
        self._children.append((name, child))
        return child

    def take_each(self, name: str) -> list["Fields"]:
        """Consume an object of objects or a list of objects; return the objects. Other values are left over."""
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
        """Consume an object that becomes a row of its own: its fields left over belong to that row."""
        value = self._left.get(name)
        if type(value) is not dict:
            if value is None:
                self._left.pop(name, None)
            return None
        del self._left[name]
        return Fields(value)

    def take_rows(self, name: str) -> list["Fields"]:
        """Consume a list of objects that become rows of their own. A list of other values is left over."""
        value = self._left.get(name)
        if value is None:
            self._left.pop(name, None)
            return []
        if type(value) is not list or not all(type(element) is dict for element in value):
            return []
        del self._left[name]
        return [Fields(element) for element in value if isinstance(element, dict)]

    def adopt(self, name: str, child: "Fields") -> None:
        """Make the fields left over of `child`, from a consumed list, left over of this object under `name`."""
        self._children.append((name, child))

    def need_text(self, name: str) -> str:
        """Consume a required string."""
        return self._required(name, self.take_text(name), "a string")

    def need_integer(self, name: str) -> int:
        """Consume a required integer."""
        return self._required(name, self.take_integer(name), "an integer")

    def need_instant(self, name: str) -> datetime:
        """Consume a required ISO 8601 string with an offset; return the instant in UTC."""
        return self._required(name, self.take_instant(name), "an instant")

    def need_epoch_ms(self, name: str) -> datetime:
        """Consume required milliseconds since 1970; return the instant in UTC."""
        return self._required(name, self.take_epoch_ms(name), "milliseconds since 1970")

    def _required(self, name: str, value: T | None, wanted: str) -> T:
        """Return a consumed value. Raises `Malformed` if it is None: the field is missing, null or of another type."""
        if value is not None:
            return value
        if self._left.get(name) is None:
            raise Malformed(RejectCode.MISSING_FIELD, f"{name} is missing")
        raise Malformed(RejectCode.WRONG_TYPE, f"{name} is not {wanted}")

    def leftover(self) -> JsonObject:
        """Return the fields left over, with those of consumed objects under their names."""
        if not self._children:
            return self._left
        left = dict(self._left)
        for name, child in self._children:
            rest = child.leftover()
            if rest:
                before = left.get(name)
                left[name] = {**before, **rest} if isinstance(before, dict) else rest
        return left


def instant_of_iso(text: str) -> datetime | None:
    """Return the instant in UTC of an ISO 8601 string with an offset, None for another string."""
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is UTC:
            return instant
        return None if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
