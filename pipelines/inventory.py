"""The snapshot of a home: everything that is there, pinned at its size, placed by source and compared with the last
manifest.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from extractors._contract import Shape
from extractors._erasure import Tombstones
from extractors._registry import Classifier, Place, Treatment, sources
from extractors._source import Found, walk
from extractors._task import FileTask
from models.text import printable_path
from pipelines.manifest import FileState


class Change(StrEnum):
    """A file against the last manifest of its home."""

    NEW = "new"
    UNCHANGED = "unchanged"
    APPENDED = "appended"
    REWRITTEN = "rewritten"
    VANISHED = "vanished"
    NONE = "none"


@dataclass(slots=True)
class Item:
    """One thing of the snapshot, where it belongs, and what the last manifest said of it."""

    found: Found
    path: str
    place: Place
    last: FileState | None = None
    known_generation: int | None = None
    """The generation under which any phase knew the path last."""

    @property
    def is_moved(self) -> bool:
        """Whether it was read under another source or treatment: nothing of that reading is gone on with."""
        last, place = self.last, self.place
        return last is not None and (last.source, last.treatment) != (place.source, place.treatment)

    @property
    def is_read(self) -> bool:
        """Whether its bytes are kept."""
        return self.place.treatment in (Treatment.EXTRACT, Treatment.ARCHIVE)

    @property
    def shape(self) -> Shape:
        """The shape under which it is read."""
        return sources()[self.place.source].shapes[self.place.shape]

    def is_as_last(self) -> bool:
        """Whether size and times say that nothing changed since the last manifest."""
        last, stat = self.last, self.found.stat
        if last is None or last.file_id is None or self.is_moved:
            return False
        if self.found.kind != "file":
            return last.entry_type == self.found.kind and last.link_target == self.found.link_target
        is_settled = last.entry_type == "file" and last.outcome not in _NOT_SETTLED
        return is_settled and (last.size, last.mtime_ns, last.ctime_ns) == (stat.size, stat.mtime_ns, stat.ctime_ns)

    def is_due(self, *, is_full: bool) -> bool:
        """Whether a run has to read it: `is_full` has every file read again. What the walk could not look at is not."""
        if not self.is_read or self.found.error is not None:
            return False
        return (is_full and self.found.kind == "file") or not self.is_as_last()

    @property
    def _continued(self) -> FileState | None:
        """What the last manifest says of it, if it is read on from its watermark."""
        last = self.last
        if last is None or last.file_id is None or last.prefix_xxh3 is None or self.is_moved:
            return None
        return last if self.shape.is_append_only else None

    @property
    def bytes_due(self) -> int:
        """How many bytes a run has to parse of it."""
        continued = self._continued
        return self.found.stat.size - (0 if continued is None else continued.watermark or 0)

    def task(self, home_id: str) -> FileTask:
        """Return what a worker has to read of it."""
        last, stat = self.last, self.found.stat
        known = last is not None and last.file_id is not None and not self.is_moved
        continued = self._continued
        start, prefix = 0, None
        if continued is not None:
            generation, start, prefix = continued.generation or 1, continued.watermark or 0, continued.prefix_xxh3
        else:
            generation = 1 + (self.known_generation or (last.generation if last is not None else None) or 0)
        erased = last.erased if last is not None and last.file_id is not None else ()
        if continued is not None:
            erased = tuple(one for one in erased if one.offset < start)
        return FileTask(
            home_id=home_id,
            path=self.found.path,
            source=self.place.source,
            shape=self.place.shape,
            generation=generation,
            start=start,
            size=stat.size,
            modified_ns=stat.mtime_ns,
            prefix_xxh3=prefix,
            same_size=last.size if last is not None and known and continued is None else None,
            same_xxh3=last.content_xxh3 if last is not None and known and continued is None else None,
            entry_type=self.found.kind,
            link_target=self.found.link_target,
            erased=erased,
        )


_NOT_SETTLED = ("modified", "corrupt", "unreadable", "missing")


def take_snapshot(home: Path, classifier: Classifier) -> list[Item]:
    """Walk a home and place everything in it. Nothing is opened but directories. Raises SourceError when the home
    itself cannot be read.
    """
    items = []
    for found in walk(home):
        path = printable_path(found.path)
        items.append(Item(found, path, classifier.place(path, found.kind)))
    return items


def share_what_is_equal(states: Iterable[FileState], by_path: Mapping[bytes, Item]) -> None:
    """Have what the last manifest said name the very objects that the snapshot has, where they are equal: nearly all
    are, there may be a million, and of each the manifest's own take as much room again as the rest of it.
    """
    for state in states:
        if state.prefix_xxh3 == state.content_xxh3:
            state.prefix_xxh3 = state.content_xxh3
        if (item := by_path.get(state.path_bytes)) is None:
            continue
        stat = item.found.stat
        state.path_bytes, state.path = item.found.path, item.path
        if (state.size, state.mtime_ns, state.ctime_ns, state.inode) == stat[:4]:
            state.size, state.mtime_ns, state.ctime_ns, state.inode = stat[:4]
        if state.watermark == state.size:
            state.watermark = state.size


def without_forgotten(items: Iterable[Item], tombstones: Tombstones | None) -> list[Item]:
    """Return what was found, with what was forgotten in it neither named nor read: it is withheld, under a name that
    tells nothing.
    """
    if tombstones is None:
        return list(items)
    return [_unnamed(item, tombstones) for item in items]


def _unnamed(item: Item, tombstones: Tombstones) -> Item:
    found = item.found
    name = tombstones.name_of(found.path) if tombstones.holds_path(found.path) else found.path
    if name == found.path and not tombstones.holds(found.link_target or b""):
        return item
    place = Place(item.place.source, item.place.phase, Treatment.WITHHOLD, "forgotten")
    return Item(replace(found, path=name, link_target=None), printable_path(name), place)


def of_phase(items: Iterable[Item], phase: int, last: Mapping[int, Mapping[bytes, FileState]]) -> list[Item]:
    """Return the items of one phase, each with what the last manifests said of it: `last` is by phase and path."""
    chosen = [item for item in items if item.place.phase == phase]
    of_this = last.get(phase, {})
    for item in chosen:
        state = item.last = of_this.get(item.found.path)
        item.known_generation = state.generation if state is not None else None
        if state is None or state.outcome in _NOT_HERE:
            known = [one.get(item.found.path) for one in last.values()]
            item.known_generation = max((one.generation or 0 for one in known if one is not None), default=0) or None
    return chosen


_NOT_HERE = ("moved", "expired", "missing")
_LISTED_OR_GONE = (None, "ENOENT", "ELOOP")
"""Errors of directories that hide nothing: none; it was gone when it was to be listed, or a link had its place."""


class Absence(StrEnum):
    """Why a phase has not what its last manifest named."""

    GONE = "gone"
    HIDDEN = "hidden"
    MOVED = "moved"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Absent:
    """What the last manifest of a phase named and the snapshot has not in that phase: gone from the home, hidden below
    a directory that cannot be listed, moved to another phase by the rules, or waiting for a run of that phase.
    """

    state: FileState
    why: Absence
    detail: str


def absent_of_phase(
    here: Mapping[bytes, Item], phase: int, phases: Container[int], last: Mapping[bytes, FileState]
) -> list[Absent]:
    """Return what the `last` manifest of a phase named and is not in that phase, in a run of `phases`. `here` is all
    that the snapshot has, by path.
    """
    return [
        _absent(state, here, phases)
        for path, state in last.items()
        if (item := here.get(path)) is None or item.place.phase != phase
    ]


def _absent(state: FileState, here: Mapping[bytes, Item], phases: Container[int]) -> Absent:
    item = here.get(state.path_bytes)
    if item is not None and item.found.kind == state.entry_type:
        place = item.place
        detail = f"now of phase {place.phase}, source {place.source}, {place.treatment} by the rule {place.rule}"
        return Absent(state, Absence.MOVED if place.phase in phases else Absence.WAITING, detail)
    path = state.path_bytes
    while item is None and (path := path.rpartition(b"/")[0]):
        item = here.get(path)
    is_closed = item is not None and item.found.kind == "directory" and item.found.error not in _LISTED_OR_GONE
    if item is not None and is_closed and state.outcome not in _NOT_HERE:
        return Absent(state, Absence.HIDDEN, f"below {item.path}, which cannot be listed: {item.found.error}")
    return Absent(state, Absence.GONE, "gone from the home; last seen by the run before")
