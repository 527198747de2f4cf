"""E and T: extraction (counts that balance, spans that tile a file), and rows and messages (references that
resolve).
"""

from typing import Final

from models.finding import Kind, Level, Severity
from models.findings.advice import PROGRAM_FAULT

BALANCE: Final = Kind(
    "E101",
    Severity.ERROR,
    Level.DEFAULT,
    "Run {run} read {entries} entries; {with_rows} gave rows and {rejects} were rejected.",
    PROGRAM_FAULT,
)
ENTRY_COUNT: Final = Kind(
    "E102",
    Severity.ERROR,
    Level.DEFAULT,
    "Run {run} counted {entries} entries, {with_rows} of them with rows; the table `entries` has {actual_entries} and "
    "{actual_with_rows}.",
    PROGRAM_FAULT,
)
PADDING: Final = Kind(
    "E103",
    Severity.ERROR,
    Level.DEFAULT,
    "Run {run} counted {padding} bytes of padding and {tail} of tail; the table `entries` has {actual_padding} and "
    "{actual_tail}.",
    PROGRAM_FAULT,
)
TILES: Final = Kind(
    "E104",
    Severity.ERROR,
    Level.DEFAULT,
    "The entries that run {run} read do not tile the file: {problem}.",
    PROGRAM_FAULT,
)
ENTRY_KIND: Final = Kind(
    "E105",
    Severity.ERROR,
    Level.DEFAULT,
    "{count} entries have the unknown kind {kind}.",
    PROGRAM_FAULT,
)
CONTINUES: Final = Kind(
    "E106",
    Severity.ERROR,
    Level.DEFAULT,
    "Run {run} continued at byte {actual}, but earlier runs had read up to byte {expected}.",
    PROGRAM_FAULT,
)
SPAN: Final = Kind(
    "E107",
    Severity.ERROR,
    Level.DEFAULT,
    "Run {run} recorded start {start}, watermark {watermark} and size {size}, which are not in ascending order.",
    PROGRAM_FAULT,
)
REJECT_COUNT: Final = Kind(
    "E108",
    Severity.ERROR,
    Level.DEFAULT,
    "Run {run} counted {expected} rejects, the quarantine has {actual}.",
    PROGRAM_FAULT,
)
REJECT_CODE: Final = Kind(
    "E109",
    Severity.WARNING,
    Level.DEFAULT,
    "{count} rejects have the unknown code {reject_code}.",
    "Verify with a newer version of this program.",
)
REJECT_SPAN: Final = Kind(
    "E110",
    Severity.ERROR,
    Level.DEFAULT,
    "{count} rejects are at a span that is not a rejected entry of their file.",
    PROGRAM_FAULT,
)
REPAIR_SPAN: Final = Kind(
    "E111",
    Severity.ERROR,
    Level.DEFAULT,
    "{count} repairs are at a span that is not an entry of their file.",
    PROGRAM_FAULT,
)
NOT_EXTRACTED: Final = Kind(
    "E112",
    Severity.ERROR,
    Level.DEFAULT,
    "{count} rows of {table} come from a file that their run did not read.",
    PROGRAM_FAULT,
)
SOURCE_SUM: Final = Kind(
    "E113",
    Severity.ERROR,
    Level.DEFAULT,
    "{source} of home {home}: the commit record has {expected} as {what}, the table `extractions` {actual}.",
    PROGRAM_FAULT,
)
REJECT_SUM: Final = Kind(
    "E114",
    Severity.ERROR,
    Level.DEFAULT,
    "Phase {phase} of home {home}: the quarantine has {actual} rejects with code {reject_code}, the commit "
    "record {expected}.",
    PROGRAM_FAULT,
)
DRIFT_FILE: Final = Kind(
    "E115",
    Severity.ERROR,
    Level.DEFAULT,
    "{count} examples of drift are in a file that their run did not read.",
    PROGRAM_FAULT,
)
READ_TWICE: Final = Kind(
    "E116",
    Severity.ERROR,
    Level.DEFAULT,
    "Run {run} lists {count} readings of this file in one generation.",
    PROGRAM_FAULT,
)
EXTRACTION_ORIGIN: Final = Kind(
    "E117",
    Severity.ERROR,
    Level.DEFAULT,
    "{count} rows of `extractions` have another home, run or phase than their part.",
    PROGRAM_FAULT,
)
ROW_ORIGIN: Final = Kind(
    "T101",
    Severity.ERROR,
    Level.DEFAULT,
    "{count} rows have another home or run than their part.",
    PROGRAM_FAULT,
)
NO_FILE: Final = Kind(
    "T102",
    Severity.ERROR,
    Level.DEFAULT,
    "Run {run} read file {file_id}, which its manifest does not contain.",
    PROGRAM_FAULT,
)
NO_ENTRY: Final = Kind(
    "T103",
    Severity.ERROR,
    Level.DEFAULT,
    "{count} rows of {table} are at a span that is not an entry of their file.",
    PROGRAM_FAULT,
)
ROW_COUNT: Final = Kind(
    "T104",
    Severity.ERROR,
    Level.DEFAULT,
    "{count} entries have another number of rows than the table `entries` records; the first should have {expected} "
    "and has {actual}.",
    PROGRAM_FAULT,
)
ROW_SUM: Final = Kind(
    "T105",
    Severity.ERROR,
    Level.DEFAULT,
    "Run {run} counted {expected} rows of this file, its entries have {actual}.",
    PROGRAM_FAULT,
)
NO_TEXT: Final = Kind(
    "T111",
    Severity.ERROR,
    Level.DEFAULT,
    "The texts of {count} messages that occur here are missing.",
    PROGRAM_FAULT,
)
SEEN_COUNT: Final = Kind(
    "T112",
    Severity.ERROR,
    Level.DEFAULT,
    "Run {run} counted {expected} message occurrences in this file, the table `occurrences` has {actual}.",
    PROGRAM_FAULT,
)
SEEN_SUM: Final = Kind(
    "T113",
    Severity.ERROR,
    Level.DEFAULT,
    "Phase {phase} of home {home}: the commit record has {expected} message occurrences, the table `occurrences` "
    "{actual}.",
    PROGRAM_FAULT,
)
TEXT_UNSEEN: Final = Kind(
    "T114",
    Severity.WARNING,
    Level.DEFAULT,
    "{count} message texts have no occurrence.",
    PROGRAM_FAULT,
)
