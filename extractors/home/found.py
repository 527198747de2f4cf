"""The entries found in a home: their types, their status, and the exceptions for the system's errors."""

import errno
import os
import stat
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from extractors.home.platform import Directory, is_link
from models.errors import LinkInTheWay, NotARegularFile, SourceError, Unreadable, Vanished

EntryType = Literal["file", "directory", "link", "special"]


class Stat(NamedTuple):
    """The status of a file or directory at one moment. Times are nanoseconds since 1970 (UTC), ``size`` is in bytes.

    On Windows ``ctime_ns`` is the creation time. ``inode`` is a hint, not an identity: the system reuses the number of
    a deleted file at once. Values of more than 63 bits are cut: times after the year 2262, inodes of some network file
    systems.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    mode: int


_LARGEST: Final = (1 << 63) - 1
UNKNOWN: Final = Stat(0, 0, 0, 0, 0)
"""The status where the system refuses to give one; no existing file has mode 0."""


@dataclass(frozen=True, slots=True)
class Found:
    """One file, directory, link or special file below a home, as the walk found it.

    ``special`` is a FIFO, socket or device. ``link_target`` is the target of a link. ``error`` is the name of an errno:
    for a directory, why it was not listed completely (``ENOENT``: deleted meanwhile, ``ELOOP``: replaced by a link);
    for anything else, why ``stat`` is ``UNKNOWN`` (``kind`` then comes from the directory's entry, ``file`` if
    unknown). A link that was followed (see ``Home``) has kind and stat of its target, and ``link_target`` too.
    """

    path: bytes
    kind: EntryType
    stat: Stat
    link_target: bytes | None
    error: str | None


def look_at(directory: Directory, prefix: bytes, entry: os.DirEntry[str]) -> Found | None:
    """Return an entry of a directory with its status; None if it was deleted meanwhile."""
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
    """Return the entry type of a status."""
    if is_link(result):
        return "link"
    if stat.S_ISREG(result.st_mode):
        return "file"
    return "directory" if stat.S_ISDIR(result.st_mode) else "special"


def kind_without_stat(entry: os.DirEntry[str]) -> EntryType:
    """Return the entry type in a directory's entry; `file` if it has none."""
    try:
        if entry.is_symlink():
            return "link"
        if entry.is_dir(follow_symlinks=False):
            return "directory"
        return "file" if entry.is_file(follow_symlinks=False) else "special"
    except OSError:
        return "file"


def stat_of(result: os.stat_result) -> Stat:
    """Return the kept fields of a status, each cut to 63 bits."""
    times = min(result.st_mtime_ns, _LARGEST), min(result.st_ctime_ns, _LARGEST)
    return Stat(result.st_size, *times, result.st_ino & _LARGEST, result.st_mode)


def source_error(path: bytes, directory: Directory, name: bytes, error: OSError) -> SourceError:
    """Return the exception for an ``OSError`` at ``name`` in ``directory``, while resolving ``path``."""
    match error.errno:
        case errno.ENOENT | errno.ESTALE:
            return Vanished(path)
        case errno.ELOOP | errno.EMLINK:  # EMLINK is FreeBSD's
            return LinkInTheWay(path)
        case errno.ENXIO | errno.ENODEV | errno.EISDIR:
            return NotARegularFile(path)
        case errno.ENOTDIR:  # Linux returns it for a link too
            try:
                return LinkInTheWay(path) if is_link(directory.stat(name)) else Vanished(path)
            except OSError:
                return Vanished(path)
        case number:
            return Unreadable(path, number or errno.EIO)


def errno_name(error: SourceError) -> str:
    """Return the name of the errno for `Found.error`."""
    match error:
        case Unreadable():
            return _name_of(error.errno)
        case LinkInTheWay():
            return "ELOOP"
        case _:
            return "ENOENT"


def _name_of(number: int) -> str:
    return errno.errorcode.get(number, str(number))
