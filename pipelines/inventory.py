"""The snapshot of a home: everything that is there, pinned at its size, placed by source and compared with the last
manifest.
"""

from collections.abc import Iterable, Mapping
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
        if last is None or last.file_id is None:
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

    def task(self, home_id: str) -> FileTask:
        """Return what a worker has to read of it."""
        last, stat = self.last, self.found.stat
        known = last is not None and last.file_id is not None
        continues = known and self.shape.is_append_only and last is not None and last.prefix_xxh3 is not None
        generation, start, prefix = 1, 0, None
        if last is not None and continues:
            generation, start, prefix = last.generation or 1, last.watermark or 0, last.prefix_xxh3
        elif last is not None and last.generation is not None:
            generation = last.generation + 1
        erased = last.erased if last is not None and known else ()
        if continues:
            erased = tuple(one for one in erased if one.offset < start)
        return FileTask(
            home_id=home_id,
            path=self.found.path,
            source=self.place.source,
            shape=self.place.shape,
            names=self.place.names,
            generation=generation,
            start=start,
            size=stat.size,
            modified_ns=stat.mtime_ns,
            prefix_xxh3=prefix,
            same_size=last.size if last is not None and known and not continues else None,
            same_xxh3=last.content_xxh3 if last is not None and known and not continues else None,
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


def of_phase(items: Iterable[Item], phase: int, last: Mapping[bytes, FileState]) -> list[Item]:
    """Return the items of one phase, each with what the last manifest said of it."""
    chosen = [item for item in items if item.place.phase == phase]
    for item in chosen:
        item.last = last.get(item.found.path)
    return chosen
