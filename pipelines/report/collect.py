"""Collects the facts of a report: from the commit records and the Parquet of the run, without the warehouse."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from extractors.reading.registry import PHASES
from models.errors import ConfigurationError, FixityError
from models.finding import Severity
from models.manifest import Outcome
from models.run import DamageRecord, RunRecord
from models.text import safe
from pipelines.archive import archive as archives
from pipelines.archive.findings_file import Verification, read_verifications
from pipelines.archive.totals import added, in_the_way, seconds, stored_again
from pipelines.disk.layout import Layout
from pipelines.disk.settings import Settings, read_settings
from pipelines.report.alerts import Noticed, alerts_of
from pipelines.report.balance import Extractions, judge_balance, read_extractions
from pipelines.report.claim import Ground, claim_of, verdict_of
from pipelines.report.drift import Key, Met, drift_facts, read_drift
from pipelines.report.facts import (
    Balance,
    DamageFact,
    Facts,
    HomeFacts,
    NotDone,
    PhaseTime,
    RunFacts,
    Sizes,
    SourceFacts,
    TailFacts,
)
from pipelines.report.file_facts import FixityFacts
from pipelines.report.findings import finding_facts, verification_facts
from pipelines.report.fixity import fixity_facts, gone_facts, gone_projects, rule_facts
from pipelines.report.listing import LIMIT, Listing, bounded, sql_text
from pipelines.report.manifests import Manifests, log_patterns, read_manifests
from pipelines.report.parts import PartReader
from pipelines.report.places import Paths
from pipelines.report.quarantine import Groups, read_rejects, read_repairs, reject_facts, repair_facts
from pipelines.report.standing import standing_facts

_MANY_GONE = 0.2
_FEW = 10


def collect(layout: Layout, run: RunRecord, earlier: Sequence[RunRecord] | None = None) -> Facts:
    """Return the facts of a run. `earlier` are the runs in effect before it; without them, they are read.

    `problems` of the result names Parquet files that cannot be read. Raises StoreError if a commit record cannot be
    read.
    """
    if earlier is None:
        earlier = [other for other in archives.read_runs(layout) if other.epoch < run.epoch]
    reader, paths, noticed = PartReader(layout), Paths(), Noticed(_settings(layout))
    found = _read(reader, run, earlier, paths, noticed)
    manifests = found.manifests
    verified, notices = _verifications(layout, run)
    findings = finding_facts(verified)
    standing = standing_facts(layout, run, earlier, gone_facts(manifests), gone_projects(manifests))
    ground = _ground(run, manifests, judge_balance(run, found.extractions, found.rejects.by_home_and_source(), paths))
    errors = sum(finding.severity == Severity.ERROR for finding in findings)
    ground = replace(ground, problems=len(reader.problems), quarantined=standing.quarantined, errors=errors)
    verdict, drift = verdict_of(ground), drift_facts(found.drift, run, paths)
    return Facts(
        verdict=verdict,
        claim=claim_of(ground),
        run=_run_facts(run, len(earlier)),
        homes=_homes(run),
        total=ground.total,
        sources=_sources(run),
        standing=standing,
        balance=ground.balance,
        rejects=reject_facts(found.rejects, run, paths),
        repairs=repair_facts(found.repairs, run, paths),
        tails=_tails(manifests),
        drift=drift,
        fixity=ground.fixity,
        withheld=rule_facts(manifests, "withhold"),
        listed=rule_facts(manifests, "inventory"),
        not_done=_not_done(run, earlier),
        phase_times=_phase_times(run),
        step_seconds=dict(run.step_seconds),
        sizes=_sizes(run, earlier),
        reparsed={name: counts for name, counts in run.reparsed.items() if counts.files},
        settings_changes=list(map(safe, run.settings_changes[:LIMIT])),
        verifications=verification_facts(verified),
        findings=Listing(len(findings), findings[:LIMIT]),
        damage=Listing(len(run.damage), list(map(_damage_fact, run.damage[:LIMIT]))),
        mended=ground.mended,
        stored_again=stored_again(run),
        problems=Listing(len(reader.problems), reader.problems[:LIMIT]),
        notices=[*notices, *_notices(run, ground.fixity)],
        manifest_sql=manifests.where,
        alerts=alerts_of(layout, run, earlier, noticed, drift, verdict),
    )


def _settings(layout: Layout) -> Settings:
    """Return the settings; the defaults if the file is invalid: a run refuses it, but a report can still be shown."""
    try:
        return read_settings(layout)
    except ConfigurationError:
        return Settings()


@dataclass(frozen=True, slots=True)
class _Found:
    """The facts that were read from the Parquet files of a run."""

    extractions: Extractions
    rejects: Groups
    repairs: Groups
    drift: dict[Key, Met]
    manifests: Manifests


def _read(reader: PartReader, run: RunRecord, earlier: Sequence[RunRecord], paths: Paths, noticed: Noticed) -> _Found:
    extractions = read_extractions(reader, run, paths)
    return _Found(
        extractions=extractions,
        rejects=read_rejects(reader, run, extractions.void, paths),
        repairs=read_repairs(reader, run, extractions.void, paths),
        drift=read_drift(reader, run, earlier, paths),
        manifests=read_manifests(reader, run, earlier, paths, noticed),
    )


def _ground(run: RunRecord, manifests: Manifests, balance: Balance) -> Ground:
    """Return the facts for the claim, except problems, errors and quarantined entries, which the caller adds."""

    def files_under(treatment: str) -> int:
        return sum(rule.files for rule in rule_facts(manifests, treatment))

    return Ground(
        is_complete=run.status == "complete",
        total=added(counts for phase in run.phases for counts in phase.sources.values()),
        balance=balance,
        fixity=fixity_facts(run, manifests),
        withheld=files_under("withhold"),
        listed=files_under("inventory"),
        problems=0,
        damaged=len(run.left_damaged),
        mended=len(run.damage) - len(run.left_damaged),
        in_the_way=len(in_the_way(run)),
        homes_not_found=run.homes_not_found,
    )


def _damage_fact(one: DamageRecord) -> DamageFact:
    return DamageFact(safe(one.path), safe(one.table), safe(one.run_id), safe(one.problem), one.mended)


def _run_facts(run: RunRecord, earlier: int) -> RunFacts:
    return RunFacts(
        run_id=run.run_id,
        epoch=run.epoch,
        status=run.status,
        started_at=run.started_at,
        finished_at=run.finished_at,
        seconds=round(seconds(run), 3),
        tool_version=run.tool_version,
        is_full=run.is_full,
        earlier_runs=earlier,
    )


def _homes(run: RunRecord) -> list[HomeFacts]:
    return [
        HomeFacts(home_id, safe(directory), sorted(phase.phase for phase in run.phases if phase.home_id == home_id))
        for home_id, directory in run.homes.items()
    ]


def _sources(run: RunRecord) -> list[SourceFacts]:
    return [
        SourceFacts(phase.home_id, phase.phase, source, counts)
        for phase in run.phases
        for source, counts in phase.sources.items()
    ]


def _tails(manifests: Manifests) -> TailFacts:
    logs = ", ".join(sql_text(pattern) for pattern in log_patterns())
    sql = (
        "SELECT home_id, path, watermark, size - watermark AS tail_bytes FROM manifest "
        f"WHERE {manifests.where} AND size > watermark AND outcome <> '{Outcome.EXPIRED}' "
        f"AND NOT list_contains([{logs}], rule)"
    )
    listing = Listing(manifests.tail_count, manifests.tails, sql)
    return TailFacts(manifests.tail_bytes, listing, manifests.log_tails, manifests.log_tail_bytes)


def _not_done(run: RunRecord, earlier: Sequence[RunRecord]) -> list[NotDone]:
    done = {(phase.home_id, phase.phase) for phase in run.phases}
    made = []
    for home_id in run.homes:
        for phase, name in PHASES.items():
            if (home_id, phase) not in done:
                last = archives.last_phase(earlier, home_id, phase)
                made.append(NotDone(home_id, phase, name, last[0].run_id if last else None))
    return made


def _phase_times(run: RunRecord) -> list[PhaseTime]:
    made = []
    for phase in run.phases:
        total = added(phase.sources.values())
        name = PHASES.get(phase.phase, str(phase.phase))
        made.append(
            PhaseTime(
                phase.home_id, phase.phase, name, phase.seconds, total.files_read, total.bytes_read, total.entries
            )
        )
    return made


def _sizes(run: RunRecord, earlier: Iterable[RunRecord]) -> Sizes:
    mine, everything = _part_sizes([run]), _part_sizes([*earlier, run])
    return Sizes(
        run_files=mine["files"],
        run_store=mine["store"],
        run_tables=mine["tables"],
        all_files=everything["files"],
        all_store=everything["store"],
        all_tables=everything["tables"],
        warehouse=run.warehouse.size if run.warehouse else None,
    )


def _part_sizes(runs: Iterable[RunRecord]) -> Mapping[str, int]:
    made: Counter[str] = Counter()
    for run in runs:
        for phase in run.phases:
            for part in phase.parts:
                made["files"] += 1
                made["store" if part.table == "store" else "tables"] += part.size
    return made


def _notices(run: RunRecord, fixity: FixityFacts) -> list[str]:
    made = []
    known = fixity.kept.files + fixity.expired_now
    if fixity.expired_now >= _FEW and fixity.expired_now > _MANY_GONE * known:
        made.append(
            f"{fixity.expired_now} of {known} archived files disappeared from the home since the last run: Claude Code "
            "deletes files older than its setting cleanupPeriodDays. The archive still has the bytes that were read."
        )
    blocked = in_the_way(run)
    made += [bounded(f"{path}: {what}.") for path, what in islice(blocked.items(), _FEW)]
    if len(blocked) > _FEW:
        made.append(f"{len(blocked) - _FEW} more paths have this problem; the commit record lists them.")
    if run.status != "complete":
        made.append("This run stopped before its end: the phases that it did are committed, the others are not.")
    return made


def _verifications(layout: Layout, run: RunRecord) -> tuple[list[Verification], list[str]]:
    """Return the verifications in the directory of a run, and a notice if they cannot be read."""
    try:
        return read_verifications(layout, run.run_id), []
    except (FixityError, OSError) as error:
        return [], [bounded(f"The findings of extract verify cannot be read: {error}")]
