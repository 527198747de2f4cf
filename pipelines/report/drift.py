"""Finds the fields and record types of a run that no extractor knows, and whether an earlier run had them."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from models.run import RunRecord
from models.tables import DRIFT
from pipelines.archive.archive import committed_parts
from pipelines.report.facts import DriftFact, DriftFacts
from pipelines.report.listing import LIMIT, Listing, bounded, sql_text
from pipelines.report.parts import PartReader
from pipelines.report.places import PathPlace, Paths

_VERSIONS: Final = 10
_ORDER: Final = {"record_type": 0, "field": 1, "field_type": 2}

Key = tuple[str, str, str]
"""Source, what, name."""


@dataclass(slots=True)
class Met:
    """The occurrences of one unknown field or type: their number in this run, versions of Claude Code, first place."""

    place: PathPlace
    count: int = 0
    versions: set[str] = field(default_factory=set)
    earlier_versions: set[str] = field(default_factory=set)
    first_run_id: str = ""


_COLUMNS: Final = ("source", "what", "name", "version", "count", "file_id", "byte_offset", "byte_length")


class _Drift(NamedTuple):
    """A row of `drift`, in the order of `_COLUMNS`."""

    source: str
    what: str
    name: str
    version: str
    times: int
    file_id: int
    byte_offset: int
    byte_length: int


class _Known(NamedTuple):
    """The columns used of a row of `drift` of an earlier run."""

    source: str
    what: str
    name: str
    version: str


def read_drift(reader: PartReader, run: RunRecord, earlier: Sequence[RunRecord], paths: Paths) -> dict[Key, Met]:
    """Return the unknown fields and types of a run, and which `earlier` runs (oldest first) had them."""
    met: dict[Key, Met] = {}
    for row in reader.rows(committed_parts([run], DRIFT.name), _COLUMNS, _Drift):
        key = (row.source, row.what, row.name)
        one = met.get(key)
        if one is None:
            one = met[key] = Met(PathPlace(row.file_id, row.byte_offset, row.byte_length, row.source))
        one.count += row.times
        one.versions.add(row.version)
    if met:
        _read_earlier(reader, earlier, met)
    for key in _first(met.items()):
        paths.want(met[key].place.file_id)
    return met


def _read_earlier(reader: PartReader, earlier: Iterable[RunRecord], met: dict[Key, Met]) -> None:
    for run in earlier:
        for row in reader.rows(committed_parts([run], DRIFT.name), _Known._fields, _Known):
            one = met.get((row.source, row.what, row.name))
            if one is not None:
                one.earlier_versions.add(row.version)
                one.first_run_id = one.first_run_id or run.run_id


def _first(items: Iterable[tuple[Key, Met]]) -> list[Key]:
    """Return the keys to be shown: new ones first, record types before fields, then the most frequent."""

    def order(item: tuple[Key, Met]) -> tuple[bool, int, int, Key]:
        (_, what, _), one = item
        return bool(one.first_run_id), _ORDER.get(what, len(_ORDER)), -one.count, item[0]

    return [key for key, _ in sorted(items, key=order)[:LIMIT]]


def drift_facts(met: dict[Key, Met], run: RunRecord, paths: Paths) -> DriftFacts:
    """Return the facts of unknown fields and types."""
    shown = [_fact(key, met[key], run, paths) for key in _first(met.items())]
    sql = (
        "SELECT source, what, name, sum(count) AS count, list_sort(list(DISTINCT version)) AS versions FROM drift "
        f"WHERE run_id = {sql_text(run.run_id)} GROUP BY source, what, name ORDER BY ALL"
    )
    kinds = Counter(what for _, what, _ in met)
    first = sum(not one.first_run_id for one in met.values())
    return DriftFacts(dict(sorted(kinds.items())), first, Listing(len(met), shown, sql))


def _fact(key: Key, one: Met, run: RunRecord, paths: Paths) -> DriftFact:
    source, what, name = key
    known = sorted((one.versions | one.earlier_versions) - {""}, key=version_order)
    versions = sorted(one.versions - {""}, key=version_order)
    return DriftFact(
        source=source,
        what=what,
        name=bounded(name),
        count=one.count,
        versions=[bounded(version) for version in versions[:_VERSIONS]],
        first_version=bounded(known[0]) if known else None,
        is_first=not one.first_run_id,
        first_run_id=one.first_run_id or run.run_id,
        address=paths.address(one.place),
    )


def version_order(version: str) -> tuple[list[int], str]:
    """Return a sort key for versions of Claude Code; other text is sorted by the numbers in it."""
    return [int(number) for number in re.findall(r"[0-9]{1,9}", version[:100])], version
