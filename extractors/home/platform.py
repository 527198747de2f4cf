"""The calls for reading a home that differ between operating systems. They never change a file, not even a time stamp.

The calls for writing below the data directory are in `pipelines.disk.platform`; no other module calls functions that
only some systems have.

* Linux and macOS resolve one path component at a time below an open directory (``openat``), so no link is followed,
  even if another program renames directories meanwhile. With ``O_NONBLOCK`` a FIFO cannot block the reader.
* On Linux ``O_NOATIME`` keeps access times unchanged; only a file's owner and root may use it. On macOS one call sets
  this for the whole process (``setiopolicy_np``, see its manual page). Reading the target of a symbolic link can change
  the access time of the link: no system has a way to avoid that.
* Windows has no directory descriptors, so names are resolved by path, with checks before and after. Files are opened so
  that other programs can still write, rename and delete them, which Python's ``open`` does not allow there.
"""

import errno
import functools
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, Protocol, Self

if sys.platform == "win32":
    import ctypes
    import msvcrt
    from ctypes import wintypes
else:
    pass
if sys.platform == "darwin":
    import ctypes

_IS_WINDOWS: Final = sys.platform == "win32"
_LARGEST_READ: Final = 1 << 30  # Linux reads at most 2,147,479,552 bytes at once, macOS refuses more than 2**31 - 1


class OpenedFile(NamedTuple):
    """A file descriptor for reading, and whether the system guarantees not to change the access time."""

    descriptor: int
    atime_kept: bool


class Directory(Protocol):
    """A directory in a home. Names are single path components as raw bytes. Methods follow no link except
    ``target_stat`` and ``followed_*``, and raise ``OSError``.

    A link in the place of a directory or file raises ``ELOOP``, ``EMLINK`` or ``ENOTDIR``, depending on the system.
    """

    def directory(self, name: bytes) -> "Directory":
        """Open the directory ``name``; the caller closes it."""

    def file(self, name: bytes) -> OpenedFile:
        """Open ``name`` for reading, whatever its type; the caller checks the type, and closes the descriptor."""

    def scan(self) -> Iterator[os.DirEntry[str]]:
        """Yield the entries, in the order of the file system. Only one scan of an open directory at a time."""

    def stat(self, name: bytes) -> os.stat_result:
        """Return the status of ``name``, without following a link."""

    def stat_entry(self, entry: os.DirEntry[str]) -> os.stat_result:
        """Return the status of an entry that ``scan`` has yielded, during the scan."""

    def link_target(self, name: bytes) -> bytes:
        """Return the target of the link ``name``, unchanged."""

    def target_stat(self, name: bytes) -> os.stat_result:
        """Return the status of the target of the link ``name``."""

    def followed_directory(self, name: bytes) -> "Directory":
        """Open the directory that is the target of the link ``name``; the caller closes it."""

    def followed_file(self, name: bytes) -> OpenedFile:
        """Open the file that is the target of the link ``name``; the caller closes it."""

    def identity(self) -> tuple[int, int]:
        """Return the directory's identity (device, inode), which is unique while it is open."""

    def close(self) -> None:
        """Close the directory."""


class DescriptorDirectory:
    """The implementation for POSIX: a directory with an open descriptor."""

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def at(cls, path: Path) -> Self:
        """Open ``path``; it may be a link, because the user has named it."""
        return cls(_open_keeping_atime(os.fsencode(path), (_READ & ~_NO_FOLLOW) | _DIRECTORY, None).descriptor)

    def directory(self, name: bytes) -> "DescriptorDirectory":
        return DescriptorDirectory(_open_keeping_atime(name, _READ | _DIRECTORY, self._descriptor).descriptor)

    def file(self, name: bytes) -> OpenedFile:
        return _open_keeping_atime(name, _READ, self._descriptor)

    def scan(self) -> Iterator[os.DirEntry[str]]:
        with os.scandir(self._descriptor) as entries:
            yield from entries

    def stat(self, name: bytes) -> os.stat_result:
        return os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)

    def stat_entry(self, entry: os.DirEntry[str]) -> os.stat_result:
        return entry.stat(follow_symlinks=False)

    def link_target(self, name: bytes) -> bytes:
        return os.readlink(name, dir_fd=self._descriptor)

    def target_stat(self, name: bytes) -> os.stat_result:
        return os.stat(name, dir_fd=self._descriptor)

    def followed_directory(self, name: bytes) -> "DescriptorDirectory":
        flags = (_READ & ~_NO_FOLLOW) | _DIRECTORY
        return DescriptorDirectory(_open_keeping_atime(name, flags, self._descriptor).descriptor)

    def followed_file(self, name: bytes) -> OpenedFile:
        return _open_keeping_atime(name, _READ & ~_NO_FOLLOW, self._descriptor)

    def identity(self) -> tuple[int, int]:
        result = os.fstat(self._descriptor)
        return result.st_dev, result.st_ino

    def close(self) -> None:
        os.close(self._descriptor)


