"""Writes a tree of files, such as a restored home. It never opens a file of a home.

It opens one path component at a time: below an open directory descriptor on POSIX, by path with checks before and after
on Windows (this way works on every system). So no link is followed and nothing existing is replaced. Each method
refuses a name that is empty, `.` or `..`, or contains `/` or NUL, with `EINVAL`. New entries are readable by their
owner only until they are finished.
"""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from extractors.home.platform import DescriptorDirectory, PathDirectory
from pipelines.disk.platform import create_exclusive, fsync_directory, full_fsync

_IS_WINDOWS: Final = sys.platform == "win32"
_NO_HARD_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})
_PERMISSIONS: Final = 0o777
"""The bits of a mode that a restore sets: never set-user-id, set-group-id or sticky."""


class TreeTarget(Protocol):
    """A directory to write to. Names are single path components as raw bytes. All methods raise ``OSError``.

    A link in the place of a directory raises ``ELOOP``, ``EMLINK`` or ``ENOTDIR``, depending on the system.
    """

    def directory(self, name: bytes) -> "TreeTarget":
        """Open the directory ``name``; the caller closes it."""

    def stat(self, name: bytes) -> os.stat_result:
        """Return the status of ``name``, without following a link."""

    def link_target(self, name: bytes) -> bytes:
        """Return the target of the link ``name``."""

    def scan(self) -> Iterator[os.DirEntry[str]]:
        """Yield the entries of the directory, in the order of the file system."""

    def make_directory(self, name: bytes) -> None:
        """Create a directory with mode 0700. Raises ``FileExistsError`` if anything exists there."""

    def create(self, name: bytes) -> int:
        """Create a file with mode 0600; return a descriptor that reads and writes. Raises ``FileExistsError``."""

    def adopt(self, source: "TreeTarget", source_name: bytes, name: bytes) -> None:
        """Move the file ``source_name`` of another directory of the same file system here, atomically.

        Raises ``FileExistsError`` if anything exists there; without hard links (FAT) this is checked before the move.
        """

    def move(self, source: "TreeTarget", source_name: bytes, name: bytes) -> None:
        """Move a file or directory here. Raises ``FileExistsError`` if anything exists there (checked before)."""

    def make_link(self, name: bytes, target: bytes, mtime_ns: int) -> None:
        """Make a symbolic link, with this modification time if the system supports it. Raises ``FileExistsError``."""

    def finish_file(self, name: bytes, descriptor: int, mode: int, mtime_ns: int) -> None:
        """Set permissions and modification time of the open file ``name``; on Windows only the read-only flag."""

    def finish(self, mode: int, mtime_ns: int) -> None:
        """Set permissions and modification time of the directory itself."""

    def remove_file(self, name: bytes) -> None:
        """Remove a file or link."""

    def remove_directory(self, name: bytes) -> None:
        """Remove an empty directory."""

    def sync(self) -> None:
        """Flush the entries of the directory to the disk, where the system has such a call."""

    def close(self) -> None:
        """Close the directory."""


