"""Checks that entries = entries with rows + rejects: in the commit record, for each file in `extractions`, and that
both agree.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from models.amounts import plural
from models.run import PhaseRecord, RunRecord
from models.tables import EXTRACTIONS
from pipelines.archive.archive import committed_parts
from pipelines.report.facts import Balance
from pipelines.report.listing import LIMIT, Listing, sql_text
from pipelines.report.parts import PartReader
from pipelines.report.places import PathPlace, Paths

Key = tuple[str, int, str]
Sums = tuple[int, int, int, int]
"""Entries, entries with rows, rejects, rows."""

_NOTHING: Sums = (0, 0, 0, 0)


class _Reading(NamedTuple):
    """The columns used of a row of `extractions`."""

    home_id: str
    phase: int
    source: str
    file_id: int
    is_void: bool
    from_offset: int
    size: int
    entry_count: int
    entries_with_rows: int
    reject_count: int
    row_count: int


@dataclass(slots=True)
class Extractions:
    """The content of `extractions` for a run: sums by home, phase and source, void readings, files that do not
    balance.
    """

    sums: dict[Key, Sums] = field(default_factory=dict)
    files: int = 0
    void: set[int] = field(default_factory=set)
    unbalanced: list[PathPlace] = field(default_factory=list)
    unbalanced_count: int = 0


def read_extractions(reader: PartReader, run: RunRecord, paths: Paths) -> Extractions:
    """Sum up the extractions of a run."""
    made = Extractions()
    for one in reader.rows(committed_parts([run], EXTRACTIONS.name), _Reading._fields, _Reading):
        if one.is_void:
            made.void.add(one.file_id)
            continue
        made.files += 1
        key = (one.home_id, one.phase, one.source)
        entries, with_rows, rejects, rows = made.sums.get(key, _NOTHING)
        made.sums[key] = (
            entries + one.entry_count,
            with_rows + one.entries_with_rows,
            rejects + one.reject_count,
            rows + one.row_count,
        )
        if one.entry_count != one.entries_with_rows + one.reject_count:
            made.unbalanced_count += 1
            if len(made.unbalanced) < LIMIT:
                made.unbalanced.append(_place(one))
                paths.want(one.file_id)
    return made


def _place(one: _Reading) -> PathPlace:
    detail = f"{one.entry_count} entries, {one.entries_with_rows} with rows, {one.reject_count} rejected"
    return PathPlace(one.file_id, one.from_offset, one.size - one.from_offset, one.source, detail)


def judge_balance(run: RunRecord, found: Extractions, quarantined: dict[tuple[str, str], int], paths: Paths) -> Balance:
    """Return whether everything balances. `quarantined` counts the rows of `rejects` by home and source."""
    files = [f"{paths.address(place)}: {place.detail}" for place in found.unbalanced]
    others = [
        *(line for phase in run.phases for line in _record_problems(phase)),
        *_extraction_problems(run, found.sums),
        *_quarantine_problems(run, quarantined),
    ]
    contradictions = [*others, *files]
    total = len(others) + found.unbalanced_count
    sql = (
        "SELECT home_id, source, file_id, entry_count, entries_with_rows, reject_count FROM extractions "
        f"WHERE run_id = {sql_text(run.run_id)} AND entry_count <> entries_with_rows + reject_count"
    )
    return Balance(total == 0, found.files, Listing(total, contradictions[:LIMIT], sql))


def _record_problems(phase: PhaseRecord) -> Iterator[str]:
    for source, counts in phase.sources.items():
        if counts.entries != counts.entries_with_rows + counts.rejects:
            yield (
                f"{phase.home_id}, phase {phase.phase}, {source}: {counts.entries} entries were read, "
                f"{counts.entries_with_rows} gave rows and {counts.rejects} were rejected"
            )
    by_code, by_source = sum(phase.rejects.values()), sum(counts.rejects for counts in phase.sources.values())
    if by_code != by_source:
        yield (f"{phase.home_id}, phase {phase.phase}: {by_source} rejects are counted by source, {by_code} by code")


def _extraction_problems(run: RunRecord, sums: dict[Key, Sums]) -> Iterator[str]:
    recorded = {
        (phase.home_id, phase.phase, source): (
            counts.entries,
            counts.entries_with_rows,
            counts.rejects,
            counts.rows,
        )
        for phase in run.phases
        for source, counts in phase.sources.items()
    }
    for key in sorted(recorded.keys() | sums.keys()):
        said, is_there = recorded.get(key, _NOTHING), sums.get(key, _NOTHING)
        if said != is_there:
            yield (
                f"{key[0]}, phase {key[1]}, {key[2]}: the commit record has {_shown(said)}, "
                f"its files add up to {_shown(is_there)}"
            )


def _quarantine_problems(run: RunRecord, quarantined: dict[tuple[str, str], int]) -> Iterator[str]:
    recorded: dict[tuple[str, str], int] = {}
    for phase in run.phases:
        for source, counts in phase.sources.items():
            key = (phase.home_id, source)
            recorded[key] = recorded.get(key, 0) + counts.rejects
    for key in sorted(recorded.keys() | quarantined.keys()):
        said, is_there = recorded.get(key, 0), quarantined.get(key, 0)
        if said != is_there:
            entries = plural(said, "entry was", "entries were")
            yield f"{key[0]}, {key[1]}: {entries} rejected, {is_there} in quarantine"


def _shown(sums: Sequence[int]) -> str:
    return f"{plural(sums[0], 'entry', 'entries')}, {sums[1]} with rows, {sums[2]} rejected, {plural(sums[3], 'row')}"
