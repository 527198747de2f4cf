"""The state of the archive after a run: entries in quarantine, files that only the archive still has, growth by run."""

from collections.abc import Sequence
from typing import Final

from models.run import RunRecord
from pipelines.archive.totals import quarantined
from pipelines.report.file_facts import GoneFacts, GoneProject, GrowthFacts, StandingFacts

_RUNS: Final = 40
_SQL: Final = "SELECT code, source, count(*) AS entries FROM rejects GROUP BY code, source ORDER BY entries DESC"


def standing_facts(
    run: RunRecord, earlier: Sequence[RunRecord], gone: Sequence[GoneFacts], projects: Sequence[GoneProject]
) -> StandingFacts:
    """Return the state of the archive after `run`; `earlier` are the runs in effect before it, oldest first."""
    runs = [one for one in (*earlier, run) if one.kind == "run"]
    growth = []
    for one in runs[-_RUNS:]:
        counts = [counts for phase in one.phases for counts in phase.sources.values()]
        size, messages = sum(each.bytes_kept_new for each in counts), sum(each.messages_new for each in counts)
        growth.append(GrowthFacts(one.run_id, one.started_at, size, messages))
    return StandingFacts(quarantined(run, earlier), _SQL, gone, projects, growth)
