"""The alerts of a run: from its commit record, its manifest and its drift; and their section of the report."""

import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

import orjson

from models.errors import FixityError
from models.manifest import NOT_PRESENT, Outcome, modified_at
from models.run import RunRecord
from pipelines.alerts import rules
from pipelines.alerts.alert import Alert, by_urgency
from pipelines.disk.atomic import read_sealed
from pipelines.disk.layout import Layout
from pipelines.disk.settings import Settings
from pipelines.report.document import Block, Code, Item, Items, Section, Tone, paragraph
from pipelines.report.facts import DriftFacts, Facts, Verdict

_TRANSCRIPTS: Final = "projects"
_SHOWN: Final = 100
_GRAVE: Final = ("fixity", "vanished", "expiring", "disk")


class File(Protocol):
    """The columns of a file in a manifest that alerts need."""

    @property
    def home_id(self) -> str:
        """The home."""

    @property
    def source(self) -> str:
        """The source that reads it."""

    @property
    def outcome(self) -> str:
        """Its fixity outcome."""

    @property
    def change(self) -> str:
        """Its change since the previous manifest."""

    @property
    def path(self) -> str:
        """Its path in the home, as printable text."""

    @property
    def size(self) -> int:
        """Its size in bytes."""

    @property
    def mtime_ns(self) -> int:
        """The time of its last change, in nanoseconds since 1970."""

    @property
    def address(self) -> str:
        """The address of the file in its generation."""


@dataclass(slots=True)
class Noticed:
    """The rows of a manifest that alerts are about: `gone` has the files that this run missed first, by the time of
    their last change (nanoseconds since 1970) and home_id; `left` counts the files that are still there.
    """

    settings: Settings
    large: list[rules.Sized] = field(default_factory=list)
    unread: list[rules.Unread] = field(default_factory=list)
    gone: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    left: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def see(self, row: File) -> None:
        """Take in the row of a file whose bytes the archive has, or that could not be read."""
        if row.outcome == Outcome.EXPIRED:
            if row.change == "vanished":
                self.gone[row.home_id].append(row.mtime_ns)
            return
        if row.outcome in NOT_PRESENT:
            return
        self.left[row.home_id] += 1
        is_transcript = row.source == _TRANSCRIPTS and row.path.endswith(".jsonl")
        if rules.is_large(row.size, self.settings, is_transcript=is_transcript):
            self.large.append(rules.Sized(row.address, row.size, is_transcript))
        if row.outcome == Outcome.UNREADABLE and rules.is_deleted_by_age(row.path):
            self.unread.append(rules.Unread(row.address, row.home_id, modified_at(row.mtime_ns), row.size))


def alerts_of(
    layout: Layout, run: RunRecord, earlier: Sequence[RunRecord], noticed: Noticed, drift: DriftFacts, verdict: Verdict
) -> list[Alert]:
    """Return the alerts of a run, the most urgent first. `earlier` are the runs in effect before it, oldest first."""
    settings = noticed.settings
    before = {home_id: one for one in earlier if one.kind == "run" for home_id in one.homes}
    found = rules.broken(run.run_id, verdict.headline) if verdict.level == "broken" else []
    found += rules.whole_homes_gone(run.homes_not_found, before, settings)
    for home_id in run.homes:
        if home_id in before:
            found += _since(before[home_id], run, home_id, noticed)
    found += rules.expiring(noticed.unread, datetime.fromisoformat(run.started_at), settings)
    if earlier:
        types = [f"{one.source}: {one.name}" for one in drift.items.shown if one.is_first and one.what == "record_type"]
        found += rules.new_types(run.run_id, types)
    found += rules.growth(run.run_id, _new_bytes(run), [_new_bytes(one) for one in earlier], settings)
    found += rules.large(noticed.large, settings)[:_SHOWN]
    found += disk_alerts(layout, run.warehouse.size if run.warehouse else 0, settings)
    return by_urgency(found)


def _since(last: RunRecord, run: RunRecord, home_id: str, noticed: Noticed) -> list[Alert]:
    """Return the alerts on the changes of a home between its `last` run and this one."""
    before, now = datetime.fromisoformat(last.started_at), datetime.fromisoformat(run.started_at)
    times = [modified_at(one) for one in noticed.gone.get(home_id, ())]
    gone = rules.Gone(home_id, run.run_id, times, noticed.left.get(home_id, 0), before, now)
    allowed = timedelta(days=noticed.settings.alert_overdue_days)
    what = f"before this run, home {home_id} was last read"
    return [
        *rules.vanished(gone, noticed.settings),
        *rules.overdue(what, home_id, before, now, allowed, run.run_id),
    ]


def disk_alerts(layout: Layout, warehouse: int, settings: Settings) -> list[Alert]:
    """Return an alert if the disk of the data directory is nearly full now; `warehouse` is the size of the last one."""
    try:
        usage = shutil.disk_usage(layout.root)
    except OSError:
        return []  # the run itself, or the next one, reports the error of the disk
    return rules.disk(usage.free, usage.total, warehouse, settings)


def read_alerts(layout: Layout, run_id: str) -> list[Alert]:
    """Return the alerts in the report of a run; none where it has no readable report."""
    try:
        held: Mapping[str, list[object]] = orjson.loads(read_sealed(layout.report(run_id, "json")))
        return [Alert.from_json(one) for one in held.get("alerts", ())]  # type: ignore[arg-type]  # it checks itself
    except (OSError, FixityError, ValueError, KeyError, TypeError):
        return []


def _new_bytes(run: RunRecord) -> int:
    return sum(counts.bytes_kept_new for phase in run.phases for counts in phase.sources.values())


def alerts_section(facts: Facts) -> Section:
    """List the alerts of the run, each with its next step."""
    blocks: list[Block] = []
    for alert in facts.alerts:
        tone: Tone = "bad" if alert.rule in _GRAVE else "warn"
        blocks.append(Items([Item(Code(str(alert.rule)), alert.sentence, tone)]))
        if len(alert.names) > 1 or (alert.names and alert.names[0] not in alert.sentence):
            blocks.append(Items([Item(Code(name)) for name in alert.names]))
        blocks.append(paragraph(alert.what_to_do, is_quiet=True))
    return Section("alerts", "Alerts", blocks, "bad")
