"""Erasure: makes a session, a project, a message, a text or what a pattern matches gone from every file below data/.

What holds it is written anew without it: parts of the store and the tables, commit records, imported stores, reports.
All of it happens in one step (`erasure_journal`); whatever dies before has changed nothing, whatever dies
after is finished by the next start. The warehouse is built anew, all older ones go. Every other byte of every file
keeps its address, its digest and its proof. What stays is a tombstone without content (`tombstones`), by
which the next run passes over what a home still holds of it.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from models.errors import ConfigurationError
from models.json import JsonObject, JsonValue
from models.observer import Observer
from models.run import RunRecord
from models.text import printable_path
from pipelines.archive.archive import Archive, effective, read_all_runs
from pipelines.archive.store import StoreReader
from pipelines.archive.sweep import sweep
from pipelines.archive.tombstones import Graveyard, Tombstone, open_graveyard, read_graveyard
from pipelines.disk.atomic import disk_errors
from pipelines.disk.layout import Layout
from pipelines.disk.lock import writing
from pipelines.disk.platform import make_files_private
from pipelines.forget.find import Finder, FoundForErasure, Wanted
from pipelines.forget.matcher import Matcher, both
from pipelines.forget.prepare import Archived, prepare
from pipelines.forget.preview import Preview, preview_of
from pipelines.forget.proof import addresses_that_hold, places_that_hold
from pipelines.forget.targets import ErasureTarget, Resolver
from pipelines.run.unfinished_erasure import finish_forget

__all__ = [
    "ErasureTarget",
    "Forgetting",
    "Forgotten",
    "finish_begun",
    "forget",
    "plan_forget",
    "shown",
    "tombstones_of",
]


@dataclass(slots=True)
class Forgetting:
    """What an erasure would take. `wanted` and `found` say where it stands; they hold it in the clear and are shown to
    nobody.
    """

    target: ErasureTarget
    epoch: int
    erasures: int
    wanted: Wanted
    found: FoundForErasure
    preview: Preview

    @property
    def is_nothing(self) -> bool:
        """Whether the runs hold nothing of it."""
        return self.found.is_nothing

    @property
    def messages(self) -> int:
        """How many messages go that nothing that stays says."""
        return len(self.found.messages)

    def to_json(self) -> JsonObject:
        """Return it as JSON values."""
        total = self.preview.total
        paths: list[JsonValue] = [shown(key) for key in sorted(self.found.paths)]
        return {
            "kind": self.target.kind,
            "files": total.files,
            "touched_files": total.touched_files,
            "untouched_files": self.preview.untouched_files,
            "entries": total.entries,
            "rows": total.rows,
            "messages": self.messages,
            "imported_messages": self.found.imported,
            "bytes": total.size,
            "sources": {name: asdict(share) for name, share in self.preview.sources.items()},
            "paths": paths,
            "touched": {shown(key): count for key, count in sorted(self.preview.touched.items())},
        }


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What an erasure came to: its tombstone (None when there was nothing to erase), how many runs were written anew,
    and every place that still holds it: none, unless somebody else put it there.
    """

    tombstone: Tombstone | None
    runs: int
    remaining: Sequence[str]
    seconds: float

    def to_json(self) -> JsonObject:
        """Return it as JSON values."""
        stone = self.tombstone
        return {
            "tombstone": stone.number if stone is not None else None,
            "runs_rewritten": self.runs,
            "remaining": list(self.remaining),
            "seconds": round(self.seconds, 3),
        }


def plan_forget(layout: Layout, target: ErasureTarget, observer: Observer | None = None) -> Forgetting:
    """Return what forgetting a target would take. Nothing is changed.

    Raises ConfigurationError when it means nothing or too much, FixityError where something kept cannot be read.
    """
    archived, _ = _opened(layout)
    reader = StoreReader(layout, effective(archived.runs), archived.seed, lenient=True)
    wanted = Resolver(layout, archived.runs, reader).resolve(target)
    return _planned(archived, target, wanted, observer or Observer())


