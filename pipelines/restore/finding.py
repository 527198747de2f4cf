"""The findings of restore and drill: a stable code, a sentence and advice for each problem with a path."""

from dataclasses import dataclass
from enum import StrEnum

from models.errors import ExitCode
from models.json import JsonObject


class FindingCode(StrEnum):
    """Why a path was not restored, or not completely. The codes are stable; see `SENTENCES` and `ADVICE`."""

    ARCHIVE_DAMAGED = "archive-damaged"
    BYTES_LOST = "bytes-lost"
    BYTES_DAMAGED = "bytes-damaged"
    DIGEST_DIFFERS = "digest-differs"
    WRITTEN_WRONG = "written-wrong"
    UNSAFE_PATH = "unsafe-path"
    PATH_CONFLICT = "path-conflict"
    NAME_COLLISION = "name-collision"
    NAME_REFUSED = "name-refused"
    LINK_IN_THE_WAY = "link-in-the-way"
    LINK_REFUSED = "link-refused"
    NOT_WRITTEN = "not-written"
    TIMES_NOT_SET = "times-not-set"
    NOT_THERE = "not-there"
    UNEXPECTED = "unexpected"
    CONTENT_DIFFERS = "content-differs"
    MODE_DIFFERS = "mode-differs"
    TIME_DIFFERS = "time-differs"
    SOURCE_DIFFERS = "source-differs"
    REFERENCE_LOST = "reference-lost"


SENTENCES = {
    FindingCode.ARCHIVE_DAMAGED: "A Parquet file of the archive is missing or differs from its digest in the commit "
    "record.",
    FindingCode.BYTES_LOST: "No part of the store contains some bytes of the file.",
    FindingCode.BYTES_DAMAGED: "Bytes of the file in the store differ from their digest.",
    FindingCode.DIGEST_DIFFERS: "The file, put together from the store, differs from the SHA-256 of its manifest.",
    FindingCode.WRITTEN_WRONG: "The bytes read back from the disk differ from those written to it.",
    FindingCode.UNSAFE_PATH: "The manifest has a path that a run cannot have found in a home.",
    FindingCode.PATH_CONFLICT: "The path is below a file or link, where a directory would be needed.",
    FindingCode.NAME_COLLISION: "Another restored path has the same name for the target's file system: "
    "it ignores case, or how accents are encoded.",
    FindingCode.NAME_REFUSED: "The file system of the target does not allow the name.",
    FindingCode.LINK_IN_THE_WAY: "In the home that is restored into, a link is in the place of a directory.",
    FindingCode.LINK_REFUSED: "The system refused to make the symbolic link.",
    FindingCode.NOT_WRITTEN: "The system refused to write the file or directory.",
    FindingCode.TIMES_NOT_SET: "The file or directory was written, but the system refused to set its time or mode.",
    FindingCode.NOT_THERE: "In a drill: the path was not restored, or as another kind of entry.",
    FindingCode.UNEXPECTED: "In a drill: a path was restored that no manifest contains.",
    FindingCode.CONTENT_DIFFERS: "In a drill: the restored file has another SHA-256 than its manifest.",
    FindingCode.MODE_DIFFERS: "In a drill: the restored path has other permissions than its manifest.",
    FindingCode.TIME_DIFFERS: "In a drill: the restored path has another modification time than its manifest.",
    FindingCode.SOURCE_DIFFERS: "In a drill: the file in the home has other content than its manifest, "
    "but the same size and times.",
    FindingCode.REFERENCE_LOST: "In a drill: a session refers to an archived file that was not restored.",
}
"""The meaning of each code, as the documentation prints it."""

DAMAGE = frozenset(
    {
        FindingCode.ARCHIVE_DAMAGED,
        FindingCode.BYTES_LOST,
        FindingCode.BYTES_DAMAGED,
        FindingCode.DIGEST_DIFFERS,
        FindingCode.WRITTEN_WRONG,
        FindingCode.UNSAFE_PATH,
        FindingCode.NOT_THERE,
        FindingCode.UNEXPECTED,
        FindingCode.CONTENT_DIFFERS,
        FindingCode.SOURCE_DIFFERS,
        FindingCode.REFERENCE_LOST,
    }
)
"""Codes of damage: bytes differ from the archive's digests. With any other code the target refused something."""

ADVICE = {
    FindingCode.ARCHIVE_DAMAGED: "run `extract verify`; put the file back from a copy of the archive",
    FindingCode.BYTES_LOST: "run `extract verify`; an earlier version may be intact: `extract files --versions`",
    FindingCode.BYTES_DAMAGED: "run `extract verify`; put the damaged file back from a copy of the archive",
    FindingCode.DIGEST_DIFFERS: "run `extract verify`; an earlier version may be intact: `extract files --versions`",
    FindingCode.WRITTEN_WRONG: "the target's disk is failing: restore to another one",
    FindingCode.UNSAFE_PATH: "the manifest was forged or damaged: run `extract verify`",
    FindingCode.PATH_CONFLICT: "restore the path alone, with --file",
    FindingCode.NAME_COLLISION: "restore the path alone, with --file, or restore to a file system that distinguishes "
    "the names",
    FindingCode.NAME_REFUSED: "restore to another file system",
    FindingCode.LINK_IN_THE_WAY: "restore to another directory and copy the files from there",
    FindingCode.LINK_REFUSED: "make the link by hand",
    FindingCode.NOT_WRITTEN: "remove the cause that the message gives, and restore again",
    FindingCode.TIMES_NOT_SET: "nothing need be done: the bytes are right",
    FindingCode.NOT_THERE: "run `extract verify`, and drill again",
    FindingCode.UNEXPECTED: "find the program that writes to the drill's directory, and drill again",
    FindingCode.CONTENT_DIFFERS: "run `extract verify`; the disk of the drill may be failing",
    FindingCode.MODE_DIFFERS: "the bytes are right; drill on a file system that keeps permissions",
    FindingCode.TIME_DIFFERS: "the bytes are right; drill on a file system that keeps times exactly",
    FindingCode.SOURCE_DIFFERS: "the disk of the home may be failing: compare the file with the restored one",
    FindingCode.REFERENCE_LOST: "run `extract verify`, and drill again",
}
"""The user's next step for each code."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem with `path` of the home `home_id`; with an empty `home_id` the path is below the data directory.

    `path` is printable: control characters and invalid UTF-8 are escaped.
    """

    code: FindingCode
    home_id: str
    path: str
    detail: str

    @property
    def is_damage(self) -> bool:
        """Whether bytes differ from the archive's digests; otherwise the target refused something."""
        return self.code in DAMAGE

    @property
    def advice(self) -> str:
        """The user's next step."""
        return ADVICE[self.code]

    def to_json(self) -> JsonObject:
        """Return the finding as JSON values."""
        return {
            "code": str(self.code),
            "home_id": self.home_id,
            "path": self.path,
            "detail": self.detail,
            "advice": self.advice,
        }


def exit_code_of(findings: list[Finding]) -> ExitCode:
    """Return the exit code for these findings: 3 with damage, 5 when the target refused something, else 0."""
    if any(finding.is_damage for finding in findings):
        return ExitCode.FIXITY
    return ExitCode.INCOMPLETE if findings else ExitCode.VERIFIED
