"""The result of a drill: for each home what was restored, compared, and could be resumed."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from models.errors import ExitCode
from models.json import JsonObject
from pipelines.archive.selection import Standing
from pipelines.drill.compare import AtSource, Compared
from pipelines.drill.resume import ResumeVerdict, SessionCheck
from pipelines.restore.finding import Finding, exit_code_of
from pipelines.version import VERSION


@dataclass(slots=True)
class HomeDrill:
    """What the drill found of one home."""

    home_id: str
    expected_files: int
    expected_bytes: int
    expired_files: int
    erased_files: int
    restored: Compared
    source: AtSource
    sessions: list[SessionCheck]
    never_kept: Counter[Standing]

    def verdicts(self) -> Counter[ResumeVerdict]:
        """Return how many sessions have each verdict."""
        return Counter(session.verdict for session in self.sessions)

    def gaps(self) -> Counter[str]:
        """Return what the sessions lacked at the source already, by kind."""
        return sum((session.gaps for session in self.sessions), Counter[str]())

    def names(self) -> Counter[str]:
        """Return how the names of project directories were, by session."""
        return Counter(session.directory_name for session in self.sessions)

    def to_json(self) -> JsonObject:
        """Return it as JSON values."""
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
class Drilled:
    """What a drill came to, and where its record stands: `record` is JSON, beside it is the same for people."""

    run_id: str
    started_at: datetime
    homes: list[HomeDrill]
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0
    record: Path | None = None

    @property
    def holds(self) -> bool:
        """Whether all that the archive owes was given back."""
        return not self.findings

    @property
    def exit_code(self) -> ExitCode:
        """How the process should end."""
        return exit_code_of(self.findings)

    def to_json(self) -> JsonObject:
        """Return it as JSON values."""
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
