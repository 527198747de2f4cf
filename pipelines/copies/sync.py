"""Brings a copy up to date with the archive. It may be killed at any moment, while runs go on.

The order makes that safe. Tombstones come first. Files that commit records list are there, flushed to the disk, before
the records that list them; records of new runs follow in the order of their epochs, so a copy is always the archive as
it was after some run. Files that no record lists any more are deleted last. A damaged file of the archive replaces
nothing, and files that the archive has lost stay in the copy.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

import orjson

from models.errors import ConfigurationError, DataDirectoryError, FixityError, LockedError
from models.finding import Severity
from models.findings import elsewhere as codes
from models.observer import Observer
from models.run import PartRecord, RunRecord
from models.seal import sealed
from pipelines.archive.archive import HAS_LIST, Archive, is_being_written, read_records
from pipelines.archive.damage import SLOTS, due_parts
from pipelines.archive.erasure_journal import Journal
from pipelines.archive.known_copies import KnownCopy, keep_known_copy
from pipelines.archive.tombstones import read_graveyard
from pipelines.copies.destination import CopyContent, DamagedHere, Destination, GoneHere, has_there, place_errors
from pipelines.copies.directory import TEMPORARY
from pipelines.copies.evidence import SmallFiles
from pipelines.copies.places import is_url, now, open_copy, syncing
from pipelines.copies.result import SyncResult
from pipelines.copies.state import (
    EVIDENCE,
    IMPORT,
    RUN_FILE,
    CopyHead,
    listed_files,
    read_state,
    record_there,
    refuse_other_ways,
)
from pipelines.copies.turn import SyncTurn
from pipelines.disk.atomic import disk_errors
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import Layout
from pipelines.disk.platform import make_files_private

_TRIES: Final = 3
_DIGESTED: Final = 64 << 20


class _ArchiveChanged(Exception):
    """An erasure or gc deleted files of the archive during the sync: begin again."""


def sync_copy(
    layout: Layout, known: KnownCopy, observer: Observer, opening: Callable[[KnownCopy], Destination] = open_copy
) -> SyncResult:
    """Bring a copy up to date, and note that in the data directory. Damage is a finding; intact files are copied.

    Raises LockedError where another sync is at work, DataDirectoryError and DiskFullError where the place cannot be
    reached or has no room, FixityError where each of the two has runs that the other lacks; nothing is changed.
    """
    make_files_private()
    started = time.monotonic()
    archive = Archive.open(layout)
    with syncing(layout):
        try:
            with place_errors(known.place):
                result = _synced(layout, archive, known, opening(known), observer)
        except (DataDirectoryError, FixityError) as error:
            with disk_errors():
                keep_known_copy(layout, replace(known, tried_at=now(), problem=str(error)))
            raise
        with disk_errors():
            keep_known_copy(layout, result.known)
    result.seconds = time.monotonic() - started
    return result


def _synced(
    layout: Layout, archive: Archive, known: KnownCopy, destination: Destination, observer: Observer
) -> SyncResult:
    for _ in range(_TRIES):
        try:
            return _Sync(layout, archive, known, destination, observer).do()
        except _ArchiveChanged:
            continue
    raise LockedError("the archive is being changed by an erasure or by gc: sync again when it has ended")


class _Sync:
    """One sync: `here` are the archive's runs by run_id, `state` is that of the copy, brought up to date on the way."""

    def __init__(
        self, layout: Layout, archive: Archive, known: KnownCopy, destination: Destination, observer: Observer
    ) -> None:
        self._layout, self._archive, self._known = layout, archive, known
        self._destination, self._observer = destination, observer
        self._result = SyncResult(known)
        self._turn = SyncTurn(destination, layout.copy_head.name)
        self._looked_again = dict[str, set[str]]()
        if layout.forget_file.exists():
            if is_being_written(layout):
                raise LockedError("an erasure is at work: sync when it has ended")
            raise ConfigurationError("an erasure was interrupted: the next `extract run` finishes it; then sync again")
        # Tombstones before records: an erasure that ends in between must not count as carried out at the copy.
        self._graveyard = read_graveyard(layout)
        self._erasures = len(self._graveyard.tombstones) if self._graveyard is not None else 0
        self._here = {run.run_id: run for run in read_records(layout)[0]}
        self._state = read_state(destination, layout)
        self._newest_before = self._state.head.epoch if self._state.head is not None else 0
        self._listed_before = {part.path for part in self._listed_there()}

    def do(self) -> SyncResult:
        """Do all steps in their order. Raises LockedError where another sync begins at the place meanwhile."""
        with self._turn.errors():
            return self._do()

    def _do(self) -> SyncResult:
        name = self._layout.copy_head.name
        refuse_other_ways(self._state, self._archive, self._here, self._erasures, self._known.place, name)
        head, is_chained = self._head()
        is_sure = is_chained and not head.is_syncing
        small = SmallFiles(self._layout, self._destination, self._state, head.files, self._known, is_sure=is_sure)
        previous = self._begin(head, is_chained)
        self._clean()
        small.put_identity()
        if self._erasures:
            small.put_tombstones()
        self._destination.settle()
        reach("copy:tombstones")
        whole = self._put_parts(is_chained)
        small.put_imports()
        self._destination.settle()
        reach("copy:parts")
        self._result.is_erased = is_erased = self._put_records(whole)
        reach("copy:records")
        runs = [run for run in self._ours() if self._state.records.get(run.run_id) == run]
        self._turn.check()
        small.put_evidence(runs)
        self._put_epoch(small)
        self._destination.settle()
        reach("copy:evidence")
        self._remove_unlisted(runs, small, has_new_erasures=self._erasures > head.erasures)
        self._destination.settle()
        reach("copy:removed")
        digests = small.kept()
        self._take(small)
        self._finish(replace(head, previous=previous), digests, self._erasures if is_erased else head.erasures)
        return self._result

    def _head(self) -> tuple[CopyHead, bool]:
        """Return the head of the copy, and whether it is the one that the last sync left."""
        head, known = self._state.head, self._known.head
        if head is None:
            self._result.findings.append(codes.OTHER_HEAD.at(self._layout.copy_head.name))
            return CopyHead(self._archive.archive_id), False
        is_first = known is None and head.number == 0
        # A sync that was killed before its very end has written a head of which the archive does not know.
        is_chained = is_first or (known is not None and known in (self._state.head_digest, head.previous))
        if not is_chained and known is not None:
            self._result.findings.append(codes.OTHER_HEAD.at(self._layout.copy_head.name))
        return head, is_chained

    def _begin(self, head: CopyHead, is_chained: bool) -> str | None:
        """Mark the head as being synced; return the digest of the head that the last sync left."""
        previous = head.previous if head.is_syncing else self._state.head_digest
        if is_chained and previous != self._known.head:
            with disk_errors():
                keep_known_copy(self._layout, replace(self._known, head=previous))
        ours = replace(head, archive_id=self._archive.archive_id, previous=previous, is_syncing=True)
        self._put_head(replace(ours, writer=self._turn.token))
        self._turn.is_begun = True
        return previous

    def _put_head(self, head: CopyHead) -> None:
        self._destination.put(self._layout.copy_head.name, CopyContent.of(head.to_bytes()), over=True)
        self._destination.settle()
        reach("copy:head")

    def _clean(self) -> None:
        for path, entry in list(self._state.entries.items()):
            if TEMPORARY.fullmatch(path) and entry.is_file:
                self._destination.remove(path)
                del self._state.entries[path]

    def _ours(self) -> list[RunRecord]:
        """Return the archive's runs, oldest first, without those of which the copy has a later revision."""
        ours = []
        for run in sorted(self._here.values(), key=lambda run: run.epoch):
            theirs = self._state.records.get(run.run_id)
            if theirs is None or theirs == run or theirs.revision < run.revision:
                ours.append(run)
        return ours

    def _put_parts(self, is_chained: bool) -> set[str]:
        """Copy the files that the records of the archive list; return the ids of the runs whose files are all there."""
        self._name_what_is_ahead()
        needed = [(run, part) for run in self._ours() for part in listed_files(run)]
        trusted = self._trusted() if is_chained else set()
        lacking = set()
        self._observer.step_begins("copying", sum(part.size for _, part in needed))
        for run, part in needed:
            try:
                self._put_part(part, is_trusted=part.path in trusted)
            except DamagedHere as error:
                self._refuse_changed(run, part, error)
                self._result.findings.append(codes.DAMAGED_HERE.at(part.path, problem=str(error)))
                lacking.add(run.run_id)
            self._observer.advances(part.size)
        self._observer.step_ends()
        return {run.run_id for run in self._ours()} - lacking

    def _name_what_is_ahead(self) -> None:
        for run in self._state.runs:
            ours = self._here.get(run.run_id)
            address = f"runs/{run.run_id}/run.json"
            if ours is None:
                what = f"run {run.run_id} of epoch {run.epoch}"
                self._result.findings.append(codes.AHEAD.at(address, what=what))
            elif ours != run and ours.revision <= run.revision:
                found = codes.OLDER_HERE.at(address, run=run.run_id, here=ours.revision, there=run.revision)
                self._result.findings.append(found)

    def _trusted(self) -> set[str]:
        """Return the paths at the copy that need no digest in this sync: a record there lists them, and it is not their
        turn. On a disk at least 64 MB have theirs in each sync, those first that wait longest.
        """
        parts = [part for run in self._state.runs for part in listed_files(run)]
        since, days = self._known.synced_at, SLOTS
        today = datetime.now(UTC).date()
        if since is not None:
            days = abs((today - datetime.fromisoformat(since).date()).days)
        at_least = 0 if is_url(self._known.place) else _DIGESTED
        due = {part.path for part in due_parts(parts, today, days, at_least=at_least)}
        return {part.path for part in parts} - due - set(self._known.damaged)

    def _put_part(self, part: PartRecord, *, is_trusted: bool) -> None:
        entry = self._state.entries.get(part.path)
        is_like = entry is not None and entry.may_have(part.size)
        if is_like and (is_trusted or has_there(self._destination, part.path, part.sha256)):
            return
        content = CopyContent(part.sha256, part.size, self._layout.root / part.path)
        try:
            self._destination.put(part.path, content, over=entry is not None)
        except FileExistsError:  # another sync has put it there since this one looked
            if not has_there(self._destination, part.path, part.sha256):
                self._destination.put(part.path, content, over=True)
        if entry is not None or part.path in self._listed_before:
            self._result.healed.append(part.path)
        self._result.files += 1
        self._result.size += part.size

    def _listed_there(self) -> Iterator[PartRecord]:
        yield from (part for run in self._state.runs for part in listed_files(run))

    def _refuse_changed(self, run: RunRecord, part: PartRecord, error: DamagedHere) -> None:
        """Raise _ArchiveChanged where no commit record lists a part any more that is gone."""
        if isinstance(error, GoneHere):
            present = {one.run_id: one for one in read_records(self._layout)[0]}
            now_listed = listed_files(present[run.run_id]) if run.run_id in present else ()
            if self._layout.forget_file.exists() or all(one.path != part.path for one in now_listed):
                raise _ArchiveChanged

    def _put_records(self, whole: set[str]) -> bool:
        """Write the commit records of runs of which all is there; return whether all that changed are written."""
        ours, records = self._ours(), self._state.records
        changed = [run for run in ours if records.get(run.run_id) not in (None, run) or self._is_broken(run)]
        self._put_changed([run for run in changed if run.run_id in whole])
        epochs = {run.epoch for run in records.values()}
        for run in ours:
            if run.run_id in records:
                continue
            if run.run_id not in whole or len(epochs & set(range(1, run.epoch))) < run.epoch - 1:
                break
            self._put_record(run)
            if run.epoch > self._newest_before:
                self._result.runs += 1
            else:
                self._result.healed.append(f"runs/{run.run_id}/run.json")
            epochs.add(run.epoch)
        return all(run.run_id in whole for run in changed)

    def _put_changed(self, changed: Sequence[RunRecord]) -> None:
        """Replace records. Those of an erasure take effect in one step, by its journal: one may have given pieces of a
        run to another.
        """
        self._turn.check()
        path = self._layout.forget_file.name
        is_journaled = path in self._state.entries
        if len(changed) > 1 and self._graveyard is not None:
            records = {run.run_id: run for run in changed}
            journal = Journal(self._graveyard.key.hex(), self._graveyard.tombstones[-1], records)
            content = CopyContent.of(sealed(journal.to_bytes(), ".json"))
            self._destination.put(path, content, over=is_journaled)
            self._destination.settle()
            is_journaled = True
            reach("copy:journal")
        for run in reversed(changed):
            self._put_record(run)
        revisions = {run.run_id: run.revision for run in self._state.records.values()}
        if is_journaled and all(revisions.get(run.run_id, 0) >= run.revision for run in self._state.instead.values()):
            self._destination.remove(path)
            self._destination.settle()
            self._state.entries.pop(path, None)

    def _is_broken(self, run: RunRecord) -> bool:
        return f"runs/{run.run_id}/run.json" in self._state.broken

    def _put_record(self, run: RunRecord) -> None:
        self._turn.check()
        path = f"runs/{run.run_id}/run.json"
        content = CopyContent.of(sealed(orjson.dumps(run, option=orjson.OPT_INDENT_2), ".json"))
        self._destination.put(path, content, over=path in self._state.entries)
        self._destination.settle()
        if self._state.broken.pop(path, None) is not None:
            self._result.healed.append(path)
        self._state.records[run.run_id] = run
        self._result.files += 1
        self._result.size += content.size
        reach("copy:record")

    def _put_epoch(self, small: SmallFiles) -> None:
        if self._state.records:
            newest = self._state.runs[-1]
            has_list = self._layout.evidence_file.exists()
            fields = {"epoch": newest.epoch, "run_id": newest.run_id, HAS_LIST: has_list}
            small.put(self._layout.head_file.name, sealed(orjson.dumps(fields, option=orjson.OPT_INDENT_2), ".json"))

    def _remove_unlisted(self, runs: Sequence[RunRecord], small: SmallFiles, *, has_new_erasures: bool) -> None:
        """Delete the files of `runs` that their newest records, which the copy has, do not list; after an erasure also
        files that the archive no longer has.
        """
        self._turn.check()
        listed = {part.path for part in self._listed_there()}
        by_id = {run.run_id: run for run in runs}
        for path in sorted(self._state.entries):
            part, evidence, imported = RUN_FILE.fullmatch(path), EVIDENCE.fullmatch(path), IMPORT.fullmatch(path)
            is_gone = not (self._layout.root / path).exists()
            if part is not None:
                is_unlisted = part["run"] in by_id and path not in listed
            elif evidence is not None:
                run = by_id.get(evidence["run"])
                is_unlisted = run is not None and is_gone and (run.status == "removed" or has_new_erasures)
            else:
                is_unlisted = imported is not None and is_gone and has_new_erasures
            if is_unlisted and (part is None or path not in self._listed_now(part["run"])):
                self._destination.remove(path)
                self._result.removed += 1
                small.drop(path)

    def _listed_now(self, run_id: str) -> set[str]:
        """Return the paths that a record lists at the copy now: another sync may have written it since the first look.
        Raises OSError; ValueError where it cannot be read.
        """
        if run_id not in self._looked_again:
            run = record_there(self._destination, f"runs/{run_id}/run.json")
            self._looked_again[run_id] = {part.path for part in listed_files(run)}
        return self._looked_again[run_id]

    def _take(self, small: SmallFiles) -> None:
        """Add the counts and findings of the small files to the result."""
        self._result.files += small.files
        self._result.size += small.size
        self._result.healed += small.healed
        self._result.findings += small.findings

    def _finish(self, before: CopyHead, digests: Mapping[str, str], erasures: int) -> None:
        """Write the new head of the copy, and set the archive's new record of it."""
        self._turn.check()
        newest = self._state.runs[-1] if self._state.records else None
        head = CopyHead(
            self._archive.archive_id,
            newest.epoch if newest else 0,
            newest.run_id if newest else None,
            erasures,
            now(),
            before.number + 1,
            before.previous,
            files=digests,
        )
        self._put_head(head)
        parts = list(self._listed_there())
        errors = [one for one in self._result.findings if one.severity is Severity.ERROR]
        self._result.known = replace(
            self._known,
            synced_at=self._known.synced_at if errors else head.synced_at,
            tried_at=head.synced_at,
            problem=errors[0].sentence if errors else None,
            epoch=head.epoch,
            run_id=head.run_id,
            erasures=erasures,
            head=sha256(head.to_bytes()).hexdigest(),
            files=len(parts) + len(head.files) + len(self._state.records),
            size=sum(part.size for part in parts),
            damaged=(),
        )
