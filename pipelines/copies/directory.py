"""A place that is a directory: on another disk, or on a share. No link below it is followed."""

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from hashlib import file_digest
from pathlib import Path
from secrets import token_hex
from typing import Final

from pipelines.copies.destination import BLOCK_BYTES, CopyContent, PlacedEntry, is_relative
from pipelines.disk import platform
from pipelines.disk.atomic import make_directories, sync_directories
from pipelines.disk.failpoints import reach
from pipelines.disk.tree_target import forget_cached

_READ: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_WRITE: Final = os.O_RDWR | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
TEMPORARY: Final = re.compile(r"(.*/)?\.[^/]+\.tmp")
"""The path of a file that a sync was writing when it was killed."""


class DirectoryDestination:
    """The place `root`, an existing directory."""

    def __init__(self, root: Path) -> None:
        """Take the directory. Reads nothing yet."""
        self._root = root
        self._changed: set[Path] = set()

    @property
    def place(self) -> str:
        """The path of the directory."""
        return str(self._root)

    def entries(self) -> dict[str, PlacedEntry]:
        """Return everything that is there but directories, by path; of a link its own size."""
        return {path: _entry_of(found) for path, found in self._walk(self._root, "")}

    def _walk(self, directory: Path, above: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
        with os.scandir(directory) as scanned:
            found = sorted(scanned, key=lambda entry: entry.name)
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                yield from self._walk(Path(entry.path), f"{above}{entry.name}/")
            else:
                yield above + entry.name, entry

    def blocks(self, path: str) -> Iterator[bytes]:
        """Yield a file in blocks. Raises OSError, with ELOOP where a link is in the way."""
        descriptor = os.open(self._target(path), _READ)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, "is not a regular file", path)
            while block := file.read(BLOCK_BYTES):
                yield block

    def put(self, path: str, content: CopyContent, *, over: bool = False) -> None:
        """Write a file under a temporary name, flush it to the disk, read it back, rename it."""
        target = self._target(path)
        if not over and os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        reach("copy-file:before-write")
        self._changed |= make_directories(target.parent)
        temporary = target.with_name(f".{target.name}.{token_hex(4)}.tmp")  # two syncs must not write the same file
        try:
            self._write(temporary, content)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        reach("copy-file:before-rename")
        platform.replace(temporary, target)
        self._changed.add(target.parent)
        reach("copy-file:after-rename")

    @staticmethod
    def _write(temporary: Path, content: CopyContent) -> None:
        descriptor = os.open(temporary, _WRITE, 0o600)
        with os.fdopen(descriptor, "w+b") as file:
            file.writelines(content.blocks())
            file.flush()
            reach("copy-file:before-fsync")
            platform.full_fsync(descriptor)
            forget_cached(descriptor)
            file.seek(0)
            if file_digest(file, "sha256").hexdigest() != content.sha256:
                raise OSError(errno.EIO, "other bytes were read back than had been written", str(temporary))

    def remove(self, path: str) -> None:
        """Delete a file, and the directories below the place that are empty then."""
        target = self._target(path)
        target.unlink(missing_ok=True)
        self._changed.add(target.parent)
        for directory in target.parents:
            if directory == self._root:
                break
            try:
                directory.rmdir()
            except OSError:
                break
            self._changed.discard(directory)
            self._changed.add(directory.parent)
        reach("copy-file:removed")

    def settle(self) -> None:
        """Flush the directories that have changed."""
        sync_directories(self._changed)
        self._changed.clear()
        reach("copy-file:settled")

    def _target(self, path: str) -> Path:
        """Return the place of a path. Raises OSError where the path leads out of the place."""
        if not is_relative(path):
            raise OSError(errno.EINVAL, "leads out of the copy", path)
        target = self._root / path
        for directory in target.parents:
            if directory == self._root:
                break
            if directory.is_symlink():
                raise OSError(errno.ELOOP, "a link is in the way", str(directory))
        return target


def _entry_of(found: os.DirEntry[str]) -> PlacedEntry:
    status = found.stat(follow_symlinks=False)
    if stat.S_ISREG(status.st_mode):
        return PlacedEntry("file", status.st_size)
    return PlacedEntry("link" if stat.S_ISLNK(status.st_mode) else "other", 0)
