"""The only code that opens anything in a home: it lists, reads and looks, and can do nothing else.

No link is followed, not even in the middle of a path; nothing but regular files is opened; bytes are read with
``pread`` and never mapped into memory, because a mapped file that its owner truncates kills the process. Access times
are left alone where the system lets a reader do so (see ``extractors.home.platform``).

Paths are raw bytes relative to the home with ``/`` between their parts, as the file system has them: they need not be
UTF-8. Windows has its names in UTF-16; they are taken as UTF-8 (``os.fsencode``).
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
from extractors.home.platform import Directory, is_link, open_directory, pread
from models.errors import (
    ConfigurationError,
    LinkInTheWay,
    NotARegularFile,
    SourceError,
    Unreadable,
)
from models.text import printable_path

Follows = Callable[[bytes], bool]
"""Says of the path of a link whether it is followed."""


class PinnedFile:
    """A regular file held open for reading. Its name may be given to another file meanwhile: this one stays."""

    __slots__ = ("_descriptor", "atime_kept", "path", "stat")

    def __init__(self, path: bytes, descriptor: int, atime_kept: bool) -> None:
        """Take over ``descriptor``, and close it if it is no regular file. ``Home.open`` calls this."""
        self.path: Final = path
        self.atime_kept: Final = atime_kept
        """Whether the system promised that reading leaves the access time alone."""
        self._descriptor = descriptor
        try:
            self.stat: Final = self.restat()
            if not stat.S_ISREG(self.stat.mode):
                raise NotARegularFile(path)
        except SourceError:
            self.close()
            raise

    def read(self, offset: int, size: int) -> bytes:
        """Return ``size`` bytes at ``offset``, fewer only where the file ends. Raises ``Unreadable``."""
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

        They end early, without a word, where the file ends: the caller counts what came.
        """
        while start < end:
            piece = self.read(start, min(size, end - start))
            if not piece:
                return
            yield piece
            start += len(piece)

    def restat(self) -> Stat:
        """Return what the system says about the open file now. Raises ``Unreadable``."""
        try:
            return stat_of(os.fstat(self._descriptor))
        except OSError as error:
            raise Unreadable(self.path, error.errno or errno.EIO) from error

    def close(self) -> None:
        """Let go of the file; again is no error."""
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
    """One home, its root directory held open until it is closed. Cannot be sent to another process: open it there.

    The root itself may be given as a link (``~/.claude`` often is one); below it links are never followed, but those of
    whose paths ``follows`` says so.
    """

    def __init__(self, root: Path, follows: Follows | None = None) -> None:
        """Open the home. Raises ``ConfigurationError`` if it is no directory, ``Unreadable`` if it must not be read."""
        self.root: Final = root
        self._follows = follows
        self._followed: set[tuple[int, int]] = set()
        try:
            self._root = open_directory(root)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ConfigurationError(f"no directory, so no home: {printable_path(os.fsencode(root))}") from error
        except OSError as error:
            raise Unreadable(b"", error.errno or errno.EIO) from error

    def open(self, path: bytes) -> PinnedFile:
        """Open the regular file ``path``; the caller closes it.

        Raises ``Vanished``, ``NotARegularFile``, ``LinkInTheWay``, or ``Unreadable`` (with ``EINVAL`` for a path that
        leads out of the home or that no walk can have given).
        """
        *parents, name = _parts(path)
        directory = self._descend(path, parents)
        try:
            return _open_in(directory, path, name, self._follows)
        finally:
            self._leave(directory)

    def hold(self, path: bytes) -> "HeldDirectory":
        """Open the directory ``path``, that of the home where it is empty, to open its files one after the other.

        Raises what ``open`` raises.
        """
        return HeldDirectory(self, path, self._descend(path, _parts(path) if path else []))

    def walk(self) -> Iterator[Found]:
        """Yield everything below the home, directories too, in the order of the bytes of their paths.

        What vanishes meanwhile is not yielded, what cannot be listed has its ``error``. Memory is taken for what is
        known and not yet yielded; one thread at a time. Raises ``SourceError`` if the home itself cannot be listed.
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
        """Yield the path of everything below the home, in no order, as the directories name it: nothing is looked at.

        What cannot be listed is passed over. Raises ``SourceError`` if the home itself cannot be listed.
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
        """Let go of the home."""
        self._root.close()

    def _descend(self, path: bytes, parents: list[bytes]) -> Directory:
        """Open the directory at ``parents``; ``_leave`` it afterwards.

        None is kept open for the next file: what was swapped or made anew meanwhile would not be noticed. Who opens
        many files of one directory holds it (``hold``), and looks afterwards whether it is still in its place.
        """
        current = self._root
        for number, name in enumerate(parents, 1):
            above = current
            try:
                current = self._directory_in(above, b"/".join(parents[:number]), name)
            except OSError as error:
                raise source_error(path, above, name, error) from error
            finally:
                self._leave(above)
        return current

    def _directory_in(self, above: Directory, path: bytes, name: bytes) -> Directory:
        if self._follows is not None and is_link(above.stat(name)) and self._follows(path):
            return above.followed_directory(name)
        return above.directory(name)

    def _look_behind(self, directory: Directory, link: Found, name: bytes) -> Found:
        """Return a link that is followed as what it leads to; as a link where that is nothing that can be read, a
        directory above it, or one that was followed before.
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
        """Return what lies in a directory, and what kept it from being listed to its end."""
        below: dict[bytes, Found] = {}  # a directory that changes meanwhile may name a thing twice
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
    """A directory of a home, held open while its files are opened: the way to it is gone once, not for each of them.

    What is swapped above or in the place of it meanwhile is not noticed when a file is opened: it is the file of the
    directory that is held. So ``is_in_place`` is asked afterwards, and where it is not, nothing counts that was read.
    """

    def __init__(self, home: Home, path: bytes, directory: Directory) -> None:
        """Take over ``directory``. ``Home.hold`` calls this."""
        self._home, self._path, self._directory = home, path, directory

    def open(self, path: bytes) -> PinnedFile:
        """Open the regular file ``path`` of this directory; the caller closes it. Raises what ``Home.open`` raises."""
        parent, _, name = path.rpartition(b"/")
        if parent != self._path or name in (b"", b".", b"..") or b"\0" in name:
            raise Unreadable(path, errno.EINVAL)
        return _open_in(self._directory, path, name, self._home._follows)

    def identity(self) -> tuple[int, int]:
        """Return what tells the directory from every other while it is held open."""
        return self._directory.identity()

    def names(self) -> Iterator[tuple[bytes, bool]]:
        """Yield each name in the directory and whether it is one of a directory. Raises ``SourceError``."""
        try:
            for entry in self._directory.scan():
                yield os.fsencode(entry.name), kind_without_stat(entry) == "directory"
        except OSError as error:
            raise source_error(self._path, self._directory, b".", error) from error

    def is_in_place(self) -> bool:
        """Tell whether the way through the home, gone anew, leads to the directory that is held."""
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
    if b"\0" in path or any(part in (b"", b".", b"..") for part in parts):
        raise Unreadable(path, errno.EINVAL)
    return parts


def _open_in(directory: Directory, path: bytes, name: bytes, follows: Follows | None) -> PinnedFile:
    try:
        # Opening has effects on other things than files: it wakes up who waits at the other end of a FIFO.
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
