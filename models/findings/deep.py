"""D: findings of a deep verification, which reassembles every file from the store."""

from typing import Final

from models.finding import Kind, Level, Severity
from models.findings.advice import NOTHING, PROGRAM_FAULT, WHAT_OTHERS_NAME

FILE_DIFFERS: Final = Kind(
    "D101",
    Severity.ERROR,
    Level.DEEP,
    "Reassembled as of run {run}, the file has another SHA-256 than its manifest.",
    WHAT_OTHERS_NAME,
    is_fixity=True,
)
FILE_LOST: Final = Kind(
    "D102",
    Severity.ERROR,
    Level.DEEP,
    "The file cannot be reassembled as of run {run}: {problem}.",
    WHAT_OTHERS_NAME,
    is_fixity=True,
)
PIECE_BROKEN: Final = Kind(
    "D103",
    Severity.ERROR,
    Level.DEEP,
    "{count} pieces differ from their digest, the first is {digest}.",
    WHAT_OTHERS_NAME,
    is_fixity=True,
)
PIECE_BYTES: Final = Kind(
    "D104",
    Severity.ERROR,
    Level.DEEP,
    "{count} pieces have another length than their `piece_bytes`, the first is {digest}.",
    PROGRAM_FAULT,
    is_fixity=True,
)
TEXT_BROKEN: Final = Kind(
    "D105",
    Severity.ERROR,
    Level.DEEP,
    "{count} texts have another SHA-256 than their message_id, the first is {message}.",
    WHAT_OTHERS_NAME,
    is_fixity=True,
)
TEXT_BYTES: Final = Kind(
    "D106",
    Severity.ERROR,
    Level.DEEP,
    "{count} texts have another length than their `text_bytes`, the first is {message}.",
    PROGRAM_FAULT,
)
PUT_TOGETHER: Final = Kind(
    "D107",
    Severity.INFORMATION,
    Level.DEEP,
    "{count} files were reassembled, with {bytes} bytes in all.",
    NOTHING,
)
SUBSET: Final = Kind(
    "D108",
    Severity.INFORMATION,
    Level.DEEP,
    "{percent} % of the files were picked at random with seed {seed}: {count} of {total}.",
    "`--seed` with this number picks the same files again.",
)
