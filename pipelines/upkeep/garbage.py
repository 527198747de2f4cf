"""`extract gc`: deletes undone runs that are old enough, files that failed runs left, and old warehouses.

An undone run is kept for a day after its rollback, and until two more runs were completed: until then a rollback to it
is possible. Then gc replaces its commit record by one that keeps its place in the order of runs and lists no parts, and
deletes the parts, which no record lists any more. If gc is killed, the next command that writes deletes the rest.
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
from pipelines.archive.copies import renew_copies
from pipelines.archive.sweep import leftovers, sweep
from pipelines.disk.atomic import disk_errors
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import Layout
from pipelines.disk.lock import is_being_written, writing
from pipelines.disk.settings import read_settings
from pipelines.run.unfinished_erasure import finish_forget

AGE: Final = timedelta(hours=24)
"""The time that an undone run is kept at least, counted from its rollback."""
RUNS: Final = 2
"""The number of runs that must have been completed since its rollback."""


@dataclass(frozen=True, slots=True)
class UndoneRun:
    """A run that a rollback has undone. `size` is the bytes of its parts; times are UTC, ISO 8601.

    `until` is the time from which it is old enough, None when it is; `runs_missing` is the number of runs that must
    still be completed before gc may delete it.
    """

    run_id: str
    undone_at: str
    size: int
    until: str | None
    runs_missing: int

    @property
    def is_free(self) -> bool:
        """Whether gc may delete it now."""
        return self.until is None and not self.runs_missing


@dataclass(frozen=True, slots=True)
class Leftover:
    """A file or directory to delete: its path below the data directory, and its size in bytes."""

    path: str
    size: int


@dataclass(slots=True)
class Garbage:
    """The findings of gc: runs to delete and runs that must wait (both newest first), leftovers of failed runs, old
    warehouses to delete, and old warehouses that another process has open (`in_use`).
    """

    runs: list[UndoneRun] = field(default_factory=list)
    waiting: list[UndoneRun] = field(default_factory=list)
    leftovers: list[Leftover] = field(default_factory=list)
    warehouses: list[Leftover] = field(default_factory=list)
    in_use: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes that gc would free."""
        return sum(one.size for some in (self.runs, self.leftovers, self.warehouses) for one in some)

    @property
    def is_nothing(self) -> bool:
        """Whether gc has nothing to delete."""
        return not (self.runs or self.leftovers or self.warehouses)

    def to_json(self) -> JsonObject:
        """Return the findings as JSON values."""
        made: JsonObject = {**asdict(self), "size": self.size}
        return made


def find_garbage(layout: Layout, *, is_writer: bool = False) -> Garbage:
    """Return the files that gc may delete now. Changes nothing.

    While another process holds the writer's lock, leftovers are not listed: they may be that process's files.
    `is_writer` means that the caller itself holds the lock. Raises ConfigurationError when there is no archive,
    StoreError when a commit record is missing.
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
    """Return the undone runs that gc has not removed yet, newest first. `runs` are all runs, oldest first; `now` is
    UTC.
    """
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
    """Delete the planned files. It may be killed at any point: the next gc deletes the rest.

    Raises ConfigurationError when the runs to delete have changed since the plan, LockedError, DataDirectoryError.
    """
    with writing(layout, "gc"):
        finish_forget(layout, Observer())
        found = find_garbage(layout, is_writer=True)
        if [run.run_id for run in found.runs] != [run.run_id for run in planned.runs]:
            raise ConfigurationError("the archive has changed since the preview: give the same command again")
        records = {run.run_id: run for run in read_all_runs(layout)}
        with disk_errors():
            # Newest first: a later undone run can build on an earlier one, so a kill must never leave only the later.
            for run in found.runs:
                reach("gc:before-record")
                write_record(layout, _emptied(records[run.run_id]), "gc-record")
                reach("gc:after-record")
            sweep(layout)
            renew_copies(layout, read_all_runs(layout))
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
    """Return the warehouses of removed runs, and those beyond the setting `keep_warehouses`."""
    published = layout.warehouse.resolve()
    others = [path for path in reversed(layout.built_warehouses()) if path.resolve() != published]
    kept = [path for path in others if path.stem not in removed_runs][: read_settings(layout).keep_warehouses]
    return [path for path in others if path not in kept]


def _is_open_elsewhere(path: Path) -> bool:
    """Return whether another process has a warehouse open, by opening it for writing: DuckDB then fails on its lock.

    This process must not have the file open: closing it here would release that lock too.
    """

    mode = path.stat().st_mode
    path.chmod(0o600)
    try:
        duckdb.connect(str(path)).close()
    except duckdb.Error as error:
        message = str(error).lower()
        return "lock" in message or "used by another process" in message or "different configuration" in message
    finally:
        path.chmod(mode & 0o777)
    return False
