"""The extraction part of a run: prepares the archive, takes the snapshots, runs each phase of each home and commits
it. The command line and the Prefect flow call the same functions.
"""

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from extractors.home.home import Home
from extractors.reading.registry import PHASES
from extractors.reading.task import Limits
from models.errors import ConfigurationError
from models.observer import Observer
from models.run import PhaseRecord, RunRecord
from models.text import printable_path
from pipelines.archive import archive as archives
from pipelines.archive.archive import Archive
from pipelines.archive.homes import HomeName, known_homes, name_home, remember_homes
from pipelines.disk.atomic import disk_errors
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import Layout
from pipelines.disk.lock import announce
from pipelines.disk.platform import fsync_directory, make_files_private
from pipelines.disk.settings import Settings, keep_settings_copy, read_settings, settings_digest
from pipelines.run.digest_indexes import DigestIndexes, prepare_indexes
from pipelines.run.inspection import inspect
from pipelines.run.mending import Lost, lost_pieces
from pipelines.run.phase import run_phase
from pipelines.run.phase_work import PhaseWork
from pipelines.run.reparse import reparse
from pipelines.run.request import is_directory
from pipelines.run.rereading import files_to_read_anew
from pipelines.run.settings_changes import changed_settings, effect_on_files
from pipelines.run.snapshot import Snapshot, take_snapshots
from pipelines.version import VERSION


@dataclass(frozen=True, slots=True)
class Request:
    """The parameters of a run: homes (each with a name, or None for the name that the archive has on record), phases,
    and whether to read every file again. `not_found` are homes that the archive knows and that were not found, with
    the reason for each.
    """

    homes: Sequence[tuple[str | None, Path]]
    phases: Sequence[int] = tuple(PHASES)
    is_full: bool = False
    not_found: Mapping[str, str] = field(default_factory=dict)


def check_homes(homes: Sequence[tuple[str | None, Path]], layout: Layout) -> None:
    """Raise ConfigurationError if a home is not a directory, is given twice, or contains or lies within the data
    directory.
    """
    seen: set[Path] = set()
    for _, root in homes:
        if not is_directory(root):
            raise ConfigurationError(f"there is no home at {root}. Give one with --home PATH, or try `extract demo`")
        real = root.resolve()
        if real in seen:
            raise ConfigurationError(f"the home {root} is given twice")
        seen.add(real)
        data = layout.root.resolve()
        if data == real or real in data.parents or data in real.parents:
            raise ConfigurationError(
                f"the data directory {layout.root} and the home {root} must not "
                f"contain one another: extract never writes to a home"
            )


def name_homes(request: Request, layout: Layout) -> list[HomeName]:
    """Return the homes of a request with their ids. Raises ConfigurationError if two of them get the same id."""
    known = known_homes(layout)
    named: list[HomeName] = []
    for given, root in request.homes:
        home = name_home(known, given, root.absolute())
        if any(other.home_id == home.home_id for other in named):
            raise ConfigurationError(f"two homes would get the id {home.home_id}; name them with --home NAME=PATH")
        known[home.home_id] = str(home.root)
        named.append(home)
    return named


@dataclass(slots=True)
class RunInProgress:
    """A run between its snapshot and its last phase. The caller holds the writer lock (`archive.writing`) throughout.

    `earlier` are the earlier runs that are in effect, oldest first; `started` is the value of `time.monotonic` at the
    start.
    """

    archive: Archive
    record: RunRecord
    earlier: Sequence[RunRecord]
    request: Request
    settings: Settings
    snapshots: list[Snapshot]
    digests: DigestIndexes
    lost: Lost
    observer: Observer
    started: float

    @property
    def phases_due(self) -> list[tuple[str, int]]:
        """The id of the home and the number of each phase of this run, in the order in which to run them."""
        return [
            (snapshot.home.home_id, phase) for snapshot in self.snapshots for phase in sorted(set(self.request.phases))
        ]

    def do(self, home_id: str, phase: int) -> PhaseRecord:
        """Run one phase of one home and commit it. Raises ExtractError; phases committed earlier stay committed."""
        snapshot = next(snapshot for snapshot in self.snapshots if snapshot.home.home_id == home_id)
        due = snapshot.due(phase, is_full=self.request.is_full)
        self.observer.step_begins(f"{home_id}: {PHASES[phase]}", due.size)
        layout = self.archive.layout
        work = PhaseWork(
            home_id=home_id,
            home=snapshot.home.root,
            run_id=self.record.run_id,
            run_started_at=self.record.started_at,
            phase=phase,
            directory=layout.staging / self.record.run_id / f"{home_id}-{phase}",
            seed=self.archive.seed,
            limits=Limits(self.settings.entry_mb << 20, self.settings.document_mb << 20),
            digests=self.digests,
            due=due,
            processes=self.settings.process_count,
            is_full=self.request.is_full,
            follow_links=self.settings.follow_links,
            tombstones=snapshot.tombstones,
        )
        done = run_phase(layout, work, snapshot.slices(phase), self.lost, self.observer.file_read)
        self.record.phases.append(done)
        reach("phase:before-commit")
        with disk_errors():
            archives.commit(layout, self.record, self.earlier)
            keep_settings_copy(layout)
        reach("phase:after-commit")
        self.observer.step_ends()
        self.observer.phase_committed(done)
        return done

    def end_extraction(self) -> RunRecord:
        """Record the files that appeared during the run, remove the staging directory, and return the run's record,
        whose status is still `open`.
        """
        for snapshot in self.snapshots:
            self.record.appeared[snapshot.home.home_id] = _appeared(snapshot)
        with disk_errors():
            shutil.rmtree(self.archive.layout.staging / self.record.run_id, ignore_errors=True)
        self.record.step_seconds["extract"] = round(time.monotonic() - self.started, 3)
        return self.record


