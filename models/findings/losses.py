"""L: known losses: bytes, rows and records that were lost with damaged files and that `extract repair` found nowhere.
They are no fault any more.
"""

from typing import Final

from models.finding import Kind, Level, Severity

_NOTHING_HAS_IT: Final = (
    "Nothing. Should a copy of the archive turn up, `extract repair --from COPY` puts back the bytes that it has."
)

BYTES: Final = Kind(
    "L101",
    Severity.INFORMATION,
    Level.DEFAULT,
    "Known loss: {count} bytes that run {run} read, from byte {first} on, with {entries} entries; {size} bytes were "
    "read in all.",
    _NOTHING_HAS_IT,
)
ROWS: Final = Kind(
    "L102",
    Severity.INFORMATION,
    Level.DEFAULT,
    "Known loss: the rows of {table} that run {run} made of {count} files; their part was damaged, and their bytes "
    "could not be parsed again.",
    _NOTHING_HAS_IT,
)
MANIFEST: Final = Kind(
    "L103",
    Severity.INFORMATION,
    Level.DEFAULT,
    "Known loss: the manifest of run {run} for phase {phase} of home {home}; it was made again from the "
    "records of other runs.",
    _NOTHING_HAS_IT,
)
TEXTS: Final = Kind(
    "L104",
    Severity.INFORMATION,
    Level.DEFAULT,
    "Known loss: the texts of {count} messages that occur here.",
    _NOTHING_HAS_IT,
)
RUN: Final = Kind(
    "L105",
    Severity.INFORMATION,
    Level.QUICK,
    "Known loss: the run of epoch {epoch}, of which nothing was left; the files that homes still had were read again.",
    _NOTHING_HAS_IT,
)
