"""The result of a sync of a copy."""

from dataclasses import dataclass, field

from models.errors import ExitCode
from models.finding import Finding, Severity, exit_code
from models.json import JsonObject
from pipelines.archive.known_copies import KnownCopy


@dataclass(slots=True)
class SyncResult:
    """The result of a sync: files written and their bytes; files of the copy that were damaged or lost and were written
    again; files deleted; findings. `known` is the archive's new record of the copy. `is_erased` is whether every
    erasure of the archive is carried out there.
    """

    known: KnownCopy
    files: int = 0
    size: int = 0
    healed: list[str] = field(default_factory=list)
    is_erased: bool = True
    removed: int = 0
    runs: int = 0
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the command: 3 where files of the archive are damaged, else 0."""
        return exit_code(one for one in self.findings if one.severity is Severity.ERROR)

    def to_json(self) -> JsonObject:
        """Return the result as JSON values."""
        return {
            "copy": self.known.to_json(),
            "files_written": self.files,
            "bytes_written": self.size,
            "healed": list(self.healed),
            "files_removed": self.removed,
            "runs_copied": self.runs,
            "findings": [finding.to_json() for finding in self.findings],
            "exit_code": int(self.exit_code),
            "seconds": round(self.seconds, 3),
        }
