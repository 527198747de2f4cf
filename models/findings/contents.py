"""E and T: extractions, entries, rejects, rows and messages: counts that balance, spans that tile, links that hold."""

from typing import Final

from models.finding import Kind, Level, Severity
from models.findings._advice import PROGRAM_FAULT

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
    "Run {run} counted {entries} entries, {with_rows} of them with rows; the index has {actual_entries} and "
    "{actual_with_rows}.",
    PROGRAM_FAULT,
)
PADDING: Final = Kind(
    "E103",
    Severity.ERROR,
    Level.DEFAULT,
    "Run {run} counted {padding} bytes of padding and {tail} of tail; the index has {actual_padding} and "
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
    "{count} entries are of the kind {kind}, which is none.",
    PROGRAM_FAULT,
)
CONTINUES: Final = Kind(
    "E106",
    Severity.ERROR,
    Level.DEFAULT,
    "Run {run} read on from byte {actual}, but what was read before ends at byte {expected}.",
    PROGRAM_FAULT,
)
SPAN: Final = Kind(
    "E107",
    Severity.ERROR,
    Level.DEFAULT,
    "Run {run} read from byte {start} to the watermark {watermark} of {size} bytes: these are not in order.",
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
    "{count} rejects have the code {reject_code}, which is not known.",
    "Verify with a newer version of this program.",
)
REJECT_SPAN: Final = Kind(
    "E110",
    Severity.ERROR,
    Level.DEFAULT,
    "{count} rejects are no entry of their file that was rejected.",
    PROGRAM_FAULT,
)
REPAIR_SPAN: Final = Kind(
    "E111",
    Severity.ERROR,
    Level.DEFAULT,
    "{count} repairs are of no entry of their file.",
    PROGRAM_FAULT,
)
NOT_EXTRACTED: Final = Kind(
    "E112",
    Severity.ERROR,
    Level.DEFAULT,
    "{count} rows of {table} are of a file that their run did not read.",
    PROGRAM_FAULT,
)
SOURCE_SUM: Final = Kind(
    "E113",
    Severity.ERROR,
    Level.DEFAULT,
    "{source} of home {home}: the commit record has {expected} as {what}, what was extracted gives {actual}.",
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
    "{count} extractions are of another home, run or phase than their file.",
    PROGRAM_FAULT,
)
ROW_ORIGIN: Final = Kind(
    "T101",
    Severity.ERROR,
    Level.DEFAULT,
    "{count} rows are of another home or run than their file.",
    PROGRAM_FAULT,
)
NO_FILE: Final = Kind(
    "T102",
    Severity.ERROR,
    Level.DEFAULT,
    "Run {run} read file {file_id}, which its manifest does not name.",
    PROGRAM_FAULT,
)
NO_ENTRY: Final = Kind(
    "T103",
    Severity.ERROR,
    Level.DEFAULT,
    "{count} rows of {table} stand at a span that is no entry of their file.",
    PROGRAM_FAULT,
)
ROW_COUNT: Final = Kind(
    "T104",
    Severity.ERROR,
    Level.DEFAULT,
    "{count} entries gave another number of rows than the index says; the first should have {expected} and has"
    " {actual}.",
    PROGRAM_FAULT,
)
ROW_SUM: Final = Kind(
    "T105",
    Severity.ERROR,
    Level.DEFAULT,
    "Run {run} counted {expected} rows of this file, its entries gave {actual}.",
    PROGRAM_FAULT,
)
NO_TEXT: Final = Kind(
    "T111",
    Severity.ERROR,
    Level.DEFAULT,
    "The text of {count} messages seen here is not kept.",
    PROGRAM_FAULT,
)
SEEN_COUNT: Final = Kind(
    "T112",
    Severity.ERROR,
    Level.DEFAULT,
    "Run {run} saw messages at {expected} places of this file, the table has {actual}.",
    PROGRAM_FAULT,
)
SEEN_SUM: Final = Kind(
    "T113",
    Severity.ERROR,
    Level.DEFAULT,
    "Phase {phase} of home {home}: the commit record has {expected} messages, new and known ones; the table "
    "has {actual}.",
    PROGRAM_FAULT,
)
TEXT_UNSEEN: Final = Kind(
    "T114",
    Severity.WARNING,
    Level.DEFAULT,
    "{count} texts are kept that were seen nowhere.",
    PROGRAM_FAULT,
)
