"""The steps after a scheduled run: the rotating check of a share of the archive, and the sync of its copies."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from models.errors import ExitCode
from models.finding import Severity, exit_code
from models.observer import Observer
from pipelines.alerts.alert import Alert, by_urgency
from pipelines.alerts.rules import failed
from pipelines.archive.archive import read_records
from pipelines.archive.checks_file import read_past_checks
from pipelines.archive.findings_file import Verification
from pipelines.archive.known_copies import read_known_copies
from pipelines.copies.every import CopyOutcome, sync_all_known
from pipelines.disk.layout import Layout
from pipelines.disk.settings import read_settings
from pipelines.run.pipeline import RunResult
from pipelines.run.standing_alerts import alerts_of_checks
from pipelines.verify.verify import rotate


@dataclass(frozen=True, slots=True)
class AfterRun:
    """The result of the rotating check and of the sync of each copy."""

    checked: Verification
    synced: Sequence[CopyOutcome]

    @property
    def exit_code(self) -> ExitCode:
        """The most serious exit code of both. A warning of the check, such as one about permissions, is for the
        report: the run itself is whole.
        """
        grave = exit_code(one for one in self.checked.findings if one.severity is Severity.ERROR)
        return max([grave, *(one.exit_code for one in self.synced)])


def check_and_sync(layout: Layout, observer: Observer) -> AfterRun:
    """Check the share of the archive whose turn it is, and sync every copy that it knows; one that cannot be reached
    keeps no other from it. Raises ExtractError where the archive itself cannot be read.
    """
    return AfterRun(rotate(layout, observer), sync_all_known(layout, observer))


def follow_run(layout: Layout, finished: RunResult, observer: Observer) -> tuple[RunResult, list[str]]:
    """Do as `check_and_sync` after a run. Return its result, with the most serious exit code of all and the alerts of
    all, and a sentence for each copy that was not synced.
    """
    after = check_and_sync(layout, observer)
    code = finished.exit_code
    if code in (ExitCode.VERIFIED, ExitCode.REJECTS) and after.exit_code is not ExitCode.VERIFIED:
        code = after.exit_code
    problems = [f"the copy {one.known.place} was not synced: {one.error}" for one in after.synced if one.error]
    return replace(finished, exit_code=code, alerts=_alerts_after(layout, finished.alerts, after.synced)), problems


def _alerts_after(layout: Layout, alerts: Sequence[Alert], synced: Sequence[CopyOutcome]) -> list[Alert]:
    """Return the alerts of a run together with those of the checks and syncs after it, the most urgent first."""
    _, damage = read_records(layout)
    settings, now = read_settings(layout), datetime.now(UTC)
    found = [*alerts, *alerts_of_checks(damage, read_past_checks(layout), read_known_copies(layout), settings, now)]
    for one in synced:
        if one.error is not None:
            found += failed(f"copy {one.known.place}", f"the copy {one.known.place} was not synced: {one.error}")
    return by_urgency(found)
