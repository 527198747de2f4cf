"""The counts of a run, summed over its homes."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, fields
from datetime import datetime
from operator import attrgetter
from typing import Final

from extractors.reading.registry import IN_THE_WAY
from models.errors import ExitCode
from models.json import JsonObject
from models.run import RunRecord, SourceCounts
from pipelines.disk.layout import Layout, is_mended_part

_NUMBERS: Final = attrgetter(*(field.name for field in fields(SourceCounts)))
"""The counts of a source, in the order of the fields."""


def by_source(run: RunRecord) -> dict[str, SourceCounts]:
    """Return the counts of each source, in the order of phases."""
    made: dict[tuple[int, str], SourceCounts] = {}
    for phase in run.phases:
        for source, counts in phase.sources.items():
            key = (phase.phase, source)
            made[key] = added((made.get(key, SourceCounts()), counts))
    return {source: counts for (_, source), counts in sorted(made.items(), key=lambda item: item[0])}


def added(counts: Iterable[SourceCounts]) -> SourceCounts:
    """Return the sum of counts, field by field."""
    return SourceCounts(*map(sum, zip(*map(_NUMBERS, counts), strict=True)))


def outcomes(run: RunRecord) -> Counter[str]:
    """Return the number of files by fixity outcome."""
    return sum((Counter(phase.outcomes) for phase in run.phases), Counter[str]())


def in_the_way(run: RunRecord) -> dict[str, str]:
    """Return the paths of expected files at which an entry of another kind is, as home:path, each with its sentence."""
    return {
        f"{phase.home_id}:{path}": IN_THE_WAY.get(rule, rule)
        for phase in run.phases
        for path, rule in phase.in_the_way.items()
    }


def rejects(run: RunRecord) -> Counter[str]:
    """Return the number of rejected entries by code."""
    return sum((Counter(phase.rejects) for phase in run.phases), Counter[str]())


def stored_again(run: RunRecord) -> int:
    """Return the number of pieces that a run stored again because their parts of earlier runs are damaged."""
    parts = (part for phase in run.phases for part in phase.parts)
    return sum(part.rows for part in parts if is_mended_part(part.path))


def quarantined(run: RunRecord, earlier: Iterable[RunRecord]) -> int:
    """Return the number of entries in quarantine after `run`, including those of `earlier` runs (in effect): the count
    of the newest warehouse, plus the rejects in the commit records of the runs after it.
    """
    since = 0
    for one in reversed([*earlier, run]):
        if one.warehouse is not None and one.warehouse.quarantined is not None:
            return one.warehouse.quarantined + since
        since += rejects(one).total()
    return since


def seconds(run: RunRecord) -> float:
    """Return the duration of a run in seconds: with the load of the warehouse, without the report; of a stopped run up
    to its last phase.
    """
    ends = [run.finished_at] if run.finished_at else [phase.committed_at for phase in run.phases]
    if not ends:
        return 0.0
    began = datetime.fromisoformat(run.started_at)
    # `finished_at` is set before the load, because the warehouse contains it too.
    return (datetime.fromisoformat(max(ends)) - began).total_seconds() + run.step_seconds.get("load", 0.0)


def to_json(layout: Layout, run: RunRecord, exit_code: ExitCode) -> JsonObject:
    """Return the summary of a run as JSON values: its commit record without the list of parts."""
    return {
        "run_id": run.run_id,
        "status": run.status,
        "exit_code": int(exit_code),
        "exit_meaning": exit_code.name.lower(),
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "seconds": round(seconds(run), 3),
        "step_seconds": dict(run.step_seconds),
        "homes": dict(run.homes),
        "phases": [
            {
                "home_id": phase.home_id,
                "phase": phase.phase,
                "committed_at": phase.committed_at,
                "seconds": phase.seconds,
                "sources": {name: asdict(counts) for name, counts in phase.sources.items()},
                "outcomes": dict(phase.outcomes),
                "rejects": dict(phase.rejects),
                "in_the_way": dict(phase.in_the_way),
            }
            for phase in run.phases
        ],
        "total": asdict(added(by_source(run).values())),
        "outcomes": dict(outcomes(run)),
        "rejects": dict(rejects(run)),
        "settings_changes": list(run.settings_changes),
        "damage": [asdict(one) for one in run.damage],
        "pieces_stored_again": stored_again(run),
        "appeared": {home_id: list(paths) for home_id, paths in run.appeared.items()},
        "warehouse": str(layout.warehouse) if run.warehouse else None,
        "report": str(layout.report(run.run_id, "md")),
        "commit_record": str(layout.commit_record(run.run_id)),
    }
