"""What the archive holds of each path: how it stood at a run, and every content that was kept of it by then."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from models.json import JsonObject
from models.manifest import FileState
from models.run import RunRecord
from pipelines.archive.as_of import open_as_of
from pipelines.archive.selection import ArchivedPath, Selection, archived_roots, choose
from pipelines.disk.layout import Layout

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class VersionPlace(StrEnum):
    """Where a content stands among those of its path."""

    CURRENT = "current"
    """The last one by then."""
    EARLIER = "earlier"
    """The current one goes on from it: the file has grown since."""
    SUPERSEDED = "superseded"
    """Another content has taken its place: it is of an earlier generation."""


@dataclass(frozen=True, slots=True)
class Version:
    """One content of a file: what `run_id` was the first to read. Size in bytes."""

    run_id: str
    place: VersionPlace
    generation: int
    size: int
    mtime_ns: int
    sha256: str | None

    def to_json(self) -> JsonObject:
        """Return the version as JSON values."""
        return {
            "run_id": self.run_id,
            "place": str(self.place),
            "generation": self.generation,
            "bytes": self.size,
            "modified_at": instant(self.mtime_ns),
            "sha256": self.sha256,
        }


@dataclass(slots=True)
class ArchivedFile:
    """One path at a run, with every content kept of it by then, the oldest first (none of directories and links)."""

    archived: ArchivedPath
    versions: list[Version] = field(default_factory=list)

    @property
    def state(self) -> FileState:
        """Its newest manifest row by the run."""
        return self.archived.state

    def to_json(self) -> JsonObject:
        """Return it as JSON values."""
        state = self.state
        return {
            "home_id": state.home_id,
            "path": state.path,
            "type": state.entry_type,
            "state": str(self.archived.availability),
            "phase": state.phase,
            "source": state.source,
            "rule": state.rule,
            "bytes": state.size,
            "mode": f"{state.mode & 0o7777:04o}",
            "modified_at": instant(state.mtime_ns),
            "file_id": state.file_id,
            "sha256": state.sha256,
            "versions": [version.to_json() for version in self.versions],
        }


@dataclass(slots=True)
class ArchiveListing:
    """What was listed, as of which run; `damage` says which parts of the archive could not be read for it."""

    run: RunRecord
    files: list[ArchivedFile]
    session_id: str | None
    damage: dict[str, str]

    def counts(self) -> Counter[str]:
        """Return how many files, links and special files there are by how they stand."""
        return Counter(str(each.archived.availability) for each in self.files if not each.archived.is_directory)

    def superseded(self) -> int:
        """Return how many contents are superseded."""
        return sum(version.place == VersionPlace.SUPERSEDED for each in self.files for version in each.versions)

    def to_json(self) -> JsonObject:
        """Return it as JSON values."""
        return {
            "run_id": self.run.run_id,
            "session_id": self.session_id,
            "counts": dict(self.counts()),
            "files": [each.to_json() for each in self.files],
            "damage": dict(self.damage),
        }


def list_files(
    layout: Layout,
    selection: Selection,
    as_of: str | None = None,
    availabilities: Collection[str] = (),
    *,
    with_undone: bool = False,
) -> ArchiveListing:
    """Return what is meant by a selection as of a run or date; with `standings`, only what stands in one of them;
    `with_undone`, also as of a run that a rollback has undone.

    Raises ConfigurationError when the selection means nothing, StoreError and FixityError when the archive cannot be
    opened.
    """
    opened = open_as_of(layout, as_of, with_undone=with_undone)
    reader, run = opened.reader, opened.run
    chosen = choose(reader, run, archived_roots(layout, reader.runs), selection)
    found = {
        (archived.state.home_id, archived.state.path_bytes, archived.state.entry_type): ArchivedFile(archived)
        for archived in chosen.paths
        if not availabilities or archived.availability in availabilities
    }
    for state in reader.changes(run.run_id):
        file = found.get((state.home_id, state.path_bytes, state.entry_type))
        if file is not None and state.file_id is not None and state.entry_type == "file":
            _add_version(file, state)
    return ArchiveListing(run, list(found.values()), chosen.session_id, reader.damage)


def instant(mtime_ns: int) -> str | None:
    """Return a time in nanoseconds since 1970 in ISO 8601, UTC; None when no calendar has it."""
    try:
        return (_EPOCH + timedelta(microseconds=mtime_ns // 1000)).isoformat()
    except OverflowError:
        return None


def _add_version(file: ArchivedFile, state: FileState) -> None:
    """Add a content unless it is the one that was read last, and say anew where the others stand."""
    made = Version(state.run_id, VersionPlace.CURRENT, state.generation or 1, state.size, state.mtime_ns, state.sha256)
    if file.versions and (file.versions[-1].sha256, file.versions[-1].size) == (made.sha256, made.size):
        return
    file.versions = [
        Version(
            each.run_id,
            VersionPlace.EARLIER if each.generation == made.generation else VersionPlace.SUPERSEDED,
            each.generation,
            each.size,
            each.mtime_ns,
            each.sha256,
        )
        for each in file.versions
    ]
    file.versions.append(made)
