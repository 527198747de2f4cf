"""Frees what nothing that counts refers to: undone runs that are old enough, what died runs left, old warehouses.

An undone run stays for a day, and until two runs after the rollback that undid it were completed: so long one can go
back to it. Then its commit record is replaced by one that keeps its place in the order of runs and lists nothing; from
then on its parts belong to nobody and are swept. Killed in between, the next start of any writer sweeps the rest.
"""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb

from models.errors import ConfigurationError
from models.json import JsonObject
from models.observer import Observer
from models.run import RunRecord, in_effect
from pipelines.archive.archive import Archive, read_all_runs, write_record
from pipelines.archive.sweep import leftovers, sweep
from pipelines.disk.atomic import disk_errors
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import Layout
from pipelines.disk.lock import is_being_written, writing
from pipelines.disk.settings import read_settings
from pipelines.run.unfinished_erasure import finish_forget

AGE: Final = timedelta(hours=24)
"""How long an undone run is kept at least, from the rollback on that undid it."""
RUNS: Final = 2
"""How many runs must have been completed since."""


@dataclass(frozen=True, slots=True)
class UndoneRun:
    """A run that no longer counts: since when, how many bytes its parts take, and what it still waits for.

    `until` is when it will be old enough, None when it is; `runs_missing` is how many runs must be completed before.
    """

    run_id: str
    undone_at: str
    size: int
    until: str | None
    runs_missing: int

    @property
    def is_free(self) -> bool:
        """Whether it can be removed."""
        return self.until is None and not self.runs_missing


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something that goes: its path below the data directory, and its size in bytes."""

    path: str
    size: int


@dataclass(slots=True)
class Garbage:
    """What can be freed: runs, newest first, that may go and that wait; leftovers; warehouses, and those in use."""

    runs: list[UndoneRun] = field(default_factory=list)
    waiting: list[UndoneRun] = field(default_factory=list)
    leftovers: list[Leftover] = field(default_factory=list)
    warehouses: list[Leftover] = field(default_factory=list)
    in_use: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes that would be freed."""
        return sum(one.size for some in (self.runs, self.leftovers, self.warehouses) for one in some)

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to free."""
        return not (self.runs or self.leftovers or self.warehouses)

    def to_json(self) -> JsonObject:
        """Return it as JSON values."""
        made: JsonObject = {**asdict(self), "size": self.size}
        return made


def find_garbage(layout: Layout, *, is_writer: bool = False) -> Garbage:
    """Return what can be freed now. Nothing is changed. What somebody else is writing is not looked at; `is_writer`
    says that it is the caller who holds the lock.

    Raises ConfigurationError when there is no archive, StoreError when a commit record is gone.
    """
    Archive.open(layout)
    runs = read_all_runs(layout)
    made = Garbage()
    for run in undone_runs(runs, datetime.now(UTC)):
        (made.runs if run.is_free else made.waiting).append(run)
    for path in leftovers(layout) if is_writer or not is_being_written(layout) else ():
        made.leftovers.append(Leftover(os.fsdecode(layout.relative(path)), _size(path)))
    going = {run.run_id for run in made.runs}
    for path in _old_warehouses(layout, going):
        relative = layout.relative(path)
        if _is_open_elsewhere(path):
            made.in_use.append(relative)
        else:
            made.warehouses.append(Leftover(relative, path.stat().st_size))
    return made


def undone_runs(runs: Sequence[RunRecord], now: datetime) -> list[UndoneRun]:
    """Return the undone runs among all `runs` (the oldest first) that were not removed yet, the newest first."""
    counted = [{run.run_id for run in in_effect(runs, tip.run_id)} for tip in runs]
    found = []
    for number, run in enumerate(runs):
        if run.status == "removed" or run.run_id in counted[-1]:
            continue
        undoing = max(at for at in range(number, len(runs)) if run.run_id in counted[at]) + 1
        since = datetime.fromisoformat(runs[undoing].finished_at or runs[undoing].started_at)
        done = [
            later
            for later in runs[undoing:]
            if later.run_id in counted[-1] and later.kind == "run" and later.status == "complete"
        ]
        until = since + AGE
        found.append(
            UndoneRun(
                run.run_id,
                since.isoformat(timespec="seconds"),
                sum(part.size for phase in run.phases for part in phase.parts),
                until.isoformat(timespec="seconds") if now < until else None,
                max(0, RUNS - len(done)),
            )
        )
    return found[::-1]


def free(layout: Layout, planned: Garbage) -> None:
    """Remove what was planned. Can be killed at any point: what is gone was not needed, and the rest goes another time.

    Raises ConfigurationError when what can be freed has changed since, LockedError, DataDirectoryError.
    """
    with writing(layout, "gc"):
        finish_forget(layout, Observer())
        found = find_garbage(layout, is_writer=True)
        if [run.run_id for run in found.runs] != [run.run_id for run in planned.runs]:
            raise ConfigurationError("the archive has changed since this was planned; look again")
        records = {run.run_id: run for run in read_all_runs(layout)}
        with disk_errors():
            # The newest first: what comes after a run may be undone without it, never the other way round.
            for run in found.runs:
                reach("gc:before-record")
                write_record(layout, _emptied(records[run.run_id]), "gc-record")
                reach("gc:after-record")
            sweep(layout)
            for warehouse in found.warehouses:
                reach("gc:before-warehouse")
                (layout.root / warehouse.path).unlink()
            reach("gc:done")


def _emptied(run: RunRecord) -> RunRecord:
    return replace(run, status="removed", phases=[], appeared={}, texts=[], warehouse=None, step_seconds={})


def _size(path: Path) -> int:
    if path.is_dir() and not path.is_symlink():
        return sum(below.lstat().st_size for below in path.rglob("*") if not below.is_dir())
    return path.lstat().st_size


def _old_warehouses(layout: Layout, removed_runs: set[str]) -> list[Path]:
    """Return the warehouses of removed runs, and those beyond the number that the settings want kept."""
    published = layout.warehouse.resolve()
    others = [path for path in layout.warehouses.glob("*.duckdb") if path.resolve() != published]
    others = sorted((path for path in others if ".tmp" not in path.suffixes), reverse=True)
    kept = [path for path in others if path.stem not in removed_runs][: read_settings(layout).keep_warehouses]
    return [path for path in others if path not in kept]


def _is_open_elsewhere(path: Path) -> bool:
    """Ask DuckDB for the file as its only user. Its locks are the system's, and end when this process closes the file,
    so nobody in this process may have it open.
    """

    mode = path.stat().st_mode
    path.chmod(0o600)
    try:
        duckdb.connect(str(path)).close()
    except duckdb.Error as error:
        told = str(error).lower()
        return "lock" in told or "used by another process" in told or "different configuration" in told
    finally:
        path.chmod(mode & 0o777)
    return False
