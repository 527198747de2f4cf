"""F: findings about files below the data directory: permissions, leftovers, and files of other origin."""

from typing import Final

from models.finding import Kind, Level, Severity
from models.findings.advice import NEXT_RUN

DIRECTORY_MODE: Final = Kind(
    "F101",
    Severity.WARNING,
    Level.DEFAULT,
    "The directory has mode {mode}: other users may enter it.",
    "chmod 700 it: it contains a person's conversations.",
)
FILE_MODE: Final = Kind(
    "F102",
    Severity.WARNING,
    Level.DEFAULT,
    "The file has mode {mode}: other users may read it, or it can be executed.",
    "chmod 600 it: it contains a person's conversations.",
)
FOREIGN: Final = Kind(
    "F103",
    Severity.WARNING,
    Level.DEFAULT,
    "The program does not create this {what}.",
    "Move it out of the data directory.",
)
LINK: Final = Kind(
    "F104",
    Severity.WARNING,
    Level.DEFAULT,
    "This is a link to {target}; only warehouse.duckdb may be a link.",
    "Remove the link, or put back the file or directory that it replaced.",
)
SPECIAL: Final = Kind(
    "F105",
    Severity.WARNING,
    Level.DEFAULT,
    "This is neither a file nor a directory.",
    "Remove it.",
)
STAGED: Final = Kind(
    "F106",
    Severity.INFORMATION,
    Level.DEFAULT,
    "A run that was killed left this in staging/.",
    NEXT_RUN,
    is_passing=True,
)
TEMPORARY: Final = Kind(
    "F107",
    Severity.INFORMATION,
    Level.DEFAULT,
    "A temporary file of a program that was killed while writing.",
    NEXT_RUN,
    is_passing=True,
)
UNCOMMITTED: Final = Kind(
    "F108",
    Severity.INFORMATION,
    Level.DEFAULT,
    "A part that belongs to no phase: its run was killed, or removed by `extract gc`.",
    NEXT_RUN,
    is_passing=True,
)
UNLISTED: Final = Kind(
    "F109",
    Severity.WARNING,
    Level.DEFAULT,
    "A part that the commit record of its complete run does not list.",
    "Put back the commit record that lists it, if there is one: the next run deletes the part.",
    is_passing=True,
)
EMPTY_RUN: Final = Kind(
    "F110",
    Severity.INFORMATION,
    Level.DEFAULT,
    "The directory of a run that was killed before its first commit.",
    NEXT_RUN,
    is_passing=True,
)
INDEX_BROKEN: Final = Kind(
    "F111",
    Severity.WARNING,
    Level.DEFAULT,
    "An index of known digests was changed or damaged after it was written.",
    "Nothing, the program makes it again before it uses it; but check the disk.",
    is_passing=True,
)
IGNORE_FILE: Final = Kind(
    "F113",
    Severity.WARNING,
    Level.QUICK,
    "The .gitignore of the data directory is gone or was changed: git could commit the archive.",
    NEXT_RUN,
)
UNREADABLE: Final = Kind(
    "F112",
    Severity.ERROR,
    Level.QUICK,
    "It cannot be read: {problem}.",
    "If only its permissions are wrong, correct them and verify again; else `extract repair` shows how it can be "
    "mended, and mends it with --yes.",
)
