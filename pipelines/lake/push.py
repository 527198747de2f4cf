"""`extract lake push`: copies this machine's committed runs into a lake.

Tombstones first, then Parquet files, then the commit records that list them, then the head that lists the records; at
the end files that no head lists any more are deleted. A killed push has changed nothing for readers of the lake, and
the next one continues where it stopped.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from models.json import JsonObject
from models.observer import Observer
from models.run import PartRecord, RunRecord
from pipelines.archive.archive import Archive
from pipelines.archive.audit import note_access
from pipelines.archive.homes import read_homes
from pipelines.archive.known_copies import key_of
from pipelines.archive.machines import Machine, machine_key, make_machine
from pipelines.archive.tombstones import read_graveyard
from pipelines.copies.destination import CopyContent, Destination, PlacedEntry, digest_there, read_there
from pipelines.copies.places import now
from pipelines.copies.state import listed_files
from pipelines.disk.atomic import disk_errors
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import Layout
from pipelines.lake.keys import (
    MachineHead,
    PushedRecord,
    digest_of,
    head_path,
    newest_head,
    prefix_of,
    record_path,
    sealed_object,
    split_key,
    tombstone_path,
)
from pipelines.lake.known import KnownLake, conflict, keep_lake, lake_errors, open_lake, using_lakes
from pipelines.lake.outgoing import Outgoing, mark_of, outgoing_of
from pipelines.lake.signing import is_signed, signed, signer_of
from pipelines.version import VERSION


@dataclass(slots=True)
class PushResult:
    """The result of a push: the archive's new record of the lake, and the files written and deleted; sizes in bytes."""

    known: KnownLake
    runs: int = 0
    files: int = 0
    size: int = 0
    removed: int = 0
    withheld_sessions: int = 0
    seconds: float = 0.0
    left_out: list[str] = field(default_factory=list)

    def to_json(self) -> JsonObject:
        """Return it as JSON values."""
        return {
            "lake": self.known.to_json(),
            "runs": self.runs,
            "files": self.files,
            "bytes": self.size,
            "removed": self.removed,
            "withheld_sessions": self.withheld_sessions,
            "left_out": list(self.left_out),
        }


def push(layout: Layout, known: KnownLake, observer: Observer, *, why: str | None = None) -> PushResult:
    """Push all committed runs that the lake does not have, redacted to its level; return the result.

    Raises DataDirectoryError where the lake cannot be reached or is full, FixityError where another lake is there,
    LockedError, ConfigurationError.
    """
    started = time.monotonic()
    archive = Archive.open(layout)
    with using_lakes(layout):
        with disk_errors():
            machine = make_machine(layout)
        key = key_of(known.place)
        with disk_errors():
            out = outgoing_of(
                layout, known.level, bytes.fromhex(known.mask_key), layout.lakes / key, layout.push_memory(key)
            )
        try:
            destination = open_lake(known)
            with lake_errors(known.place):
                made = _Push(layout, archive, machine, known, destination, out, observer).do()
            made.seconds = time.monotonic() - started
            with disk_errors():
                keep_lake(layout, made.known)
        finally:
            out.remove()
        counts = {"runs": made.runs, "files": made.files, "bytes": made.size, "removed": made.removed}
        note_access(layout, "push", known.place, why=why, level=known.level, counts=counts)
    return made


