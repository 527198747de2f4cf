"""The rejects and repairs of a run, by code and flag, with examples."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar

from models.reject import REJECT_SENTENCES
from models.run import RunRecord
from models.tables import REJECTS, REPAIRS
from pipelines.archive.archive import committed_parts
from pipelines.report.facts import Example, RejectFacts, RepairFacts
from pipelines.report.listing import EXAMPLES, Listing, bounded, sql_text
from pipelines.report.parts import PartReader
from pipelines.report.places import PathPlace, Paths

REPAIR_SENTENCES: Final[Mapping[str, str]] = {
    "spliced": "The line had more than one record, or a record amid damage; this one was complete.",
    "bom": "A byte order mark preceded the record, at the start of the file.",
    "utf16": "The text was UTF-16, as PowerShell 5.1 rewrites files.",
    "lone_surrogate": "Half of a surrogate pair was escaped in a key or text; U+FFFD replaces it.",
    "non_finite_number": "NaN, Infinity, or a number too large for a double; null replaces it.",
    "control_character": "A key or text had a raw control character; it is kept.",
    "duplicate_key": "An object had a key twice; the last one counts.",
    "big_integer": "An integer beyond 64 bits; it is kept exactly.",
    "not_utf8": "The text had bytes that are not UTF-8; U+FFFD replaces them.",
}


@dataclass(slots=True)
class Groups:
    """Rows of one table by name (a code or flag): counts by home and source, and the first places of each."""

    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    places: dict[str, list[PathPlace]] = field(default_factory=dict)

    def by_source(self, name: str) -> dict[str, int]:
        """Return the number of rows with `name` by source."""
        made: Counter[str] = Counter()
        for (_, source, other), count in self.counts.items():
            if other == name:
                made[source] += count
        return dict(sorted(made.items()))

    def by_home_and_source(self) -> dict[tuple[str, str], int]:
        """Return the number of rows by home and source."""
        made: Counter[tuple[str, str]] = Counter()
        for (home_id, source, _), count in self.counts.items():
            made[home_id, source] += count
        return dict(made)


class _Odd(NamedTuple):
    """The columns used of a row of `rejects` or `repairs`; `name` is its code or flag."""

    name: str
    source: str
    home_id: str
    file_id: int
    byte_offset: int
    byte_length: int
    detail: str | None = None


def read_rejects(reader: PartReader, run: RunRecord, void: set[int], paths: Paths) -> Groups:
    """Group the quarantine of a run by code. Rows of void readings do not count."""
    parts = committed_parts([run], REJECTS.name)
    return _grouped(reader.rows(parts, ("code", *_Odd._fields[1:]), _Odd), void, paths)


def read_repairs(reader: PartReader, run: RunRecord, void: set[int], paths: Paths) -> Groups:
    """Group the repairs of a run by flag. Rows of void readings do not count."""
    parts = committed_parts([run], REPAIRS.name)
    return _grouped(reader.rows(parts, ("flag", *_Odd._fields[1:-1]), _Odd), void, paths)


def _grouped(rows: Iterable[_Odd], void: set[int], paths: Paths) -> Groups:
    groups = Groups()
    for row in rows:
        if row.file_id in void:
            continue
        groups.counts[row.home_id, row.source, row.name] += 1
        held = groups.places.setdefault(row.name, [])
        if len(held) < EXAMPLES:
            paths.want(row.file_id)
            held.append(PathPlace(row.file_id, row.byte_offset, row.byte_length, row.source, bounded(row.detail or "")))
    return groups


def reject_facts(groups: Groups, run: RunRecord, paths: Paths) -> list[RejectFacts]:
    """Return the rejects by code, the most frequent first."""

    def sentence(code: str) -> str:
        known = {str(one): text for one, text in REJECT_SENTENCES.items()}
        return known.get(code, "A code that this version does not know.")

    return _facts(groups, run, paths, "rejects", "code", sentence, RejectFacts)


def repair_facts(groups: Groups, run: RunRecord, paths: Paths) -> list[RepairFacts]:
    """Return the repairs by flag, the most frequent first."""

    def sentence(flag: str) -> str:
        return REPAIR_SENTENCES.get(flag, "A flag that this version does not know.")

    return _facts(groups, run, paths, "repairs", "flag", sentence, RepairFacts)


F = TypeVar("F")


def _facts(
    groups: Groups,
    run: RunRecord,
    paths: Paths,
    table: str,
    column: str,
    sentence: Callable[[str], str],
    make: Callable[[str, str, Mapping[str, int], Listing[Example]], F],
) -> list[F]:
    made = []
    for name, held in groups.places.items():
        by_source = groups.by_source(name)
        detail = ", detail" if table == "rejects" else ""
        sql = (
            f"SELECT address(file_id, byte_offset, byte_length) AS address, source{detail} FROM {table} "
            f"WHERE run_id = {sql_text(run.run_id)} AND {column} = {sql_text(name)}"
        )
        total = sum(by_source.values())
        examples = [Example(paths.address(place), place.source, place.detail) for place in held]
        facts = make(name, sentence(name), by_source, Listing(total, examples, sql))
        made.append((-total, name, facts))
    return [facts for _, _, facts in sorted(made, key=lambda one: one[:2])]
