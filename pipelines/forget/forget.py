"""Erasure: removes a session, a project, a message, a text or the matches of a pattern from every file below data/.

It rewrites the files that contain it: parts of the store and the tables, commit records, imported stores, reports. A
journal (`pipelines.archive.erasure_journal`) makes this one step: a process that is killed before it is written has
changed nothing; after that the next start finishes the erasure. The warehouse is rebuilt, older warehouses are deleted.
All other bytes keep their address and digest. A tombstone without content (`pipelines.archive.tombstones`) remains, by
which later runs skip the content if a home still contains it.
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
from pipelines.archive.tombstones import Graveyard, Tombstone, TombstoneKind, open_graveyard, read_graveyard
from pipelines.disk.atomic import disk_errors
from pipelines.disk.layout import Layout
from pipelines.disk.lock import writing
from pipelines.disk.platform import make_files_private
from pipelines.forget.find import ErasureQuery, Finder, FoundForErasure
from pipelines.forget.matcher import Matcher, either_matcher
from pipelines.forget.prepare import Archived, prepare
from pipelines.forget.preview import Preview, preview_of
from pipelines.forget.proof import addresses_that_hold, places_that_hold
from pipelines.forget.targets import ErasureTarget, Resolver
from pipelines.run.unfinished_erasure import finish_forget

__all__ = [
    "ErasurePlan",
    "ErasureResult",
    "ErasureTarget",
    "finish_begun",
    "forget",
    "plan_forget",
    "plan_query",
    "printable_key",
    "tombstones_of",
]


@dataclass(slots=True)
class ErasurePlan:
    """The plan of an erasure. `wanted` and `found` contain the content in clear text: never print or log them.

    `epoch` and `erasures` identify the state of the archive for which the plan was made.
    """

    kind: TombstoneKind
    epoch: int
    erasures: int
    wanted: ErasureQuery
    found: FoundForErasure
    preview: Preview

    @property
    def is_nothing(self) -> bool:
        """Whether no run contains anything of it."""
        return self.found.is_nothing

    @property
    def messages(self) -> int:
        """Number of messages that are erased because no remaining entry contains them."""
        return len(self.found.messages)

    def to_json(self) -> JsonObject:
        """Return it as JSON values."""
        total = self.preview.total
        paths: list[JsonValue] = [printable_key(key) for key in sorted(self.found.paths)]
        return {
            "kind": self.kind,
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
            "touched": {printable_key(key): count for key, count in sorted(self.preview.touched.items())},
        }


@dataclass(frozen=True, slots=True)
class ErasureResult:
    """The result of an erasure: its tombstone (None when there was nothing to erase), the number of rewritten runs, and
    the places that still contain the content. These are files of other origin, which the program does not rewrite.
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


def plan_forget(layout: Layout, target: ErasureTarget, observer: Observer | None = None) -> ErasurePlan:
    """Return the plan for erasing a target. Changes nothing.

    Raises ConfigurationError when the target matches nothing or too much, FixityError when a committed file is
    unreadable.
    """
    archived, _ = _opened(layout)
    reader = StoreReader(layout, effective(archived.runs), archived.seed, lenient=True)
    wanted = Resolver(layout, archived.runs, reader).resolve(target)
    return _planned(archived, target.kind, wanted, observer or Observer())


def plan_query(layout: Layout, kind: TombstoneKind, wanted: ErasureQuery, observer: Observer) -> ErasurePlan:
    """Return the plan for erasing files that were found by other means than a target. Changes nothing. Raises as
    `plan_forget` does.
    """
    archived, _ = _opened(layout)
    return _planned(archived, kind, wanted, observer)


def finish_begun(layout: Layout, observer: Observer) -> bool:
    """Finish an erasure that was killed; return whether there was one. Raises as `forget` does."""
    if not layout.forget_file.exists():
        return False
    make_files_private()
    with writing(layout, "forget"):
        return finish_forget(layout, observer)


def forget(
    layout: Layout,
    planned: ErasurePlan,
    observer: Observer,
    *,
    reason: str | None = None,
) -> ErasureResult:
    """Carry out a plan, then search every file below the data directory for the content.

    Raises ConfigurationError when the archive has changed since the plan was made, LockedError, FixityError, LoadError,
    DataDirectoryError. After the journal is written, the next command that writes finishes a failed erasure.
    """
    started = time.monotonic()
    wanted = planned.wanted
    if reason is not None and wanted.matcher.holds(reason.encode()):
        raise ConfigurationError("the reason contains the content to erase: give another reason")
    make_files_private()
    with writing(layout, "forget"):
        finish_forget(layout, observer)
        with disk_errors():
            sweep(layout)
        archived, graveyard = _opened(layout)
        if (planned.epoch, planned.erasures) != (_epoch(archived.runs), len(graveyard.tombstones)):
            raise ConfigurationError("the archive has changed since the preview: give the same command again")
        if planned.is_nothing:
            return ErasureResult(None, 0, _remaining(layout, planned, observer), time.monotonic() - started)
        stone = _tombstone(planned, graveyard, reason)
        journal = prepare(archived, graveyard, wanted, planned.found, stone, observer)
        journal.write(layout)
        finish_forget(layout, observer)
        remaining = _remaining(layout, planned, observer)
    return ErasureResult(journal.tombstone, len(journal.records), remaining, time.monotonic() - started)


def printable_key(key: tuple[str, bytes]) -> str:
    """Return home_id and path as printable text."""
    return f"{key[0]}:{printable_path(key[1])}"


def tombstones_of(layout: Layout) -> list[Tombstone]:
    """Return the tombstones of all erasures, the oldest first. Raises as `read_graveyard` does."""
    graveyard = read_graveyard(layout)
    return graveyard.tombstones if graveyard is not None else []


def _opened(layout: Layout) -> tuple[Archived, Graveyard]:
    archive = Archive.open(layout)
    runs = read_all_runs(layout)
    if not runs:
        raise ConfigurationError(f"nothing has been committed in {layout.root}: there is nothing to forget")
    return Archived(layout, runs, archive.seed, StoreReader(layout, runs, archive.seed)), open_graveyard(layout)


def _planned(archived: Archived, kind: TombstoneKind, wanted: ErasureQuery, observer: Observer) -> ErasurePlan:
    found = Finder(archived.layout, archived.runs, archived.seed, wanted, observer).find()
    preview = preview_of(archived.layout, archived.runs, found)
    observer.step_ends()
    erasures = len(tombstones_of(archived.layout))
    return ErasurePlan(kind, _epoch(archived.runs), erasures, wanted, found, preview)


def _epoch(runs: Sequence[RunRecord]) -> int:
    return max(run.epoch for run in runs)


def _tombstone(planned: ErasurePlan, graveyard: Graveyard, reason: str | None) -> Tombstone:
    total = planned.preview.total
    return Tombstone(
        number=len(graveyard.tombstones) + 1,
        forgotten_at=datetime.now(UTC).isoformat(timespec="seconds"),
        kind=planned.kind,
        reason=reason,
        files=total.files + total.touched_files,
        entries=total.entries,
        messages=planned.messages,
        size=total.size,
    )


def _remaining(layout: Layout, planned: ErasurePlan, observer: Observer) -> list[str]:
    """Return the places that still contain it: its old addresses, and every byte and value of every file."""
    wanted = planned.wanted
    ids = frozenset(one.encode() for one in wanted.message_ids)
    directories = frozenset(one + b"/" for one in wanted.directories)
    matcher = either_matcher(wanted.matcher, Matcher(texts=ids | directories))
    return [*addresses_that_hold(layout, planned.found), *places_that_hold(layout, matcher, observer)]