class PathDirectory:
    """The implementation for Windows, by path, which works on every system.

    It checks a name before it uses it, and all directories up to the home afterwards. It does not notice a directory
    that was replaced by a link and back in between; only descriptors prevent that.
    """

    __slots__ = ("_device", "_inode", "_parent", "_path")

    def __init__(self, path: str, parent: "PathDirectory | None" = None) -> None:
        result = os.stat(path, follow_symlinks=parent is None)
        if is_link(result):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if not stat.S_ISDIR(result.st_mode):
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        self._path, self._parent, self._inode, self._device = path, parent, result.st_ino, result.st_dev

    @classmethod
    def at(cls, path: Path) -> Self:
        """Open ``path``; it may be a link, because the user has named it."""
        absolute = os.path.abspath(path)
        return cls(long_windows_path(absolute) if _IS_WINDOWS else absolute)

    def directory(self, name: bytes) -> "PathDirectory":
        return PathDirectory(self._below(name), self)

    def file(self, name: bytes) -> OpenedFile:
        before = self.stat(name)
        if is_link(before):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        opened = _open_shared(self._below(name))
        try:
            self._check_still_there()
            if os.fstat(opened.descriptor).st_ino != before.st_ino:
                raise OSError(errno.ENOENT, "replaced while it was opened")
        except OSError:
            os.close(opened.descriptor)
            raise
        return opened

    def scan(self) -> Iterator[os.DirEntry[str]]:
        with os.scandir(self._path) as entries:
            self._check_still_there()
            yield from entries

    def stat(self, name: bytes) -> os.stat_result:
        return os.lstat(self._below(name))

    def stat_entry(self, entry: os.DirEntry[str]) -> os.stat_result:
        return os.lstat(entry.path)  # on Windows a scan's entry has no inode, device or link count

    def link_target(self, name: bytes) -> bytes:
        return os.fsencode(os.readlink(self._below(name)))

    def target_stat(self, name: bytes) -> os.stat_result:
        return os.stat(self._below(name))

    def followed_directory(self, name: bytes) -> "PathDirectory":
        return PathDirectory(os.path.realpath(self._below(name)))

    def followed_file(self, name: bytes) -> OpenedFile:
        return _open_shared(os.path.realpath(self._below(name)))

    def identity(self) -> tuple[int, int]:
        return self._device, self._inode

    def close(self) -> None:
        pass

    def _below(self, name: bytes) -> str:
        if _IS_WINDOWS and (b"\\" in name or b":" in name):
            raise OSError(errno.EINVAL, "no file name on Windows")
        return os.path.join(self._path, os.fsdecode(name))

    def _check_still_there(self) -> None:
        here: PathDirectory | None = self
        while here is not None and here._parent is not None:
            if is_link(now := os.lstat(here._path)) or now.st_ino != here._inode:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            here = here._parent


def open_directory(path: Path) -> Directory:
    """Open a home in this system's safest way."""
    return PathDirectory.at(path) if _IS_WINDOWS else DescriptorDirectory.at(path)


def pread(descriptor: int, size: int, offset: int) -> bytes:
    """Return up to ``size`` bytes at ``offset``; only an empty result means the end of the file.

    On Windows this moves the position of the descriptor, so only one thread may use it there.
    """
    if sys.platform == "win32":
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, min(size, _LARGEST_READ))
    return os.pread(descriptor, min(size, _LARGEST_READ), offset)


def is_link(result: os.stat_result) -> bool:
    """Return whether it is a symbolic link; on Windows also a junction or another name surrogate."""
    if sys.platform == "win32":
        return stat.S_ISLNK(result.st_mode) or bool(result.st_reparse_tag & 0x2000_0000)
    return stat.S_ISLNK(result.st_mode)


def long_windows_path(absolute: str) -> str:
    r"""Return an absolute Windows path in the form that allows more than 260 characters (``\\?\C:\…``)."""
    if absolute.startswith("\\\\?\\"):
        return absolute
    return "\\\\?\\UNC\\" + absolute[2:] if absolute.startswith("\\\\") else "\\\\?\\" + absolute


if sys.platform == "win32":
    _READ: Final = os.O_RDONLY | os.O_BINARY | os.O_NOINHERIT
    _NO_FOLLOW: Final = 0
    _DIRECTORY: Final = 0
    _NUMBERS = [wintypes.DWORD, wintypes.DWORD]
    _CREATE_FILE = ctypes.WinDLL("kernel32", use_last_error=True).CreateFileW
    _CREATE_FILE.restype = wintypes.HANDLE
    _CREATE_FILE.argtypes = [wintypes.LPCWSTR, *_NUMBERS, wintypes.LPVOID, *_NUMBERS, wintypes.HANDLE]

    def _open_shared(path: str) -> OpenedFile:
        read, share_all, open_existing = 0x8000_0000, 1 | 2 | 4, 3
        handle = _CREATE_FILE(path, read, share_all, None, open_existing, 0, None)
        if handle == ctypes.c_void_p(-1).value:
            raise ctypes.WinError(ctypes.get_last_error())
        return OpenedFile(msvcrt.open_osfhandle(handle, _READ), False)

else:
    _NO_FOLLOW: Final = os.O_NOFOLLOW
    _DIRECTORY: Final = os.O_DIRECTORY
    _READ: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | _NO_FOLLOW

    def _open_shared(path: str) -> OpenedFile:
        return _open_keeping_atime(os.fsencode(path), _READ, None)


def _open_keeping_atime(path: bytes, flags: int, directory: int | None) -> OpenedFile:
    if sys.platform == "linux":
        try:
            return OpenedFile(os.open(path, flags | os.O_NOATIME, dir_fd=directory), True)
        except PermissionError as error:
            if error.errno != errno.EPERM:  # EPERM refuses the flag O_NOATIME; EACCES is about the file
                raise
    return OpenedFile(os.open(path, flags, dir_fd=directory), _atime_updates_are_off())


@functools.cache
def _atime_updates_are_off() -> bool:
    """Ask macOS not to change access times in this process; return whether it agrees."""
    if sys.platform == "darwin":
        vfs_atime_updates, whole_process, off = 2, 0, 1  # IOPOL_… of <sys/resource.h>
        return bool(ctypes.CDLL(None).setiopolicy_np(vfs_atime_updates, whole_process, off) == 0)
    return False
