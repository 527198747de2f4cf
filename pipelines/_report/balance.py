"""Whether entries = entries with rows + rejects: in the commit record, file by file in `extractions`, and between
them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from models.run import PhaseRecord, RunRecord
from models.tables import EXTRACTIONS
from pipelines._report.facts import LIMIT, Balance, Listing, sql_text
from pipelines._report.parts import PartReader
from pipelines._report.places import Paths, Place
from pipelines.archive import committed_parts
from pipelines.console import plural

_SUMS = ("entry_count", "entries_with_rows", "reject_count", "row_count")
_KEYS = ("home_id", "phase", "source")

Key = tuple[str, int, str]
Sums = tuple[int, ...]


@dataclass(slots=True)
class Extractions:
    """What `extractions` says of a run: sums by home, phase and source, void readings, files that do not balance."""

    sums: dict[Key, Sums] = field(default_factory=dict)
    files: int = 0
    void: set[int] = field(default_factory=set)
    unbalanced: list[Place] = field(default_factory=list)
    unbalanced_count: int = 0


def read_extractions(reader: PartReader, run: RunRecord, paths: Paths) -> Extractions:
    """Sum up the extractions of a run."""
    made = Extractions()
    columns = (*_KEYS, "file_id", "is_void", "from_offset", "size", *_SUMS)
    for table in reader.tables(committed_parts([run], EXTRACTIONS.name), columns):
        made.void.update(row["file_id"] for row in table.filter(pc.field("is_void")).select(["file_id"]).to_pylist())
        counted = table.filter(~pc.field("is_void"))
        made.files += counted.num_rows
        _add_sums(made.sums, counted)
        odd = counted.filter(pc.field("entry_count") != pc.field("entries_with_rows") + pc.field("reject_count"))
        made.unbalanced_count += odd.num_rows
        for row in odd.slice(0, LIMIT - len(made.unbalanced)).to_pylist():
            detail = (
                f"{row['entry_count']} entries, {row['entries_with_rows']} with rows, {row['reject_count']} rejected"
            )
            length = row["size"] - row["from_offset"]
            made.unbalanced.append(Place(row["file_id"], row["from_offset"], length, row["source"], detail))
            paths.want(row["file_id"])
    return made


def _add_sums(sums: dict[Key, Sums], table: pa.Table) -> None:
    grouped = table.group_by(list(_KEYS)).aggregate([(name, "sum") for name in _SUMS])
    for row in grouped.to_pylist():
        key = (row["home_id"], row["phase"], row["source"])
        before = sums.get(key, (0,) * len(_SUMS))
        sums[key] = tuple(old + (row[f"{name}_sum"] or 0) for old, name in zip(before, _SUMS, strict=True))


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
    nothing = (0,) * len(_SUMS)
    for key in sorted(recorded.keys() | sums.keys()):
        said, is_there = recorded.get(key, nothing), sums.get(key, nothing)
        if said != is_there:
            yield (
                f"{key[0]}, phase {key[1]}, {key[2]}: the commit record says {_shown(said)}, "
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
            yield f"{key[0]}, {key[1]}: {entries} rejected, {is_there} lie in quarantine"


def _shown(sums: Sequence[int]) -> str:
    return f"{plural(sums[0], 'entry', 'entries')}, {sums[1]} with rows, {sums[2]} rejected, {plural(sums[3], 'row')}"
