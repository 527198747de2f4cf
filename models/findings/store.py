"""S: findings about the store: each piece exists once, and the pieces tile each file."""

from typing import Final

from models.finding import Kind, Level, Severity
from models.findings.advice import PROGRAM_FAULT, WHAT_OTHERS_NAME

TILES: Final = Kind(
    "S101",
    Severity.ERROR,
    Level.DEFAULT,
    "The pieces that run {run} cut do not tile the bytes that it read of the file: {problem}.",
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
    "No part of the store has {count} pieces of the recipe.",
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
    "{count} pieces are in the store more than once, which wastes room and is otherwise harmless.",
    "Nothing needs to be done.",
)
NEW_BYTES: Final = Kind(
    "S106",
    Severity.ERROR,
    Level.DEFAULT,
    "Phase {phase} of home {home} counted {expected} new bytes, its parts of the store have {actual}.",
    PROGRAM_FAULT,
)
UNUSED: Final = Kind(
    "S107",
    Severity.WARNING,
    Level.DEFAULT,
    "{count} pieces are in the store, but in no file's recipe.",
    PROGRAM_FAULT,
)
