"""The current alerts: those of the last run's report, events of the days before it, and those that depend on the
present time, the free space and the last checks.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from models.amounts import plural
from models.manifest import modified_at
from models.run import DamageRecord, RunRecord
from pipelines.alerts import rules
from pipelines.alerts.alert import Alert, AlertRule, by_urgency
from pipelines.archive.checks_file import PastChecks
from pipelines.archive.homes import KnownHome
from pipelines.archive.known_copies import KnownCopy
from pipelines.disk.layout import Layout
from pipelines.disk.settings import Settings
from pipelines.report.alerts import disk_alerts, read_alerts
from pipelines.report.places import file_address
from pipelines.run.snapshot import Slice

_ANEW = (AlertRule.DISK, AlertRule.OVERDUE)
"""Rules whose alerts in a report are of its time, unless they are events: they are found again."""


def standing_alerts(
    layout: Layout,
    runs: Sequence[RunRecord],
    homes: Iterable[KnownHome],
    settings: Settings,
    now: datetime,
    *,
    of_last: Sequence[Alert] | None = None,
) -> list[Alert]:
    """Return the alerts after `runs` (in effect, oldest first), `now` in UTC: of the last one's report (or `of_last`),
    events of the runs of the last days, overdue homes, and the disk.
    """
    since = now - timedelta(days=settings.alert_again_days)
    last = [run for run in runs if run.kind == "run"][-1:]
    found: list[Alert] = []
    for run in runs:
        if last and run is last[0]:
            mine = of_last if of_last is not None else read_alerts(layout, run.run_id)
            found += [one for one in mine if one.run_id or one.rule not in _ANEW]
        elif since <= _moment(run.started_at) <= now:
            found += [one for one in read_alerts(layout, run.run_id) if one.run_id]
    found += _overdue_homes(runs, homes, settings, now)
    found += disk_alerts(layout, last[0].warehouse.size if last and last[0].warehouse else 0, settings)
    return by_urgency(found)


def alerts_of_checks(
    damage: Sequence[DamageRecord], checks: PastChecks, copies: Iterable[KnownCopy], settings: Settings, now: datetime
) -> Iterator[Alert]:
    """Yield an alert for damage, for each check that failed last, and for copies that are damaged or out of date."""
    if damage:
        yield from rules.broken("archive", f"{plural(len(damage), 'committed file')} of the archive changed or missing")
    for name, failed in checks.failed.items():
        if failed > checks.passed.get(name, ""):
            yield from rules.broken(
                f"check {name}", f"the check `{name}` failed on {failed[:16].replace('T', ' ')} UTC"
            )
    allowed = timedelta(days=settings.alert_overdue_days)
    for copy in copies:
        if copy.damaged or copy.findings:
            advice = "`extract copy verify` names the files; the next `extract copy sync` writes them again."
            yield from rules.broken(f"copy {copy.place}", f"the copy {copy.place} is damaged", advice)
        synced = _moment(copy.synced_at) if copy.synced_at else None
        yield from rules.overdue(f"the copy {copy.place} was last synced", copy.place, synced, now, allowed)


def unread_files(home_id: str, part: Slice) -> Iterator[rules.Unread]:
    """Yield the files of a slice of a home that the next run would read and that Claude Code deletes by age."""
    for item in part.items:
        if item.found.kind == "file" and item.is_read and not item.is_as_last():
            stat, path = item.found.stat, item.path
            if rules.is_deleted_by_age(path):
                address = file_address(home_id, path, None)
                yield rules.Unread(address, home_id, modified_at(stat.mtime_ns), stat.size)


def _overdue_homes(
    runs: Sequence[RunRecord], homes: Iterable[KnownHome], settings: Settings, now: datetime
) -> Iterator[Alert]:
    read = {home_id: run for run in runs for home_id in run.homes}
    allowed = timedelta(days=settings.alert_overdue_days)
    for home in homes:
        if home.is_read:
            run = read.get(home.home_id)
            last = _moment(run.finished_at or run.started_at) if run else None
            yield from rules.overdue(f"home {home.home_id} was last read", home.home_id, last, now, allowed)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
