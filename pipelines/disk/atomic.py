"""Atomic writes below the data directory: temporary name, fsync, rename, fsync of the directory. After a crash a file
has its old or its new content, never a part of it.
"""

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import file_digest, sha256
from io import FileIO
from pathlib import Path
from stat import S_ISREG

from xxhash import xxh3_128

from models.errors import DataDirectoryError, DiskFullError, FixityError
from models.seal import SealError, sealed, unsealed
from pipelines.disk import platform
from pipelines.disk.failpoints import reach

_AT_ONCE = 16
_BLOCK = 256 << 10
_WITHOUT_WAITING = getattr(os, "O_NONBLOCK", 0)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_RIGHT = (errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENOTDIR)
REFUSALS = frozenset(NO_ROOM + _NO_RIGHT)
"""Errors by which the system refuses to write or read a path: the user has to make room or correct permissions."""


@contextmanager
def disk_errors() -> Iterator[None]:
    """Raise DiskFullError or DataDirectoryError for an OSError of the block, which writes below the data directory."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM or "No space left" in str(error):
            raise DiskFullError(f"the disk of the data directory is full ({error})") from error
        if error.errno in _NO_RIGHT:
            raise DataDirectoryError(
                f"the data directory cannot be used ({error}): change its permissions, or name another one with --data"
            ) from error
        raise


def open_regular(path: Path) -> FileIO:
    """Open a regular file for reading, unbuffered. Raises OSError, also for a pipe or a device in its place: the system
    would wait for a writer of the pipe.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | _WITHOUT_WAITING)
    if S_ISREG(os.fstat(descriptor).st_mode):
        return FileIO(descriptor)
    os.close(descriptor)
    raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))


def read_regular(path: Path) -> bytes:
    """Return the content of a regular file. Raises OSError as `open_regular` does."""
    with open_regular(path) as file:
        return file.read()


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex. Raises OSError as `open_regular` does."""
    with open_regular(path) as file:
        return file_digest(file, "sha256").hexdigest()


def sha256_if_readable(path: Path) -> str | None:
    """Return the SHA-256 of a file in hex; None if it cannot be read."""
    try:
        return sha256_of(path)
    except OSError:
        return None


def xxh3_of(path: Path) -> str:
    """Return the XXH3-128 of a file in hex. Raises OSError as `open_regular` does."""
    digest = xxh3_128()
    for block in _blocks(path):
        digest.update(block)
    return digest.hexdigest()


def digests_of(path: Path) -> tuple[str, str]:
    """Return the SHA-256 and the XXH3-128 of a file in hex, in one reading. Raises OSError as `open_regular` does."""
    proof, fast = sha256(), xxh3_128()
    for block in _blocks(path):
        proof.update(block)
        fast.update(block)
    return proof.hexdigest(), fast.hexdigest()


def _blocks(path: Path) -> Iterator[memoryview]:
    """Yield the content of a file in blocks, each valid until the next: they share one buffer, because memory that is
    allocated anew for each would cost more time than the copying of its bytes.
    """
    buffer = memoryview(bytearray(_BLOCK))
    with open_regular(path) as file:
        while count := file.readinto(buffer):
            yield buffer[:count]


def is_as_named(path: Path) -> bool:
    """Whether the name of a file ends with a dash and the XXH3-128 of its content. Raises OSError."""
    return xxh3_128(read_regular(path)).hexdigest() == path.stem.rpartition("-")[2]


def write_atomically(path: Path, data: bytes | Iterable[bytes], point: str) -> None:
    """Write a file atomically (mode 0600): readers see the old content or the new. `data` may be an iterable of blocks
    for a large file. `point` is the prefix of its fail points. Raises OSError.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    reach(f"{point}:before-write")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.writelines((data,) if isinstance(data, bytes) else data)
        file.flush()
        reach(f"{point}:before-fsync")
        platform.full_fsync(file.fileno())
    reach(f"{point}:before-rename")
    platform.replace(temporary, path)
    reach(f"{point}:after-rename")
    platform.fsync_directory(path.parent)
    reach(f"{point}:after-fsync")


def write_sealed(path: Path, data: bytes, point: str) -> None:
    """Write a small file atomically with a seal, its own SHA-256, at the end (`models.seal`), so that a reader detects
    damage. Raises OSError.

    The suffix must be .json (an indented object), .md, .html or .txt.
    """
    write_atomically(path, sealed(data, path.suffix), point)


def read_sealed(path: Path) -> bytes:
    """Return the data that `write_sealed` wrote. Raises FixityError when the file has been changed or damaged since."""
    try:
        return unsealed(read_regular(path), path.suffix)
    except SealError as error:
        raise FixityError(
            f"{path} was changed or damaged after it was written: {error}; see `extract verify`"
        ) from error


def make_directories(directory: Path) -> set[Path]:
    """Create a directory and its missing parents with mode 0700; return the directories that have a new entry."""
    changed = set()
    missing = []
    while not directory.is_dir():
        missing.append(directory)
        directory = directory.parent
    for one in reversed(missing):
        one.mkdir(mode=0o700, exist_ok=True)
        changed.add(one.parent)
    return changed


def sync_files(paths: Sequence[Path]) -> None:
    """Flush files to the disk, 16 at a time: the file system can then commit several in one journal transaction."""
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        list(threads.map(sync_file, paths))


def sync_directories(paths: Iterable[Path]) -> None:
    """Flush the entries of directories to the disk, 16 at a time."""
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        list(threads.map(platform.fsync_directory, sorted(paths)))


def sync_file(path: Path) -> None:
    """Flush a file to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        platform.full_fsync(descriptor)
    finally:
        os.close(descriptor)
