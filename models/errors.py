"""The exceptions. Problems of the data are values (a reject, a finding), never exceptions.

::

    ExtractError                    1   any of them
    ├── ConfigurationError          2   a wrong argument or setting: the user must correct it
    ├── SourceError                 5   one path of a home cannot be read now: record it, continue with the next
    │   ├── Vanished                5   it was deleted
    │   ├── Unreadable              5   the system refuses it, with an errno
    │   ├── NotARegularFile         5   a directory, FIFO, socket or device
    │   └── LinkInTheWay            5   a symbolic link in the place of a directory or file
    ├── FixityError                 3   archived bytes differ from their digest: use nothing made from them
    ├── LockedError                11   another process holds the writer's lock: wait
    ├── StageError                  1   a step's counts do not balance, or a phase failed: the run must not commit
    ├── LoadError                   1   the warehouse could not be built: the previous one remains
    ├── StoreError                  1   the archive is inconsistent: stop and verify it
    │   └── ErasedError             5   the bytes were erased on request: skip them
    └── DataDirectoryError         12   the data directory cannot be written
        └── DiskFullError          12   because the disk is full

The number is the exit code of the process that such an exception ends.
"""

import errno
from enum import IntEnum
from typing import ClassVar, Final, Self

from models.text import printable_path


class ExitCode(IntEnum):
    """The exit codes of the commands, each with the sentence that documents it; the numbers never change their meaning.
    `extract --help` and docs/exit-codes.md are generated from them.
    """

    sentence: str

    def __new__(cls, number: int, sentence: str = "") -> Self:
        """Return the code with its sentence."""
        made = int.__new__(cls, number)
        made._value_ = number
        made.sentence = sentence
        return made

    VERIFIED = 0, "done; everything that was read is accounted for and intact"
    UNEXPECTED = 1, "a failure without an exit code of its own"
    USAGE = 2, "wrong arguments, settings or SQL; nothing was done"
    FIXITY = 3, "bytes differ from their digest"
    REJECTS = 4, "done and verified, but some entries are in quarantine"
    INCOMPLETE = 5, "done, but files or a known home could not be read, or a link hides data"
    ALERT = 6, "done and verified, but an alert was announced (docs/alerts.md)"
    LOCKED = 11, "another process is writing to the same data directory"
    DISK = 12, "the disk is full, or the data directory cannot be written"
    INTERRUPTED = 130, "stopped by the user; everything committed before remains"


class ExtractError(Exception):
    """The base class. Catch it only where a command ends: print its text, exit with its `exit_code`."""

    exit_code: ClassVar[int] = ExitCode.UNEXPECTED


class ConfigurationError(ExtractError):
    """A setting or argument is wrong: a home that is not a directory, a data directory inside a home.

    The caller prints the text for the user, who must correct it; a retry cannot help.
    """

    exit_code = ExitCode.USAGE


class SourceError(ExtractError):
    """One path below a home cannot be read. The caller records it for this path and continues with the next one.

    ``path`` is the path below the home as raw bytes, ``b""`` for the home itself.
    """

    exit_code = ExitCode.INCOMPLETE
    reason: ClassVar[str] = "cannot be read"

    def __init__(self, path: bytes) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"{printable_path(self.path) or 'the home'}: {self.reason}"


class Vanished(SourceError):
    """It was deleted after the home was listed. The caller records that; it is not a failure of the run."""

    reason = "no longer there"


class Unreadable(SourceError):
    """The system refuses to read it. The caller records it with ``errno`` and ends the run as incomplete."""

    def __init__(self, path: bytes, number: int) -> None:
        super().__init__(path)
        self.args = (path, number)
        self.errno = number

    def __str__(self) -> str:
        return f"{super().__str__()} ({errno.errorcode.get(self.errno, self.errno)})"


class NotARegularFile(SourceError):
    """It is a directory, FIFO, socket or device, which has no content to read. The caller records it and continues."""

    reason = "not a regular file"


class LinkInTheWay(SourceError):
    """A component of the path is a symbolic link, and links are never followed. The caller records it and continues."""

    reason = "a link is in the way"


class FixityError(ExtractError):
    """Archived bytes differ from their digest. The caller must not use them, and must name the file to the user."""

    exit_code = ExitCode.FIXITY


class LockedError(ExtractError):
    """Another process holds the writer's lock. The caller changes nothing, names the holder, and may retry later."""

    exit_code = ExitCode.LOCKED


class StageError(ExtractError):
    """The output of a step is not reliable (its counts do not balance, a phase failed). The run must not commit."""


class LoadError(ExtractError):
    """The warehouse could not be built or verified. The caller keeps the previous one; `extract rebuild` may retry."""


ANOTHER_VERSION: Final = (
    "the warehouse was built by another version of the program, with other tables: `extract rebuild` or the next "
    "`extract run` builds it again"
)
"""The text of a LoadError for a warehouse without a table or column that this version reads."""


class StoreError(ExtractError):
    """The archive is inconsistent (one digest with two contents, a file missing). The caller stops writing to it."""


class ErasedError(StoreError):
    """The requested bytes were erased on request. The caller reports that, or reads the bytes around them."""

    exit_code = ExitCode.INCOMPLETE


class DataDirectoryError(ExtractError):
    """The data directory cannot be written. The caller ends the run without a commit; the user must correct it."""

    exit_code = ExitCode.DISK


class DiskFullError(DataDirectoryError):
    """The disk of the data directory is full. The caller deletes the run's staged files and ends without a commit."""
