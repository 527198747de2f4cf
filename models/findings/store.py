"""S: the store: each piece is there, once, and the pieces tile each file."""

from typing import Final

from models.finding import Kind, Level, Severity
from models.findings._advice import PROGRAM_FAULT, WHAT_OTHERS_NAME

TILES: Final = Kind(
    "S101",
    Severity.ERROR,
    Level.DEFAULT,
    "The pieces that run {run} cut do not tile what it read of the file: {problem}.",
    PROGRAM_FAULT,
)
COUNT: Final = Kind(
    "S102",
    Severity.ERROR,
    Level.DEFAULT,
    "Run {run} cut {expected} pieces, the recipe has {actual}.",
    PROGRAM_FAULT,
)
GONE: Final = Kind(
    "S103",
    Severity.ERROR,
    Level.DEFAULT,
    "{count} pieces of the recipe are in no part of the store.",
    WHAT_OTHERS_NAME,
    is_fixity=True,
)
LENGTH: Final = Kind(
    "S104",
    Severity.ERROR,
    Level.DEFAULT,
    "{count} pieces of the recipe have another length than in the store.",
    WHAT_OTHERS_NAME,
    is_fixity=True,
)
TWICE: Final = Kind(
    "S105",
    Severity.INFORMATION,
    Level.DEFAULT,
    "{count} pieces are in the store more than once: room is wasted, nothing is wrong.",
    "Nothing needs to be done.",
)
NEW_BYTES: Final = Kind(
    "S106",
    Severity.ERROR,
    Level.DEFAULT,
    "Phase {phase} of home {home} kept {expected} new bytes, its parts of the store hold {actual}.",
    PROGRAM_FAULT,
)
UNUSED: Final = Kind(
    "S107",
    Severity.WARNING,
    Level.DEFAULT,
    "{count} pieces are in the store of which no file is made.",
    PROGRAM_FAULT,
)
