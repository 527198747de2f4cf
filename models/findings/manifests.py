"""M: the manifests: what was found in a home, with sizes and digests."""

from typing import Final

from models.finding import Kind, Level, Severity
from models.findings._advice import PROGRAM_FAULT

ORIGIN: Final = Kind(
    "M101",
    Severity.ERROR,
    Level.DEFAULT,
    "{count} rows of the manifest are of another home, run or phase than their file.",
    PROGRAM_FAULT,
)
PATH_TWICE: Final = Kind(
    "M102",
    Severity.ERROR,
    Level.DEFAULT,
    "The manifest of run {run} names this path {count} times as the same kind of thing.",
    PROGRAM_FAULT,
)
WORD: Final = Kind(
    "M103",
    Severity.ERROR,
    Level.DEFAULT,
    "{count} rows of the manifest have {word} as {column}, which has no such value.",
    PROGRAM_FAULT,
)
FILE_ID: Final = Kind(
    "M104",
    Severity.ERROR,
    Level.DEFAULT,
    "File {file_id} has another id than home, path and generation give it.",
    PROGRAM_FAULT,
)
PATH_FORM: Final = Kind(
    "M105",
    Severity.ERROR,
    Level.DEFAULT,
    "The path for people is not that of the path's bytes: {path}.",
    PROGRAM_FAULT,
)
NO_DIGEST: Final = Kind(
    "M106",
    Severity.ERROR,
    Level.DEFAULT,
    "The bytes of this file were kept by run {run}, and its manifest lacks {what}.",
    PROGRAM_FAULT,
)
WATERMARK: Final = Kind(
    "M107",
    Severity.ERROR,
    Level.DEFAULT,
    "The manifest of run {run} has watermark {watermark} for {size} bytes.",
    PROGRAM_FAULT,
)
READ_ALTHOUGH: Final = Kind(
    "M108",
    Severity.ERROR,
    Level.DEFAULT,
    "Run {run} was not to read this file ({treatment}), but its manifest has its content's digest.",
    "A secret may have been archived. Please report it, with the rule in the manifest.",
)
TIMES: Final = Kind(
    "M109",
    Severity.ERROR,
    Level.DEFAULT,
    "{count} rows of the manifest have two times of modification that are not the same.",
    PROGRAM_FAULT,
)
FORGOTTEN: Final = Kind(
    "M110",
    Severity.ERROR,
    Level.DEFAULT,
    "The manifest of run {before} names this file, that of run {run} does not say what became of it.",
    PROGRAM_FAULT,
)
NEVER_READ: Final = Kind(
    "M111",
    Severity.ERROR,
    Level.DEFAULT,
    "The manifest of run {run} says that this file was read; no run has read it.",
    PROGRAM_FAULT,
)
OTHER_SIZE: Final = Kind(
    "M112",
    Severity.ERROR,
    Level.DEFAULT,
    "The manifest of run {run} has {size} bytes with watermark {watermark}; what was read last has {read_size}"
    " with {read_watermark}.",
    PROGRAM_FAULT,
)
OUTCOMES: Final = Kind(
    "M113",
    Severity.ERROR,
    Level.DEFAULT,
    "Phase {phase} of home {home}: the manifest has {actual} times {outcome}, the commit record {expected} times.",
    PROGRAM_FAULT,
)
FOUND: Final = Kind(
    "M114",
    Severity.ERROR,
    Level.DEFAULT,
    "{source} of home {home}: the manifest has {actual_files} files with {actual_bytes} bytes, the commit "
    "record {files} with {bytes}.",
    PROGRAM_FAULT,
)
FIRST_RUN: Final = Kind(
    "M115",
    Severity.ERROR,
    Level.DEFAULT,
    "The manifest of run {run} says that run {first} read this file first; it did not.",
    PROGRAM_FAULT,
)
OTHER_DIGEST: Final = Kind(
    "M116",
    Severity.ERROR,
    Level.DEFAULT,
    "The manifests have {count} different digests for {size} bytes of one generation read by one run.",
    PROGRAM_FAULT,
)
