"""R: what the archive says of itself: archive.json and its copy, homes.json, settings.toml, the writer's lock."""

from typing import Final

from models.finding import Kind, Level, Severity
from models.findings._advice import NEXT_RUN

ARCHIVE_GONE: Final = Kind(
    "R101",
    Severity.ERROR,
    Level.QUICK,
    "The file that holds the seed of the store is gone.",
    "Copy store/archive.json to it (the next `extract run` does), or put it back from a backup.",
    is_fixity=True,
)
ARCHIVE_BROKEN: Final = Kind(
    "R102",
    Severity.ERROR,
    Level.QUICK,
    "The file that holds the seed of the store is not what was written: {problem}.",
    "Copy store/archive.json over it, or put it back from a backup of the data directory.",
    is_fixity=True,
)
ARCHIVE_MALFORMED: Final = Kind(
    "R103",
    Severity.ERROR,
    Level.QUICK,
    "The file that holds the seed of the store cannot be understood: {problem}.",
    "Copy store/archive.json over it, or put it back from a backup of the data directory.",
)
ARCHIVE_NEWER: Final = Kind(
    "R104",
    Severity.ERROR,
    Level.QUICK,
    "The archive has format {format}, this program knows {known}.",
    "Verify it with the version of this program that wrote it, or a newer one.",
)
COPY_GONE: Final = Kind(
    "R105",
    Severity.WARNING,
    Level.QUICK,
    "The copy of archive.json is gone: were archive.json lost too, the store could not be searched.",
    NEXT_RUN,
)
COPY_DIFFERS: Final = Kind(
    "R106",
    Severity.ERROR,
    Level.QUICK,
    "The copy of archive.json does not hold the same bytes.",
    "Copy the one of the two that verify does not call broken over the other.",
    is_fixity=True,
)
HOMES_GONE: Final = Kind(
    "R111",
    Severity.WARNING,
    Level.QUICK,
    "The file that says which home_id stands for which directory is gone.",
    "Nothing: the next `extract run` makes it again from the commit records.",
)
HOMES_BROKEN: Final = Kind(
    "R112",
    Severity.ERROR,
    Level.QUICK,
    "The file that says which home_id stands for which directory is not what was written: {problem}.",
    "Delete it: the next `extract run` makes it again from the commit records.",
    is_fixity=True,
)
HOMES_MALFORMED: Final = Kind(
    "R113",
    Severity.ERROR,
    Level.QUICK,
    "The file that says which home_id stands for which directory cannot be understood: {problem}.",
    "Delete it: the next `extract run` makes it again from the commit records.",
)
HOME_UNLISTED: Final = Kind(
    "R114",
    Severity.WARNING,
    Level.QUICK,
    "Run {run} read home {home}, which is not listed: reading it again would give it another name.",
    "Delete homes.json: the next `extract run` makes it again from the commit records.",
)
SETTINGS_REFUSED: Final = Kind(
    "R121",
    Severity.WARNING,
    Level.QUICK,
    "The settings cannot be understood: {problem}.",
    "Correct the file: until then no run can be made.",
)
SETTINGS_CHANGED: Final = Kind(
    "R122",
    Severity.INFORMATION,
    Level.QUICK,
    "The settings are not those of run {run}, the newest one.",
    "Nothing, if you changed them.",
)
LOCK_BROKEN: Final = Kind(
    "R131",
    Severity.WARNING,
    Level.QUICK,
    "What the last writer noted in its lock is not what was written: {problem}.",
    "Nothing for this file, the next run writes it anew; but look after the disk that changed it.",
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
    "Somebody is writing: what is not committed yet was left out.",
    "Verify again when the run is done.",
)
NOT_CHECKED: Final = Kind(
    "R143",
    Severity.INFORMATION,
    Level.DEFAULT,
    "It was not checked that {claim}: what that needs is damaged.",
    "Put right what the other findings name, then verify again.",
)
NO_ROOM: Final = Kind(
    "R144",
    Severity.ERROR,
    Level.DEFAULT,
    "Not all was checked that the level {level} checks, for lack of room: {problem}.",
    "Make room where the system keeps temporary files, or name another place for them in TMPDIR, and verify again. "
    "What else was found holds all the same.",
)
TOMBSTONES_BROKEN: Final = Kind(
    "R151",
    Severity.ERROR,
    Level.QUICK,
    "The tombstones of what was erased on request are not what was written: {problem}.",
    "Put the file back from a backup of the data directory; until then no run can be made.",
    is_fixity=True,
)
TOMBSTONES_MALFORMED: Final = Kind(
    "R152",
    Severity.ERROR,
    Level.QUICK,
    "The tombstones of what was erased on request cannot be understood: {problem}.",
    "Verify with the version of this program that wrote them, or a newer one.",
)
TOMBSTONES_GONE: Final = Kind(
    "R153",
    Severity.ERROR,
    Level.DEFAULT,
    "Something was erased on request, and its tombstone is gone: the next run would bring it back.",
    "Put the file back from a backup of the data directory, or ask for it to be forgotten again after the next run.",
    is_fixity=True,
)
FORGET_UNFINISHED: Final = Kind(
    "R154",
    Severity.WARNING,
    Level.QUICK,
    "An erasure was begun and not finished.",
    "Ask for it again: `extract forget` goes on from there.",
    is_passing=True,
)
