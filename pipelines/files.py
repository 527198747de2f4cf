"""Writing below the data directory so that a crash leaves the old or the new, never a half: temporary name, fsync,
rename, fsync of the directory.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from extractors import _platform
from models.errors import DataDirectoryError, DiskFullError
from pipelines.failpoints import reach

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def disk_errors() -> Iterator[None]:
    """Turn the system's refusals to write below data/ into DiskFullError or DataDirectoryError."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM or "No space left" in str(error):
            raise DiskFullError(f"the disk that holds the data directory is full ({error})") from error
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO):
            raise DataDirectoryError(f"the data directory cannot be written ({error})") from error
        raise


def write_atomically(path: Path, data: bytes, point: str) -> None:
    """Write a small file whole: readers see the old content or the new. `point` names it for the fail points."""
    temporary = path.with_name(f".{path.name}.tmp")
    reach(f"{point}:before-write")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        reach(f"{point}:before-fsync")
        _platform.full_fsync(file.fileno())
    reach(f"{point}:before-rename")
    _platform.replace(temporary, path)
    reach(f"{point}:after-rename")
    _platform.fsync_directory(path.parent)
    reach(f"{point}:after-fsync")


def sync_file(path: Path) -> None:
    """Force a file's bytes to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        _platform.full_fsync(descriptor)
    finally:
        os.close(descriptor)
