"""What is found in a home: kinds of files, what the system says about them, and what its errors mean."""

import errno
import os
import stat
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from extractors.home.platform import Directory, is_link
from models.errors import LinkInTheWay, NotARegularFile, SourceError, Unreadable, Vanished

EntryType = Literal["file", "directory", "link", "special"]


class Stat(NamedTuple):
    """What the system says about a thing at one moment. Times are nanoseconds since 1970, ``size`` is in bytes.

    On Windows ``ctime_ns`` is when it was created. ``inode`` is a hint and no identity: the number of a deleted file is
    given to the next one at once. What 63 bits do not hold is cut to them: times after the year 2262, inodes of some
    network file systems.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    mode: int


_LARGEST: Final = (1 << 63) - 1
UNKNOWN: Final = Stat(0, 0, 0, 0, 0)
"""Stands where the system refuses to say anything; the mode of a thing that exists is never 0."""


@dataclass(frozen=True, slots=True)
class Found:
    """One thing below a home, as the walk saw it.

    ``special`` is a FIFO, socket or device. ``link_target`` is what a link holds, and was never followed. ``error`` is
    the name of an errno. For a directory it says why nothing, or not all, below it was found (``ENOENT``: it was gone
    when it was to be listed, ``ELOOP``: a link stood there); for anything else, why ``stat`` is ``UNKNOWN`` (``kind``
    is then what the directory says, or ``file`` if it says nothing). Of a link that was followed (see ``Home``) kind
    and stat are those of what it leads to, and ``link_target`` is there too.
    """

    path: bytes
    kind: EntryType
    stat: Stat
    link_target: bytes | None
    error: str | None


def look_at(directory: Directory, prefix: bytes, entry: os.DirEntry[str]) -> Found | None:
    """Return what an entry of a directory is; None if it is no longer there."""
    name = os.fsencode(entry.name)
    try:
        result = directory.stat_entry(entry)
        kind = kind_of(result)
        target = directory.link_target(name) if kind == "link" else None
    except FileNotFoundError:
        return None
    except OSError as error:
        return Found(prefix + name, kind_without_stat(entry), UNKNOWN, None, _name_of(error.errno or errno.EIO))
    return Found(prefix + name, kind, stat_of(result), target, None)


def kind_of(result: os.stat_result) -> EntryType:
    """Return what kind of file a status is of."""
    if is_link(result):
        return "link"
    if stat.S_ISREG(result.st_mode):
        return "file"
    return "directory" if stat.S_ISDIR(result.st_mode) else "special"


def kind_without_stat(entry: os.DirEntry[str]) -> EntryType:
    """Return what kind of file a directory says that an entry is; `file` where it says nothing."""
    try:
        if entry.is_symlink():
            return "link"
        if entry.is_dir(follow_symlinks=False):
            return "directory"
        return "file" if entry.is_file(follow_symlinks=False) else "special"
    except OSError:
        return "file"


def stat_of(result: os.stat_result) -> Stat:
    """Return what of a status is kept, cut to 63 bits."""
    times = min(result.st_mtime_ns, _LARGEST), min(result.st_ctime_ns, _LARGEST)
    return Stat(result.st_size, *times, result.st_ino & _LARGEST, result.st_mode)


def source_error(path: bytes, directory: Directory, name: bytes, error: OSError) -> SourceError:
    """Return what an ``OSError`` at ``name`` in ``directory``, on the way to ``path``, means."""
    match error.errno:
        case errno.ENOENT | errno.ESTALE:
            return Vanished(path)
        case errno.ELOOP | errno.EMLINK:  # EMLINK is FreeBSD's
            return LinkInTheWay(path)
        case errno.ENXIO | errno.ENODEV | errno.EISDIR:
            return NotARegularFile(path)
        case errno.ENOTDIR:  # Linux says so of a link too
            try:
                return LinkInTheWay(path) if is_link(directory.stat(name)) else Vanished(path)
            except OSError:
                return Vanished(path)
        case number:
            return Unreadable(path, number or errno.EIO)


def errno_name(error: SourceError) -> str:
    """Return the name of the errno that stands for an error in `Found.error`."""
    match error:
        case Unreadable():
            return _name_of(error.errno)
        case LinkInTheWay():
            return "ELOOP"
        case _:
            return "ENOENT"


def _name_of(number: int) -> str:
    return errno.errorcode.get(number, str(number))
