"""The tables that the runner writes for every source: manifest, extractions, recipes, store, entries, rejects, repairs,
drift, messages and their occurrences.
"""

from typing import Final

from models.counts import reading_columns
from models.run import IMPORTED_TABLE, MANIFEST_TABLE
from models.schema import BYTES, DIGEST128, FLAG, INSTANT, INTEGER, JSON, TEXT, Column, Table

ERASED: Final = bytes(16)
"""The digest in a recipe for bytes erased on request; no piece of the store has it."""

LOST: Final = b"\xff" * 16
"""The digest in a recipe for bytes that `extract repair` found nowhere; no piece of the store has it."""

MANIFEST = Table(
    MANIFEST_TABLE,
    "One row for each file, directory, link or special file that a run found in a home, and for each file known from "
    "earlier runs that was deleted.",
    (
        Column("home_id", TEXT, "The home.", required=True),
        Column("run_id", TEXT, "The run whose snapshot this is.", required=True),
        Column("phase", INTEGER, "The phase under which the file's source is extracted.", required=True),
        Column("source", TEXT, "The source that the file belongs to.", required=True),
        Column("path", TEXT, "Path below the home, with '/', unprintable bytes escaped.", required=True),
        Column("path_bytes", BYTES, "The path's exact bytes.", required=True),
        Column("entry_type", TEXT, "file, directory, link or special.", required=True),
        Column(
            "treatment", TEXT, "extract, archive, inventory (listed only) or withhold (never opened).", required=True
        ),
        Column("rule", TEXT, "The rule that decided the treatment.", required=True),
        Column(
            "change",
            TEXT,
            "Compared with the previous manifest: new, unchanged, appended, rewritten, vanished, or none.",
            required=True,
        ),
        Column(
            "outcome",
            TEXT,
            "Fixity at the end of the phase: intact, appended, modified, missing, unexpected, "
            "unreadable, withheld, corrupt, unchecked, expired; moved: the rules now assign it to another phase.",
            required=True,
        ),
        Column("check_made", TEXT, "The check behind the outcome: sha256, xxh3, stat or none.", required=True),
        Column("detail", TEXT, "An explanation of the outcome, if it needs one."),
        Column("file_id", INTEGER, "The file in this generation; NULL where nothing was read."),
        Column("generation", INTEGER, "From 1, plus one each time the file's earlier content was replaced."),
        Column("first_run_id", TEXT, "The run that first read this generation."),
        Column("size", INTEGER, "Bytes pinned by the snapshot.", required=True),
        Column("watermark", INTEGER, "How far the file was read as complete entries, in bytes."),
        Column("modified_at", INSTANT, "The file's time of modification (UTC).", required=True),
        Column("mtime_ns", INTEGER, "The same in nanoseconds since 1970 (UTC).", required=True),
        Column("ctime_ns", INTEGER, "Time of the last change of the inode in nanoseconds since 1970.", required=True),
        Column("mode", INTEGER, "Type and permission bits.", required=True),
        Column("inode", INTEGER, "Inode number: a hint, never an identity.", required=True),
        Column(
            "link_target",
            BYTES,
            "Where a link points, as bytes. Of a followed link (`follow_links`) kind, size and times are those of its "
            "target.",
        ),
        Column("sha256", TEXT, "SHA-256 of the pinned bytes, computed when this content was first read."),
        Column("content_xxh3", DIGEST128, "XXH3-128 of the pinned bytes, for re-checks."),
        Column("prefix_xxh3", DIGEST128, "XXH3-128 of the bytes up to the watermark."),
        Column(
            "erased_spans",
            JSON,
            "Spans erased on request, as [[offset, length, HMAC], …]; then sha256 is of the other bytes, and XXH3-128 "
            "of all with the HMAC in the place of each span.",
        ),
        Column("atime_kept", FLAG, "Whether the system allowed reading without changing the access time."),
    ),
    has_provenance=False,
)

EXTRACTIONS = Table(
    "extractions",
    "One row for each file that a run read: the range of bytes, and the counts of its entries.",
    (
        Column("home_id", TEXT, "The home.", required=True),
        Column("run_id", TEXT, "The run.", required=True),
        Column("phase", INTEGER, "The phase.", required=True),
        Column("source", TEXT, "The source.", required=True),
        Column("file_id", INTEGER, "The file in this generation.", required=True),
        Column("from_offset", INTEGER, "Where reading began: the watermark of an earlier run, or 0.", required=True),
        Column(
            "watermark",
            INTEGER,
            "The end of the complete entries; rows beyond it are provisional until the file grows.",
            required=True,
        ),
        Column("size", INTEGER, "Pinned size.", required=True),
        *reading_columns(),
        Column("is_void", FLAG, "The file changed in place while it was read; its rows are ignored.", required=True),
    ),
    has_provenance=False,
)

