"""What went wrong with one path of a restore or drill, or with one file of the archive; by a stable code."""

from dataclasses import dataclass
from enum import StrEnum

from models.errors import ExitCode
from models.json import JsonObject


class FindingCode(StrEnum):
    """Why a path was not given back, or not in full. Stable; `SENTENCES` and `ADVICE` tell what they mean."""

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
    FindingCode.ARCHIVE_DAMAGED: "A Parquet file of the archive is gone or is not what its commit record says.",
    FindingCode.BYTES_LOST: "Bytes of the file are in no part of the store.",
    FindingCode.BYTES_DAMAGED: "Bytes of the file are not what their digest in the store says.",
    FindingCode.DIGEST_DIFFERS: "What the store holds of the file is not what the manifest says.",
    FindingCode.WRITTEN_WRONG: "What was read back from the disk is not what was written to it.",
    FindingCode.UNSAFE_PATH: "The manifest names a path that no walk of a home can have given.",
    FindingCode.PATH_CONFLICT: "The path lies below something that is no directory.",
    FindingCode.NAME_COLLISION: "For the file system of the target the name is that of something else: "
    "it ignores case, or how accents are written.",
    FindingCode.NAME_REFUSED: "The file system of the target admits no such name.",
    FindingCode.LINK_IN_THE_WAY: "In the home that is added to, a link stands where a directory should.",
    FindingCode.LINK_REFUSED: "The system makes no symbolic link there.",
    FindingCode.NOT_WRITTEN: "The system refused to write it.",
    FindingCode.TIMES_NOT_SET: "It was written, but its time or mode could not be given to it.",
    FindingCode.NOT_THERE: "In a drill: it should have been restored, and is not there, or is something else.",
    FindingCode.UNEXPECTED: "In a drill: it was restored, and no manifest has it.",
    FindingCode.CONTENT_DIFFERS: "In a drill: what was restored has another SHA-256 than its manifest says.",
    FindingCode.MODE_DIFFERS: "In a drill: what was restored has other permissions than its manifest says.",
    FindingCode.TIME_DIFFERS: "In a drill: what was restored has another time of modification than its manifest says.",
    FindingCode.SOURCE_DIFFERS: "In a drill: the file in the home has other content, "
    "though its size and times are those of the manifest.",
    FindingCode.REFERENCE_LOST: "In a drill: a session refers to a file that the archive keeps, "
    "and it was not restored.",
}
"""What each code says of a path."""

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
"""Codes by which bytes are not what the archive says. By the others the place that is restored to has refused."""

ADVICE = {
    FindingCode.ARCHIVE_DAMAGED: "run `extract verify`; put the file back from a copy of the archive",
    FindingCode.BYTES_LOST: "run `extract verify`; an earlier state may be whole: `extract files --versions`",
    FindingCode.BYTES_DAMAGED: "run `extract verify`; put the damaged file back from a copy of the archive",
    FindingCode.DIGEST_DIFFERS: "run `extract verify`; an earlier state may be whole: `extract files --versions`",
    FindingCode.WRITTEN_WRONG: "the disk that is restored to does not keep what it is given: use another one",
    FindingCode.UNSAFE_PATH: "the manifest was forged or damaged: run `extract verify`",
    FindingCode.PATH_CONFLICT: "restore it alone, with --file",
    FindingCode.NAME_COLLISION: "restore it alone, with --file, or to a file system that tells the names apart",
    FindingCode.NAME_REFUSED: "restore to another file system",
    FindingCode.LINK_IN_THE_WAY: "restore it to another directory and copy it where it belongs",
    FindingCode.LINK_REFUSED: "make the link by hand",
    FindingCode.NOT_WRITTEN: "see what the system says, and restore again",
    FindingCode.TIMES_NOT_SET: "its bytes are right; nothing need be done",
    FindingCode.NOT_THERE: "run `extract verify`, and drill again",
    FindingCode.UNEXPECTED: "see what else writes to the place of the drill, and drill again",
    FindingCode.CONTENT_DIFFERS: "run `extract verify`; the disk of the drill may be failing",
    FindingCode.MODE_DIFFERS: "its bytes are right; drill on a file system that keeps permissions",
    FindingCode.TIME_DIFFERS: "its bytes are right; drill on a file system that keeps times exactly",
    FindingCode.SOURCE_DIFFERS: "the disk of the home may be failing: compare the file with the restored one",
    FindingCode.REFERENCE_LOST: "run `extract verify`, and drill again",
}
"""What can be done about it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that went wrong: with `path` of `home_id` (a path below the data directory where `home_id` is empty).

    Paths are in the form for people.
    """

    code: FindingCode
    home_id: str
    path: str
    detail: str

    @property
    def is_damage(self) -> bool:
        """Whether bytes are not what the archive says; otherwise the place that is restored to has refused."""
        return self.code in DAMAGE

    @property
    def advice(self) -> str:
        """What to do."""
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
    """Return how a process that found these should end."""
    if any(finding.is_damage for finding in findings):
        return ExitCode.FIXITY
    return ExitCode.INCOMPLETE if findings else ExitCode.VERIFIED
