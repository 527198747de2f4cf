"""H: the homes against their last manifests."""

from typing import Final

from models.finding import Kind, Level, Severity
from models.findings._advice import NOTHING

GONE: Final = Kind(
    "H101",
    Severity.WARNING,
    Level.SOURCE,
    "The home cannot be looked at: {problem}.",
    "Name the place where it is now with --home NAME=PATH. What was read of it is kept.",
)
INTACT: Final = Kind(
    "H102",
    Severity.INFORMATION,
    Level.SOURCE,
    "{count} files hold exactly what was read.",
    NOTHING,
)
APPENDED: Final = Kind(
    "H103",
    Severity.INFORMATION,
    Level.SOURCE,
    "{count} bytes were added; what was read before is intact.",
    "The next `extract run` reads them.",
)
MODIFIED: Final = Kind(
    "H104",
    Severity.INFORMATION,
    Level.SOURCE,
    "The file was changed since it was read: {problem}.",
    "Nothing: what was read is kept, and the next `extract run` reads what it is now.",
)
REWRITTEN: Final = Kind(
    "H105",
    Severity.WARNING,
    Level.SOURCE,
    "The file is one that is only ever added to, and what was read of it has changed: {problem}.",
    "What was read is kept. The next `extract run` reads it as a new generation; find out who rewrote it.",
)
MISSING: Final = Kind(
    "H106",
    Severity.INFORMATION,
    Level.SOURCE,
    "The file is gone from the home.",
    "Nothing: what was read of it is kept.",
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
    "Give yourself the right to read it, then run again.",
)
WITHHELD: Final = Kind(
    "H109",
    Severity.INFORMATION,
    Level.SOURCE,
    "{count} files are withheld by rule: they are never opened, so nothing can be said of their bytes.",
    NOTHING,
)
CORRUPT: Final = Kind(
    "H110",
    Severity.ERROR,
    Level.SOURCE,
    "The content differs from what was read, though size and times do not: the disk changed it.",
    "Look after the disk. What was read is kept: the file can be given back as it was.",
    is_fixity=True,
)
IN_THE_WAY: Final = Kind(
    "H112",
    Severity.WARNING,
    Level.SOURCE,
    "No data is here: {problem}.",
    "Put the data back in its place, or set `follow_links = true` in settings.toml where it is a link.",
)
NO_MANIFEST: Final = Kind(
    "H111",
    Severity.WARNING,
    Level.SOURCE,
    "No run has read a home {home}.",
    "Give the name under which it was read: `extract status` lists them.",
)
