"""H: findings about homes compared with their last manifests."""

from typing import Final

from models.finding import Kind, Level, Severity
from models.findings.advice import NOTHING

GONE: Final = Kind(
    "H101",
    Severity.WARNING,
    Level.SOURCE,
    "The home cannot be read: {problem}.",
    "Name its present directory with --home NAME=PATH. The archive keeps its files.",
)
INTACT: Final = Kind(
    "H102",
    Severity.INFORMATION,
    Level.SOURCE,
    "{count} files have exactly the archived content.",
    NOTHING,
)
APPENDED: Final = Kind(
    "H103",
    Severity.INFORMATION,
    Level.SOURCE,
    "{count} bytes were added; the bytes read before are intact.",
    "The next `extract run` reads them.",
)
MODIFIED: Final = Kind(
    "H104",
    Severity.INFORMATION,
    Level.SOURCE,
    "The file has changed since it was read: {problem}.",
    "Nothing: the archive keeps the old version, and the next `extract run` reads the new one.",
)
REWRITTEN: Final = Kind(
    "H105",
    Severity.WARNING,
    Level.SOURCE,
    "Claude Code only appends to this file, but bytes read before have changed: {problem}.",
    "The archive keeps the old version, and the next `extract run` reads a new generation; find out which program "
    "rewrote the file.",
)
MISSING: Final = Kind(
    "H106",
    Severity.INFORMATION,
    Level.SOURCE,
    "The file was deleted from the home.",
    "Nothing: the archive keeps its last version.",
)
UNEXPECTED: Final = Kind(
    "H107",
    Severity.INFORMATION,
    Level.SOURCE,
    "The file is new since the last run.",
    "The next `extract run` reads it.",
)
UNREADABLE: Final = Kind(
    "H108",
    Severity.WARNING,
    Level.SOURCE,
    "The file cannot be read: {problem}.",
    "Correct its permissions, then run again.",
)
WITHHELD: Final = Kind(
    "H109",
    Severity.INFORMATION,
    Level.SOURCE,
    "{count} files are withheld by rule: they are never opened, so their bytes were not checked.",
    NOTHING,
)
CORRUPT: Final = Kind(
    "H110",
    Severity.ERROR,
    Level.SOURCE,
    "The content differs from the archived one, but size and times are the same: the disk changed it.",
    "Check the disk. The archive keeps the old content, which can be restored.",
    is_fixity=True,
)
IN_THE_WAY: Final = Kind(
    "H112",
    Severity.WARNING,
    Level.SOURCE,
    "No data is here: {problem}.",
    "Put the data back in its place, or set `follow_links = true` in settings.toml if it is a link.",
)
NO_MANIFEST: Final = Kind(
    "H111",
    Severity.WARNING,
    Level.SOURCE,
    "No run has read a home {home}.",
    "Name a home that was read: `extract status` lists them.",
)
