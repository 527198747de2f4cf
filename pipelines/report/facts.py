"""The facts of a verification report: what report.json holds, and what report.md and report.html show.

Text that came out of a home is already safe for a terminal (`models.text.safe`) and of bounded length here; HTML and
Markdown escape it once more. Counts are counts, sizes are bytes, times are seconds, instants are ISO 8601 in UTC.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final, Literal

from models.json import JsonObject
from models.run import ReparseCounts, SourceCounts
from pipelines.report.file_facts import FixityFacts, RuleFacts, StandingFacts
from pipelines.report.listing import Listing

FORMAT: Final = 1


Level = Literal["verified", "rejects", "incomplete", "broken"]
"""`broken`: bytes or counts contradict what was written down. The others as the exit codes say."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the run came to: its level, and a headline."""

    level: Level
    headline: str


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The run. `earlier_runs` counts the runs that the archive holds from before."""

    run_id: str
    epoch: int
    status: str
    started_at: str
    finished_at: str | None
    seconds: float
    tool_version: str
    is_full: bool
    earlier_runs: int


@dataclass(frozen=True, slots=True)
class HomeFacts:
    """A home, the directory where it was read, and the phases that the run did over it."""

    home_id: str
    directory: str
    phases: Sequence[int]


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What one source of a home gave."""

    home_id: str
    phase: int
    source: str
    counts: SourceCounts


@dataclass(frozen=True, slots=True)
class Balance:
    """Whether entries = entries with rows + rejects, everywhere: in the commit record, in the Parquet of the run, and
    between them. `contradictions` names each place where it does not hold.
    """

    holds: bool
    files: int
    contradictions: Listing[str]


@dataclass(frozen=True, slots=True)
class Example:
    """One place: its address, its source, and what was found there."""

    address: str
    source: str
    detail: str


@dataclass(frozen=True, slots=True)
class RejectFacts:
    """The entries in quarantine under one code."""

    code: str
    sentence: str
    by_source: Mapping[str, int]
    examples: Listing[Example]


@dataclass(frozen=True, slots=True)
class RepairFacts:
    """The entries that were recovered from damaged bytes in one way."""

    flag: str
    sentence: str
    by_source: Mapping[str, int]
    examples: Listing[Example]


@dataclass(frozen=True, slots=True)
class TailFact:
    """A file whose last line has no line end yet."""

    address: str
    source: str
    tail_bytes: int


@dataclass(frozen=True, slots=True)
class TailFacts:
    """Bytes that are kept and are no entry yet: last lines without a line end, and the last events of logs, which a
    later line may continue.
    """

    size: int
    files: Listing[TailFact]
    log_files: int
    log_size: int


@dataclass(frozen=True, slots=True)
class DriftFact:
    """One field or record type that we do not know.

    `first_version` is the lowest version of Claude Code of all that it was ever met with; `versions` are those of this
    run. `is_first` when no earlier run met it.
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


@dataclass(frozen=True, slots=True)
class DriftFacts:
    """What the run met that we do not know; kinds by `what`, of which `first_count` no earlier run had met."""

    kinds: Mapping[str, int]
    first_count: int
    items: Listing[DriftFact]


@dataclass(frozen=True, slots=True)
class PhaseTime:
    """How long a phase of a home took, and over what."""

    home_id: str
    phase: int
    name: str
    seconds: float
    files_read: int
    bytes_read: int
    entries: int


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes on disk: of this run's Parquet, of all runs', and of the warehouse that the run published."""

    run_files: int
    run_store: int
    run_tables: int
    all_files: int
    all_store: int
    all_tables: int
    warehouse: int | None


@dataclass(frozen=True, slots=True)
class NotDone:
    """A phase that the run did not do over a home, and the last run that did."""

    home_id: str
    phase: int
    name: str
    last_run_id: str | None


@dataclass(frozen=True, slots=True)
class FindingFacts:
    """One finding of `extract verify` (`models.finding`), and how closely it had looked."""

    code: str
    severity: str
    sentence: str
    address: str
    what_to_do: str
    level: str


@dataclass(frozen=True, slots=True)
class DamageFact:
    """A part of an earlier run that is not what was committed: its path below the data directory, its table, the run
    that committed it, and what is wrong with it.
    """

    path: str
    table: str
    run_id: str
    problem: str


@dataclass(frozen=True, slots=True)
class VerificationFacts:
    """A verification of the archive that was made after the run, and how much it found by severity. `percent` says how
    much of the files it picked, where that was not all.
    """

    verified_at: str
    level: str
    tool_version: str
    found: Mapping[str, int]
    percent: float | None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a report says. `manifest_sql` is the SQL condition for the rows of the run in the table `manifest`."""

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
    verifications: Sequence[VerificationFacts]
    findings: Listing[FindingFacts]
    damage: Listing[DamageFact]
    stored_again: int
    problems: Listing[str]
    notices: Sequence[str]
    manifest_sql: str
    format: int = field(default=FORMAT)

    @property
    def reject_count(self) -> int:
        """Entries that this run put into quarantine."""
        return self.total.rejects

    def to_json(self) -> JsonObject:
        """Return the facts as JSON values."""
        made: JsonObject = asdict(self)
        return made