def begin_run(layout: Layout, request: Request, observer: Observer) -> RunInProgress:
    """Prepare a run and return it: create or open the archive, finish an interrupted erasure, delete the leftovers of
    killed runs, parse again the files read by outdated parsers, check for damage, take the snapshots, prepare the
    digest indexes.

    The caller must hold the writer lock. Raises ExtractError.
    """
    started = time.monotonic()
    make_files_private()
    settings = read_settings(layout)
    found = inspect(layout, datetime.now(UTC), observer)
    runs, damage, epoch = found.runs, found.damage, found.next_epoch
    damaged = {one.path for one in damage if not one.mended}
    lost_epoch = max(archives.missing_epochs(layout, found.everything), default=0)
    reparsed = reparse(layout, runs, observer) if not damaged else None
    if reparsed is not None:
        runs, epoch = archives.effective(archives.read_all_runs(layout)), epoch + 1
    homes = name_homes(request, layout)
    record = RunRecord(
        run_id=archives.next_run_id(layout),
        epoch=epoch,
        status="open",
        started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        finished_at=None,
        tool_version=VERSION,
        is_full=request.is_full,
        homes={home.home_id: str(home.root) for home in homes},
        homes_not_found=dict(request.not_found),
        settings_sha256=settings_digest(layout),
        damage=[*damage, *found.evidence],
        reparsed=reparsed.reparsed if reparsed is not None else {},
    )
    announce(layout, record.run_id)
    snapshots = take_snapshots(layout, homes, runs, settings, request.phases, damaged, lost_epoch)
    for snapshot in snapshots:
        snapshot.anew = files_to_read_anew(layout, runs, found.archive.seed, damage, snapshot)
    if changes := changed_settings(layout, runs):
        record.settings_changes = [*changes, *effect_on_files(snapshots)]
        observer.settings_changed(record.settings_changes)
    due = [snapshot.due(phase, is_full=request.is_full) for snapshot in snapshots for phase in request.phases]
    new_bytes, new_files = sum(one.new_bytes for one in due), sum(one.files for one in due)
    with disk_errors():
        layout.run(record.run_id).mkdir(mode=0o700)
        fsync_directory(layout.runs)
        remember_homes(layout, homes)
        digests = prepare_indexes(layout, runs, record.run_id, new_bytes, new_files, damage)
        lost = lost_pieces(layout, runs, damage, digests.pieces)
    return RunInProgress(found.archive, record, runs, request, settings, snapshots, digests, lost, observer, started)


def extract_homes(layout: Layout, request: Request, observer: Observer) -> RunInProgress:
    """Run all phases of a request over every home and commit each; returns the run, whose record is still `open`.

    The caller must hold the writer lock (`archive.writing`). Raises ExtractError; phases committed earlier stay
    committed.
    """
    run = begin_run(layout, request, observer)
    for home_id, phase in run.phases_due:
        run.do(home_id, phase)
    run.end_extraction()
    return run


def _appeared(snapshot: Snapshot) -> list[str]:
    """Return the paths that were created in the home during the run; the next run reads them."""
    with Home(snapshot.home.root) as home:
        known = set(snapshot.inventory.paths())
        new = sorted({path for path in home.names() if path not in known})
    forgotten = snapshot.tombstones
    return [printable_path(path) for path in new if forgotten is None or not forgotten.holds_path(path)]
