"""The paths below a data directory for copies, lakes and units of other machines: a part of `pipelines.disk.layout`,
which has all paths.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SharedPlaces:
    """Those paths. Nothing here writes."""

    root: Path

    @property
    def machine_file(self) -> Path:
        """The identity of this machine in lakes; exists once a lake was used."""
        return self.root / "machine.json"

    @property
    def machines(self) -> Path:
        """The data pulled from lakes: for each other machine a data directory of its own."""
        return self.root / "machines"

    @property
    def unit_file(self) -> Path:
        """Only in the directory of a pulled machine: whose runs it has, and how far it was pulled."""
        return self.root / "unit.json"

    @property
    def lakes(self) -> Path:
        """The archive's knowledge of each lake, and the filtered files that were pushed to it."""
        return self.root / "lakes"

    def push_memory(self, key: str) -> Path:
        """Return the memory of the last filtered push to the lake with this key; may be deleted."""
        return self.lakes / f"{key}.pushed"

    def push_memories(self) -> list[Path]:
        """Return the memories that exist."""
        return sorted(self.lakes.glob("*.pushed"))

    @property
    def privacy_file(self) -> Path:
        """The privacy levels that were set by command."""
        return self.root / "privacy.json"

    @property
    def audit_file(self) -> Path:
        """The audit log: one line for each time that content left the archive."""
        return self.root / "audit.jsonl"

    @property
    def audit_head(self) -> Path:
        """The number and digest of the last line of the audit log, by which missing lines are noticed."""
        return self.root / "audit.json"