class _Push:
    """One push, step by step."""

    def __init__(
        self,
        layout: Layout,
        archive: Archive,
        machine: Machine,
        known: KnownLake,
        destination: Destination,
        out: Outgoing,
        observer: Observer,
    ) -> None:
        self._layout, self._known, self._destination = layout, known, destination
        self._machine, self._out, self._observer = machine, out, observer
        self._key = machine_key(layout)
        self._archive_mark = digest_of(archive.archive_id.encode())[:16]
        self._prefix = prefix_of(machine.machine_id)
        self._result = PushResult(known, withheld_sessions=out.withheld_sessions, left_out=list(out.left_out))
        found = ((split_key(key), entry) for key, entry in destination.entries().items())
        self._entries: dict[str, PlacedEntry] = {
            split[1]: entry for split, entry in found if split is not None and split[0] == machine.machine_id
        }

    def do(self) -> PushResult:
        """Do all steps in their order."""
        before = self._head()
        graveyard = read_graveyard(self._layout)
        erasures = len(graveyard.tombstones) if graveyard is not None else 0
        for stone in graveyard.tombstones if graveyard is not None else ():
            if tombstone_path(stone.number) not in self._entries:
                fields: JsonObject = {"number": stone.number, "forgotten_at": stone.forgotten_at, "kind": stone.kind}
                self._put(tombstone_path(stone.number), sealed_object(fields))
        self._destination.settle()
        reach("lake:tombstones")
        records, listed = self._put_runs(before)
        head = MachineHead(
            self._machine.machine_id,
            self._machine.name,
            self._archive_mark,
            before.number + 1 if before is not None else 1,
            now(),
            self._known.level,
            VERSION,
            records,
            self._homes(),
            tuple(self._out.projects),
            erasures,
            len(listed),
            sum(part.size for part in listed.values()),
            signer=signer_of(self._key),
        )
        is_whole = before is not None and is_signed(before, self._known.lake_id)
        if before is None or not is_whole or not head.says_the_same(before):
            self._put(head_path(head.number), signed(head, self._key, self._known.lake_id).to_bytes())
            self._destination.settle()
        else:
            head = before
        reach("lake:head")
        self._remove_unlisted(head, listed)
        self._destination.settle()
        pushed = {run.run_id: mark_of(run) for run in self._out.own_runs}
        self._result.known = replace(
            self._known, pushed_at=now(), problem=None, pushed=pushed, head=head.number, erasures=erasures
        )
        return self._result

    def _head(self) -> MachineHead | None:
        """Return this machine's newest head. Raises LockedError where another archive has its identity."""
        number = newest_head(list(self._entries))
        if number == 0:
            return None
        try:
            head = MachineHead.from_bytes(read_there(self._destination, self._prefix + head_path(number)))
        except (ValueError, KeyError, TypeError):
            head = MachineHead(self._machine.machine_id, self._machine.name, self._archive_mark, number, "", "", "", {})
        own = {run.run_id for run in self._out.all_runs}
        unknown = [run_id for run_id in head.records if run_id not in own]
        if head.archive != self._archive_mark or (number > self._known.head and unknown):
            raise conflict(FileExistsError(17, ""), self._known.place)
        return head

    def _put_runs(self, before: MachineHead | None) -> tuple[dict[str, PushedRecord], dict[str, PartRecord]]:
        """Put the files of each run and its commit record; return the records that count, and all files by path."""
        records: dict[str, PushedRecord] = {}
        listed: dict[str, PartRecord] = {}
        had = before.records if before is not None else {}
        runs = self._out.runs
        self._observer.step_begins("pushing", sum(part.size for run in runs for part in listed_files(run)))
        for run in runs:
            data = sealed_object(run.to_json())
            old = had.get(run.run_id)
            has_record = old is not None and old.sha256 == digest_of(data)
            for part in listed_files(run):
                self._put_part(part, is_trusted=has_record)
                listed[part.path] = part
                self._observer.advances(part.size)
            self._destination.settle()
            reach("lake:parts")
            if old is not None and has_record and record_path(run.run_id, old.number) in self._entries:
                records[run.run_id] = old
                continue
            number = self._next_record(run.run_id)
            self._put(record_path(run.run_id, number), data)
            self._destination.settle()
            records[run.run_id] = PushedRecord(number, digest_of(data))
            self._result.runs += 1
            reach("lake:record")
        self._observer.step_ends()
        return records, listed

    def _next_record(self, run_id: str) -> int:
        number = 1
        while record_path(run_id, number) in self._entries:
            number += 1
        return number

    def _put_part(self, part: PartRecord, *, is_trusted: bool) -> None:
        entry = self._entries.get(part.path)
        is_like = entry is not None and entry.may_have(part.size)
        if is_like and (is_trusted or digest_there(self._destination, self._prefix + part.path) == part.sha256):
            return
        content = CopyContent(part.sha256, part.size, self._out.place_of(part))
        self._put_content(part.path, content, over=entry is not None)

    def _put(self, path: str, data: bytes) -> None:
        self._put_content(path, CopyContent.of(data), over=False)

    def _put_content(self, path: str, content: CopyContent, *, over: bool) -> None:
        """Put a file below this machine's prefix; `over` only mends a file of this machine that is damaged there."""
        try:
            self._destination.put(self._prefix + path, content, over=over)
        except FileExistsError as error:
            raise conflict(error, self._known.place) from error
        self._entries[path] = PlacedEntry("file", content.size)
        self._result.files += 1
        self._result.size += content.size

    def _homes(self) -> dict[str, str]:
        used = {phase.home_id for run in self._out.runs for phase in run.phases}
        names = read_homes(self._layout)
        return {one: (names[one].name or one) if one in names else one for one in sorted(used)}

    def _remove_unlisted(self, head: MachineHead, listed: dict[str, PartRecord]) -> None:
        """Delete the files and records that the head does not list: replaced ones, and those no more allowed there."""
        wanted = {record_path(run_id, one.number) for run_id, one in head.records.items()}
        wanted |= {head_path(head.number), *listed}
        for path in sorted(self._entries):
            is_tombstone = path.startswith("tombstones/")
            if path not in wanted and not is_tombstone:
                self._destination.remove(self._prefix + path)
                self._result.removed += 1
        reach("lake:removed")


@dataclass(frozen=True, slots=True)
class Waiting:
    """The data that a push would put into a lake: runs, files, their size in bytes, and since when it waits (ISO 8601,
    UTC).
    """

    runs: int
    files: int
    size: int
    since: str | None

    def to_json(self) -> JsonObject:
        """Return it as JSON values."""
        return {"runs": self.runs, "files": self.files, "bytes": self.size, "since": self.since}


def waiting_for(known: KnownLake, runs: Sequence[RunRecord]) -> Waiting:
    """Return the part of `runs`, those in effect, that was not pushed to a lake yet; connects to nothing."""
    late = [run for run in runs if run.phases and known.pushed.get(run.run_id) != mark_of(run)]
    new = [run for run in late if run.run_id not in known.pushed]
    parts = [part for run in new for part in listed_files(run)]
    since = min((run.finished_at or run.started_at for run in new), default=None)
    return Waiting(len(late), len(parts), sum(part.size for part in parts), since)
