"""Lists the archived paths as of a run, each with all versions of its content."""

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
    """The place of a version among the versions of its path."""

    CURRENT = "current"
    """The newest version as of the run."""
    EARLIER = "earlier"
    """A beginning of the current version: the file has only grown since."""
    SUPERSEDED = "superseded"
    """Replaced by other content: it belongs to an earlier generation."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a file's content; `run_id` is the first run that read it. `size` in bytes, `mtime_ns` since
    1970.
    """

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
    """One path as of a run, with all its versions, oldest first (directories and links have none)."""

    archived: ArchivedPath
    versions: list[Version] = field(default_factory=list)

    @property
    def state(self) -> FileState:
        """The path's newest manifest row as of the run."""
        return self.archived.state

    def to_json(self) -> JsonObject:
        """Return the path as JSON values."""
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
    """The listed files as of `run`; `damage` has the problem of each part that could not be read, by path."""

    run: RunRecord
    files: list[ArchivedFile]
    session_id: str | None
    damage: dict[str, str]

    def counts(self) -> Counter[str]:
        """Return the number of files, links and special files by availability."""
        return Counter(str(each.archived.availability) for each in self.files if not each.archived.is_directory)

    def to_json(self) -> JsonObject:
        """Return the listing as JSON values."""
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
    """Return the selected paths as of a run or date; with `availabilities`, only paths with one of them. `with_undone`
    also accepts a run that a rollback has undone.

    Raises ConfigurationError when the selection matches nothing, StoreError and FixityError when the archive cannot be
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
    """Return a time in nanoseconds since 1970 as ISO 8601 in UTC; None for a year that datetime cannot represent."""
    try:
        return (_EPOCH + timedelta(microseconds=mtime_ns // 1000)).isoformat()
    except OverflowError:
        return None


def _add_version(file: ArchivedFile, state: FileState) -> None:
    """Add a version unless it equals the last one, and update the places of the others."""
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
