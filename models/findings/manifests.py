"""M: findings about manifests, the lists of a home's paths with sizes and digests."""

from typing import Final

from models.finding import Kind, Level, Severity
from models.findings.advice import PROGRAM_FAULT

ORIGIN: Final = Kind(
    "M101",
    Severity.ERROR,
    Level.DEFAULT,
    "{count} rows of the manifest have another home, run or phase than their part.",
    PROGRAM_FAULT,
)
PATH_TWICE: Final = Kind(
    "M102",
    Severity.ERROR,
    Level.DEFAULT,
    "The manifest of run {run} has this path {count} times with the same type.",
    PROGRAM_FAULT,
)
WORD: Final = Kind(
    "M103",
    Severity.ERROR,
    Level.DEFAULT,
    "{count} rows of the manifest have the unknown value {word} in column {column}.",
    PROGRAM_FAULT,
)
FILE_ID: Final = Kind(
    "M104",
    Severity.ERROR,
    Level.DEFAULT,
    "File {file_id} has another id than the one computed from its home, path and generation.",
    PROGRAM_FAULT,
)
PATH_FORM: Final = Kind(
    "M105",
    Severity.ERROR,
    Level.DEFAULT,
    "The printable path does not match the path's bytes: {path}.",
    PROGRAM_FAULT,
)
NO_DIGEST: Final = Kind(
    "M106",
    Severity.ERROR,
    Level.DEFAULT,
    "Run {run} archived this file, but its manifest lacks {what}.",
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
    "A rule forbade run {run} to read this file ({treatment}), but its manifest has a digest of the content.",
    "A secret may have been archived. Please report it, with the rule in the manifest.",
)
TIMES: Final = Kind(
    "M109",
    Severity.ERROR,
    Level.DEFAULT,
    "{count} rows of the manifest have different times in `modified_at` and `mtime_ns`.",
    PROGRAM_FAULT,
)
FORGOTTEN: Final = Kind(
    "M110",
    Severity.ERROR,
    Level.DEFAULT,
    "The manifest of run {before} has this file, that of run {run} has no row for it.",
    PROGRAM_FAULT,
)
NEVER_READ: Final = Kind(
    "M111",
    Severity.ERROR,
    Level.DEFAULT,
    "The manifest of run {run} has a digest of this file, but no run has read it.",
    PROGRAM_FAULT,
)
OTHER_SIZE: Final = Kind(
    "M112",
    Severity.ERROR,
    Level.DEFAULT,
    "The manifest of run {run} has {size} bytes with watermark {watermark}; the last reading has {read_size} bytes "
    "with watermark {read_watermark}.",
    PROGRAM_FAULT,
)
OUTCOMES: Final = Kind(
    "M113",
    Severity.ERROR,
    Level.DEFAULT,
    "Phase {phase} of home {home}: the manifest has {actual} files as {outcome}, the commit record {expected}.",
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
    "The manifest of run {run} names run {first} as the first to read this file, which is wrong.",
    PROGRAM_FAULT,
)
OTHER_DIGEST: Final = Kind(
    "M116",
    Severity.ERROR,
    Level.DEFAULT,
    "The manifests have {count} different digests for {size} bytes of one generation read by one run.",
    PROGRAM_FAULT,
)
