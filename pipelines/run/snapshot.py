"""The snapshot of a home: compares its inventory with the last manifest of each phase, slice by slice."""

from bisect import bisect_left
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

from extractors.home.home import Home
from extractors.reading.erasure import Tombstones
from extractors.reading.registry import OTHER, PHASES, Classifier, Treatment
from extractors.reading.rules import LOOKS_LIKE_A_SECRET
from extractors.reading.secrets import HEAD_BYTES, LARGEST, looks_like_a_secret
from models.errors import FixityError, SourceError, StoreError
from models.manifest import FileState
from models.run import RunRecord
from models.tables import MANIFEST
from pipelines.archive import archive as archives
from pipelines.archive.copies import whole_copy
from pipelines.archive.homes import HomeName
from pipelines.archive.tombstones import read_tombstones
from pipelines.disk.layout import Layout
from pipelines.disk.settings import Settings
from pipelines.run.inventory import Inventory, InventoryItem, take_snapshot
from pipelines.run.previous_manifest import LastManifest

FILES_AT_A_TIME: Final = 5_000
"""The number of paths in a slice: a phase compares, reads and checks one slice before the next. Each path of a slice
takes 3 kB of memory.
"""
_SMALL: Final = 20_000
"""Up to so many rows, a last manifest is kept in memory."""
_SLICES_KEPT: Final = 8
"""Up to so many slices of paths and rows are kept in memory, which is faster than computing them again."""
_ABSENT = ("moved", "expired", "missing")
_HIDES_NOTHING = (None, "ENOENT", "ELOOP")
"""Errors of a directory after which its children still count as gone: no error, or the directory itself was gone or
replaced by a link when it was to be listed.
"""


class Absence(StrEnum):
    """Why a path of the last manifest is not in the phase now."""

    GONE = "gone"
    HIDDEN = "hidden"
    MOVED = "moved"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Absent:
    """A path that the last manifest of a phase has and the snapshot lacks in that phase: it is gone from the home;
    hidden below a directory that cannot be listed; moved to another phase by the rules; or waiting for a run of the
    phase to which it moved.
    """

    state: FileState
    why: Absence
    detail: str


@dataclass(frozen=True, slots=True)
class Slice:
    """A range of the paths of a phase: the items found, each with its row of the last manifest, and the paths of the
    last manifest that are no longer in the phase.
    """

    items: Sequence[InventoryItem]
    absent: Sequence[Absent]
    is_last: bool


@dataclass(slots=True)
class Due:
    """The amount to read in a phase: number of paths (links and directories that are data included) and of files, the
    size of these in bytes, and how many of these bytes are to be parsed.
    """

    paths: int = 0
    files: int = 0
    size: int = 0
    new_bytes: int = 0


