"""The state of the archive after a run: entries in quarantine, files that only the archive still has, growth by run."""

from collections.abc import Sequence
from typing import Final

from models.run import RunRecord
from models.text import safe
from pipelines.archive.tombstones import read_graveyard
from pipelines.archive.totals import quarantined
from pipelines.disk.layout import Layout
from pipelines.report.file_facts import GoneFacts, GoneProject, GrowthFacts, RetentionFacts, StandingFacts

_RUNS: Final = 40
_RETENTIONS: Final = 10
_SQL: Final = "SELECT code, source, count(*) AS entries FROM rejects GROUP BY code, source ORDER BY entries DESC"


def standing_facts(
    layout: Layout,
    run: RunRecord,
    earlier: Sequence[RunRecord],
    gone: Sequence[GoneFacts],
    projects: Sequence[GoneProject],
) -> StandingFacts:
    """Return the state of the archive after `run`; `earlier` are the runs in effect before it, oldest first. Raises
    FixityError or StoreError for unreadable tombstones.
    """
    runs = [one for one in (*earlier, run) if one.kind == "run"]
    growth = []
    for one in runs[-_RUNS:]:
        counts = [counts for phase in one.phases for counts in phase.sources.values()]
        size, messages = sum(each.bytes_kept_new for each in counts), sum(each.messages_new for each in counts)
        growth.append(GrowthFacts(one.run_id, one.started_at, size, messages))
    return StandingFacts(quarantined(run, earlier), _SQL, gone, projects, growth, _retentions(layout))


def _retentions(layout: Layout) -> list[RetentionFacts]:
    graveyard = read_graveyard(layout)
    stones = [stone for stone in graveyard.tombstones if stone.kind == "retention"] if graveyard is not None else []
    return [
        RetentionFacts(stone.forgotten_at, safe(stone.reason or ""), stone.files, stone.size)
        for stone in reversed(stones[-_RETENTIONS:])
    ]
