"""The inventory of a home: all its paths with their sizes and times at one moment, each assigned to a source."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Final

from extractors.home.found import EntryType, Found, Stat
from extractors.home.home import walk
from extractors.reading.contract import Shape
from extractors.reading.erasure import Tombstones
from extractors.reading.registry import Classifier, Placement, Treatment, followed_links, sources
from extractors.reading.rules import SAME_FILE
from extractors.reading.task import FileTask
from models.manifest import FileState
from models.text import printable_path


@dataclass(slots=True)
class InventoryItem:
    """One path of a home: the entry that the walk found, its source and treatment, and its row of the last manifest."""

    found: Found
    place: Placement
    last: FileState | None = None
    known_generation: int | None = None
    """The highest generation number that a manifest of any phase has for this path."""
    is_anew: bool = False
    """Whether it has to be read again from its first byte, because rows or recipes of it were lost."""

    @property
    def path(self) -> str:
        """The path as printable text."""
        return printable_path(self.found.path)

    @property
    def is_moved(self) -> bool:
        """Whether the last manifest has it under another source or treatment: a run then reads it from the start."""
        last, place = self.last, self.place
        return last is not None and (last.source, last.treatment) != (place.source, place.treatment)

    @property
    def is_read(self) -> bool:
        """Whether a run reads it and archives its bytes."""
        return self.place.treatment in (Treatment.EXTRACT, Treatment.ARCHIVE)

    @property
    def shape(self) -> Shape:
        """The file format by which it is parsed."""
        return sources()[self.place.source].shapes[self.place.shape]

    def is_as_last(self) -> bool:
        """Whether size and times (for a link, its target) are those of the last manifest, so that the file need not be
        read.
        """
        last, stat = self.last, self.found.stat
        if last is None or last.file_id is None or self.is_moved:
            return False
        if self.found.kind != "file":
            return last.entry_type == self.found.kind and last.link_target == self.found.link_target
        is_settled = last.entry_type == "file" and last.outcome not in _NOT_SETTLED
        return is_settled and (last.size, last.mtime_ns, last.ctime_ns) == (stat.size, stat.mtime_ns, stat.ctime_ns)

    def is_due(self, *, is_full: bool) -> bool:
        """Whether a run has to read it. With `is_full`, every file is due; a path that the walk could not examine
        never is.
        """
        if not self.is_read or self.found.error is not None:
            return False
        return ((is_full or self.is_anew) and self.found.kind == "file") or not self.is_as_last()

    @property
    def _continued(self) -> FileState | None:
        """Its row of the last manifest, if a run continues reading at its watermark; else None."""
        last = self.last
        if last is None or last.file_id is None or last.prefix_xxh3 is None or self.is_moved:
            return None
        return last if self.shape.is_append_only else None

    @property
    def bytes_due(self) -> int:
        """The number of bytes that a run has to parse."""
        continued = self._continued if not self.is_anew else None
        return self.found.stat.size - (0 if continued is None else continued.watermark or 0)

    def task(self, home_id: str) -> FileTask:
        """Return the task by which a worker reads it."""
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
            is_anew=self.is_anew,
        )


_NOT_SETTLED = ("modified", "corrupt", "unreadable", "missing")


class Inventory:
    """All paths of a home, ordered by their bytes.

    Stored as columns; each access makes a new InventoryItem: there may be a million of them, and as objects they would
    take five times as much memory.
    """

    def __init__(self, entries: Iterable[tuple[Found, Placement]] = ()) -> None:
        self._paths = bytearray()
        self._ends = array("q", [0])
        self._kinds = bytearray()
        self._stats: tuple[array[int], ...] = tuple(array("q") for _ in Stat._fields)
        self._place_numbers = array("H")
        self._places: dict[Placement, int] = {}
        self._newest_place: Placement | None = None
        self._newest_number = 0
        self._unusual: dict[int, tuple[bytes | None, str | None]] = {}
        before, is_in_order = b"", True
        for found, place in entries:
            self._add(found, place)
            is_in_order &= before <= found.path
            before = found.path
        if not is_in_order:
            self._sort()
        self._place_of = tuple(self._places)

    def _add(self, found: Found, place: Placement) -> None:
        if found.link_target is not None or found.error is not None:
            self._unusual[len(self)] = found.link_target, found.error
        self._paths += found.path
        self._ends.append(len(self._paths))
        self._kinds.append(_KIND_NUMBERS[found.kind])
        for column, value in zip(self._stats, found.stat, strict=True):
            column.append(value)
        # Neighbours mostly have the same place, and the hash of a place takes longer than all else here.
        if place is not self._newest_place:
            self._newest_place, self._newest_number = place, self._places.setdefault(place, len(self._places))
        self._place_numbers.append(self._newest_number)

    def _sort(self) -> None:
        """Sort by path. A walk comes sorted; replacing erased paths by pseudonyms (`Tombstones.name_of`) may break the
        order.
        """
        paths = list(self.paths())
        order = sorted(range(len(paths)), key=paths.__getitem__)
        self._paths = bytearray().join(paths[number] for number in order)
        self._ends = array("q", accumulate((len(paths[number]) for number in order), initial=0))
        self._kinds = bytearray(self._kinds[number] for number in order)
        self._stats = tuple(array("q", [column[number] for number in order]) for column in self._stats)
        self._place_numbers = array("H", [self._place_numbers[number] for number in order])
        self._unusual = {new: self._unusual[old] for new, old in enumerate(order) if old in self._unusual}

    def withhold_other_names(self) -> None:
        """Withhold hard links to withheld files: paths with the same inode, size and times."""
        hidden = {
            self._identity(number)
            for number, place in enumerate(self._place_numbers)
            if self._place_of[place].treatment == Treatment.WITHHOLD and self._kinds[number] == _FILE
        }
        inodes = {identity[0] for identity in hidden} - {0}
        for number in [number for number, inode in enumerate(self._stats[_INODE]) if inode in inodes]:
            place = self._place_of[self._place_numbers[number]]
            if place.treatment != Treatment.WITHHOLD and self._identity(number) in hidden:
                self._withhold(number, SAME_FILE)

    def withhold(self, path: bytes, rule: str) -> None:
        """Withhold the item with this path, by a rule."""
        self._withhold(bisect_left(range(len(self)), path, key=self.path), rule)

    def _withhold(self, number: int, rule: str) -> None:
        place = self._place_of[self._place_numbers[number]]
        withheld = replace(place, treatment=Treatment.WITHHOLD, rule=rule, shape=-1)
        self._place_numbers[number] = self._places.setdefault(withheld, len(self._places))
        self._place_of = tuple(self._places)

    def _identity(self, number: int) -> tuple[int, int, int]:
        size, mtime_ns, _, inode, _ = self._stats
        return inode[number], size[number], mtime_ns[number]

    def path(self, number: int) -> bytes:
        """Return the path of the item with this index."""
        return bytes(self._paths[self._ends[number] : self._ends[number + 1]])

    def paths(self) -> Iterator[bytes]:
        """Yield every path, in order."""
        return map(self.path, range(len(self)))

    def __len__(self) -> int:
        return len(self._kinds)

    def __getitem__(self, number: int) -> InventoryItem:
        size, mtime_ns, ctime_ns, inode, mode = self._stats
        stat = Stat(size[number], mtime_ns[number], ctime_ns[number], inode[number], mode[number])
        found = Found(self.path(number), _KINDS[self._kinds[number]], stat, *self._unusual.get(number, _USUAL))
        return InventoryItem(found, self._place_of[self._place_numbers[number]])

    def __iter__(self) -> Iterator[InventoryItem]:
        return map(self.__getitem__, range(len(self)))

    def find(self, path: bytes) -> InventoryItem | None:
        """Return the item with this path, or None."""
        number = bisect_left(range(len(self)), path, key=self.path)
        return self[number] if number < len(self) and self.path(number) == path else None

    def of_phase(self, phase: int) -> Sequence[int]:
        """Return the indexes of the items of a phase, in ascending order."""
        is_of_phase = [place.phase == phase for place in self._place_of]
        return array("L", [at for at, place in enumerate(self._place_numbers) if is_of_phase[place]])


_KINDS: Final[tuple[EntryType, ...]] = ("file", "directory", "link", "special")
_KIND_NUMBERS: Final = {kind: number for number, kind in enumerate(_KINDS)}
_FILE: Final = _KIND_NUMBERS["file"]
_INODE: Final = Stat._fields.index("inode")
_USUAL: Final = (None, None)


def take_snapshot(
    home: Path, classifier: Classifier, tombstones: Tombstones | None = None, *, follow_links: bool = False
) -> Inventory:
    """Walk a home and assign each path to a source and treatment. Opens only directories.

    With `follow_links`, links at places where sources expect data are followed. A path that `extract forget` erased is
    withheld and listed under a pseudonym. Raises SourceError if the home itself cannot be read.
    """
    made = Inventory(_classified(walk(home, followed_links(follow_links=follow_links)), classifier, tombstones))
    made.withhold_other_names()
    return made


def _classified(
    entries: Iterable[Found], classifier: Classifier, tombstones: Tombstones | None
) -> Iterator[tuple[Found, Placement]]:
    for found in entries:
        place = classifier.place(printable_path(found.path), found.kind)
        yield (found, place) if tombstones is None else _with_pseudonym(found, place, tombstones)


def _with_pseudonym(found: Found, place: Placement, tombstones: Tombstones) -> tuple[Found, Placement]:
    name = tombstones.name_of(found.path) if tombstones.holds_path(found.path) else found.path
    if name == found.path and not tombstones.holds(found.link_target or b""):
        return found, place
    forgotten = Placement(place.source, place.phase, Treatment.WITHHOLD, "forgotten")
    return replace(found, path=name, link_target=None), forgotten