@dataclass
class Snapshot:
    """The inventory of a home at the start of a run of `phases`, and the last manifest of each phase. `at_a_time` is
    the number of paths in a slice.
    """

    home: HomeName
    inventory: Inventory
    last: dict[int, LastManifest] = field(default_factory=dict)
    tombstones: Tombstones | None = None
    phases: Collection[int] = tuple(PHASES)
    at_a_time: int = FILES_AT_A_TIME
    anew: Collection[int] = ()
    """The file_id of each file that has to be read again from its first byte."""
    _made: dict[int, list[Slice]] = field(default_factory=dict, init=False, repr=False)
    _due: dict[tuple[int, bool], Due] = field(default_factory=dict, init=False, repr=False)

    def slices(self, phase: int) -> Iterable[Slice]:
        """Return the slices of a phase in the order of their paths; at least one. Small ones are kept for the next
        call, others are computed again each time.
        """
        if len(self.inventory) + len(self._last(phase)) > _SLICES_KEPT * self.at_a_time:
            return self._slices(phase)
        if phase not in self._made:
            self._made[phase] = list(self._slices(phase))
        return self._made[phase]

    def due(self, phase: int, *, is_full: bool) -> Due:
        """Return the amount to read in a phase; with `is_full`, every file is read again. It is counted once: to count
        it, a large home is compared with its last manifest.
        """
        made = self._due.get((phase, is_full))
        if made is not None:
            return made
        made = self._due[phase, is_full] = Due()
        for part in self.slices(phase):
            for item in part.items:
                if item.is_due(is_full=is_full):
                    made.paths += 1
                    made.new_bytes += item.bytes_due
                    if item.found.kind == "file":
                        made.files += 1
                        made.size += item.found.stat.size
        return made

    def _last(self, phase: int) -> LastManifest:
        return self.last.get(phase) or _NOTHING

    def _slices(self, phase: int) -> Iterator[Slice]:
        numbers, last = self.inventory.of_phase(phase), self._last(phase)
        at = row = 0
        is_last = False
        while not is_last:
            ends = [self.inventory.path(numbers[at + self.at_a_time])] if at + self.at_a_time < len(numbers) else []
            ends += self._end_of_rows(last, row)
            end = min(ends, default=None)
            is_last = end is None
            to = len(numbers) if end is None else bisect_left(numbers, end, at, key=self.inventory.path)
            end_row = len(last) if end is None else last.find(end)
            items = [self.inventory[number] for number in numbers[at:to]]
            absent = self._matched(items, last.states(row, end_row))
            find = cache(self.inventory.find)  # the files of a directory that is gone have their parents in common
            yield Slice(items, [_absent(state, find, self.phases) for state in absent], is_last)
            at, row = to, end_row

    def _end_of_rows(self, last: LastManifest, row: int) -> list[bytes]:
        """Return the path before which a slice ends whose first row is `row`; no path if the slice has all later rows.

        A path may have several rows, one for each kind of entry that it was: they are in the same slice.
        """
        end = row + self.at_a_time
        if end < len(last) and last.path(end) == last.path(row):
            end = last.find(last.path(row) + b"\0")
        return [last.path(end)] if end < len(last) else []

    def _matched(self, items: list[InventoryItem], states: list[FileState]) -> Iterable[FileState]:
        """Match items with rows of the last manifest of their phase, both in the order of their paths; returns the rows
        without an item.

        Path and kind must both match: if a link has taken the place of a file, the file counts as gone.
        """
        by_path = {(state.path_bytes, state.entry_type): state for state in states}
        unknown = []
        for item in items:
            state = item.last = by_path.pop((item.found.path, item.found.kind), None)
            item.known_generation = state.generation if state is not None else None
            item.is_anew = state is not None and state.file_id in self.anew
            if state is None or state.outcome in _ABSENT:
                unknown.append(item)
        if unknown:
            known = self._generations(unknown[0].found.path, unknown[-1].found.path)
            for item in unknown:
                item.known_generation = known.get(item.found.path)
        self._withhold_secrets(items)
        return by_path.values()

    def _withhold_secrets(self, items: Iterable[InventoryItem]) -> None:
        """Withhold small new or changed files of no known source that begin as a key or a file of tokens does."""
        for item in secrets_among(self.home.root, (item for item in items if not item.is_as_last())):
            item.place = replace(item.place, treatment=Treatment.WITHHOLD, rule=LOOKS_LIKE_A_SECRET, shape=-1)

    def _generations(self, first: bytes, final: bytes) -> dict[bytes, int]:
        """Return for each path from `first` to `final` the highest generation number in the manifests of all phases."""
        made: dict[bytes, int] = {}
        for last in self.last.values():
            for path, generation in last.generations(last.find(first), last.find(final + b"\0")):
                made[path] = max(generation, made.get(path, 0))
        return made


_NOTHING: Final = LastManifest()


def secrets_among(root: Path, items: Iterable[InventoryItem]) -> list[InventoryItem]:
    """Return the small files of no known source that begin as a key or a file of tokens does. Only of these files, and
    of no withheld one, the first 4 kB are read. A file that cannot be read is not returned: its reader reports the
    error later.
    """
    found = []
    doubtful = [item for item in items if _may_be_a_secret(item)]
    if not doubtful:
        return []
    with Home(root) as home:
        for item in doubtful:
            try:
                with home.open(item.found.path) as file:
                    head = file.read(0, HEAD_BYTES)
            except SourceError:
                continue
            if looks_like_a_secret(head):
                found.append(item)
    return found


