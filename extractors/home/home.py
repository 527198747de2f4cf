"""The only code that opens anything in a home: it lists directories, reads files and their status, and nothing else.

It follows no link, not even in the middle of a path, and opens only regular files. It reads bytes with ``pread`` and
never maps files into memory: a mapped file that another program truncates kills the process. It does not change access
times where the system allows that (see ``extractors.home.platform``).

Paths are raw bytes relative to the home, with ``/`` between components, as the file system has them; they need not be
UTF-8. The UTF-16 names of Windows are converted to UTF-8 (``os.fsencode``).
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from heapq import heapify, heappop, heappush
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from extractors.home.deep import DEEP, DeepDirectories
from extractors.home.found import (
    Found,
    Stat,
    errno_name,
    kind_of,
    kind_without_stat,
    look_at,
    source_error,
    stat_of,
)
from extractors.home.platform import DescriptorDirectory, Directory, is_link, open_directory, pread
from models.errors import (
    ConfigurationError,
    LinkInTheWay,
    NotARegularFile,
    SourceError,
    Unreadable,
)
from models.text import printable_path

_NO_NAMES: Final = frozenset({b"", b".", b".."})

Follows = Callable[[bytes], bool]
"""Returns whether the link at a path is followed."""


class PinnedFile:
    """A regular file that is open for reading; it remains the same file even if another one gets its name."""

    __slots__ = ("_descriptor", "_first_bytes", "atime_kept", "path", "stat")

    def __init__(self, path: bytes, descriptor: int, atime_kept: bool) -> None:
        """Take over ``descriptor``; close it and raise if it is not a regular file. Only ``Home.open`` calls this."""
        self.path: Final = path
        self.atime_kept: Final = atime_kept
        """Whether the system guarantees that reading does not change the access time."""
        self._descriptor = descriptor
        self._first_bytes: bytes | None = None
        try:
            self.stat: Final = self.restat()
            if not stat.S_ISREG(self.stat.mode):
                raise NotARegularFile(path)
        except SourceError:
            self.close()
            raise

    def read(self, offset: int, size: int) -> bytes:
        """Return ``size`` bytes at ``offset``, fewer only at the end of the file. Raises ``Unreadable``."""
        try:
            piece = pread(self._descriptor, size, offset)
            if len(piece) == size or not piece:
                return piece
            pieces = [piece]
            missing = size - len(piece)
            while missing and piece:
                piece = pread(self._descriptor, missing, offset + size - missing)
                pieces.append(piece)
                missing -= len(piece)
        except OSError as error:
            raise Unreadable(self.path, error.errno or errno.EIO) from error
        return b"".join(pieces)

    def chunks(self, start: int, end: int, size: int = 1 << 20) -> Iterator[bytes]:
        """Yield the bytes of [``start``, ``end``) in pieces of ``size``, the last one shorter. Raises ``Unreadable``.

        If the file ends earlier, they end without an exception: the caller must count the bytes.
        """
        while start < end:
            piece = self.read(start, min(size, end - start))
            if not piece:
                return
            if start == 0:
                self._first_bytes = piece[:2]
            yield piece
            start += len(piece)

    def first_bytes(self) -> bytes:
        """Return the first two bytes, where a byte order mark would be: those that ``chunks`` read, where it did."""
        if self._first_bytes is None:
            self._first_bytes = self.read(0, 2)
        return self._first_bytes

    def restat(self) -> Stat:
        """Return the present status of the open file. Raises ``Unreadable``."""
        try:
            return stat_of(os.fstat(self._descriptor))
        except OSError as error:
            raise Unreadable(self.path, error.errno or errno.EIO) from error

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class Home:
    """One home, whose root directory is open until ``close``. It cannot be pickled: open it in each process.

    The root itself may be a link (``~/.claude`` often is one). Below it links are followed only if ``follows`` returns
    True for their path.
    """

    def __init__(self, root: Path, follows: Follows | None = None) -> None:
        """Open the home. Raises ``ConfigurationError`` if it is not a directory, ``Unreadable`` if it cannot be
        read.
        """
        self.root: Final = root
        self._follows = follows
        self._followed: set[tuple[int, int]] = set()
        try:
            self._root = open_directory(root)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ConfigurationError(f"no directory, so no home: {printable_path(os.fsencode(root))}") from error
        except OSError as error:
            raise Unreadable(b"", error.errno or errno.EIO) from error
        self._deep = DeepDirectories(self._root) if isinstance(self._root, DescriptorDirectory) else None

    def open(self, path: bytes) -> PinnedFile:
        """Open the regular file ``path``; the caller closes it.

        Raises ``Vanished``, ``NotARegularFile``, ``LinkInTheWay``, or ``Unreadable`` (with ``EINVAL`` for a path that
        leads out of the home or cannot come from a walk).
        """
        *parents, name = _parts(path)
        directory = self._descend(path, parents)
        try:
            return _open_in(directory, path, name, self._follows)
        finally:
            self._leave(directory)

    def hold(self, path: bytes) -> "HeldDirectory":
        """Open the directory ``path`` (empty: the home itself), to open several of its files. Raises as ``open``
        does.
        """
        return HeldDirectory(self, path, self._descend(path, _parts(path) if path else []))

    def walk(self) -> Iterator[Found]:
        """Yield everything below the home, directories too, sorted by the bytes of their paths.

        Files deleted meanwhile are not yielded; directories that cannot be listed have an ``error``. Entries that are
        found but not yet yielded are in memory. Only one thread may walk at a time. Raises ``SourceError`` if the home
        itself cannot be listed.
        """
        self._followed.clear()
        below, error = self._list(b"")
        if error is not None:
            raise error
        pending = [(found.path, found) for found in below]
        heapify(pending)
        while pending:
            path, found = heappop(pending)
            if found.kind == "directory" and found.error is None:
                below, error = self._list(path)
                for each in below:
                    heappush(pending, (each.path, each))
                if error is not None:
                    found = replace(found, error=errno_name(error))
            yield found

    def names(self) -> Iterator[bytes]:
        """Yield the path of everything below the home, unsorted, from the directories' entries only: no file's status
        is read.

        Directories that cannot be listed are skipped. Raises ``SourceError`` if the home itself cannot be listed.
        """
        pending = [b""]
        while pending:
            path = pending.pop()
            prefix = path + b"/" if path else b""
            try:
                with self.hold(path) as directory:
                    for name, is_directory in directory.names():
                        yield prefix + name
                        if is_directory:
                            pending.append(prefix + name)
            except SourceError:
                if not path:
                    raise

    def close(self) -> None:
        """Close the home."""
        if self._deep is not None:
            self._deep.close()
        self._root.close()

    def _descend(self, path: bytes, parents: list[bytes]) -> Directory:
        """Open the directory at ``parents``; ``_leave`` it afterwards.

        No directory is kept open for the next file: a directory replaced meanwhile would not be noticed. A caller that
        opens many files of one directory uses ``hold``, and checks ``is_in_place`` afterwards. Only far below the home
        some are kept (``DeepDirectories``), and each is resolved again before it is used.
        """
        if len(parents) > DEEP and self._follows is None and (deep := self._deep) is not None:
            return deep.descend(path, parents)
        current = self._root
        for number, name in enumerate(parents, 1):
            above = current
            try:
                current = self._directory_in(above, parents[:number], name)
            except OSError as error:
                raise source_error(path, above, name, error) from error
            finally:
                self._leave(above)
        return current

    def _directory_in(self, above: Directory, parts: list[bytes], name: bytes) -> Directory:
        if self._follows is not None and is_link(above.stat(name)) and self._follows(b"/".join(parts)):
            return above.followed_directory(name)
        return above.directory(name)

    def _look_behind(self, directory: Directory, link: Found, name: bytes) -> Found:
        """Return a followed link with the kind and status of its target; unchanged if the target is unreadable, is a
        directory above the link, or was followed before.
        """
        try:
            result = directory.target_stat(name)
        except OSError:
            return link
        kind, identity = kind_of(result), (result.st_dev, result.st_ino)
        if kind == "directory":
            if identity in self._followed or identity in self._identities_above(link.path):
                return link
            self._followed.add(identity)
        return replace(link, kind=kind, stat=stat_of(result)) if kind in ("file", "directory") else link

    def _identities_above(self, path: bytes) -> set[tuple[int, int]]:
        parts = path.split(b"/")
        found = set()
        for depth in range(len(parts)):
            with self.hold(b"/".join(parts[:depth])) as directory:
                found.add(directory.identity())
        return found

    def _leave(self, directory: Directory) -> None:
        if directory is not self._root:
            directory.close()

    def _list(self, path: bytes) -> tuple[list[Found], SourceError | None]:
        """Return the entries of a directory, and the error if it could not be listed completely."""
        below: dict[bytes, Found] = {}  # a directory that changes meanwhile can list a name twice
        try:
            directory = self._descend(path, _parts(path) if path else [])
        except SourceError as error:
            return [], error
        prefix = path + b"/" if path else b""
        try:
            for entry in directory.scan():
                found = look_at(directory, prefix, entry)
                if found is not None:
                    if found.kind == "link" and self._follows is not None and self._follows(found.path):
                        found = self._look_behind(directory, found, os.fsencode(entry.name))
                    below[found.path] = found
        except OSError as error:
            return list(below.values()), source_error(path, directory, b".", error)
        finally:
            self._leave(directory)
        return list(below.values()), None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class HeldDirectory:
    """A directory of a home that stays open while its files are opened: its path is resolved once, not for each file.

    If the directory or a parent is replaced meanwhile, ``open`` still opens files of the old directory. So the caller
    must check ``is_in_place`` afterwards, and discard everything it read if that is False.
    """

    def __init__(self, home: Home, path: bytes, directory: Directory) -> None:
        """Take over ``directory``. Only ``Home.hold`` calls this."""
        self._home, self._path, self._directory = home, path, directory

    def open(self, path: bytes) -> PinnedFile:
        """Open the regular file ``path`` of this directory; the caller closes it. Raises what ``Home.open`` raises."""
        parent, _, name = path.rpartition(b"/")
        if parent != self._path or name in (b"", b".", b"..") or b"\0" in name:
            raise Unreadable(path, errno.EINVAL)
        return _open_in(self._directory, path, name, self._home._follows)

    def identity(self) -> tuple[int, int]:
        """Return the directory's identity (device, inode), which is unique while it is open."""
        return self._directory.identity()

    def names(self) -> Iterator[tuple[bytes, bool]]:
        """Yield each name in the directory, and whether it is a directory. Raises ``SourceError``."""
        try:
            for entry in self._directory.scan():
                yield os.fsencode(entry.name), kind_without_stat(entry) == "directory"
        except OSError as error:
            raise source_error(self._path, self._directory, b".", error) from error

    def is_in_place(self) -> bool:
        """Return whether the path, resolved again, still leads to this directory."""
        try:
            with self._home.hold(self._path) as now:
                return now._directory.identity() == self._directory.identity()
        except (SourceError, OSError):
            return False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._home._leave(self._directory)


def walk(home: Path, follows: Follows | None = None) -> Iterator[Found]:
    """Yield everything below ``home``, as ``Home.walk`` does. Raises what ``Home`` raises, at the first step."""
    with Home(home, follows) as opened:
        yield from opened.walk()


def _parts(path: bytes) -> list[bytes]:
    parts = path.split(b"/")
    if b"\0" in path or not _NO_NAMES.isdisjoint(parts):
        raise Unreadable(path, errno.EINVAL)
    return parts


def _open_in(directory: Directory, path: bytes, name: bytes, follows: Follows | None) -> PinnedFile:
    try:
        # Only regular files are opened: opening a FIFO, for example, wakes the process at its other end.
        result = directory.stat(name)
        is_followed = is_link(result) and follows is not None and follows(path)
        if is_followed:
            result = directory.target_stat(name)
        elif is_link(result):
            raise LinkInTheWay(path)
        if not stat.S_ISREG(result.st_mode):
            raise NotARegularFile(path)
        opened = directory.followed_file(name) if is_followed else directory.file(name)
    except OSError as error:
        raise source_error(path, directory, name, error) from error
    return PinnedFile(path, *opened)
