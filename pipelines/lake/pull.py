"""`extract lake pull`: copies the runs that other machines have pushed, into a unit for each machine, below machines/.

The newest head of a machine says which commit records count. A run counts when its record and every file of it were
compared with their digests; one that fails a check is named and left out. At the end files that no record lists any
more are deleted, so content that a machine has erased is erased here too.
"""

import shutil
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from models.errors import ConfigurationError, ExitCode
from models.finding import Finding, exit_code
from models.findings import lake as codes
from models.json import JsonObject
from models.observer import Observer
from models.run import PartRecord, RunRecord
from pipelines.archive import archive as archives
from pipelines.archive.audit import note_access
from pipelines.archive.machines import (
    MACHINE_ID,
    Machine,
    Unit,
    UnitHead,
    make_machine,
    read_units,
    unit_layout,
    write_unit,
)
from pipelines.archive.vectors import delete_vectors_of_erased_texts
from pipelines.copies.destination import Destination, PlacedEntry
from pipelines.copies.places import now
from pipelines.copies.state import listed_files
from pipelines.disk.atomic import disk_errors, make_directories, sha256_of, sync_directories, write_atomically
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import Layout
from pipelines.disk.settings import read_settings
from pipelines.lake.incoming import Hostile, fetch, head_of, read_small, record_of
from pipelines.lake.keys import LAKE_FILE, MachineHead, head_path, newest_head, prefix_of, record_path, split_key
from pipelines.lake.known import KnownLake, keep_lake, lake_errors, open_lake, using_lakes
from pipelines.warehouse.publish import make_warehouse


