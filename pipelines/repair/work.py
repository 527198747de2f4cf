"""The state that the steps of a repair share: the archive, where whole files may be found, and what was done."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from models.observer import Observer
from models.run import PartRecord, RetiredRecord, RunRecord
from pipelines.archive.archive import read_all_runs
from pipelines.disk.atomic import make_directories, sync_directories
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import Layout
from pipelines.disk.platform import replace as move
from pipelines.repair.places import Places


@dataclass(frozen=True, slots=True)
class Mended:
    """A file of the archive that was not what was written: its path below the data directory, what was wrong with it,
    and how it is mended, as sentences go on after its path.
    """

    path: str
    problem: str
    how: str


@dataclass(slots=True)
class Work:
    """One repair. `homes` are the directories of the homes to look into, by home_id. `mended` are the files that were
    mended, in the order of mending; `notes` say what else a person has to know.
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
        """Note what was mended, and how."""
        name = path if isinstance(path, str) else self.layout.relative(path)
        self.mended.append(Mended(name, problem, how))

    def runs(self) -> list[RunRecord]:
        """Return all commit records as they are now, oldest first."""
        return read_all_runs(self.layout)

    def set_aside(self, path: Path) -> Path:
        """Move a damaged file or directory into the quarantine; returns its place there."""
        target = self.layout.quarantine / path.relative_to(self.layout.root)
        changed = make_directories(target.parent)
        number = 1
        while target.exists():
            number += 1
            target = target.with_name(f"{path.name}.{number}")
        reach("repair:before-quarantine")
        move(path, target)
        sync_directories({*changed, target.parent, path.parent})
        reach("repair:quarantined")
        return target


def retired(part: PartRecord, problem: str) -> RetiredRecord:
    """Return the entry of a part that goes out of its phase now, because of this problem."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return RetiredRecord(part.path, part.table, part.rows, part.sha256, problem, now)
