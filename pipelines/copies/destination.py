"""A place for copies, as the other modules of this room use it, and the content that they put there.

Paths are those of the data directory, relative to it, with `/` between their components.
"""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal, Protocol

from models.errors import DataDirectoryError, DiskFullError, FixityError
from models.text import safe
from pipelines.disk.atomic import REFUSALS

BLOCK_BYTES: Final = 1 << 20
LONGEST_RECORD: Final = 256 << 20
"""Bytes of the longest file that is read as a whole: the program writes no longer record."""
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_REFUSALS: Final = REFUSALS | {errno.ELOOP, errno.EINVAL, errno.EISDIR, errno.ESTALE, errno.ENAMETOOLONG, errno.EEXIST}
_PATH: Final = re.compile(r"(?!\.\.?/)[^/\0]+(/(?!\.\.?(/|$))[^/\0]+)*")

EntryKind = Literal["file", "link", "other"]


@dataclass(frozen=True, slots=True)
class PlacedEntry:
    """An entry at a place: its kind, and of a file its size in bytes; None where that is not known before reading."""

    kind: EntryKind
    size: int | None

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return self.kind == "file"

    def may_have(self, size: int) -> bool:
        """Whether it is a file that may have this size in bytes."""
        return self.is_file and self.size in (None, size)


class UnreadableThere(OSError):
    """A file at a place cannot be decrypted. The caller takes it for damaged."""


class DamagedHere(FixityError):
    """A file of the archive cannot be copied: it differs from its digest, or cannot be read. The caller keeps the
    copy's own file, and names the damaged one.
    """


class GoneHere(DamagedHere):
    """A file of the archive cannot be copied: it is gone. The caller looks whether a commit record still lists it."""


@dataclass(frozen=True, slots=True)
class CopyContent:
    """Content to put at a place: bytes, or a file of the data directory, with SHA-256 and size in bytes."""

    sha256: str
    size: int
    source: Path | bytes

    @classmethod
    def of(cls, data: bytes) -> "CopyContent":
        """Return the content that some bytes make."""
        return cls(sha256(data).hexdigest(), len(data), data)

    def blocks(self) -> Iterator[bytes]:
        """Yield the content in blocks. Raises DamagedHere at the end of a file that differs from its digest, and where
        it cannot be read, GoneHere where it is gone.
        """
        if isinstance(self.source, bytes):
            yield self.source
            return
        digest, size = sha256(), 0
        for block in _blocks_of(self.source):
            digest.update(block)
            size += len(block)
            yield block
        if size != self.size or digest.hexdigest() != self.sha256:
            raise DamagedHere(f"{self.source} has other bytes than were committed")


def _blocks_of(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                yield block
    except FileNotFoundError as error:
        raise GoneHere(f"{path} is gone") from error
    except OSError as error:
        raise DamagedHere(f"{path} cannot be read: {error.strerror or error}") from error


class Destination(Protocol):
    """A place for copies. Every method raises OSError where the place refuses something or cannot be reached."""

    @property
    def place(self) -> str:
        """The place as the user names it."""

    def entries(self) -> dict[str, PlacedEntry]:
        """Return everything that is there but directories, by path."""

    def blocks(self, path: str) -> Iterator[bytes]:
        """Yield the content of a file in blocks, as it lies there. Raises FileNotFoundError."""

    def put(self, path: str, content: CopyContent, *, over: bool = False) -> None:
        """Write a file that appears only when it is complete, read back and compared with its digest. With `over` it
        replaces an existing file, else FileExistsError is raised.

        Raises DamagedHere when the content differs from its digest; nothing is changed then.
        """

    def remove(self, path: str) -> None:
        """Delete a file, and the directories that are empty then."""

    def settle(self) -> None:
        """Return when everything that was written and deleted before survives a power loss."""


def digest_there(destination: Destination, path: str) -> str:
    """Return the SHA-256 of a file at a place, in hex. Raises OSError."""
    digest = sha256()
    for block in destination.blocks(path):
        digest.update(block)
    return digest.hexdigest()


def has_there(destination: Destination, path: str, expected: str) -> bool:
    """Whether a file at a place can be read and has this SHA-256. Raises OSError."""
    try:
        return digest_there(destination, path) == expected
    except UnreadableThere:
        return False


def read_there(destination: Destination, path: str) -> bytes:
    """Return the content of a small file at a place. Raises OSError, with EFBIG for one of more than
    `LONGEST_RECORD`.
    """
    made = bytearray()
    for block in destination.blocks(path):
        made += block
        if len(made) > LONGEST_RECORD:
            raise OSError(errno.EFBIG, "too long for a record", path)
    return bytes(made)


def is_relative(path: str) -> bool:
    """Return whether a path stays below where it begins: no empty component, no `.`, no `..`."""
    return _PATH.fullmatch(path) is not None


@contextmanager
def place_errors(place: str, what: str = "copy", again: str = "copy sync") -> Iterator[None]:
    """Raise DiskFullError or DataDirectoryError, naming the place, for an OSError of the block. `what` names the
    content of the place; the command `again` continues.
    """
    try:
        yield
    except OSError as error:
        why = safe(error.strerror or str(error))
        if error.errno in _NO_ROOM or "No space left" in str(error):
            raise DiskFullError(
                f"the disk of the {what} {place} is full ({why}): make room there, then `extract {again}` goes on "
                f"where it stopped"
            ) from error
        if error.errno in _REFUSALS or isinstance(error, FileNotFoundError | ConnectionError | TimeoutError):
            raise DataDirectoryError(f"the {what} {place} cannot be reached or written ({why})") from error
        raise
