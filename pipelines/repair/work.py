"""The state that the steps of a repair share: the archive, the places of intact files, and the results."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from models.observer import Observer
from models.run import PartRecord, RetiredRecord, RunRecord
from pipelines.archive.archive import read_all_runs
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import Layout
from pipelines.disk.obstacles import set_aside
from pipelines.repair.places import Places

GONE_OR_CHANGED: Final = "is gone, changed or damaged"
"""The problem of a file that is missing or whose bytes differ from those written."""


@dataclass(frozen=True, slots=True)
class Mended:
    """A damaged or missing file of the archive: its path below the data directory, the damage, and the way of mending,
    both worded to follow the path in a sentence.
    """

    path: str
    problem: str
    how: str


@dataclass(slots=True)
class Work:
    """One repair. `homes` are the directories of the homes to search, by home_id. `mended` are the mended files, in the
    order of mending; `notes` are further sentences for a person.
    """

    layout: Layout
    places: Places
    homes: Mapping[str, Path]
    observer: Observer
    mended: list[Mended] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    has_changed: bool = False
    """Whether a commit record or a part is another than before, so that the warehouse has to be built again."""

    def tell(self, path: Path | str, problem: str, how: str) -> None:
        """Note a mended file, its damage, and the way of mending."""
        name = path if isinstance(path, str) else self.layout.relative(path)
        self.mended.append(Mended(name, problem, how))

    def runs(self) -> list[RunRecord]:
        """Return all commit records as they are now, oldest first."""
        return read_all_runs(self.layout)

    def set_aside(self, path: Path) -> Path:
        """Move a damaged file or directory into the quarantine; returns its place there. A link, pipe or device in its
        place is deleted: it has no bytes to look into later.
        """
        reach("repair:before-quarantine")
        target = set_aside(self.layout, path)
        reach("repair:quarantined")
        return target


def retired(part: PartRecord, problem: str) -> RetiredRecord:
    """Return the entry of a part that goes out of its phase now, because of this problem."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return RetiredRecord(part.path, part.table, part.rows, part.sha256, problem, now)
