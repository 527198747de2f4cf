"""X: problems that `extract restore` and `extract drill` find with a path.

Errors are damage: bytes differ from the archive's digests. Warnings: the target's file system refused or changed
something.
"""

from typing import Final

from models.finding import Command, Kind, Severity

ARCHIVE_DAMAGED: Final = Kind(
    "X101",
    Severity.ERROR,
    Command.RESTORE,
    "A file of the archive is missing or damaged: {problem}",
    "`extract repair` mends it: from a copy of the archive (--from COPY), the homes, or the rest of the archive.",
    is_fixity=True,
)
BYTES_LOST: Final = Kind(
    "X102",
    Severity.ERROR,
    Command.RESTORE,
    "No part of the store contains some bytes of the file: {problem}",
    "Run `extract verify`; an earlier version may be intact: `extract files --versions`.",
    is_fixity=True,
)
BYTES_DAMAGED: Final = Kind(
    "X103",
    Severity.ERROR,
    Command.RESTORE,
    "Bytes of the file in the store differ from their digest: {problem}",
    "`extract repair` mends it: from a copy of the archive (--from COPY), the homes, or the rest of the archive.",
    is_fixity=True,
)
DIGEST_DIFFERS: Final = Kind(
    "X104",
    Severity.ERROR,
    Command.RESTORE,
    "The file, put together from the store, differs from the SHA-256 of its manifest: {problem}",
    "Run `extract verify`; an earlier version may be intact: `extract files --versions`.",
    is_fixity=True,
)
WRITTEN_WRONG: Final = Kind(
    "X105",
    Severity.ERROR,
    Command.RESTORE,
    "The bytes read back from the disk differ from those written to it: {problem}",
    "The target's disk is failing: restore to another one.",
    is_fixity=True,
)
UNSAFE_PATH: Final = Kind(
    "X106",
    Severity.ERROR,
    Command.RESTORE,
    "The manifest has a path that a run cannot have found in a home: {problem}",
    "The manifest was forged or damaged: run `extract verify`.",
    is_fixity=True,
)
PATH_CONFLICT: Final = Kind(
    "X121",
    Severity.WARNING,
    Command.RESTORE,
    "The path is below a file or link, where a directory would be needed: {problem}",
    "Restore the path alone, with --file.",
)
NAME_COLLISION: Final = Kind(
    "X122",
    Severity.WARNING,
    Command.RESTORE,
    "The target's file system ignores case or how accents are encoded, and has another path of that name: {problem}",
    "Restore the path alone, with --file, or restore to a file system that distinguishes the names.",
)
NAME_REFUSED: Final = Kind(
    "X123",
    Severity.WARNING,
    Command.RESTORE,
    "The file system of the target does not allow the name: {problem}",
    "Restore to another file system.",
)
LINK_IN_THE_WAY: Final = Kind(
    "X124",
    Severity.WARNING,
    Command.RESTORE,
    "In the home that is restored into, a link is in the place of a directory: {problem}",
    "Restore to another directory and copy the files from there.",
)
LINK_REFUSED: Final = Kind(
    "X125",
    Severity.WARNING,
    Command.RESTORE,
    "The system refused to make the symbolic link: {problem}",
    "Make the link by hand.",
)
NOT_WRITTEN: Final = Kind(
    "X126",
    Severity.WARNING,
    Command.RESTORE,
    "The system refused to write the file or directory: {problem}",
    "Remove the cause that the message gives, and restore again.",
)
TIMES_NOT_SET: Final = Kind(
    "X127",
    Severity.WARNING,
    Command.RESTORE,
    "The file or directory was written, but the system refused to set its time or mode: {problem}",
    "Nothing need be done: the bytes are right.",
)
KNOWN_LOSS: Final = Kind(
    "X131",
    Severity.INFORMATION,
    Command.RESTORE,
    "Known loss: bytes of the file are in no part of the store; the others were restored: {problem}",
    "Nothing. `extract verify` names the entries; an earlier version may be intact: `extract files --versions`.",
)
NOT_THERE: Final = Kind(
    "X201",
    Severity.ERROR,
    Command.DRILL,
    "The path was not restored, or as another kind of entry: {problem}",
    "Run `extract verify`, and drill again.",
    is_fixity=True,
)
UNEXPECTED: Final = Kind(
    "X202",
    Severity.ERROR,
    Command.DRILL,
    "A path was restored that no manifest contains: {problem}",
    "Find the program that writes to the drill's directory, and drill again.",
    is_fixity=True,
)
CONTENT_DIFFERS: Final = Kind(
    "X203",
    Severity.ERROR,
    Command.DRILL,
    "The restored file has another SHA-256 than its manifest: {problem}",
    "Run `extract verify`; the disk of the drill may be failing.",
    is_fixity=True,
)
SOURCE_DIFFERS: Final = Kind(
    "X204",
    Severity.ERROR,
    Command.DRILL,
    "The file in the home has other content than its manifest, but the same size and times: {problem}",
    "The disk of the home may be failing: compare the file with the restored one.",
    is_fixity=True,
)
REFERENCE_LOST: Final = Kind(
    "X205",
    Severity.ERROR,
    Command.DRILL,
    "A session refers to an archived file that was not restored: {problem}",
    "Run `extract verify`, and drill again.",
    is_fixity=True,
)
MODE_DIFFERS: Final = Kind(
    "X206",
    Severity.WARNING,
    Command.DRILL,
    "The restored path has other permissions than its manifest: {problem}",
    "The bytes are right; drill on a file system that keeps permissions.",
)
TIME_DIFFERS: Final = Kind(
    "X207",
    Severity.WARNING,
    Command.DRILL,
    "The restored path has another modification time than its manifest: {problem}",
    "The bytes are right; drill on a file system that keeps times exactly.",
)