@dataclass(slots=True)
class PullResult:
    """The result of a pull: the files copied and deleted (sizes in bytes), the machines, and the findings. `has_lost`:
    files that were here before are gone or have other content.
    """

    known: KnownLake
    runs: int = 0
    files: int = 0
    size: int = 0
    removed: int = 0
    machines: list[Machine] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    left_out: Sequence[str] = ()
    seconds: float = 0.0
    has_lost: bool = False

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the command."""
        return exit_code(self.findings)

    def to_json(self) -> JsonObject:
        """Return it as JSON values."""
        return {
            "lake": self.known.to_json(),
            "runs": self.runs,
            "files": self.files,
            "bytes": self.size,
            "removed": self.removed,
            "machines": [{"machine_id": one.machine_id, "name": one.name} for one in self.machines],
            "left_out": list(self.left_out),
            "findings": [one.to_json() for one in self.findings],
            "exit_code": int(self.exit_code),
        }


def pull(layout: Layout, known: KnownLake, observer: Observer, *, why: str | None = None) -> PullResult:
    """Copy the runs that other machines have pushed, and add them to the warehouse. Raises DataDirectoryError if the
    lake cannot be reached, FixityError if another lake is there, LockedError, LoadError.
    """
    started = time.monotonic()
    archives.Archive.open_or_make(layout)
    result = PullResult(known)
    with using_lakes(layout), archives.writing(layout, "lake pull"):
        with disk_errors():
            own = make_machine(layout)
        destination = open_lake(known)
        with lake_errors(known.place):
            entries = destination.entries()
            machines = _machines(entries, result)
            has_changed = False
            for machine_id, paths in machines.items():
                if machine_id != own.machine_id:
                    has_changed |= _Pull(layout, known, destination, machine_id, paths, result, observer).do()
        _name_the_gone(layout, known, machines, result)
        if result.has_lost:
            _delete_derived(layout)
        if has_changed:
            result.left_out = remake_warehouse(layout, observer)
        result.known = replace(known, pulled_at=now(), problem=None)
        with disk_errors():
            keep_lake(layout, result.known)
        counts = {"runs": result.runs, "files": result.files, "bytes": result.size, "findings": len(result.findings)}
        note_access(layout, "pull", known.place, why=why, level=known.level, counts=counts)
    result.seconds = time.monotonic() - started
    return result


def remake_warehouse(layout: Layout, observer: Observer) -> Sequence[str]:
    """Bring the warehouse up to date with the units; return the parts that had to be left out. The caller must hold the
    writer lock. Raises LoadError.
    """
    runs = archives.effective(archives.read_all_runs(layout))
    if not runs and not read_units(layout):
        return ()
    observer.step_begins("load")
    published = make_warehouse(layout, runs, keep=read_settings(layout).keep_warehouses)
    if runs:
        runs[-1].warehouse = published.record(layout)
        with disk_errors():
            archives.commit(layout, runs[-1])
    observer.step_ends()
    return published.left_out


def drop_unit(layout: Layout, given: str, observer: Observer) -> Machine:
    """Delete the unit of a machine, given by its name or the beginning of its id. Raises ConfigurationError if none or
    several match, LockedError, LoadError.
    """
    found = [one for one in read_units(layout) if given == one.machine.name or one.machine.machine_id.startswith(given)]
    if len(found) != 1:
        names = ", ".join(one.machine.shown for one in read_units(layout)) or "none"
        raise ConfigurationError(f"{given} names no machine, or several; there are units of {names}")
    with using_lakes(layout), archives.writing(layout, "lake drop"):
        with disk_errors():
            found[0].layout.unit_file.unlink()
            shutil.rmtree(found[0].layout.root)
        _delete_derived(layout)
        remake_warehouse(layout, observer)
    return found[0].machine


def _delete_derived(layout: Layout) -> None:
    """Delete the full-text indexes, which have words of texts that may be gone, and the vectors of such texts. The next
    search makes an index again.
    """
    with disk_errors():
        for path in layout.cache.glob("*search*"):
            path.unlink()
        delete_vectors_of_erased_texts(layout)
        if layout.cache.is_dir():
            sync_directories({layout.cache})


def _contents(runs: Iterable[RunRecord]) -> set[tuple[str, str]]:
    return {(part.path, part.sha256) for run in runs for part in listed_files(run)}


def _machines(entries: Mapping[str, PlacedEntry], result: PullResult) -> dict[str, dict[str, PlacedEntry]]:
    """Return the entries of each machine, by the path below its prefix; entries of no machine become findings."""
    found: dict[str, dict[str, PlacedEntry]] = {}
    for key, entry in entries.items():
        split = split_key(key)
        if split is not None:
            found.setdefault(split[0], {})[split[1]] = entry
        elif key != LAKE_FILE:
            result.findings.append(codes.FOREIGN_KEY.at(key))
    return found


def _name_the_gone(layout: Layout, known: KnownLake, there: Collection[str], result: PullResult) -> None:
    for unit in read_units(layout):
        if unit.head.lake == known.lake_id and unit.machine.machine_id not in there:
            address = layout.relative(unit.layout.root)
            result.findings.append(codes.NO_MACHINE.at(address, machine=unit.machine.shown))


class _Pull:
    """The pull of one machine, step by step."""

    def __init__(
        self,
        layout: Layout,
        known: KnownLake,
        destination: Destination,
        machine_id: str,
        paths: Mapping[str, PlacedEntry],
        result: PullResult,
        observer: Observer,
    ) -> None:
        assert MACHINE_ID.fullmatch(machine_id)
        self._layout, self._known, self._destination = layout, known, destination
        self._machine_id, self._paths, self._result, self._observer = machine_id, paths, result, observer
        self._prefix = prefix_of(machine_id)
        self._unit = unit_layout(layout, machine_id)
        units = {unit.machine.machine_id: unit for unit in read_units(layout)}
        self._before = units.get(machine_id)
        self._taken = {run.run_id for run in archives.read_records(layout)[0]}
        for unit in units.values():
            if unit.machine.machine_id != machine_id:
                self._taken |= {run.run_id for run in archives.read_records(unit.layout)[0]}
        self._here = {run.run_id: run for run in archives.read_records(self._unit)[0]} if self._before else {}

    def do(self) -> bool:
        """Copy the machine's new runs; return whether its unit has changed."""
        head = self._head()
        if head is None:
            return False
        self._result.machines.append(Machine(head.machine_id, head.name))
        before = self._before.head if self._before is not None else None
        state = (head.number, head.name, head.signer)
        if before is not None and before.is_whole and (before.number, before.name, before.signer) == state:
            return False
        problems: list[str] = []
        counted = (self._result.runs, self._result.removed)
        runs = self._runs(head, problems)
        self._observer.step_begins("pulling", sum(part.size for run, _ in runs for part in listed_files(run)))
        kept: dict[str, RunRecord] = {}
        for run, raw in runs:
            if self._bring(run, head, problems):
                self._write_record(run, raw)
                kept[run.run_id] = run
        self._observer.step_ends()
        for run_id, run in self._here.items():
            if run_id in head.records and run_id not in kept and not self._has_erased(head):
                kept[run_id] = run  # an earlier state of it is here, and no record deletes it
        reach("lake:pulled")
        unit = UnitHead(
            head.machine_id,
            head.name,
            self._known.lake_id,
            head.number,
            now(),
            not problems,
            tuple(sorted(set(problems))),
            head.signer,
        )
        with disk_errors():
            write_unit(Unit(unit, self._unit))
            self._remove_unlisted(kept)
        self._result.has_lost |= not _contents(self._here.values()) <= _contents(kept.values())
        is_renamed = before is not None and before.name != head.name
        return is_renamed or (self._result.runs, self._result.removed) != counted

    def _head(self) -> MachineHead | None:
        """Return the newest head of the machine; None where it is of no use."""
        number = newest_head(list(self._paths))
        address = f"{self._prefix}{head_path(number)}"
        if number == 0:
            return None  # its first push is not done
        before = self._before.head if self._before is not None else None
        if before is not None and before.lake != self._known.lake_id:
            self._result.findings.append(
                codes.OTHER_LAKE.at(
                    address, machine=self._before.machine.shown if self._before else "", lake=before.lake
                )
            )
            return None
        try:
            raw = read_small(self._destination, address, self._paths.get(head_path(number)))
            head = head_of(raw, self._machine_id, number, self._known.lake_id)
        except Hostile as error:
            self._result.findings.append(
                codes.HEAD_BROKEN.at(address, machine=self._machine_id[:8], problem=str(error))
            )
            return None
        if before is not None and before.signer not in ("", head.signer):
            self._result.findings.append(codes.OTHER_SIGNER.at(address, machine=self._machine_id[:8]))
            return None
        if before is not None and before.number > number:
            self._result.findings.append(
                codes.ROLLED_BACK.at(address, machine=head.name, there=number, here=before.number)
            )
            return None
        return head

    def _has_erased(self, head: MachineHead) -> bool:
        """Whether the machine has put tombstones there: then no earlier state of a run may stay."""
        return head.erasures > 0

    def _runs(self, head: MachineHead, problems: list[str]) -> list[tuple[RunRecord, bytes]]:
        """Return the commit records that the head lists, with their bytes, oldest first."""
        found = []
        for run_id, listed in head.records.items():
            path = record_path(run_id, listed.number)
            if run_id in self._taken:
                problems.append(run_id)
                self._result.findings.append(codes.RUN_TAKEN.at(self._prefix + path, run=run_id, machine=head.name))
                continue
            try:
                raw = read_small(self._destination, self._prefix + path, self._paths.get(path))
                found.append((record_of(raw, run_id, listed), raw))
            except Hostile as error:
                problems.append(run_id)
                named = {"run": run_id, "machine": head.name, "problem": str(error)}
                self._result.findings.append(codes.RECORD_BROKEN.at(self._prefix + path, **named))
        epochs = [run.epoch for run, _ in found]
        found = [one for one in found if epochs.count(one[0].epoch) == 1]
        return sorted(found, key=lambda one: one[0].epoch)

    def _bring(self, run: RunRecord, head: MachineHead, problems: list[str]) -> bool:
        """Bring the files of a run that are not here; return whether all of it is."""
        trusted = {(part.path, part.sha256) for part in self._trusted(run.run_id)}
        for part in listed_files(run):
            target = self._unit.root / part.path
            try:
                if target.is_symlink() or not self._is_here(target, part.sha256, (part.path, part.sha256) in trusted):
                    entry = self._paths.get(part.path)
                    if entry is None or not entry.is_file:
                        raise Hostile("it is missing" if entry is None else f"it is a {entry.kind}")
                    fetch(self._destination, self._prefix + part.path, part, target)
                    self._result.files += 1
                    self._result.size += part.size
            except Hostile as error:
                problems.append(run.run_id)
                named = {"run": run.run_id, "machine": head.name, "problem": str(error)}
                self._result.findings.append(codes.FILE_BROKEN.at(self._prefix + part.path, **named))
                return False
            self._observer.advances(part.size)
            reach("lake:fetched")
        return True

    def _trusted(self, run_id: str) -> Sequence[PartRecord]:
        return list(listed_files(self._here[run_id])) if run_id in self._here else ()

    @staticmethod
    def _is_here(target: Path, expected: str, is_trusted: bool) -> bool:
        return target.is_file() and (is_trusted or sha256_of(target) == expected)

    def _write_record(self, run: RunRecord, raw: bytes) -> None:
        path = self._unit.commit_record(run.run_id)
        if not path.exists() or path.read_bytes() != raw:
            with disk_errors():
                make_directories(path.parent)
                write_atomically(path, raw, "unit-record")
            self._result.runs += 1

    def _remove_unlisted(self, kept: Mapping[str, RunRecord]) -> None:
        """Delete the records of runs that do not count any more, and the files that no record lists."""
        listed = {part.path for run in kept.values() for part in listed_files(run)}
        listed |= {self._unit.relative(self._unit.commit_record(run_id)) for run_id in kept}
        for path in sorted(self._unit.root.rglob("*"), reverse=True):
            if path.is_dir() and not path.is_symlink():
                if not any(path.iterdir()):
                    path.rmdir()
            elif path != self._unit.unit_file and self._unit.relative(path) not in listed:
                path.unlink()
                self._result.removed += 1
