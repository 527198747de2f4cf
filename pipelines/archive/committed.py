"""Access to the content of commit records: the committed phases of runs and their Parquet files, by table."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from extractors.reading.registry import source_tables, sources
from models.run import PartRecord, PhaseRecord, RunRecord
from models.schema import Table
from models.tables import RUNNER_TABLES

PhaseKey = tuple[str, str, int]
"""The key of a committed phase: run_id, home_id, phase number."""


def phases_of(runs: Iterable[RunRecord]) -> Iterator[tuple[PhaseKey, PhaseRecord]]:
    """Yield every committed phase of `runs` with its key, in the order of commits."""
    for run in runs:
        for phase in run.phases:
            yield (run.run_id, phase.home_id, phase.phase), phase


def parts_of(phase: PhaseRecord, table: Table) -> list[PartRecord]:
    """Return the parts of a table that a phase committed."""
    return [part for part in phase.parts if part.table == table.name]


@cache
def known_tables() -> Mapping[str, Table]:
    """Return every table that can have parts, by name."""
    return {table.name: table for table in (*RUNNER_TABLES, *source_tables(sources().values()))}


def parts_of_runs(runs: Iterable[RunRecord], table: Table) -> Iterator[tuple[PhaseKey, PartRecord]]:
    """Yield the parts of a table that runs committed, each with the key of its phase, in the order of commits."""
    for key, phase in phases_of(runs):
        for part in parts_of(phase, table):
            yield key, part
