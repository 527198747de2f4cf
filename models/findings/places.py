"""F: what lies below the data directory: rights, leftovers, and what is not ours."""

from typing import Final

from models.finding import Kind, Level, Severity
from models.findings._advice import NEXT_RUN

DIRECTORY_MODE: Final = Kind(
    "F101",
    Severity.WARNING,
    Level.DEFAULT,
    "The directory has mode {mode}: others than you may enter it.",
    "chmod 700 it: it holds a person's conversations.",
)
FILE_MODE: Final = Kind(
    "F102",
    Severity.WARNING,
    Level.DEFAULT,
    "The file has mode {mode}: others than you may read it, or it can be executed.",
    "chmod 600 it: it holds a person's conversations.",
)
FOREIGN: Final = Kind(
    "F103",
    Severity.WARNING,
    Level.DEFAULT,
    "This {what} is none that the program makes.",
    "Move it elsewhere, if it is yours.",
)
LINK: Final = Kind(
    "F104",
    Severity.WARNING,
    Level.DEFAULT,
    "A link to {target} stands here; only warehouse.duckdb may be one.",
    "Remove the link, or put back what it replaced.",
)
SPECIAL: Final = Kind(
    "F105",
    Severity.WARNING,
    Level.DEFAULT,
    "Neither a file nor a directory stands here.",
    "Remove it.",
)
STAGED: Final = Kind(
    "F106",
    Severity.INFORMATION,
    Level.DEFAULT,
    "A run that died left this in staging/.",
    NEXT_RUN,
    is_passing=True,
)
TEMPORARY: Final = Kind(
    "F107",
    Severity.INFORMATION,
    Level.DEFAULT,
    "A file that was half written when the program died.",
    NEXT_RUN,
    is_passing=True,
)
UNCOMMITTED: Final = Kind(
    "F108",
    Severity.INFORMATION,
    Level.DEFAULT,
    "A part that belongs to no phase: its run died, or was removed.",
    NEXT_RUN,
    is_passing=True,
)
UNLISTED: Final = Kind(
    "F109",
    Severity.WARNING,
    Level.DEFAULT,
    "A part that the commit record of its run, which is complete, does not list.",
    "Put back the commit record that lists it, or delete the part: the next run does.",
    is_passing=True,
)
EMPTY_RUN: Final = Kind(
    "F110",
    Severity.INFORMATION,
    Level.DEFAULT,
    "The directory of a run that died before anything was committed.",
    NEXT_RUN,
    is_passing=True,
)
INDEX_BROKEN: Final = Kind(
    "F111",
    Severity.WARNING,
    Level.DEFAULT,
    "An index of what is known is not what was written.",
    "Nothing, it is made again before it is used; but look after the disk that changed it.",
    is_passing=True,
)
UNREADABLE: Final = Kind(
    "F112",
    Severity.ERROR,
    Level.QUICK,
    "It cannot be read: {problem}.",
    "Give yourself the right to read it, or remove what stands in its place; then verify again.",
)
