"""The state that the checks share: the archive as its records describe it, the parts not to open, and the findings."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from models.finding import Finding, Level
from models.findings.places import UNREADABLE
from models.observer import Observer
from models.run import PartRecord, PhaseRecord, RunRecord
from models.text import printable_path
from pipelines.disk.layout import Layout
from pipelines.disk.lock import Unfinished
from pipelines.verify.subset import Subset

_EVERYTHING: Final = Subset()


@dataclass(frozen=True, slots=True)
class PhaseGroup:
    """One committed phase of one home of one run; its parts are checked against one another."""

    number: int
    run: RunRecord
    phase: PhaseRecord


@dataclass(slots=True)
class Context:
    """One verification. `share` selects the files to digest.

    `runs` are those with a usable commit record, oldest first, undone and removed runs included; `unusable` are the
    names of the other runs' directories. `chains` are the branches of runs: first the runs in effect now, then, for
    each undone run, those in effect as of it. `seed` is None when archive.json is unusable. `distrusted` are the paths
    of parts that must not be opened. `stopped` is the last writer if it was stopped before its end.
    """

    layout: Layout
    level: Level
    observer: Observer
    share: Subset = _EVERYTHING
    runs: list[RunRecord] = field(default_factory=list)
    unusable: set[str] = field(default_factory=set)
    chains: list[list[RunRecord]] = field(default_factory=list)
    seed: int | None = None
    distrusted: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    stopped: Unfinished | None = None

    @property
    def is_quick(self) -> bool:
        """Whether only counts and sizes are checked."""
        return self.level is Level.QUICK

    @property
    def current(self) -> list[RunRecord]:
        """The runs in effect now, oldest first."""
        return self.chains[0] if self.chains else []

    def groups(self) -> list[PhaseGroup]:
        """Return every committed phase, numbered in the order of commits."""
        phases = [(run, phase) for run in self.runs for phase in run.phases]
        return [PhaseGroup(number, run, phase) for number, (run, phase) in enumerate(phases)]

    def parts(self) -> Iterator[tuple[RunRecord, PhaseRecord, PartRecord]]:
        """Yield every committed part with its run and phase."""
        for run in self.runs:
            for phase in run.phases:
                for part in phase.parts:
                    yield run, phase, part

    def is_usable(self, part: PartRecord) -> bool:
        """Whether a part may be opened."""
        return part.path not in self.distrusted

    def address(self, path: Path) -> str:
        """Return the address of a path in a finding: relative to the data directory, unprintable bytes escaped."""
        return printable_path(os.fsencode(self.layout.relative(path)))


def unreadable(context: Context, error: OSError) -> Finding:
    """Return the finding for a file or directory that the system refused to read."""
    name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    path = Path(name)
    is_below = path.is_relative_to(context.layout.root)
    address = context.address(path) if is_below else name or "."
    return UNREADABLE.at(address, problem=error.strerror or str(error))
