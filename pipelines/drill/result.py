"""The result of a drill: for each home the restored files, the comparisons, and the sessions that can be resumed."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from models.errors import ExitCode
from models.finding import Finding, exit_code
from models.json import JsonObject
from pipelines.archive.selection import Availability
from pipelines.drill.compare import SourceComparison, TreeComparison
from pipelines.drill.resume import ResumeVerdict, SessionCheck
from pipelines.version import VERSION


@dataclass(slots=True)
class HomeDrill:
    """The results of a drill for one home. Sizes are in bytes."""

    home_id: str
    expected_files: int
    expected_bytes: int
    expired_files: int
    erased_files: int
    restored: TreeComparison
    source: SourceComparison
    sessions: list[SessionCheck]
    never_kept: Counter[Availability]

    def verdicts(self) -> Counter[ResumeVerdict]:
        """Return how many sessions have each verdict."""
        return Counter(session.verdict for session in self.sessions)

    def gaps(self) -> Counter[str]:
        """Return how many gaps the sessions had in the home itself, by kind."""
        return sum((session.gaps for session in self.sessions), Counter[str]())

    def names(self) -> Counter[str]:
        """Return how many sessions have each `SessionCheck.directory_name`."""
        return Counter(session.directory_name for session in self.sessions)

    def to_json(self) -> JsonObject:
        """Return the result as JSON values."""
        return {
            "home_id": self.home_id,
            "root": self.source.root,
            "files": self.expected_files,
            "bytes": self.expected_bytes,
            "expired_files": self.expired_files,
            "files_with_erased_bytes": self.erased_files,
            "restored_right": {str(kind): number for kind, number in sorted(self.restored.right.items())},
            "never_kept": {str(why): number for why, number in sorted(self.never_kept.items())},
            "source_problem": self.source.problem,
            "source_outcomes": dict(sorted(self.source.outcomes.items())),
            "verdicts": {str(verdict): number for verdict, number in sorted(self.verdicts().items())},
            "gaps_of_the_source": dict(sorted(self.gaps().items())),
            "directory_names": dict(sorted(self.names().items())),
            "sessions": [session.to_json() for session in self.sessions],
        }


@dataclass(slots=True)
class DrillResult:
    """The result of a drill. `record` is the path of its JSON record; beside it is the same as text.

    `started_at` is in UTC. `holds` is true when there is no finding.
    """

    run_id: str
    started_at: datetime
    homes: list[HomeDrill]
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0
    record: Path | None = None

    @property
    def holds(self) -> bool:
        """Whether every archived file was restored exactly."""
        return not self.findings

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the command: 0 when the drill holds, 3 for damage, 5 when the target refused a path."""
        return exit_code(self.findings, ExitCode.INCOMPLETE)

    def to_json(self) -> JsonObject:
        """Return the result as JSON values."""
        return {
            "holds": self.holds,
            "exit_code": int(self.exit_code),
            "run_id": self.run_id,
            "started_at": self.started_at.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 3),
            "tool_version": VERSION,
            "homes": [home.to_json() for home in self.homes],
            "findings": [finding.to_json() for finding in self.findings],
        }