class DescriptorTarget(DescriptorDirectory):
    """The implementation for POSIX: every call is relative to an open directory descriptor."""

    __slots__ = ()

    def directory(self, name: bytes) -> "DescriptorTarget":
        return DescriptorTarget(super().directory(_checked(name))._descriptor)

    def stat(self, name: bytes) -> os.stat_result:
        return super().stat(_checked(name))

    def link_target(self, name: bytes) -> bytes:
        return super().link_target(_checked(name))

    def make_directory(self, name: bytes) -> None:
        os.mkdir(_checked(name), 0o700, dir_fd=self._descriptor)

    def create(self, name: bytes) -> int:
        return create_exclusive(_checked(name), self._descriptor)

    def adopt(self, source: TreeTarget, source_name: bytes, name: bytes) -> None:
        there = self._other(source)
        _checked(name), _checked(source_name)
        try:
            os.link(source_name, name, src_dir_fd=there, dst_dir_fd=self._descriptor, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            self.move(source, source_name, name)
        else:
            os.unlink(source_name, dir_fd=there)

    def move(self, source: TreeTarget, source_name: bytes, name: bytes) -> None:
        there = self._other(source)
        _refuse_existing(self, name)
        os.rename(_checked(source_name), _checked(name), src_dir_fd=there, dst_dir_fd=self._descriptor)

    def make_link(self, name: bytes, target: bytes, mtime_ns: int) -> None:
        os.symlink(target, _checked(name), dir_fd=self._descriptor)
        os.utime(name, ns=(mtime_ns, mtime_ns), dir_fd=self._descriptor, follow_symlinks=False)

    def finish_file(self, name: bytes, descriptor: int, mode: int, mtime_ns: int) -> None:
        _finish_descriptor(descriptor, mode, mtime_ns)

    def finish(self, mode: int, mtime_ns: int) -> None:
        _finish_descriptor(self._descriptor, mode, mtime_ns)

    def remove_file(self, name: bytes) -> None:
        os.unlink(_checked(name), dir_fd=self._descriptor)

    def remove_directory(self, name: bytes) -> None:
        os.rmdir(_checked(name), dir_fd=self._descriptor)

    def sync(self) -> None:
        full_fsync(self._descriptor)

    @staticmethod
    def _other(source: TreeTarget) -> int:
        if not isinstance(source, DescriptorTarget):
            raise TypeError("both directories must be of one kind")
        return source._descriptor


class PathTarget(PathDirectory):
    """The implementation for Windows: by path, with checks on the way. See `PathDirectory` for its limits."""

    __slots__ = ()

    def directory(self, name: bytes) -> "PathTarget":
        return PathTarget(self._below(_checked(name)), self)

    def stat(self, name: bytes) -> os.stat_result:
        return super().stat(_checked(name))

    def link_target(self, name: bytes) -> bytes:
        return super().link_target(_checked(name))

    def make_directory(self, name: bytes) -> None:
        os.mkdir(self._place(name), 0o700)

    def create(self, name: bytes) -> int:
        return create_exclusive(self._place(name))

    def adopt(self, source: TreeTarget, source_name: bytes, name: bytes) -> None:
        there, here = self._other(source)._place(source_name), self._place(name)
        if _IS_WINDOWS:  # where rename never replaces an existing file
            os.rename(there, here)
            return
        try:
            os.link(there, here, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            self.move(source, source_name, name)
        else:
            os.unlink(there)

    def move(self, source: TreeTarget, source_name: bytes, name: bytes) -> None:
        _refuse_existing(self, name)
        os.rename(self._other(source)._place(source_name), self._place(name))

    def make_link(self, name: bytes, target: bytes, mtime_ns: int) -> None:
        os.symlink(os.fsdecode(target), self._place(name))
        if os.utime in os.supports_follow_symlinks:
            os.utime(self._place(name), ns=(mtime_ns, mtime_ns), follow_symlinks=False)

    def finish_file(self, name: bytes, descriptor: int, mode: int, mtime_ns: int) -> None:
        _finish_path(self._place(name), mode, mtime_ns)

    def finish(self, mode: int, mtime_ns: int) -> None:
        self._check_still_there()
        _finish_path(self._path, mode, mtime_ns)

    def remove_file(self, name: bytes) -> None:
        os.unlink(self._place(name))

    def remove_directory(self, name: bytes) -> None:
        os.rmdir(self._place(name))

    def sync(self) -> None:
        fsync_directory(Path(self._path))

    def _place(self, name: bytes) -> str:
        self._check_still_there()
        return self._below(_checked(name))

    @staticmethod
    def _other(source: TreeTarget) -> "PathTarget":
        if not isinstance(source, PathTarget):
            raise TypeError("both directories must be of one kind")
        return source


def open_target(path: Path) -> TreeTarget:
    """Open an existing directory for writing, in this system's safest way. ``path`` itself may be a link."""
    return PathTarget.at(path) if _IS_WINDOWS else DescriptorTarget.at(path)


def forget_cached(descriptor: int) -> None:
    """Drop a file from the page cache (Linux only), so that the next read comes from the disk. Sync it before."""
    if sys.platform == "linux":
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _checked(name: bytes) -> bytes:
    if name in (b"", b".", b"..") or b"/" in name or b"\0" in name:
        raise OSError(errno.EINVAL, "not a file name")
    return name


def _refuse_existing(target: TreeTarget, name: bytes) -> None:
    try:
        target.stat(name)
    except FileNotFoundError:
        return
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def _finish_descriptor(descriptor: int, mode: int, mtime_ns: int) -> None:
    if sys.platform == "win32":
        raise NotImplementedError
    os.utime(descriptor, ns=(mtime_ns, mtime_ns))
    os.fchmod(descriptor, mode & _PERMISSIONS)


def _finish_path(path: str, mode: int, mtime_ns: int) -> None:
    os.utime(path, ns=(mtime_ns, mtime_ns))
    # Windows only has a read-only flag for files; a read-only directory could not be filled later.
    if not _IS_WINDOWS:
        os.chmod(path, mode & _PERMISSIONS)
    elif not mode & stat.S_IWUSR and not os.path.isdir(path):
        os.chmod(path, stat.S_IREAD)
