"""Simulates a power failure: makes the directory tree in which only flushed bytes and names are sure to survive.

A process calls `Disk.watch` before it works. From then on every `os.fsync` of a file remembers its content, and that
of a directory its entries. `Disk.write` makes the tree of what was remembered: a file whose directory was never flushed
has its old name or none, one that was never flushed itself is empty. With a `chance`, each directory and each file is
at random as it was flushed last or as it is now, as a disk may also keep what nobody flushed.
"""

import os
import random
import shutil
import stat
from dataclasses import dataclass, field
from pathlib import Path

Names = dict[str, int]
"""The entries of a directory: inodes by name."""


@dataclass(slots=True)
class Disk:
    """The state below `root` that surely survives a power failure: entries of directories, contents of files and
    targets of links by inode.
    """

    root: Path
    entries: dict[int, Names] = field(default_factory=dict)
    contents: dict[int, bytes] = field(default_factory=dict)
    links: dict[int, str] = field(default_factory=dict)
    held: dict[int, int] = field(default_factory=dict)
    times: dict[int, int] = field(default_factory=dict)
    """When what was flushed last changed, in nanoseconds."""

    @classmethod
    def watch(cls, root: Path) -> "Disk":
        """Take all that exists below `root` as flushed, and follow every `os.fsync` of this process from now on."""
        disk = cls(root)
        for place, _, names in os.walk(root):
            disk._flush_directory(Path(place))
            for name in names:
                disk._flush_file(Path(place, name))
        flush = os.fsync

        def fsync(descriptor: int) -> None:
            flush(descriptor)
            path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
            if path == root or root in path.parents:
                disk._flush_directory(path) if path.is_dir() else disk._flush_file(path)

        os.fsync = fsync  # type: ignore[assignment]  # the same function, for descriptors alone
        return disk

    def _flush_directory(self, path: Path) -> None:
        names = {}
        for entry in os.scandir(path):
            status = entry.stat(follow_symlinks=False)
            names[entry.name] = status.st_ino
            if entry.is_symlink():
                self.links[status.st_ino] = os.readlink(entry.path)
            else:
                self._hold(Path(entry.path), status.st_ino)
        inode = path.stat().st_ino
        self.entries[inode], self.times[inode] = names, path.stat().st_mtime_ns

    def _flush_file(self, path: Path) -> None:
        if not path.is_symlink():
            inode = path.stat().st_ino
            self._hold(path, inode)
            self.contents[inode], self.times[inode] = path.read_bytes(), path.stat().st_mtime_ns

    def _hold(self, path: Path, inode: int) -> None:
        """Keep a file or directory open, so that its inode is not used again."""
        if inode not in self.held:
            self.held[inode] = os.open(path, os.O_RDONLY)

    def write(self, target: Path, chance: random.Random | None = None) -> None:
        """Write the surviving files to the new directory `target`."""
        now = {}
        for place, _, names in os.walk(self.root):
            now[Path(place).stat().st_ino] = {
                entry.name: entry.stat(follow_symlinks=False).st_ino for entry in os.scandir(place)
            }
            for name in names:
                if Path(place, name).is_symlink():
                    self.links.setdefault(Path(place, name).lstat().st_ino, os.readlink(Path(place, name)))
                else:
                    self._hold(Path(place, name), Path(place, name).stat().st_ino)
        self._write_directory(self.root.stat().st_ino, target, now, chance)

    def _write_directory(self, inode: int, target: Path, now: dict[int, Names], chance: random.Random | None) -> None:
        target.mkdir(mode=0o700)
        is_lucky = chance is not None and chance.random() < 0.5
        names = now.get(inode, {}) if is_lucky else self.entries.get(inode, {})
        for name, below in names.items():
            place = target / name
            if below in self.links:
                place.symlink_to(self.links[below])
            elif below in now or below in self.entries:
                self._write_directory(below, place, now, chance)
            else:
                place.write_bytes(self._content(below, chance))
                place.chmod(stat.S_IMODE(os.fstat(self.held[below]).st_mode))
                os.utime(place, ns=(0, self.times.get(below, os.fstat(self.held[below]).st_mtime_ns)))
        if inode in self.times:
            os.utime(target, ns=(0, self.times[inode]))

    def _content(self, inode: int, chance: random.Random | None) -> bytes:
        if chance is not None and chance.random() < 0.5:
            return os.pread(self.held[inode], os.fstat(self.held[inode]).st_size, 0)
        return self.contents.get(inode, b"")


def replace_tree(target: Path, source: Path) -> None:
    """Put the tree `source` in the place of `target`."""
    shutil.rmtree(target)
    source.rename(target)