def finish_begun(layout: Layout, observer: Observer) -> bool:
    """Finish an erasure that was killed; returns whether there was one. Raises as `forget` does."""
    if not layout.forget_file.exists():
        return False
    make_files_private()
    with writing(layout, "forget"):
        return finish_forget(layout, observer)


def forget(
    layout: Layout,
    planned: Forgetting,
    observer: Observer,
    *,
    reason: str | None = None,
) -> Forgotten:
    """Erase what was planned, and look whether it is gone.

    Raises ConfigurationError when the archive has changed since it was planned, LockedError, FixityError, LoadError,
    DataDirectoryError; what was begun by then is finished by the next start of any writer.
    """
    started = time.monotonic()
    wanted = planned.wanted
    if reason is not None and wanted.matcher.holds(reason.encode()):
        raise ConfigurationError("the reason holds what is to be forgotten; name another one")
    make_files_private()
    with writing(layout, "forget"):
        finish_forget(layout, observer)
        with disk_errors():
            sweep(layout)
        archived, graveyard = _opened(layout)
        if (planned.epoch, planned.erasures) != (_epoch(archived.runs), len(graveyard.tombstones)):
            raise ConfigurationError("the archive has changed since this was planned; look again")
        if planned.is_nothing:
            return Forgotten(None, 0, _remaining(layout, planned, observer), time.monotonic() - started)
        stone = _tombstone(planned, graveyard, reason)
        journal = prepare(archived, graveyard, wanted, planned.found, stone, observer)
        journal.write(layout)
        finish_forget(layout, observer)
        remaining = _remaining(layout, planned, observer)
    return Forgotten(journal.tombstone, len(journal.records), remaining, time.monotonic() - started)


def shown(key: tuple[str, bytes]) -> str:
    """Return home and path as they are shown."""
    return f"{key[0]}:{printable_path(key[1])}"


def tombstones_of(layout: Layout) -> list[Tombstone]:
    """Return what was forgotten, the oldest first: when, of what kind, how much. Raises as `read_graveyard` does."""
    graveyard = read_graveyard(layout)
    return graveyard.tombstones if graveyard is not None else []


def _opened(layout: Layout) -> tuple[Archived, Graveyard]:
    archive = Archive.open(layout)
    runs = read_all_runs(layout)
    if not runs:
        raise ConfigurationError(f"nothing has been committed in {layout.root}: there is nothing to forget")
    return Archived(layout, runs, archive.seed, StoreReader(layout, runs, archive.seed)), open_graveyard(layout)


def _planned(archived: Archived, target: ErasureTarget, wanted: Wanted, observer: Observer) -> Forgetting:
    found = Finder(archived.layout, archived.runs, archived.seed, wanted, observer).find()
    preview = preview_of(archived.layout, archived.runs, found)
    observer.step_ends()
    erasures = len(tombstones_of(archived.layout))
    return Forgetting(target, _epoch(archived.runs), erasures, wanted, found, preview)


def _epoch(runs: Sequence[RunRecord]) -> int:
    return max(run.epoch for run in runs)


def _tombstone(planned: Forgetting, graveyard: Graveyard, reason: str | None) -> Tombstone:
    total = planned.preview.total
    return Tombstone(
        number=len(graveyard.tombstones) + 1,
        forgotten_at=datetime.now(UTC).isoformat(timespec="seconds"),
        kind=planned.target.kind,
        reason=reason,
        files=total.files + total.touched_files,
        entries=total.entries,
        messages=planned.messages,
        size=total.size,
    )


def _remaining(layout: Layout, planned: Forgetting, observer: Observer) -> list[str]:
    """Look for it where it stood, and for what was asked for in every byte and value of every file."""
    wanted = planned.wanted
    ids = frozenset(one.encode() for one in wanted.message_ids)
    directories = frozenset(one + b"/" for one in wanted.directories)
    matcher = both(wanted.matcher, Matcher(texts=ids | directories))
    return [*addresses_that_hold(layout, planned.found), *places_that_hold(layout, matcher, observer)]
