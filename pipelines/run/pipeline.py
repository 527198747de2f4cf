"""A whole run: extract, build and publish the warehouse, write the reports. `run_job` does it in one call for the
command line; the Prefect flow calls the same functions one by one.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from models.errors import ConfigurationError, ExitCode
from models.manifest import BROKEN
from models.observer import Observer
from models.run import PhaseRecord, RunRecord, WarehouseRecord
from pipelines import warehouse
from pipelines.alerts.alert import Alert
from pipelines.archive import archive as archives
from pipelines.archive.damage import look_at_parts
from pipelines.archive.homes import read_homes
from pipelines.archive.imported import imported_files
from pipelines.disk.atomic import disk_errors
from pipelines.disk.layout import Layout
from pipelines.disk.settings import read_settings
from pipelines.report.facts import Facts
from pipelines.report.write import write_reports
from pipelines.run.extraction import Request, check_homes, extract_homes
from pipelines.run.sha256_lists import write_sha256_manifests
from pipelines.run.standing_alerts import standing_alerts
from pipelines.warehouse.edition import edition


@dataclass(frozen=True, slots=True)
class RunResult:
    """The result of a run: its commit record, the exit code for the process, the facts of its report, and the alerts
    after it.
    """

    run: RunRecord
    exit_code: ExitCode
    facts: Facts
    alerts: Sequence[Alert] = ()


def run_job(layout: Layout, request: Request, observer: Observer) -> RunResult:
    """Do a whole run, under the writer lock. Raises ExtractError; phases committed by then stay committed, and the next
    run continues from there.
    """
    check_homes(request.homes, layout)
    with archives.writing(layout, "starting"):
        begun = extract_homes(layout, request, observer)
        run, earlier = begun.record, begun.earlier
        del begun  # frees the snapshots of the homes, which the next steps do not need
        load_run(layout, run, earlier, observer)
        return report_run(layout, run, earlier, observer)


def load_run(layout: Layout, run: RunRecord, earlier: Sequence[RunRecord], observer: Observer) -> None:
    """Write the manifests for `sha256sum`, build and publish the warehouse, complete the commit record. `earlier` are
    the earlier runs that are in effect, oldest first. Raises ExtractError.
    """
    with _timed(run, "manifest", observer), disk_errors():
        write_sha256_manifests(layout, run)
    run.status = "complete"
    run.finished_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    with _timed(run, "load", observer):
        run.warehouse = _reusable_warehouse(layout, earlier, run)
        if run.warehouse is None:
            published = warehouse.make_warehouse(layout, [*earlier, run], keep=read_settings(layout).keep_warehouses)
            run.warehouse = published.record(layout)
            known = {one.path for one in run.damage}
            new = [path for path in published.left_out if path not in known]
            if new:
                found = look_at_parts(layout, [*earlier, run], datetime.now(UTC), always=new)
                run.damage += [one for one in found if one.path in new]
    with disk_errors():
        archives.commit(layout, run, earlier)


def report_run(layout: Layout, run: RunRecord, earlier: Sequence[RunRecord], observer: Observer) -> RunResult:
    """Write the reports of a run after `load_run`, and return its result. Raises ExtractError."""
    with _timed(run, "report", observer):
        facts = write_reports(layout, run, earlier)
    settings, homes = read_settings(layout), read_homes(layout).values()
    alerts = standing_alerts(layout, [*earlier, run], homes, settings, datetime.now(UTC), of_last=facts.alerts)
    return RunResult(run, exit_code_of(run), facts, alerts)


def _reusable_warehouse(layout: Layout, earlier: Sequence[RunRecord], run: RunRecord) -> WarehouseRecord | None:
    """Return the published warehouse if this run found nothing new, so that it need not be built again; else None, also
    if another version of the program built it, whose tables or views differ.
    """
    counts = [counts for phase in run.phases for counts in phase.sources.values()]
    if any(one.files_read or one.files_vanished or one.rows for one in counts) or not earlier:
        return None
    if not all(_is_like_last_time(earlier, phase) for phase in run.phases):
        return None
    published = earlier[-1].warehouse
    if published is None or published.edition != edition() or not (layout.root / published.path).exists():
        return None
    made_ns = (layout.root / published.path).stat().st_mtime_ns
    # A warehouse newer than its record was published by a command that was stopped before it recorded that.
    if any(path.stat().st_mtime_ns > made_ns for path in imported_files(layout)) or not _is_recorded(
        layout, earlier[-1]
    ):
        return None
    link = layout.warehouse
    is_published = not link.is_symlink() or link.resolve() == (layout.root / published.path).resolve()
    return published if is_published and link.exists() else None


def _is_recorded(layout: Layout, run: RunRecord) -> bool:
    """Whether the commit record of a run was written after its warehouse, and so describes it."""
    if run.warehouse is None:
        return False
    built, record = layout.root / run.warehouse.path, layout.commit_record(run.run_id)
    is_same_size = built.stat().st_size == run.warehouse.size
    return is_same_size and record.exists() and built.stat().st_mtime_ns <= record.stat().st_mtime_ns


def _is_like_last_time(earlier: Sequence[RunRecord], phase: PhaseRecord) -> bool:
    """Whether a phase has the same outcomes, numbers of files and bytes as the last run of it."""
    last = archives.last_phase(earlier, phase.home_id, phase.phase)
    return last is not None and _summary_of(last[1]) == _summary_of(phase)


def _summary_of(phase: PhaseRecord) -> tuple[dict[str, int], list[tuple[str, int, int, int, int]]]:
    return phase.outcomes, [
        (source, one.files_found, one.bytes_found, one.files_withheld, one.files_listed)
        for source, one in phase.sources.items()
    ]


@contextmanager
def _timed(run: RunRecord, step: str, observer: Observer) -> Iterator[None]:
    observer.step_begins(step)
    started = time.monotonic()
    yield
    run.step_seconds[step] = round(time.monotonic() - started, 3)


def exit_code_of(run: RunRecord) -> ExitCode:
    """Return the exit code of a process that made this run: the most serious of its results."""
    outcomes = {outcome for phase in run.phases for outcome, count in phase.outcomes.items() if count}
    if outcomes & BROKEN or run.damage:
        return ExitCode.FIXITY
    if "unreadable" in outcomes or run.homes_not_found or any(phase.in_the_way for phase in run.phases):
        return ExitCode.INCOMPLETE
    # A run with nothing new reads no entry again, so its own counts lack the entries that earlier runs quarantined.
    if any(phase.rejects for phase in run.phases) or (run.warehouse is not None and run.warehouse.quarantined):
        return ExitCode.REJECTS
    return ExitCode.VERIFIED


def latest_run(layout: Layout, run_id: str | None) -> RunRecord:
    """Return the run whose id is or begins with `run_id`, also one that a rollback undid; without `run_id`, the newest
    run in effect, rollbacks excluded. Raises ConfigurationError if there is none or more than one.
    """
    runs = archives.read_all_runs(layout)
    if run_id is None:
        runs = [run for run in archives.effective(runs) if run.kind == "run"]
    found = [run for run in runs if run_id is None or run.run_id.startswith(run_id)]
    if not found:
        raise ConfigurationError(
            f"there is no run {run_id} in {layout.root}"
            if run_id
            else f"there is no committed run in {layout.root}; `extract run` makes one (or name another with --data)"
        )
    if run_id is not None and len(found) > 1:
        raise ConfigurationError(
            f"{len(found)} runs begin with {run_id}: {', '.join(run.run_id for run in found[:3])} …"
        )
    return found[-1]
