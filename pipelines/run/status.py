"""The status of an archive: its homes, their last readings, the changes since, and the size of the archive.

Computed from the commit records, the last manifests and a walk of each home. Writes nothing and needs no database.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import orjson

from extractors.reading.erasure import Tombstones
from extractors.reading.registry import PHASES
from models.errors import SourceError
from models.json import JsonObject
from models.manifest import FileState
from models.run import DamageRecord, RunRecord
from pipelines.alerts.alert import Alert, by_urgency
from pipelines.alerts.rules import Unread, expiring, whole_homes_gone
from pipelines.archive.archive import Archive, effective, is_being_written, last_phase, read_records
from pipelines.archive.checks_file import PastChecks, read_past_checks
from pipelines.archive.damage import OTHER_BYTES, look_at_imports, look_at_parts
from pipelines.archive.growth import ArchiveGrowth, growth_of
from pipelines.archive.homes import HomeName, KnownHome, read_homes
from pipelines.archive.imported import imported_files
from pipelines.archive.known_copies import KnownCopy, read_known_copies
from pipelines.archive.tombstones import read_tombstones
from pipelines.archive.totals import quarantined
from pipelines.disk.atomic import read_regular
from pipelines.disk.layout import Layout
from pipelines.disk.settings import Settings, read_settings
from pipelines.run.known_losses import known_losses
from pipelines.run.preview import PhasePreview, add_slice
from pipelines.run.request import problem_of
from pipelines.run.snapshot import Snapshot, last_manifest, pin
from pipelines.run.standing_alerts import alerts_of_checks, standing_alerts, unread_files


@dataclass(slots=True)
class PhaseStatus:
    """One phase of one home. The last four fields compare the last manifest with a walk of the home now; None if it
    could not be walked.

    `kept_bytes` is the total size of the files as last read, `watermark` the bytes of them parsed as complete entries.
    """

    phase: int
    name: str
    run_id: str | None
    committed_at: str | None
    kept_files: int = 0
    kept_bytes: int = 0
    watermark: int = 0
    expired_files: int = 0
    new_files: int | None = None
    changed_files: int | None = None
    vanished_files: int | None = None
    new_bytes: int | None = None


@dataclass(slots=True)
class HomeStatus:
    """One home: its directory when last read, its display name, whether runs without `--home` read it, and the reason
    if it cannot be walked now.
    """

    home_id: str
    root: str
    name: str | None
    is_read: bool
    problem: str | None
    phases: list[PhaseStatus]


@dataclass(slots=True)
class Status:
    """The status of an archive. Sizes are in bytes, times ISO 8601 in UTC. `under_way` names the process that writes
    now, or a killed run. `damage` lists committed files that are gone or have another size now, and those that the last
    run found damaged. `known_losses` has a sentence for each loss that `extract repair` could not mend.

    `is_warehouse_current` is whether the warehouse has everything that the last run found. It may be older than that
    run: a run that finds nothing new keeps the previous warehouse. `quarantined` counts the quarantined entries of all
    runs. `checks` are those of `extract verify` and `drill`, `rotated_percent` the share of the files that the rotating
    check did within 28 days, `copies` the copies at other places, `alerts` the current ones, the most urgent first;
    `growth` the new bytes and messages by the months of the runs.
    """

    data: str
    runs: int
    last_run_id: str | None
    last_run_status: str | None
    last_run_started_at: str | None
    last_run_finished_at: str | None
    homes: list[HomeStatus]
    store_bytes: int
    table_bytes: int
    imported_bytes: int
    warehouse_bytes: int | None
    warehouse_run_id: str | None
    is_warehouse_current: bool
    quarantined: int
    under_way: str | None
    damage: list[DamageRecord]
    known_losses: list[str]
    checks: PastChecks
    rotated_percent: int
    copies: list[KnownCopy]
    alerts: list[Alert]
    growth: ArchiveGrowth

    def to_json(self) -> JsonObject:
        """Return the status as JSON values."""
        made: JsonObject = asdict(self) | {"alerts": [alert.to_json() for alert in self.alerts]}
        return made


def status_of(layout: Layout, overdue_days: int | None = None) -> Status:
    """Return the status of an archive now. `overdue_days` are the days without a run that an installed schedule allows,
    where they are fewer than those of the settings. Raises ConfigurationError when there is no archive, StoreError.
    """
    Archive.open(layout)
    everything, damage = read_records(layout)
    runs = effective(everything)
    settings, tombstones = read_settings(layout), read_tombstones(layout)
    if overdue_days is not None and settings.alert_overdue_days:
        settings = replace(settings, alert_overdue_days=min(overdue_days, settings.alert_overdue_days))
    known, now = read_homes(layout), datetime.now(UTC)
    unread: list[Unread] = []
    damaged, checks, copies = [*damage, *_damage(layout, runs)], read_past_checks(layout), read_known_copies(layout)
    homes = [_home(layout, tombstones, home, runs, settings, unread) for _, home in sorted(known.items())]
    alerts = [
        *standing_alerts(layout, runs, known.values(), settings, now),
        *alerts_of_checks(damaged, checks, copies, settings, now),
        *expiring(unread, now, settings),
        *whole_homes_gone(_not_found(known.values()), {home_id for run in runs for home_id in run.homes}, settings),
    ]
    last = runs[-1] if runs else None
    sizes = _sizes(runs)
    warehouse = layout.warehouse.resolve()
    return Status(
        data=str(layout.root),
        runs=len(runs),
        last_run_id=last.run_id if last else None,
        last_run_status=last.status if last else None,
        last_run_started_at=last.started_at if last else None,
        last_run_finished_at=last.finished_at if last else None,
        homes=homes,
        store_bytes=sizes["store"],
        table_bytes=sizes["tables"],
        imported_bytes=sum(path.stat().st_size for path in imported_files(layout)),
        warehouse_bytes=warehouse.stat().st_size if warehouse.exists() else None,
        warehouse_run_id=_warehouse_run(layout, runs),
        is_warehouse_current=last is None or _is_published(layout, last),
        quarantined=quarantined(last, runs[:-1]) if last else 0,
        under_way=_under_way(layout),
        damage=damaged,
        known_losses=known_losses(layout, everything),
        checks=checks,
        rotated_percent=checks.covered(now),
        copies=copies,
        alerts=by_urgency(alerts),
        growth=growth_of(layout, runs, settings.keep_warehouses),
    )


def _not_found(homes: Iterable[KnownHome]) -> dict[str, str]:
    """Return why a run would not find homes that it should read, by home_id."""
    problems = {home.home_id: problem_of(Path(home.root)) for home in homes if home.is_read}
    return {home_id: problem for home_id, problem in problems.items() if problem is not None}


def _damage(layout: Layout, runs: list[RunRecord]) -> list[DamageRecord]:
    """Return the files that are gone or have another size now, and those whose digests the last run found wrong and
    that nothing has mended since.
    """
    wrong = {one.path for run in runs[-1:] for one in run.damage if one.problem == OTHER_BYTES}
    imports = look_at_imports(layout) if wrong else []
    return [*look_at_parts(layout, runs, always=wrong), *(one for one in imports if one.path in wrong)]


def _sizes(runs: Iterable[RunRecord]) -> Mapping[str, int]:
    made = {"store": 0, "tables": 0}
    for run in runs:
        for phase in run.phases:
            for part in phase.parts:
                made["store" if part.table == "store" else "tables"] += part.size
    return made


def _warehouse_run(layout: Layout, runs: Iterable[RunRecord]) -> str | None:
    if not layout.warehouse.exists():
        return None
    # Where links cannot be made, it is a copy without the run's id in its name: take the newest of the commit records.
    if layout.warehouse.is_symlink():
        return layout.warehouse.resolve().stem
    return next((run.run_id for run in reversed(list(runs)) if run.warehouse is not None), None)


def _is_published(layout: Layout, run: RunRecord) -> bool:
    """Whether the published warehouse is the one in the commit record of `run`."""
    if run.warehouse is None:
        return False
    return (
        not layout.warehouse.is_symlink() or layout.warehouse.resolve() == (layout.root / run.warehouse.path).resolve()
    )


def _home(
    layout: Layout,
    tombstones: Tombstones | None,
    home: KnownHome,
    runs: list[RunRecord],
    settings: Settings,
    unread: list[Unread],
) -> HomeStatus:
    """Return the status of a home, and add to `unread` the files of it that no run has read."""
    snapshot, problem = _walked(HomeName(home.home_id, Path(home.root)), settings, tombstones)
    phases = []
    for number in PHASES:
        made, last = _phase(runs, home.home_id, number), last_manifest(layout, runs, home.home_id, number)
        phases.append(made)
        if snapshot is None:
            _add_kept(made, last)
            continue
        snapshot.last[number] = last
        found = PhasePreview(home.home_id, number)
        # Each slice is computed when it is asked for, so one pass gets all that is needed from it.
        for part in snapshot.slices(number):
            _add_kept(made, (item.last for item in part.items if item.last is not None))
            _add_kept(made, (absent.state for absent in part.absent))
            add_slice(found, part)
            if home.is_read:
                unread += unread_files(home.home_id, part)
        made.new_files, made.changed_files, made.vanished_files = found.new, found.changed, found.vanished
        made.new_bytes = found.bytes_new
    return HomeStatus(home.home_id, home.root, home.name, home.is_read, problem, phases)


def _walked(home: HomeName, settings: Settings, tombstones: Tombstones | None) -> tuple[Snapshot | None, str | None]:
    if not home.root.is_dir():
        return None, "not here now"
    try:
        return pin(home, settings, tombstones), None
    except SourceError as error:
        return None, str(error)


def _phase(runs: list[RunRecord], home_id: str, number: int) -> PhaseStatus:
    found = last_phase(runs, home_id, number)
    return PhaseStatus(
        phase=number,
        name=PHASES[number],
        run_id=found[0].run_id if found else None,
        committed_at=found[1].committed_at if found else None,
    )


def _add_kept(made: PhaseStatus, states: Iterable[FileState]) -> None:
    for state in states:
        if state.entry_type == "file" and state.file_id is not None:
            made.kept_files += 1
            made.kept_bytes += state.size
            made.watermark += state.watermark or 0
            made.expired_files += not state.is_present


def _under_way(layout: Layout) -> str | None:
    """Return a text that names the process writing now, or says that a killed run left staged files; else None."""
    if is_being_written(layout):
        try:
            held = orjson.loads(read_regular(layout.lock_file))
            writer = (
                f"pid {held['pid']}, {held['run_id']}, since {datetime.fromisoformat(held['started_at']):%H:%M} UTC"
            )
        except (OSError, ValueError, KeyError, TypeError):
            writer = "it has just started"
        return f"being written to: {writer}"
    if layout.staging.is_dir() and any(layout.staging.iterdir()):
        return "a run was killed; the next one removes its staged files and continues from its last commit"
    return None
