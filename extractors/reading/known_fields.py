"""Sorts an object's fields by a declaration of the known ones: into cells of a table's row, into JSON to keep, and into
unknown fields. It makes one pass over the object's fields, so its cost does not depend on the table's number of
columns.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from extractors.reading.contract import instant_of_iso
from models.json import JsonObject, JsonValue
from models.schema import FLAG, FLOAT, INSTANT, INTEGER, TEXT, Table

KEPT: Final = "kept"
"""In a declaration: a known field without a column, kept as JSON."""

Declaration: TypeAlias = Mapping[str, "str | Declaration"]
"""The known fields of an object: for each its column, `KEPT`, or the declaration of its value, which is an object."""

_TYPES: Final = {TEXT: str, FLAG: bool, INTEGER: int, FLOAT: float, INSTANT: datetime}
_LARGEST: Final = 2**63
_KEEP: Final = -1


@dataclass(frozen=True, slots=True)
class KnownFields:
    """A declaration compiled by `known_fields`.

    `places` has for each field the index of its cell (negative: none) and its type; `objects` the compiled declarations
    of fields that are objects. `path` is the prefix of the fields' names in `unparsed` and drift.
    """

    places: Mapping[str, tuple[int, type | None]]
    objects: Mapping[str, "KnownFields"]
    path: str


def known_fields(table: Table, columns: Declaration, kept: str = "", path: str = "") -> KnownFields:
    """Compile the declaration of an object whose fields fill columns of `table`; `kept` are further known fields,
    separated by spaces.
    """
    types = {column.name: _TYPES.get(column.type, str) for column in table.columns}
    cells = cell_numbers(table)
    places: dict[str, tuple[int, type | None]] = dict.fromkeys(kept.split(), (_KEEP, None))
    objects: dict[str, KnownFields] = {}
    for field, column in columns.items():
        if not isinstance(column, str):
            objects[field] = known_fields(table, column, path=f"{path}{field}.")
            places[field] = (_KEEP, dict)
        elif column == KEPT:
            places[field] = (_KEEP, None)
        else:
            places[field] = (cells[column], types[column])
    return KnownFields(places, objects, path)


def cell_numbers(table: Table) -> dict[str, int]:
    """Return the index of each column of `table` in its rows."""
    return {column.name: number for number, column in enumerate(table.columns)}


def sort_fields(found: JsonObject, known: KnownFields, cells: list[object], left: JsonObject) -> JsonObject:
    """Put the known fields of `found` into `cells`, return those to keep as JSON, and add the others to `left` by path.

    A known field of another type goes to `left`. A known field that is null is dropped.
    """
    kept: JsonObject = {}
    places = known.places
    for name, value in found.items():
        try:
            number, wanted = places[name]
        except KeyError:
            left[known.path + name] = value
            continue
        kind = type(value)
        if kind is wanted:
            if kind is str or kind is bool or kind is float:
                cells[number] = value
            elif isinstance(value, dict):
                below = sort_fields(value, known.objects[name], cells, left)
                if below:
                    kept[name] = below
            elif isinstance(value, int) and -_LARGEST <= value < _LARGEST:
                cells[number] = value
            else:
                left[known.path + name] = value
        elif value is None:
            continue
        elif wanted is None:
            kept[name] = value
        else:
            made = _converted(value, wanted)
            if made is None:
                left[known.path + name] = value
            else:
                cells[number] = made
    return kept


def _converted(value: JsonValue, wanted: type | None) -> int | float | datetime | None:
    if wanted is int and type(value) is float and value.is_integer() and -_LARGEST <= value < _LARGEST:
        return int(value)
    if wanted is float and type(value) is int and abs(value) < _LARGEST:
        return float(value)
    if wanted is datetime and type(value) is str:
        return instant_of_iso(value)
    return None
