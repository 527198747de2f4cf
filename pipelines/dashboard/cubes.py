"""Runs the queries of the dashboard and encodes the results: as columns of numbers, with each distinct text once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import duckdb

from models.json import JsonObject, JsonValue
from models.text import safe
from pipelines.dashboard.questions import QUESTIONS, Question

Cube = dict[str, list[JsonValue]]
_LONGEST_TITLE: Final = 160
Masking = Callable[[str], str]
"""Returns a text as it may go out."""
Key = str | tuple[str, ...] | None


@dataclass(slots=True)
class Cubes:
    """The data of the page. `texts` has the values of each dimension, and the columns of `cubes` have indexes into
    them; `missing` has the views that this warehouse lacks, by cube; `zone` is the time zone of days and hours.
    """

    zone: str
    texts: dict[str, list[JsonValue]] = field(default_factory=dict)
    cubes: dict[str, Cube] = field(default_factory=dict)
    missing: dict[str, list[str]] = field(default_factory=dict)

    def to_json(self) -> JsonObject:
        """Return the data as JSON values."""
        texts: dict[str, JsonValue] = dict(self.texts)
        cubes: dict[str, JsonValue] = {name: dict(cube) for name, cube in self.cubes.items()}
        missing: dict[str, JsonValue] = {name: list(views) for name, views in self.missing.items()}
        return {"zone": self.zone, "texts": texts, "cubes": cubes, "missing": missing}


def read_cubes(connection: duckdb.DuckDBPyConnection, mask: Masking = str) -> Cubes:
    """Return the cubes of a warehouse, with days and hours in the time zone of the connection. A query whose views the
    warehouse lacks is skipped and listed in `missing`. Every text is passed through `mask`.
    """
    (zone,) = connection.execute("SELECT current_setting('TimeZone')").fetchone() or ("UTC",)
    made = Cubes(str(zone))
    places: dict[str, dict[Key, int]] = {}
    columns = _columns(connection)
    for question in QUESTIONS:
        lacking = [
            view for view, needed in question.needs.items() if not columns.get(view, set()).issuperset(needed.split())
        ]
        if lacking:
            made.missing[question.name] = lacking
        else:
            made.cubes[question.name] = _ask(connection, question, made, places, mask)
    return made


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for view, column in connection.execute("SELECT table_name, column_name FROM information_schema.columns").fetchall():
        found.setdefault(view, set()).add(column)
    return found


def _ask(
    connection: duckdb.DuckDBPyConnection,
    question: Question,
    made: Cubes,
    places: dict[str, dict[Key, int]],
    mask: Masking,
) -> Cube:
    answer = connection.execute(question.sql)
    names = [str(column[0]) for column in answer.description or ()]
    columns: Sequence[Sequence[object]] = list(zip(*answer.fetchall(), strict=True)) or [() for _ in names]
    cube: Cube = {}
    for name, values in zip(names, columns, strict=True):
        if name in question.dimensions:
            known = places.setdefault(name, {})
            cube[name] = [known.setdefault(_key(value), len(known)) for value in values]
            made.texts[name] = [_shown(key, mask) for key in known]
        else:
            # A title is cut after it was masked: half a secret looks like none.
            cube[name] = [_title(value, mask) if name == "title" else _shown(value, mask) for value in values]
    return cube


def _key(value: object) -> Key:
    """Return a value of a dimension as a key; a list of names is sorted, so that its order makes no difference."""
    if isinstance(value, list):
        return tuple(sorted(str(each) for each in value if each is not None))
    return None if value is None else str(value)


def _title(value: object, mask: Masking) -> JsonValue:
    return safe(" ".join(mask(str(value)).split())[:_LONGEST_TITLE])


def _shown(value: object, mask: Masking) -> JsonValue:
    """Return a value for the page: a text with control characters escaped, a number, a list or None."""
    match value:
        case None | bool() | int() | float():
            return value
        case tuple():
            return [_shown(each, mask) for each in value]
        case _:
            return safe(mask(str(value)))
