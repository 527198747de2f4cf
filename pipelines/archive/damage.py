"""Checks the committed parts at the start of a run: each must exist and have its size, and some are digested.

Every run checks the sizes of all parts, and digests so many that each part is digested once in four weeks.
"""

from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from os import cpu_count
from stat import S_ISREG
from typing import Final

from models.run import DamageRecord, PartRecord, RunRecord
from pipelines.archive.imported import IMPORTED, imported_files, sound_imports
from pipelines.disk.atomic import sha256_of
from pipelines.disk.layout import Layout

SLOTS: Final = 28
"""The number of days within which every part is digested once, if runs are not rarer than that."""
OTHER_BYTES: Final = "has other bytes than were committed"
CHANGED: Final = "was changed or damaged"
"""The problem of a sealed file (`models.seal`) whose seal does not match its content."""
_SMALL: Final = 16 << 20
"""Every run digests at least this many bytes, if the archive has them: it takes a fraction of a second."""
_WORTH_THREADS: Final = 4 << 20


def look_at_parts(
    layout: Layout, runs: Sequence[RunRecord], now: datetime | None = None, *, always: Collection[str] = ()
) -> list[DamageRecord]:
    """Return the parts of `runs` (oldest run first) that are changed or missing, in the order of commits.

    The existence and size of every part are checked. Digested are the parts whose slot has come since the newest of
    `runs`; then others, the longest undigested first, until `_SMALL` bytes are read; and the parts whose paths are in
    `always`. Without `now` (UTC), none is digested.
    """
    parts = {part.path: (run.run_id, part) for run in runs for phase in run.phases for part in phase.parts}
    found = {path: problem for path, (_, part) in parts.items() if (problem := _problem(layout, part)) is not None}
    if now is not None:
        whole = [part for path, (_, part) in parts.items() if path not in found]
        chosen = {part.path: part for part in due_parts(whole, now.date(), days_since_run(runs, now), at_least=_SMALL)}
        chosen |= {part.path: part for part in whole if part.path in always}
        found |= _digested(layout, list(chosen.values()))
    return [
        DamageRecord(path, part.table, run_id, found[path]) for path, (run_id, part) in parts.items() if path in found
    ]


def _problem(layout: Layout, part: PartRecord) -> str | None:
    """Return the problem that a part's status shows, without reading it; None if there is none."""
    try:
        stat = (layout.root / part.path).lstat()
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
    """Return the parts to digest, `days` after the last check, and as many others as make `at_least` bytes with them.

    The first digits of a part's SHA-256 assign it to one of 28 days; the first check on or after that day digests it.
    So no record of earlier checks is needed.
    """

    def age(part: PartRecord) -> int:
        return (today.toordinal() - int(part.sha256[:8], 16)) % SLOTS

    chosen, room = [], at_least
    for part in sorted(parts, key=lambda part: (age(part) >= days, -age(part), part.sha256)):
        if age(part) >= days and part.size > room:
            break
        chosen.append(part)
        room -= part.size
    return chosen


def _digested(layout: Layout, parts: Sequence[PartRecord]) -> dict[str, str]:
    """Digest parts; return the problem of each one that differs from its commit record, by path."""

    def problem_of(part: PartRecord) -> str | None:
        try:
            return None if sha256_of(layout.root / part.path) == part.sha256 else OTHER_BYTES
        except OSError as error:
            return f"cannot be read: {error.strerror}"

    if sum(part.size for part in parts) < _WORTH_THREADS:
        problems = list(map(problem_of, parts))
    else:
        with ThreadPoolExecutor(min(4, cpu_count() or 1)) as threads:
            problems = list(threads.map(problem_of, parts))
    return {part.path: problem for part, problem in zip(parts, problems, strict=True) if problem is not None}


def look_at_imports(layout: Layout) -> list[DamageRecord]:
    """Return the imported files (`extract import-store`) whose content does not match the SHA-256 in their names."""
    sound = set(sound_imports(layout))
    return [
        DamageRecord(layout.relative(path), IMPORTED.name, "", OTHER_BYTES)
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
