"""W: the warehouse and the link to it."""

from typing import Final

from models.finding import Kind, Level, Severity
from models.findings._advice import REBUILD

NO_LINK: Final = Kind(
    "W101",
    Severity.ERROR,
    Level.QUICK,
    "There is no link to a warehouse, though a run published one.",
    REBUILD,
    is_passing=True,
)
LINK_ELSEWHERE: Final = Kind(
    "W102",
    Severity.ERROR,
    Level.QUICK,
    "The link to the warehouse leads out of warehouse/: {target}.",
    REBUILD,
)
DANGLING: Final = Kind(
    "W103",
    Severity.ERROR,
    Level.QUICK,
    "The link to the warehouse leads to {target}, which is gone.",
    REBUILD,
    is_fixity=True,
    is_passing=True,
)
OLD_LINK: Final = Kind(
    "W104",
    Severity.WARNING,
    Level.QUICK,
    "The link to the warehouse leads to {target}; the newest one is {newest}.",
    REBUILD,
    is_passing=True,
)
SIZE: Final = Kind(
    "W105",
    Severity.ERROR,
    Level.QUICK,
    "The warehouse has {actual} bytes, the commit record says {expected}.",
    REBUILD,
    is_fixity=True,
    is_passing=True,
)
BROKEN: Final = Kind(
    "W106",
    Severity.ERROR,
    Level.DEFAULT,
    "The warehouse has another SHA-256 than the commit record says.",
    REBUILD,
    is_fixity=True,
    is_passing=True,
)
UNLISTED: Final = Kind(
    "W107",
    Severity.WARNING,
    Level.QUICK,
    "No commit record knows this warehouse: a run died when it had published it, or it was put here.",
    REBUILD,
    is_passing=True,
)
LEFT_OVER: Final = Kind(
    "W114",
    Severity.INFORMATION,
    Level.QUICK,
    "A warehouse that no commit record knows and no link leads to: a run died when it had published it.",
    "Nothing, or delete it: the next runs do.",
    is_passing=True,
)
WRITE_AHEAD: Final = Kind(
    "W108",
    Severity.ERROR,
    Level.QUICK,
    "A write-ahead log lies beside a published warehouse: somebody opened it for writing.",
    "Close whatever has it open, delete the log, then `extract rebuild`. Open warehouses with read_only=True.",
    is_passing=True,
)
BEHIND: Final = Kind(
    "W109",
    Severity.INFORMATION,
    Level.QUICK,
    "The warehouse is that of run {run}; what was committed since is not in it.",
    REBUILD,
    is_passing=True,
)
CONTENT: Final = Kind(
    "W110",
    Severity.ERROR,
    Level.DEFAULT,
    "The warehouse does not hold what was committed: {problem}.",
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
    "The copy that stands for the link to the warehouse is not the warehouse of {newest}.",
    REBUILD,
    is_fixity=True,
    is_passing=True,
)
WRITABLE: Final = Kind(
    "W113",
    Severity.WARNING,
    Level.DEFAULT,
    "The warehouse has mode {mode}: it could be changed by whoever opens it.",
    "chmod 400 it.",
)
