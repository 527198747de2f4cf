"""The exceptions: broken promises. What is wrong with data is a value (a reject, a finding), never one of these.

::

    ExtractError                    1   any of them
    ├── ConfigurationError          2   what was asked for cannot be done: correct it
    ├── SourceError                 5   one path of a home cannot be read now: note it, go on with the next
    │   ├── Vanished                5   it is gone
    │   ├── Unreadable              5   the system refuses it, with an errno
    │   ├── NotARegularFile         5   a directory, FIFO, socket or device
    │   └── LinkInTheWay            5   a symbolic link stands where a directory or file was expected
    ├── FixityError                 3   kept bytes are not what their digest says: trust nothing made from them
    ├── LockedError                11   another run holds the data directory: wait
    ├── StageError                  1   a step's counts do not balance, or a phase failed: the run must not commit
    ├── LoadError                   1   the warehouse could not be built: the former one stays
    ├── StoreError                  1   the store contradicts itself: stop and verify it
    │   └── ErasedError             5   the bytes were erased on request: say so, or ask for what is around them
    └── DataDirectoryError         12   the data directory cannot be written
        └── DiskFullError          12   because no room is left

The number is the exit code of the process when such an exception ends it.
"""

import errno
from enum import IntEnum
from typing import ClassVar

from models.text import printable_path


class ExitCode(IntEnum):
    """What the process says at its end; the numbers are documented and never change their meaning."""

    VERIFIED = 0
    """Done, and everything that was read is accounted for and intact."""
    UNEXPECTED = 1
    """A failure that has no number of its own."""
    USAGE = 2
    """Wrong arguments or settings; nothing was done."""
    FIXITY = 3
    """Bytes are not what a manifest says."""
    REJECTS = 4
    """Done and verified, but some entries could not be understood and lie in quarantine."""
    INCOMPLETE = 5
    """Done, but some files could not be read."""
    LOCKED = 11
    """Another run is at work in the same data directory."""
    DISK = 12
    """The disk is full, or the data directory cannot be written."""
    INTERRUPTED = 130
    """Stopped by the user; what was committed before stays."""


class ExtractError(Exception):
    """The root of the tree. Catch it only where a run ends: show its text, exit with its code."""

    exit_code: ClassVar[int] = ExitCode.UNEXPECTED


class ConfigurationError(ExtractError):
    """A setting or argument is impossible: a home that is no directory, a data directory inside a home.

    The caller shows the text to the user, who has to correct it; trying again as it stands cannot help.
    """

    exit_code = ExitCode.USAGE


class SourceError(ExtractError):
    """One path below a home cannot be read. The caller notes it for this path and goes on with the next one.

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
    """It was there when the home was walked and is gone now. The caller records that; it is no failure of the run."""

    reason = "no longer there"


class Unreadable(SourceError):
    """The system refuses it. The caller lists it with ``errno`` (the number) and lets the run end as incomplete."""

    def __init__(self, path: bytes, number: int) -> None:
        super().__init__(path)
        self.args = (path, number)
        self.errno = number

    def __str__(self) -> str:
        return f"{super().__str__()} ({errno.errorcode.get(self.errno, self.errno)})"


class NotARegularFile(SourceError):
    """It is a directory, FIFO, socket or device, whose bytes are no content. The caller lists it and goes on."""

    reason = "not a regular file"


class LinkInTheWay(SourceError):
    """A part of the path is a symbolic link, and links are never followed. The caller lists it and leaves it alone."""

    reason = "a link is in the way"


class FixityError(ExtractError):
    """Bytes that we keep differ from their digest. The caller must stop using them and name them to the user."""

    exit_code = ExitCode.FIXITY


class LockedError(ExtractError):
    """Another run holds the lock. The caller does nothing, says who holds it, and may try again later."""

    exit_code = ExitCode.LOCKED


class StageError(ExtractError):
    """A step cannot vouch for its output (counts that do not balance, a phase that failed). The run must not commit."""


class LoadError(ExtractError):
    """The warehouse could not be built or verified. The caller leaves the former one; a rebuild loses nothing."""


class StoreError(ExtractError):
    """The store contradicts itself (one key with two contents, a file lost). The caller stops writing to it."""


class ErasedError(StoreError):
    """The bytes that are asked for were erased on request. The caller says so, or asks for what is around them."""

    exit_code = ExitCode.INCOMPLETE


class DataDirectoryError(ExtractError):
    """The data directory cannot be written. The caller ends the run uncommitted; the user has to put it right."""

    exit_code = ExitCode.DISK


class DiskFullError(DataDirectoryError):
    """No room is left for the data directory. The caller removes what this run has staged and ends it uncommitted."""
