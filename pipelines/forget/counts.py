"""The counts of a phase after an erasure: what its parts say now against what they said before."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

from models.json import JsonValue
from models.manifest import FileState
from models.run import PhaseRecord, SourceCounts
from pipelines.run.phase_counts import count_state

Extraction = dict[str, JsonValue]
"""A row of the table `extractions`."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a phase's manifest and extractions say."""

    states: Sequence[FileState]
    extractions: Sequence[Extraction]


def changed_counts(
    phase: PhaseRecord,
    before: Contents,
    after: Contents,
    said: Mapping[str, int],
    rejects: Mapping[str, int],
) -> PhaseRecord:
    """Return a phase's record with the counts of what stays. `said` are places where messages were seen that went, by
    source; `rejects` are rejected entries that went, by code.
    """
    were, are = _by_source(before), _by_source(after)
    sources = {}
    for source, counts in phase.sources.items():
        made = replace(counts)
        for field in fields(SourceCounts):
            gone = getattr(were.get(source), field.name, 0) - getattr(are.get(source), field.name, 0)
            setattr(made, field.name, max(0, getattr(counts, field.name) - gone))
        known = min(made.messages_duplicate, said.get(source, 0))
        made.messages_duplicate -= known
        made.messages_new = max(0, made.messages_new - said.get(source, 0) + known)
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


def _by_source(contents: Contents) -> dict[str, SourceCounts]:
    made: dict[str, SourceCounts] = {}
    files = {state.file_id for state in contents.states if state.entry_type == "file"}
    for state in contents.states:
        count_state(made.setdefault(state.source, SourceCounts()), state)
    for row in contents.extractions:
        if not row["is_void"]:
            _count_reading(made.setdefault(str(row["source"]), SourceCounts()), row, row["file_id"] in files)
    return made


def _count_reading(tally: SourceCounts, row: Extraction, is_file: bool) -> None:
    tally.rows += number(row, "row_count")
    tally.entries += number(row, "entry_count")
    tally.entries_with_rows += number(row, "entries_with_rows")
    tally.rejects += number(row, "reject_count")
    if is_file:
        tally.files_read += 1
        tally.bytes_read += number(row, "size")
        tally.bytes_kept_new += number(row, "new_piece_bytes")
        tally.padding_bytes += number(row, "padding_bytes")
        tally.tail_bytes += number(row, "size") - number(row, "watermark")


def number(row: Extraction, name: str) -> int:
    """Return a count in a row of extractions."""
    value = row[name]
    return value if isinstance(value, int) else 0


def spread(rows: Iterable[Extraction], difference: int) -> None:
    """Add a difference of new bytes in the store to readings: which of several that share a piece stored it is not
    known.
    """
    for row in rows:
        if not difference:
            return
        here = max(difference, -number(row, "new_piece_bytes"))
        row["new_piece_bytes"] = number(row, "new_piece_bytes") + here
        difference -= here
