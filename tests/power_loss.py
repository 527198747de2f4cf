"""A model of a disk that loses its power: of the bytes written below a directory, only flushed ones survive.

A file has the bytes that it had when it was last flushed, none if it never was; a directory has the names that it had
when it was last flushed, none if it is new. Files that existed when the model began count as flushed.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from pipelines.disk import platform

Names = dict[str, int | None]
"""The inode of each file of a directory, None for a directory."""


class Disk:
    """The flushed state of the tree below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._contents: dict[int, bytes] = {}
        self._held: dict[int, BinaryIO] = {}
        self._directories: dict[Path, Names] = {}
        for place, _, names in os.walk(root):
            for name in names:
                self._flush(Path(place, name))
            self._directories[Path(place)] = _names(Path(place))

    def _flush(self, path: Path) -> None:
        inode = path.stat().st_ino
        self._contents[inode] = path.read_bytes()
        if inode not in self._held:
            self._held[inode] = path.open("rb")  # held open, so that the system gives its inode to no other file

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record the flushes of the program during the block."""
        flush, flush_directory = platform.full_fsync, platform.fsync_directory

        def full_fsync(descriptor: int) -> None:
            flush(descriptor)
            path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
            if self._root in path.parents and path.exists():
                self._flush(path)

        def fsync_directory(path: Path) -> None:
            flush_directory(path)
            if path == self._root or self._root in path.parents:
                self._directories[path] = _names(path)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(platform, "full_fsync", full_fsync)
            patch.setattr(platform, "fsync_directory", fsync_directory)
            yield

    def after_power_loss(self, target: Path) -> None:
        """Write the tree as it is after a power loss to `target`, a new directory, and end the model."""
        self._write(self._root, target)
        for file in self._held.values():
            file.close()

    def _write(self, directory: Path, target: Path) -> None:
        target.mkdir(mode=0o700)
        for name, inode in self._directories.get(directory, {}).items():
            if inode is None:
                self._write(directory / name, target / name)
            else:
                (target / name).write_bytes(self._contents.get(inode, b""))


def _names(directory: Path) -> Names:
    return {
        entry.name: None if entry.is_dir(follow_symlinks=False) else entry.inode() for entry in os.scandir(directory)
    }
