"""R2: findings about commit records and the other files in the directory of a run."""

from typing import Final

from models.finding import Kind, Level, Severity
from models.findings.advice import NOTHING, PROGRAM_FAULT, REPAIR

BROKEN: Final = Kind(
    "R201",
    Severity.ERROR,
    Level.QUICK,
    "The commit record was changed or damaged: {problem}.",
    REPAIR,
    is_fixity=True,
)
MALFORMED: Final = Kind(
    "R202",
    Severity.ERROR,
    Level.QUICK,
    "The commit record has unknown content: {problem}.",
    REPAIR,
)
LOST: Final = Kind(
    "R203",
    Severity.ERROR,
    Level.QUICK,
    "This run was committed, but its commit record is missing.",
    REPAIR,
    is_fixity=True,
    is_passing=True,
)
OTHER_NAME: Final = Kind(
    "R204",
    Severity.ERROR,
    Level.QUICK,
    "The commit record in this directory is that of run {run}.",
    REPAIR,
)
NO_RUN_ID: Final = Kind(
    "R205",
    Severity.ERROR,
    Level.QUICK,
    "{run} is not a valid run_id.",
    PROGRAM_FAULT,
)
EPOCH_TWICE: Final = Kind(
    "R206",
    Severity.ERROR,
    Level.QUICK,
    "Run {other} has epoch {epoch} too, so the order of the two is unknown.",
    "Two archives were mixed, or two programs wrote at once. Move one of the two runs back to its own archive.",
)
EPOCH_GONE: Final = Kind(
    "R207",
    Severity.ERROR,
    Level.QUICK,
    "Runs are counted by epochs: before this run of epoch {epoch} that of epoch {last} is gone.",
    REPAIR,
    is_fixity=True,
)
NEWER: Final = Kind(
    "R208",
    Severity.ERROR,
    Level.QUICK,
    "The commit record has format {format}, this version of the program knows {known}.",
    "Verify it with the version of this program that wrote it, or a newer one.",
)
OPEN: Final = Kind(
    "R209",
    Severity.INFORMATION,
    Level.QUICK,
    "The run was stopped after {phases} phases, which are committed; the others were not read.",
    "Nothing: the next `extract run` continues.",
    is_passing=True,
)
TIMES: Final = Kind(
    "R210",
    Severity.WARNING,
    Level.QUICK,
    "The times of the run are inconsistent: {problem}.",
    PROGRAM_FAULT,
)
NOT_COMPLETE: Final = Kind(
    "R211",
    Severity.ERROR,
    Level.QUICK,
    "The run is marked as complete, but its record names no {what}.",
    PROGRAM_FAULT,
)
PHASE_TWICE: Final = Kind(
    "R212",
    Severity.ERROR,
    Level.QUICK,
    "Phase {phase} of home {home} was committed twice by one run.",
    PROGRAM_FAULT,
)
NO_PHASE: Final = Kind(
    "R213",
    Severity.ERROR,
    Level.QUICK,
    "There is no phase {phase}.",
    PROGRAM_FAULT,
)
NO_HOME: Final = Kind(
    "R214",
    Severity.ERROR,
    Level.QUICK,
    "Phase {phase} was committed for home {home}, which the run's record does not list.",
    PROGRAM_FAULT,
)
NO_MANIFEST: Final = Kind(
    "R215",
    Severity.ERROR,
    Level.QUICK,
    "Phase {phase} of home {home} lists {count} parts of {table} instead of one.",
    PROGRAM_FAULT,
)
PART_TWICE: Final = Kind(
    "R216",
    Severity.ERROR,
    Level.QUICK,
    "{part} is listed twice.",
    PROGRAM_FAULT,
)
PART_PLACE: Final = Kind(
    "R217",
    Severity.ERROR,
    Level.QUICK,
    "{part} is not the path of a part of {table} of home {home} and this run; it was not opened.",
    PROGRAM_FAULT,
)
NO_TABLE: Final = Kind(
    "R218",
    Severity.WARNING,
    Level.QUICK,
    "{part} belongs to the unknown table {table}.",
    "Verify with a newer version of this program: only the bytes of the part were checked, not its rows.",
)
COUNTS: Final = Kind(
    "R219",
    Severity.ERROR,
    Level.QUICK,
    "{source} of home {home}: {entries} entries were read, {with_rows} gave rows and {rejects} were rejected.",
    PROGRAM_FAULT,
)
REJECT_SUM: Final = Kind(
    "R220",
    Severity.ERROR,
    Level.QUICK,
    "Phase {phase} of home {home}: {by_code} rejects by code, {by_source} by source.",
    PROGRAM_FAULT,
)
NO_REPORT: Final = Kind(
    "R221",
    Severity.INFORMATION,
    Level.QUICK,
    "The run is complete but has no {name}: it was stopped before writing it.",
    NOTHING,
    is_passing=True,
)
REPORT_BROKEN: Final = Kind(
    "R222",
    Severity.ERROR,
    Level.DEFAULT,
    "The report was changed or damaged: {problem}.",
    "`extract repair` writes it again: the archive has the same facts.",
    is_fixity=True,
)
TEXT_GONE: Final = Kind(
    "R223",
    Severity.ERROR,
    Level.QUICK,
    "The manifest in text is missing, but the commit record of its run lists it.",
    REPAIR,
    is_fixity=True,
)
TEXT_SIZE: Final = Kind(
    "R224",
    Severity.ERROR,
    Level.QUICK,
    "The manifest in text has {actual} bytes, but {expected} in the commit record.",
    REPAIR,
    is_fixity=True,
)
TEXT_BROKEN: Final = Kind(
    "R225",
    Severity.ERROR,
    Level.DEFAULT,
    "The manifest in text has another SHA-256 than in the commit record.",
    REPAIR,
    is_fixity=True,
)
BACK_TO: Final = Kind(
    "R227",
    Severity.ERROR,
    Level.QUICK,
    "The runs in effect cannot be determined: {problem}.",
    "`extract repair --from COPY` puts the missing run back from a copy of the archive that has it.",
)
DRILL_BROKEN: Final = Kind(
    "R228",
    Severity.ERROR,
    Level.DEFAULT,
    "The record of a drill was changed or damaged: {problem}.",
    "Delete it, and drill again: `extract drill`.",
    is_fixity=True,
)
FINDINGS_BROKEN: Final = Kind(
    "R226",
    Severity.ERROR,
    Level.DEFAULT,
    "The findings of the last verification were changed or damaged: {problem}.",
    "Delete it: `extract verify` writes it again.",
    is_fixity=True,
)