def _may_be_a_secret(item: InventoryItem) -> bool:
    found, place = item.found, item.place
    is_unknown = place.source == OTHER and place.treatment == Treatment.ARCHIVE
    return is_unknown and found.kind == "file" and found.error is None and 0 < found.stat.size <= LARGEST


def _absent(state: FileState, find: Callable[[bytes], InventoryItem | None], phases: Container[int]) -> Absent:
    item = find(state.path_bytes)
    if item is not None and item.found.kind == state.entry_type:
        place = item.place
        detail = f"now in phase {place.phase}, source {place.source}, {place.treatment} by the rule {place.rule}"
        return Absent(state, Absence.MOVED if place.phase in phases else Absence.WAITING, detail)
    if item is not None:
        return Absent(state, Absence.GONE, f"gone from the home: a {item.found.kind} has taken its place")
    path = state.path_bytes
    while item is None and (path := path.rpartition(b"/")[0]):
        item = find(path)
    is_closed = item is not None and item.found.kind == "directory" and item.found.error not in _HIDES_NOTHING
    if item is not None and is_closed and state.outcome not in _ABSENT:
        return Absent(state, Absence.HIDDEN, f"below {item.path}, which cannot be listed: {item.found.error}")
    return Absent(state, Absence.GONE, "gone from the home; last seen by the run before")


def take_snapshots(
    layout: Layout,
    homes: Sequence[HomeName],
    runs: Sequence[RunRecord],
    settings: Settings,
    phases: Collection[int],
    damaged: Collection[str] = (),
    lost_epoch: int = 0,
) -> list[Snapshot]:
    """Walk every home and open its last manifests, for a run of `phases`. Raises SourceError if a home cannot be read,
    StoreError if bytes were erased but the file of tombstones is missing. `damaged` and `lost_epoch` are as in
    `last_manifest`.
    """
    tombstones = read_tombstones(layout)
    made = []
    for home in homes:
        snapshot = pin(home, settings, tombstones, phases)
        for phase in PHASES:
            last = snapshot.last[phase] = last_manifest(layout, runs, home.home_id, phase, damaged, lost_epoch)
            if tombstones is None and last.has_erased:
                raise StoreError(
                    f"{layout.tombstones_file} is missing, but the archive has erased content: a run would archive it "
                    f"again. Restore the file from a backup"
                )
        made.append(snapshot)
    return made


def pin(
    home: HomeName, settings: Settings, tombstones: Tombstones | None, phases: Collection[int] = tuple(PHASES)
) -> Snapshot:
    """Walk a home and return its snapshot; the caller adds the last manifests. Raises SourceError."""
    classifier = Classifier(settings.withhold, archive_trees=settings.archive_trees)
    inventory = take_snapshot(home.root, classifier, tombstones, follow_links=settings.follow_links)
    return Snapshot(home, inventory, {}, tombstones, phases)


def last_manifest(
    layout: Layout,
    runs: Sequence[RunRecord],
    home_id: str,
    phase: int,
    damaged: Collection[str] = (),
    lost_epoch: int = 0,
) -> LastManifest:
    """Return the newest committed manifest of one phase of a home that can be read; an empty one when there is none.

    If the newest is in `damaged`, or neither it nor its second copy can be read, the one before it is used. That one is
    outdated, as is one from before `lost_epoch`, the newest epoch without a commit record: a run then has to read its
    files from their first byte.
    """
    records = [(run, one) for run in runs for one in run.phases if (one.home_id, one.phase) == (home_id, phase)]
    parts = [(run, part) for run, one in reversed(records) for part in one.parts if part.table == MANIFEST.name]
    for number, (run, part) in enumerate(parts):
        for path in (layout.root / part.path, whole_copy(layout, part)):
            if path is not None and part.path not in damaged:
                with suppress(FixityError):
                    return LastManifest(path, _SMALL, is_outdated=number > 0 or run.epoch < lost_epoch)
    return LastManifest()


def last_manifest_path(layout: Layout, runs: Sequence[RunRecord], home_id: str, phase: int) -> Path | None:
    """Return the path of the newest committed manifest of one phase of a home; None if there is none."""
    found = archives.last_phase(runs, home_id, phase)
    if found is None:
        return None
    return layout.root / next(part.path for part in found[1].parts if part.table == "manifest")
