"""The facts of a verification report: the content of report.json, and the source of report.md and report.html.

Text from a home is already safe for a terminal (`models.text.safe`) and of bounded length here; HTML and
Markdown escape it once more. Sizes are in bytes, durations in seconds, instants in ISO 8601, UTC.

No code changes or compares facts. Their classes are not frozen, because Python makes a frozen class with slots in 1 ms,
and every run imports these.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final, Literal

from models.json import JsonObject
from models.run import ReparseCounts, SourceCounts
from pipelines.alerts.alert import Alert
from pipelines.report.file_facts import FixityFacts, RuleFacts, StandingFacts
from pipelines.report.listing import Listing

FORMAT: Final = 1


Level = Literal["verified", "rejects", "incomplete", "broken"]
"""`broken`: bytes or counts contradict their records. The others have the meaning of the exit codes."""


@dataclass(eq=False, repr=False)
class Verdict:
    """The result of the run: its level, and a headline."""

    level: Level
    headline: str


@dataclass(eq=False, repr=False)
class RunFacts:
    """The run. `earlier_runs` is the number of earlier runs in the archive."""

    run_id: str
    epoch: int
    status: str
    started_at: str
    finished_at: str | None
    seconds: float
    tool_version: str
    is_full: bool
    earlier_runs: int


@dataclass(eq=False, repr=False)
class HomeFacts:
    """A home, the directory where it was read, and the phases that the run did."""

    home_id: str
    directory: str
    phases: Sequence[int]


@dataclass(eq=False, repr=False)
class SourceFacts:
    """The counts of one source of a home."""

    home_id: str
    phase: int
    source: str
    counts: SourceCounts


@dataclass(eq=False, repr=False)
class Balance:
    """Whether entries = entries with rows + rejects, everywhere: in the commit record, in the Parquet of the run, and
    whether both agree. `contradictions` names each place where they do not.
    """

    holds: bool
    files: int
    contradictions: Listing[str]


@dataclass(eq=False, repr=False)
class Example:
    """One example: its address, its source, and a detail."""

    address: str
    source: str
    detail: str


@dataclass(eq=False, repr=False)
class RejectFacts:
    """The entries in quarantine under one code."""

    code: str
    sentence: str
    by_source: Mapping[str, int]
    examples: Listing[Example]


@dataclass(eq=False, repr=False)
class RepairFacts:
    """The entries that were recovered from damaged bytes in one way."""

    flag: str
    sentence: str
    by_source: Mapping[str, int]
    examples: Listing[Example]


@dataclass(eq=False, repr=False)
class TailFact:
    """A file whose last line has no line end yet."""

    address: str
    source: str
    tail_bytes: int


@dataclass(eq=False, repr=False)
class TailFacts:
    """Archived bytes that are not counted as entries yet: last lines without a line end, and the last events of logs,
    which a later line may continue.
    """

    size: int
    files: Listing[TailFact]
    log_files: int
    log_size: int


@dataclass(eq=False, repr=False)
class DriftFact:
    """One field or record type that no extractor knows.

    `first_version` is the lowest version of Claude Code in whose records any run found it; `versions` are those of this
    run. `is_first` if no earlier run found it.
    """

    source: str
    what: str
    name: str
    count: int
    versions: Sequence[str]
    first_version: str | None
    is_first: bool
    first_run_id: str
    address: str


@dataclass(eq=False, repr=False)
class DriftFacts:
    """Unknown fields and types of the run; `kinds` counts them by `what`; no earlier run had `first_count` of them."""

    kinds: Mapping[str, int]
    first_count: int
    items: Listing[DriftFact]


@dataclass(eq=False, repr=False)
class PhaseTime:
    """The duration of one phase of a home, and the amount it read."""

    home_id: str
    phase: int
    name: str
    seconds: float
    files_read: int
    bytes_read: int
    entries: int


@dataclass(eq=False, repr=False)
class Sizes:
    """Bytes on disk: of this run's Parquet, of all runs', and of the warehouse that the run published."""

    run_files: int
    run_store: int
    run_tables: int
    all_files: int
    all_store: int
    all_tables: int
    warehouse: int | None


@dataclass(eq=False, repr=False)
class NotDone:
    """A phase that the run did not do over a home, and the last run that did."""

    home_id: str
    phase: int
    name: str
    last_run_id: str | None


@dataclass(eq=False, repr=False)
class FindingFacts:
    """One finding of `extract verify` (`models.finding`), and the level of that verification."""

    code: str
    severity: str
    sentence: str
    address: str
    what_to_do: str
    level: str


@dataclass(eq=False, repr=False)
class DamageFact:
    """A file of the archive that was changed or missing: its path below the data directory, its table, the run that
    committed it, the problem, and whether this run restored it.
    """

    path: str
    table: str
    run_id: str
    problem: str
    mended: bool = False


@dataclass(eq=False, repr=False)
class VerificationFacts:
    """A verification of the archive after the run, and the number of its findings by severity. `percent` is the share
    of the files that it checked, None for all.
    """

    verified_at: str
    level: str
    tool_version: str
    found: Mapping[str, int]
    percent: float | None


@dataclass(eq=False, repr=False)
class Facts:
    """All facts of a report. `manifest_sql` is the SQL condition for the rows of the run in the table `manifest`."""

    verdict: Verdict
    claim: str
    run: RunFacts
    homes: Sequence[HomeFacts]
    total: SourceCounts
    sources: Sequence[SourceFacts]
    standing: StandingFacts
    balance: Balance
    rejects: Sequence[RejectFacts]
    repairs: Sequence[RepairFacts]
    tails: TailFacts
    drift: DriftFacts
    fixity: FixityFacts
    withheld: Sequence[RuleFacts]
    listed: Sequence[RuleFacts]
    not_done: Sequence[NotDone]
    phase_times: Sequence[PhaseTime]
    step_seconds: Mapping[str, float]
    sizes: Sizes
    reparsed: Mapping[str, ReparseCounts]
    settings_changes: Sequence[str]
    verifications: Sequence[VerificationFacts]
    findings: Listing[FindingFacts]
    damage: Listing[DamageFact]
    mended: int
    stored_again: int
    problems: Listing[str]
    notices: Sequence[str]
    manifest_sql: str
    alerts: Sequence[Alert] = ()
    format: int = field(default=FORMAT)

    @property
    def reject_count(self) -> int:
        """Entries that this run put into quarantine."""
        return self.total.rejects

    def to_json(self) -> JsonObject:
        """Return the facts as JSON values."""
        made: JsonObject = asdict(self) | {"alerts": [alert.to_json() for alert in self.alerts]}
        return made
