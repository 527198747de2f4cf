"""The counts of a phase's record after an erasure: the old counts minus those of the erased rows."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

from models.counts import add_reading
from models.json import JsonValue
from models.manifest import FileState
from models.run import PhaseRecord, SourceCounts
from pipelines.run.phase_counts import count_state

Extraction = dict[str, JsonValue]
"""A row of the table `extractions`, by column name."""


@dataclass(frozen=True, slots=True)
class PhaseContents:
    """The rows of a phase's manifest and of its table `extractions`."""

    states: Sequence[FileState]
    extractions: Sequence[Extraction]


def changed_counts(
    phase: PhaseRecord,
    before: PhaseContents,
    after: PhaseContents,
    occurrences_gone: Mapping[str, int],
    rejects: Mapping[str, int],
) -> PhaseRecord:
    """Return a phase's record with the counts of the remaining content.

    `occurrences_gone` is the number of erased message occurrences by source, `rejects` the number of erased rejects by
    code.
    """
    were, are = _by_source(before), _by_source(after)
    sources = {}
    for source, counts in phase.sources.items():
        made = replace(counts)
        for field in fields(SourceCounts):
            gone = getattr(were.get(source), field.name, 0) - getattr(are.get(source), field.name, 0)
            setattr(made, field.name, max(0, getattr(counts, field.name) - gone))
        known = min(made.messages_duplicate, occurrences_gone.get(source, 0))
        made.messages_duplicate -= known
        made.messages_new = max(0, made.messages_new - occurrences_gone.get(source, 0) + known)
        if source in are or any(getattr(made, field.name) for field in fields(SourceCounts)):
            sources[source] = made
    outcomes = Counter(str(state.outcome) for state in after.states)
    codes = {code: count - rejects.get(code, 0) for code, count in phase.rejects.items()}
    return replace(
        phase,
        sources=sources,
        outcomes=dict(sorted(outcomes.items())),
        rejects={code: count for code, count in codes.items() if count > 0},
    )


def _by_source(contents: PhaseContents) -> dict[str, SourceCounts]:
    made: dict[str, SourceCounts] = {}
    files = {state.file_id for state in contents.states if state.entry_type == "file"}
    for state in contents.states:
        count_state(made.setdefault(state.source, SourceCounts()), state)
    for row in contents.extractions:
        if not row["is_void"]:
            _count_reading(made.setdefault(str(row["source"]), SourceCounts()), row, row["file_id"] in files)
    return made


def _count_reading(counts: SourceCounts, row: Extraction, is_file: bool) -> None:
    counts.files_read += is_file
    counts.bytes_read += number(row, "size") if is_file else 0
    add_reading(counts, lambda name: number(row, name), is_file=is_file)


def number(row: Extraction, name: str) -> int:
    """Return a count of a row of `extractions`; NULL is 0."""
    value = row[name]
    return value if isinstance(value, int) else 0


def distribute_new_bytes(rows: Iterable[Extraction], difference: int) -> None:
    """Distribute a difference of `new_piece_bytes` over the rows, none below 0.

    Readings can share a piece, and none records which of them stored it, so only the sum over a phase is exact.
    """
    for row in rows:
        if not difference:
            return
        here = max(difference, -number(row, "new_piece_bytes"))
        row["new_piece_bytes"] = number(row, "new_piece_bytes") + here
        difference -= here
