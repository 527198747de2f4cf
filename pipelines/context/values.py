"""Values of the warehouse as JSON values: instants in ISO 8601 with a time zone, numbers exact, long texts cut."""

import math
from collections.abc import Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from typing import Final

from models.json import JsonObject, JsonValue
from pipelines.redact.masking import Masker, masked

TEXT_CHARACTERS: Final = 2_000
"""The default length beyond which a text is cut."""
_EXACT: Final = 1 << 53
"""From here on, programs that read numbers as floats lose digits: such integers are texts."""


def plain(value: object) -> JsonValue:
    """Return a value of DuckDB as a JSON value; large integers, infinite numbers and other types as text."""
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if -_EXACT < value < _EXACT else str(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case Decimal():
            return plain(float(value)) if value.is_finite() else str(value)
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case list() | tuple():
            return [plain(one) for one in value]
        case dict():
            return {str(name): plain(one) for name, one in value.items()}
        case date() | time():  # a datetime is a date
            return value.isoformat()
        case _:
            return str(value)


def cut(value: JsonValue, characters: int) -> JsonValue:
    """Return a value whose texts are cut after so many characters; a cut text ends with the number of missing ones."""
    match value:
        case str() if len(value) > characters:
            return f"{value[:characters]}… [{len(value) - characters} more characters]"
        case list():
            return [cut(one, characters) for one in value]
        case dict():
            return {name: cut(one, characters) for name, one in value.items()}
        case _:
            return value


def object_of(
    row: Mapping[str, object], names: Sequence[str], masker: Masker | None, characters: int = TEXT_CHARACTERS
) -> JsonObject:
    """Return columns of a row as a JSON object, masked first and cut then: of a cut secret, no rule finds the rest."""
    shown = (row[name] if masker is None else masked(row[name], masker) for name in names)
    return {name: cut(plain(value), characters) for name, value in zip(names, shown, strict=True)}
