"""R: findings about the archive's own records: archive.json and its copy, homes.json, settings.toml, the lock file."""

from typing import Final

from models.finding import Kind, Level, Severity
from models.findings.advice import NEXT_RUN, REPAIR

ARCHIVE_GONE: Final = Kind(
    "R101",
    Severity.ERROR,
    Level.QUICK,
    "archive.json, with the seed of the store, is missing.",
    REPAIR,
    is_fixity=True,
)
ARCHIVE_BROKEN: Final = Kind(
    "R102",
    Severity.ERROR,
    Level.QUICK,
    "archive.json, with the seed of the store, was changed or damaged: {problem}.",
    REPAIR,
    is_fixity=True,
)
ARCHIVE_MALFORMED: Final = Kind(
    "R103",
    Severity.ERROR,
    Level.QUICK,
    "archive.json, with the seed of the store, has unknown content: {problem}.",
    REPAIR,
)
ARCHIVE_NEWER: Final = Kind(
    "R104",
    Severity.ERROR,
    Level.QUICK,
    "The archive has format {format}, this version of the program knows {known}.",
    "Verify it with the version of this program that wrote it, or a newer one.",
)
COPY_GONE: Final = Kind(
    "R105",
    Severity.WARNING,
    Level.QUICK,
    "The copy of archive.json is missing: if archive.json were lost too, no piece could be found in the store.",
    NEXT_RUN,
)
COPY_DIFFERS: Final = Kind(
    "R106",
    Severity.ERROR,
    Level.QUICK,
    "The copy of archive.json has other bytes than archive.json.",
    REPAIR,
    is_fixity=True,
)
HOMES_GONE: Final = Kind(
    "R111",
    Severity.WARNING,
    Level.QUICK,
    "homes.json, with the directory of each home, is missing.",
    "Nothing: the next `extract run` makes it again from the commit records.",
)
HOMES_BROKEN: Final = Kind(
    "R112",
    Severity.ERROR,
    Level.QUICK,
    "homes.json, with the directory of each home, was changed or damaged: {problem}.",
    REPAIR,
    is_fixity=True,
)
HOMES_MALFORMED: Final = Kind(
    "R113",
    Severity.ERROR,
    Level.QUICK,
    "homes.json, with the directory of each home, has unknown content: {problem}.",
    REPAIR,
)
HOME_UNLISTED: Final = Kind(
    "R114",
    Severity.WARNING,
    Level.QUICK,
    "Run {run} read home {home}, which homes.json does not list: the next run would give it another name.",
    REPAIR,
)
SETTINGS_REFUSED: Final = Kind(
    "R121",
    Severity.WARNING,
    Level.QUICK,
    "The settings are invalid: {problem}.",
    "Correct the file, or put copies/settings.toml, which the newest run read, in its place: until then `extract run` "
    "refuses to start.",
)
SETTINGS_CHANGED: Final = Kind(
    "R122",
    Severity.INFORMATION,
    Level.QUICK,
    "The settings have changed since run {run}, the newest one: {changes}.",
    "Nothing, if you changed them. If not, put copies/settings.toml in its place.",
)
SETTINGS_GONE: Final = Kind(
    "R123",
    Severity.WARNING,
    Level.QUICK,
    "settings.toml is gone since run {run}, the newest one: {changes}.",
    "Put copies/settings.toml in its place, or, if you deleted it, make the next `extract run` with the defaults.",
)
LIST_BROKEN: Final = Kind(
    "R124",
    Severity.ERROR,
    Level.QUICK,
    "The list of reports, records of drills and imported stores {problem}.",
    NEXT_RUN,
    is_fixity=True,
    is_passing=True,
)
EVIDENCE_GONE: Final = Kind(
    "R125",
    Severity.WARNING,
    Level.QUICK,
    "A report, a file of findings or the record of a drill was written and is gone.",
    "`extract repair --yes` puts it back if a copy of the archive has it (--from COPY), and else takes it off the "
    "list.",
    is_fixity=True,
    is_passing=True,
)
EVIDENCE_OTHER: Final = Kind(
    "R126",
    Severity.ERROR,
    Level.DEFAULT,
    "It has other bytes than were written last: it may be an older version, or belong to another run.",
    REPAIR,
    is_fixity=True,
    is_passing=True,
)
LOCK_BROKEN: Final = Kind(
    "R131",
    Severity.WARNING,
    Level.QUICK,
    "The content of the lock file was changed or damaged: {problem}.",
    "Nothing, the next run replaces it; but check the disk.",
    is_passing=True,
)
CHECKS_BROKEN: Final = Kind(
    "R132",
    Severity.WARNING,
    Level.QUICK,
    "The file that says when each check last passed was changed or damaged: {problem}.",
    "Nothing: this verification replaces it, and every check counts as not made before; but check the disk.",
    is_passing=True,
)
UNFINISHED: Final = Kind(
    "R133",
    Severity.INFORMATION,
    Level.QUICK,
    "`extract {command}`, begun at {started_at}, was stopped before its end; its leftovers are no damage.",
    "Repeat that command, or use `extract run`: either cleans up the leftovers.",
    is_passing=True,
)
NO_RUN: Final = Kind(
    "R141",
    Severity.INFORMATION,
    Level.QUICK,
    "Nothing has been committed yet.",
    "`extract run` reads a home.",
    is_passing=True,
)
RUN_AT_WORK: Final = Kind(
    "R142",
    Severity.INFORMATION,
    Level.QUICK,
    "Another process is writing: files that are not committed yet were not checked.",
    "Verify again when that process has ended.",
)
NOT_CHECKED: Final = Kind(
    "R143",
    Severity.INFORMATION,
    Level.DEFAULT,
    "It was not checked that {claim}, because files needed for this are damaged.",
    "Correct the problems of the other findings, then verify again.",
)
NO_ROOM: Final = Kind(
    "R144",
    Severity.ERROR,
    Level.DEFAULT,
    "Some checks of the level {level} were not made, because a disk is full: {problem}.",
    "Make room in the system's temporary directory, or name another one in TMPDIR, and verify again. "
    "The other findings are valid.",
)
TOMBSTONES_BROKEN: Final = Kind(
    "R151",
    Severity.ERROR,
    Level.QUICK,
    "The file of tombstones (records of erasures) was changed or damaged: {problem}.",
    REPAIR,
    is_fixity=True,
)
TOMBSTONES_MALFORMED: Final = Kind(
    "R152",
    Severity.ERROR,
    Level.QUICK,
    "The tombstones of erasures have unknown content: {problem}.",
    "Verify with the version of this program that wrote them, or a newer one.",
)
TOMBSTONES_GONE: Final = Kind(
    "R153",
    Severity.ERROR,
    Level.DEFAULT,
    "Content was erased on request, but its tombstone is missing: the next run would read it again.",
    "`extract repair` puts it back from its second copy, or from a copy of the archive (--from COPY); until then no "
    "run can be made.",
    is_fixity=True,
)
FORGET_UNFINISHED: Final = Kind(
    "R154",
    Severity.WARNING,
    Level.QUICK,
    "An erasure was stopped before its end: files and warehouses may still have the content.",
    "Give the same `extract forget` again, or any command that writes: it finishes the erasure first.",
    is_passing=True,
)
