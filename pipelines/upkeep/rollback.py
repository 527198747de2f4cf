"""`extract rollback`: makes the state as of another run the current one. It deletes nothing.

A rollback is a run that reads no home; its commit record names the run to go back to. The runs in between are undone:
their records remain but are not in effect (`models.run.in_effect`), so the warehouse, the known digests, the watermarks
and restore ignore them. A rollback to an undone run brings it back.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from models.errors import ConfigurationError
from models.json import JsonObject
from models.observer import Observer
from models.run import RunRecord, in_effect
from pipelines.archive.archive import Archive, commit, next_epoch, next_run_id, read_all_runs
from pipelines.archive.totals import added, by_source
from pipelines.disk.atomic import disk_errors
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import Layout
from pipelines.disk.lock import writing
from pipelines.disk.platform import fsync_directory
from pipelines.disk.settings import read_settings
from pipelines.run.unfinished_erasure import finish_forget
from pipelines.version import VERSION
from pipelines.warehouse.publish import make_warehouse


@dataclass(frozen=True, slots=True)
class RunChange:
    """A run that a rollback undoes or brings back, with the counts of its files, entries, rows, messages and bytes."""

    run_id: str
    started_at: str
    files_read: int
    entries: int
    rows: int
    messages_new: int
    bytes_kept_new: int


@dataclass(frozen=True, slots=True)
class Rollback:
    """The plan of a rollback to the run `back_to`. `undone` are the runs it undoes, `again` those it brings back.

    `epoch` is the newest run's when the plan was made. `unfinished` is the run_id of an earlier rollback to the same
    run that was committed, but stopped before its warehouse was built.
    """

    back_to: str
    epoch: int
    undone: list[RunChange]
    again: list[RunChange]
    unfinished: str | None = None

    @property
    def changes_nothing(self) -> bool:
        """Whether the state as of that run is already the current one."""
        return not (self.undone or self.again or self.unfinished)

    def to_json(self) -> JsonObject:
        """Return the plan as JSON values."""
        made: JsonObject = asdict(self)
        return made


def plan_rollback(layout: Layout, run: str) -> Rollback:
    """Return the plan of a rollback to the run with this run_id or beginning of it. Changes nothing.

    Raises ConfigurationError when no run or several match, or when gc has removed the run.
    """
    Archive.open(layout)
    runs = read_all_runs(layout)
    target = _target(runs, run)
    now, then = in_effect(runs), in_effect(runs, target.run_id)
    now_ids, then_ids = ({one.run_id for one in some} for some in (now, then))
    newest = runs[-1]
    is_unfinished = newest.kind == "rollback" and newest.status == "open" and newest.back_to == target.run_id
    return Rollback(
        target.run_id,
        newest.epoch,
        [_change(one) for one in now if one.run_id not in then_ids and one.kind != "rollback"],
        [_change(one) for one in then if one.run_id not in now_ids and one.kind != "rollback"],
        newest.run_id if is_unfinished else None,
    )


def roll_back(layout: Layout, planned: Rollback, observer: Observer) -> RunRecord:
    """Carry out a plan, build and publish the warehouse of the runs now in effect; return the rollback's own record.

    Raises ConfigurationError when the archive has changed since the plan was made, LockedError, and the exceptions of
    building a warehouse; the next run then completes the rollback.
    """
    with writing(layout, "rollback"):
        finish_forget(layout, observer)
        if plan_rollback(layout, planned.back_to) != planned:
            raise ConfigurationError("another run was committed since the preview: give the same command again")
        runs = read_all_runs(layout)
        if planned.unfinished is not None:
            record = runs[-1]
        else:
            record = _record(layout, planned, next_epoch(runs))
            with disk_errors():
                layout.run(record.run_id).mkdir(mode=0o700)
                fsync_directory(layout.runs)
                reach("rollback:before-commit")
                commit(layout, record)
                reach("rollback:after-commit")
        _publish(layout, record, observer)
        return record


def _publish(layout: Layout, record: RunRecord, observer: Observer) -> None:
    """Build the warehouse of the runs now in effect and complete the record; after a kill the next run does it."""

    observer.step_begins("load")
    runs = in_effect(read_all_runs(layout))
    published = make_warehouse(layout, runs, keep=read_settings(layout).keep_warehouses)
    record.warehouse = published.record(layout)
    record.status = "complete"
    record.finished_at = _now()
    reach("rollback:before-completion")
    with disk_errors():
        commit(layout, record)


def _record(layout: Layout, planned: Rollback, epoch: int) -> RunRecord:
    return RunRecord(
        run_id=next_run_id(layout),
        epoch=epoch,
        status="open",
        started_at=_now(),
        finished_at=None,
        tool_version=VERSION,
        is_full=False,
        homes={},
        kind="rollback",
        back_to=planned.back_to,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _target(runs: Sequence[RunRecord], given: str) -> RunRecord:
    found = [run for run in runs if given and run.run_id.startswith(given)]
    if not found:
        newest = ", ".join(run.run_id for run in runs[-3:]) or "none"
        raise ConfigurationError(f"there is no run {given!r}; the newest are {newest}")
    if len(found) > 1:
        raise ConfigurationError(
            f"{len(found)} runs begin with {given}: {', '.join(run.run_id for run in found[:3])} …"
        )
    (target,) = found
    if target.status == "lost":
        raise ConfigurationError(f"run {target.run_id} was lost, so a rollback to it is impossible")
    if target.status == "removed":
        raise ConfigurationError(
            f"`extract gc` has removed the files of run {target.run_id}, so a rollback to it is impossible"
        )
    return target


def _change(run: RunRecord) -> RunChange:
    total = added(by_source(run).values())
    return RunChange(
        run.run_id,
        run.started_at,
        total.files_read,
        total.entries,
        total.rows,
        total.messages_new,
        total.bytes_kept_new,
    )
