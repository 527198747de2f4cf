"""Writing below the data directory so that a crash leaves the old or the new, never a half: temporary name, fsync,
rename, fsync of the directory.
"""

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path

from models.errors import DataDirectoryError, DiskFullError, FixityError
from models.seal import SealError, sealed, unsealed
from pipelines.disk import platform
from pipelines.disk.failpoints import reach

_AT_ONCE = 16
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_RIGHT = (errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENOTDIR)
REFUSALS = frozenset(_NO_ROOM + _NO_RIGHT)
"""Errors by which the system refuses to write or read a place: the user has to put it right."""


@contextmanager
def disk_errors() -> Iterator[None]:
    """Turn the system's refusals to write below data/ into DiskFullError or DataDirectoryError."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM or "No space left" in str(error):
            raise DiskFullError(f"the disk that holds the data directory is full ({error})") from error
        if error.errno in _NO_RIGHT:
            raise DataDirectoryError(f"the data directory cannot be written ({error})") from error
        raise


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex. Raises OSError."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def write_atomically(path: Path, data: bytes | Iterable[bytes], point: str) -> None:
    """Write a file whole, from pieces where it may be long: readers see the old content or the new. `point` names it
    for the fail points.
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
    """Write a small file whole, with its seal at its end (`models.seal`): whoever reads it knows whether it is whole.

    The suffix must be .json (an object in lines), .md, .html or .txt.
    """
    write_atomically(path, sealed(data, path.suffix), point)


def read_sealed(path: Path) -> bytes:
    """Return what `write_sealed` was given. Raises FixityError when the file is not what was written."""
    try:
        return unsealed(path.read_bytes(), path.suffix)
    except SealError as error:
        raise FixityError(f"{path} is not what was written: {error}; see `extract verify`") from error


def make_directories(directory: Path) -> set[Path]:
    """Make a directory and its missing parents with mode 0700; returns the directories in which a new name appeared."""
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
    """Force files' bytes to the disk, several at once: a journal then commits them together."""
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        list(threads.map(sync_file, paths))


def sync_directories(paths: Iterable[Path]) -> None:
    """Force the names in directories to the disk, several at once."""
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        list(threads.map(platform.fsync_directory, sorted(paths)))


def sync_file(path: Path) -> None:
    """Force a file's bytes to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        platform.full_fsync(descriptor)
    finally:
        os.close(descriptor)
