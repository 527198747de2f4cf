"""P: findings about committed Parquet files (parts) and imported stores."""

from typing import Final

from models.finding import Kind, Level, Severity
from models.findings.advice import PROGRAM_FAULT, REPAIR

IMPORT_AGAIN: Final = (
    "`extract repair --yes` puts it back if a copy of the archive has it (--from COPY), and else sets it aside; then "
    "import the other store again."
)
GONE: Final = Kind(
    "P101",
    Severity.ERROR,
    Level.QUICK,
    "The part is missing, but the commit record of run {run} lists it.",
    REPAIR,
    is_fixity=True,
)
SIZE: Final = Kind(
    "P102",
    Severity.ERROR,
    Level.QUICK,
    "The part has {actual} bytes, but {expected} in the commit record of its run.",
    REPAIR,
    is_fixity=True,
)
BROKEN: Final = Kind(
    "P103",
    Severity.ERROR,
    Level.DEFAULT,
    "The part has SHA-256 {actual}, but {expected} in the commit record of its run.",
    REPAIR,
    is_fixity=True,
)
NO_FILE: Final = Kind(
    "P104",
    Severity.ERROR,
    Level.QUICK,
    "A {what} is in the place of a committed part.",
    REPAIR,
    is_fixity=True,
)
NO_PARQUET: Final = Kind(
    "P105",
    Severity.ERROR,
    Level.DEFAULT,
    "The part has the right digest, but is not a Parquet file: {problem}.",
    PROGRAM_FAULT,
)
ROWS: Final = Kind(
    "P106",
    Severity.ERROR,
    Level.DEFAULT,
    "The part has {actual} rows, but {expected} in the commit record of its run.",
    PROGRAM_FAULT,
)
COLUMNS: Final = Kind(
    "P107",
    Severity.ERROR,
    Level.DEFAULT,
    "The part does not have the columns of {table}: {problem}.",
    "Verify with the version of this program that wrote it, or a newer one.",
)
UNREADABLE_ROWS: Final = Kind(
    "P108",
    Severity.ERROR,
    Level.DEFAULT,
    "Parts of {table} cannot be read as rows: {problem}.",
    PROGRAM_FAULT,
)
IMPORT_BROKEN: Final = Kind(
    "P109",
    Severity.ERROR,
    Level.DEFAULT,
    "The file of an imported store has SHA-256 {actual}, not the one in its name.",
    IMPORT_AGAIN,
    is_fixity=True,
)
IMPORT_COLUMNS: Final = Kind(
    "P110",
    Severity.ERROR,
    Level.DEFAULT,
    "The file of an imported store does not have the right columns: {problem}.",
    IMPORT_AGAIN,
)
IMPORT_GONE: Final = Kind(
    "P111",
    Severity.ERROR,
    Level.QUICK,
    "The file of an imported store is gone: its messages count as new when they are read again.",
    IMPORT_AGAIN,
    is_fixity=True,
    is_passing=True,
)
