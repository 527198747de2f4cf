"""W: findings about the warehouse and the link to it."""

from typing import Final

from models.finding import Kind, Level, Severity
from models.findings.advice import REBUILD

NO_LINK: Final = Kind(
    "W101",
    Severity.ERROR,
    Level.QUICK,
    "The link to the warehouse is missing, but a run published one.",
    REBUILD,
    is_passing=True,
)
LINK_ELSEWHERE: Final = Kind(
    "W102",
    Severity.ERROR,
    Level.QUICK,
    "The link to the warehouse points outside of warehouse/: {target}.",
    REBUILD,
)
DANGLING: Final = Kind(
    "W103",
    Severity.ERROR,
    Level.QUICK,
    "The link to the warehouse points to {target}, which is missing.",
    REBUILD,
    is_fixity=True,
    is_passing=True,
)
OLD_LINK: Final = Kind(
    "W104",
    Severity.WARNING,
    Level.QUICK,
    "The link to the warehouse points to {target}; the newest one is {newest}.",
    REBUILD,
    is_passing=True,
)
SIZE: Final = Kind(
    "W105",
    Severity.ERROR,
    Level.QUICK,
    "The warehouse has {actual} bytes, but {expected} in the commit record.",
    REBUILD,
    is_fixity=True,
    is_passing=True,
)
BROKEN: Final = Kind(
    "W106",
    Severity.ERROR,
    Level.DEFAULT,
    "The warehouse has another SHA-256 than in the commit record.",
    REBUILD,
    is_fixity=True,
    is_passing=True,
)
UNLISTED: Final = Kind(
    "W107",
    Severity.WARNING,
    Level.QUICK,
    "No commit record lists this warehouse: a run was killed after publishing it, or another program put it here.",
    REBUILD,
    is_passing=True,
)
LEFT_OVER: Final = Kind(
    "W114",
    Severity.INFORMATION,
    Level.QUICK,
    "A warehouse that no commit record lists and no link points to: a run was killed after publishing it.",
    "Nothing: a later run deletes it.",
    is_passing=True,
)
WRITE_AHEAD: Final = Kind(
    "W108",
    Severity.ERROR,
    Level.QUICK,
    "A write-ahead log is beside a published warehouse: a program opened it for writing.",
    "Close that program, delete the log, then `extract rebuild`. Open warehouses with read_only=True.",
    is_passing=True,
)
BEHIND: Final = Kind(
    "W109",
    Severity.INFORMATION,
    Level.QUICK,
    "The warehouse is that of run {run}; it lacks the rows of later runs.",
    REBUILD,
    is_passing=True,
)
CONTENT: Final = Kind(
    "W110",
    Severity.ERROR,
    Level.DEFAULT,
    "The warehouse differs from the committed rows: {problem}.",
    REBUILD,
)
UNREADABLE: Final = Kind(
    "W111",
    Severity.ERROR,
    Level.DEFAULT,
    "The warehouse has the right digest, but cannot be opened: {problem}.",
    REBUILD,
)
COPY_DIFFERS: Final = Kind(
    "W112",
    Severity.ERROR,
    Level.DEFAULT,
    "warehouse.duckdb is a copy (the system has no links) and differs from the warehouse of {newest}.",
    REBUILD,
    is_fixity=True,
    is_passing=True,
)
WRITABLE: Final = Kind(
    "W113",
    Severity.WARNING,
    Level.DEFAULT,
    "The warehouse has mode {mode}: a program that opens it could change it.",
    "chmod 400 it.",
)
