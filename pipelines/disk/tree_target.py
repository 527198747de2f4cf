"""Writes a tree of files, such as a restored home; nothing here ever opens a file of a home.

One name at a time, below a directory that is held open (POSIX) or looked at before and after (Windows, whose way works
everywhere): no link is followed, nothing that exists is replaced, and a name that leads elsewhere (empty, `.`, `..`,
with a `/` or a NUL) is refused with `EINVAL` by whatever method it is given to. What is made is its owner's alone until
it is finished.
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
"""What is given back of a mode: no set-user-id, set-group-id or sticky bit comes out of an archive."""


class TreeTarget(Protocol):
    """A directory that is written to. Names are single path components, raw bytes. Raises ``OSError``.

    A link where a directory was wanted gives ``ELOOP``, ``EMLINK`` or ``ENOTDIR``, by system.
    """

    def directory(self, name: bytes) -> "TreeTarget":
        """Open the directory ``name``; the caller closes it."""

    def stat(self, name: bytes) -> os.stat_result:
        """Return the status of ``name`` itself."""

    def link_target(self, name: bytes) -> bytes:
        """Return what the link ``name`` holds."""

    def scan(self) -> Iterator[os.DirEntry[str]]:
        """Yield the entries, in the order of the file system."""

    def make_directory(self, name: bytes) -> None:
        """Make a directory for its owner alone. Raises ``FileExistsError`` for whatever is there."""

    def create(self, name: bytes) -> int:
        """Make a file for its owner alone and return a descriptor that reads and writes. Raises ``FileExistsError``."""

    def adopt(self, source: "TreeTarget", source_name: bytes, name: bytes) -> None:
        """Move the file ``source_name`` of another directory of the same file system here, in one step.

        Raises ``FileExistsError`` for whatever is there. Where there are no hard links (FAT) it is looked for first.
        """

    def move(self, source: "TreeTarget", source_name: bytes, name: bytes) -> None:
        """Move a file or directory here. Raises ``FileExistsError`` for whatever is there, looked for first."""

    def make_link(self, name: bytes, target: bytes, mtime_ns: int) -> None:
        """Make a symbolic link with this time of modification, where links have one. Raises ``FileExistsError``."""

    def finish_file(self, name: bytes, descriptor: int, mode: int, mtime_ns: int) -> None:
        """Give the open file ``name`` its permissions and time of modification; on Windows only what it has of both."""

    def finish(self, mode: int, mtime_ns: int) -> None:
        """Give the directory itself its permissions and time of modification."""

    def remove_file(self, name: bytes) -> None:
        """Remove a file or link."""

    def remove_directory(self, name: bytes) -> None:
        """Remove an empty directory."""

    def sync(self) -> None:
        """Return when the names in the directory are on the disk, where the system has such a call."""

    def close(self) -> None:
        """Let go of the directory."""


class DescriptorTarget(DescriptorDirectory):
    """The way of POSIX: everything below an open descriptor."""

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
    """The way of Windows: by path, looked at on the way. See `PathDirectory` for what it does not find out."""

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
        if _IS_WINDOWS:  # whose rename replaces nothing
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
    """Open an existing directory to write in, the best way that this system has. ``path`` itself may be a link."""
    return PathTarget.at(path) if _IS_WINDOWS else DescriptorTarget.at(path)


def forget_cached(descriptor: int) -> None:
    """Ask the system to read the file from the disk when it is read next, where it can be asked. Sync it before."""
    if sys.platform == "linux":
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _checked(name: bytes) -> bytes:
    if name in (b"", b".", b"..") or b"/" in name or b"\0" in name:
        raise OSError(errno.EINVAL, "no file name")
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
    # Windows knows no more than whether a file may be written; a directory that may not cannot be filled later.
    if not _IS_WINDOWS:
        os.chmod(path, mode & _PERMISSIONS)
    elif not mode & stat.S_IWUSR and not os.path.isdir(path):
        os.chmod(path, stat.S_IREAD)
