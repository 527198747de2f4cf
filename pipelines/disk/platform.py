"""The calls for writing that differ between operating systems: full syncs, locks, renames, links.

The calls for reading a home are in `extractors.home.platform`; no other module calls functions that only some systems
have.
"""

import errno
import os
import secrets
import shutil
import sys
import time
from pathlib import Path
from typing import Final, Literal

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_IS_WINDOWS: Final = sys.platform == "win32"
_COPY_BYTES: Final = 1 << 20
_MOST_AT_ONCE: Final = 1 << 30
_LOCKED_OFFSET: Final = 0x7FFF_0000  # Windows locks block readers of the locked bytes: it is far beyond the content
_REPLACE_SECONDS: Final = 2.0
if sys.platform == "win32":
    _CREATE: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_BINARY | os.O_NOINHERIT
else:
    _CREATE: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


def make_files_private() -> None:
    """Make new files of this process readable by its user only (umask 077; on Windows the folder's rights decide)."""
    os.umask(0o077)


def create_exclusive(path: Path | str | bytes, directory: int | None = None) -> int:
    """Create ``path`` (relative to the open ``directory`` if given) with mode 0600; return a descriptor that reads and
    writes.

    Raises ``FileExistsError`` if anything exists there, even a dangling link.
    """
    return os.open(path, _CREATE, 0o600, dir_fd=directory)


def full_fsync(descriptor: int) -> None:
    """Flush the file of ``descriptor`` to the disk; on macOS also the disk's own cache. Raises ``OSError``."""
    if sys.platform == "darwin":
        try:
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        except OSError as error:
            if error.errno not in (errno.ENOTSUP, errno.ENOTTY, errno.EINVAL):  # network file systems lack the call
                raise
        else:
            return
    os.fsync(descriptor)


def reserve(descriptor: int, size: int) -> None:
    """Make an empty file ``size`` zero bytes long, with room on the disk for all of them.

    Raises ``OSError`` (``ENOSPC``) where there is no room: a page of a mapped file that has none kills the process.
    """
    if sys.platform == "linux":
        os.posix_fallocate(descriptor, 0, size)  # where a file system lacks it, glibc writes to each block instead
        return
    for start in range(0, size, _COPY_BYTES):
        os.write(descriptor, bytes(min(_COPY_BYTES, size - start)))


def fsync_directory(path: Path) -> None:
    """Flush the entries of a directory to the disk. Windows has no such call and needs none. Raises ``OSError``."""
    if sys.platform == "win32":
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems sync files only
            raise
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Try to take the exclusive lock of an open file without waiting; return whether it was free.

    The lock ends when the file is closed or the process ends. It belongs to the file, not to its
    name: the caller must check ``same_file`` afterwards, and never delete the file. On POSIX a child that inherits the
    descriptor holds the lock too. Raises ``OSError`` where the file system has no locks.
    """
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, _LOCKED_OFFSET, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def same_file(descriptor: int, path: Path) -> bool:
    """Return whether ``path`` is still the name of the file that ``descriptor`` has open."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


def replace(source: Path, target: Path) -> None:
    """Rename ``source`` to ``target`` atomically, replacing an existing file; call ``fsync_directory`` afterwards.

    On Windows a virus scanner or indexer may have a file open for a moment, so there it retries for two seconds.
    """
    give_up_at = time.monotonic() + _REPLACE_SECONDS
    while True:
        try:
            os.replace(source, target)
        except PermissionError:
            if not _IS_WINDOWS or time.monotonic() > give_up_at:
                raise
            time.sleep(0.05)
        else:
            return


def copy_file(source: Path, target: Path, *, flush: bool = False) -> None:
    """Copy the content of a file to a new file ``target`` (mode 0600), with ``flush`` to the disk. On Linux the kernel
    copies, and on Btrfs and XFS the two then share their blocks. Raises ``OSError``, ``FileExistsError``.
    """
    with source.open("rb") as reader, open(create_exclusive(target), "wb") as writer:
        if sys.platform == "linux":
            _copy_in_kernel(reader.fileno(), writer.fileno())
        shutil.copyfileobj(reader, writer, _COPY_BYTES)  # what the kernel has not copied
        writer.flush()
        if flush:
            full_fsync(writer.fileno())


if sys.platform == "linux":

    def _copy_in_kernel(reader: int, writer: int) -> None:
        """Copy from the positions of two open files on to the end, or as far as the kernel can: old kernels and some
        file systems refuse. Raises ``OSError`` where there is no room.
        """
        try:
            while os.copy_file_range(reader, writer, _MOST_AT_ONCE):
                pass
        except OSError as error:
            if error.errno not in (errno.ENOSYS, errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM):
                raise


def link_or_copy(target_name: str, link_path: Path) -> Literal["link", "copy"]:
    """Make ``link_path`` a link to the file ``target_name`` in the same directory, replacing it atomically.

    Where links are impossible (Windows without developer mode, FAT) it becomes a copy; the result says which. Raises
    ``FileNotFoundError`` if the target does not exist; ``link_path`` is then unchanged.
    """
    target = link_path.parent / target_name
    if not target.is_file():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(target))
    temporary = link_path.with_name(f".{link_path.name}.{secrets.token_hex(8)}.tmp")
    made: Literal["link", "copy"] = "link"
    try:
        try:
            temporary.symlink_to(target_name)
        except (OSError, NotImplementedError):
            made = "copy"
            copy_file(target, temporary, flush=True)
        replace(temporary, link_path)
    finally:
        temporary.unlink(missing_ok=True)
    fsync_directory(link_path.parent)
    return made