PIECES = Table(
    "pieces",
    "The recipes of files: which piece of the store is at which span of a file.",
    (
        Column(
            "digest",
            DIGEST128,
            "The piece in the store: XXH3-128 of its bytes with the store's seed. All zeros: erased on request; "
            "all ones: lost with a damaged file.",
            required=True,
        ),
    ),
)

STORE = Table(
    "store",
    "The archive: each distinct piece's bytes, once.",
    (
        Column("digest", DIGEST128, "XXH3-128 of the bytes with the store's seed.", required=True),
        Column("piece_bytes", INTEGER, "Length in bytes.", required=True),
        Column("content", BYTES, "The bytes.", required=True),
    ),
    has_provenance=False,
)

ENTRIES = Table(
    "entries",
    "The provenance index: the spans that tile each consumed file.",
    (
        Column("entry_kind", TEXT, "entry, reject, padding, tail or erased (on request).", required=True),
        Column("row_count", INTEGER, "Rows that the entry gave.", required=True),
    ),
)

REJECTS = Table(
    "rejects",
    "The quarantine: entries that could not be understood. Their bytes are in the store.",
    (
        Column("source", TEXT, "The source.", required=True),
        Column("code", TEXT, "Stable code of the reason.", required=True),
        Column("detail", TEXT, "The problem that was found.", required=True),
    ),
)

REPAIRS = Table(
    "repairs",
    "Entries that were recovered from damaged bytes, and how.",
    (
        Column("source", TEXT, "The source.", required=True),
        Column(
            "flag",
            TEXT,
            "The kind of repair: lone_surrogate, control_character, non_finite_number, spliced, and so on.",
            required=True,
        ),
    ),
)

DRIFT = Table(
    "drift",
    "Fields and record types that this version does not know, counted for each run. Their values are kept.",
    (
        Column("home_id", TEXT, "The home.", required=True),
        Column("run_id", TEXT, "The run.", required=True),
        Column("source", TEXT, "The source.", required=True),
        Column("what", TEXT, "record_type, field or field_type.", required=True),
        Column("name", TEXT, "The unknown type, or the field's path with the record type in front.", required=True),
        Column("version", TEXT, "Version of Claude Code that wrote it, where the entry says so.", required=True),
        Column("count", INTEGER, "How often it occurred.", required=True),
        Column("file_id", INTEGER, "An example's file.", required=True),
        Column("byte_offset", INTEGER, "An example's offset.", required=True),
        Column("byte_length", INTEGER, "An example's length.", required=True),
    ),
    has_provenance=False,
)

MESSAGES = Table(
    "message_texts",
    "The text of each distinct message that a run found for the first time.",
    (
        Column("message_id", TEXT, "SHA-256 of the exact text in UTF-8, in hex.", required=True, is_distinct=True),
        Column("text", TEXT, "The text.", required=True, is_distinct=True, is_long=True),
        Column("text_bytes", INTEGER, "Its length in bytes of UTF-8.", required=True),
    ),
    has_provenance=False,
)

OCCURRENCES = Table(
    "occurrences",
    "One row for each place where a message occurs.",
    (
        Column("message_id", TEXT, "SHA-256 of the exact text in UTF-8, in hex.", required=True, is_distinct=True),
        Column("source", TEXT, "The source.", required=True),
        Column("kind", TEXT, "The kind of text: prompt, text, thinking, tool_result, and so on.", required=True),
        Column("role", TEXT, "The speaker: user, assistant, system or tool."),
        Column("session_id", TEXT, "The session, if the entry or its path names one."),
        Column("said_at", INSTANT, "The time in the entry (UTC)."),
        Column("place", INTEGER, "The index of the message in its entry, from 0.", required=True),
    ),
)

IMPORTED = Table(
    IMPORTED_TABLE,
    "Messages that a store read in by `extract import-store` knew.",
    (
        Column("message_id", TEXT, "SHA-256 of the exact text in UTF-8, in hex.", required=True, is_distinct=True),
        Column("text", TEXT, "The text, where the store had it.", is_distinct=True),
    ),
    has_provenance=False,
)

RUNNER_TABLES = (MANIFEST, EXTRACTIONS, PIECES, STORE, ENTRIES, REJECTS, REPAIRS, DRIFT, MESSAGES, OCCURRENCES)
