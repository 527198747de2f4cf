"""Checks the committed parts at the start of a run: each must exist and have its size, and some are digested.

Every run checks the sizes of all parts, and digests so many that each part is digested once in four weeks.
"""

import os
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from stat import S_ISREG
from typing import Final

from models.run import IMPORTED_TABLE, DamageRecord, PartRecord, RunRecord
from pipelines.archive.imported import imported_files, sound_imports
from pipelines.disk.atomic import sha256_of
from pipelines.disk.layout import Layout

SLOTS: Final = 28
"""The number of days within which every part is digested once, if runs are not rarer than that."""
OTHER_BYTES: Final = "has other bytes than were committed"
CHANGED: Final = "was changed or damaged"
"""The problem of a sealed file (`models.seal`) whose seal does not match its content."""
_SMALL: Final = 16 << 20
"""Every run digests at least this many bytes, if the archive has them: it takes a fraction of a second."""
_COST_OF_OPENING: Final = 32 << 10
"""The cost of opening a part, as the bytes that can be digested in that time: an archive has many small parts."""
_AT_ONCE: Final = 1 << 20
"""So many bytes of small parts are one task of a thread."""
_WORTH_THREADS: Final = 4 << 20


def look_at_parts(
    layout: Layout, runs: Sequence[RunRecord], now: datetime | None = None, *, always: Collection[str] = ()
) -> list[DamageRecord]:
    """Return the parts of `runs` (oldest run first) that are changed or missing, in the order of commits.

    The existence and size of every part are checked. Digested are the parts whose slot has come since the newest of
    `runs`; then others, the longest undigested first, until `_SMALL` bytes are read; and the parts whose paths are in
    `always`. Without `now` (UTC), only these are digested.
    """
    parts = {part.path: (run.run_id, part) for run in runs for phase in run.phases for part in phase.parts}
    # Plain strings: an archive of many runs has thousands of parts, and every run looks at all of them.
    root = os.fspath(layout.root)
    found = {path: problem for path, (_, part) in parts.items() if (problem := _problem(root, part)) is not None}
    whole = [part for path, (_, part) in parts.items() if path not in found]
    chosen = {part.path: part for part in whole if part.path in always}
    if now is not None:
        due = due_parts(whole, now.date(), days_since_run(runs, now), at_least=_SMALL)
        chosen |= {part.path: part for part in due}
    found |= _digested(root, list(chosen.values()))
    return [
        DamageRecord(path, part.table, run_id, found[path]) for path, (run_id, part) in parts.items() if path in found
    ]


def _problem(root: str, part: PartRecord) -> str | None:
    """Return the problem that a part's status shows, without reading it; None if there is none."""
    try:
        stat = os.lstat(f"{root}/{part.path}")
    except (FileNotFoundError, NotADirectoryError):
        return "is gone"
    except OSError as error:
        return f"cannot be inspected: {error.strerror}"
    if not S_ISREG(stat.st_mode):
        return "is not a regular file"
    return None if stat.st_size == part.size else f"has {stat.st_size} bytes instead of {part.size}"


def days_since_run(runs: Sequence[RunRecord], now: datetime) -> int:
    """Return the days between now and the start of the newest run that checked parts; 28 if there is none.

    The difference is absolute: the clock may have been set back.
    """
    for run in reversed(runs):
        if run.kind == "run":
            try:
                began = datetime.fromisoformat(run.started_at).astimezone(UTC)
            except ValueError:
                break
            return abs((now.date() - began.date()).days)
    return SLOTS


def due_parts(parts: Iterable[PartRecord], today: date, days: int, *, at_least: int) -> list[PartRecord]:
    """Return the parts to digest, `days` after the last check, and as many others as make `at_least` bytes with them,
    opening each included.

    The first digits of a part's SHA-256 assign it to one of 28 days; the first check on or after that day digests it.
    So no record of earlier checks is needed.
    """

    now = today.toordinal()
    ages = [((now - int(part.sha256[:8], 16)) % SLOTS, part) for part in parts]
    chosen, room = [], at_least
    for age, part in sorted(ages, key=lambda one: (one[0] >= days, -one[0], one[1].sha256)):
        cost = part.size + _COST_OF_OPENING
        if age >= days and cost > room:
            break
        chosen.append(part)
        room -= cost
    return chosen


def _digested(root: str, parts: Sequence[PartRecord]) -> dict[str, str]:
    """Digest parts; return the problem of each one that differs from its commit record, by path."""

    def problems_of(some: Sequence[PartRecord]) -> dict[str, str]:
        return {part.path: problem for part in some if (problem := _problem_of_bytes(root, part)) is not None}

    found: dict[str, str] = {}
    if sum(part.size for part in parts) < _WORTH_THREADS:
        return problems_of(parts)
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
        for some in threads.map(problems_of, _tasks(parts)):
            found |= some
    return found


def _tasks(parts: Sequence[PartRecord]) -> list[list[PartRecord]]:
    """Return parts in groups of about `_AT_ONCE` bytes: to give a thread a small part costs more than its digest."""
    groups: list[list[PartRecord]] = []
    room = 0
    for part in parts:
        if part.size > room:
            groups.append([])
            room = _AT_ONCE
        groups[-1].append(part)
        room -= part.size
    return groups


def _problem_of_bytes(root: str, part: PartRecord) -> str | None:
    try:
        digest = _small_sha256(root, part) if part.size <= _AT_ONCE else sha256_of(Path(root, part.path))
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None if digest == part.sha256 else OTHER_BYTES


def _small_sha256(root: str, part: PartRecord) -> str:
    with open(f"{root}/{part.path}", "rb", buffering=0) as file:
        return sha256(file.read()).hexdigest()


def look_at_imports(layout: Layout) -> list[DamageRecord]:
    """Return the imported files (`extract import-store`) whose content does not match the SHA-256 in their names."""
    sound = set(sound_imports(layout))
    return [
        DamageRecord(layout.relative(path), IMPORTED_TABLE, "", OTHER_BYTES)
        for path in imported_files(layout)
        if path not in sound
    ]


def without_damaged(runs: Iterable[RunRecord], damage: Iterable[DamageRecord], table: str) -> list[PartRecord]:
    """Return the parts of one table over runs that are not known to be damaged, in order of commitment."""
    damaged = {one.path for one in damage if not one.mended}
    return [
        part
        for run in runs
        for phase in run.phases
        for part in phase.parts
        if part.table == table and part.path not in damaged
    ]
