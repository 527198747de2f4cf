"""Where a restore may write: nowhere near a home, unless it is told to add to it, and never over anything."""

import errno
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from extractors.reading.rules import KNOWN_TOP
from models.errors import ConfigurationError, DataDirectoryError, DiskFullError
from pipelines.disk.layout import Layout
from pipelines.run.request import HOMES_VARIABLE

MARK: Final = "INCOMPLETE-RESTORE-"
"""How the directory begins in which a restore works until it is done. It stays when the restore is killed."""

_OF_NOTHING_ELSE: Final = frozenset(
    [".credentials.json", "file-history", "history.jsonl", "shell-snapshots", "stats-cache.json"]
)
"""Names that a directory of something else will hardly have; `projects` or `debug` stand in many."""
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_READ_ONLY: Final = (errno.EROFS, errno.EIO)
_SPARE: Final = 4096
"""Bytes that a file takes up besides its content, roughly."""


def known_roots(roots: Iterable[str], environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Return every directory that is a home, as far as is known: `roots`, CLAUDE_CONFIG_DIR and `~/.claude`."""
    given = environment.get(HOMES_VARIABLE, "").strip()
    parts = [given, *(part.strip() for some in given.split(",") for part in some.split(os.pathsep))]
    places = [Path(root) for root in roots] + [Path(part).expanduser() for part in parts if part]
    return [_real(place) for place in [*places, Path("~/.claude").expanduser()]]


def check_place(target: Path, layout: Layout, homes: Iterable[Path], *, into_home: bool) -> Path:
    """Return `target` with its links resolved. Raises ConfigurationError when nothing may be written there.

    It must not exist or be empty, must neither be nor lie in a home nor hold the archive or lie in it. With
    `into_home` it may be a home, and need not be empty.
    """
    real = _real(target)
    data = _real(layout.root)
    if data == real or data in real.parents or real in data.parents:
        raise ConfigurationError(f"{target} and the data directory {layout.root} must not lie in one another")
    if real.exists() and not real.is_dir():
        raise ConfigurationError(f"{target} is not a directory; a restore makes one or fills an empty one")
    names = _names(real)
    is_named_home = real.name == ".claude" or real in homes
    for above in real.parents:
        if above.name == ".claude" or above in homes or _is_of_a_home(_names(above)):
            raise ConfigurationError(f"{target} lies in the home {above}, where nothing is restored to")
    if into_home and names and not is_named_home and not names & KNOWN_TOP:
        raise ConfigurationError(f"{target} is no home of Claude Code, so --into-home adds nothing to it")
    if not into_home and is_named_home:
        raise ConfigurationError(
            f"{target} is a home of Claude Code. Restore to another directory, or use --into-home to add what is "
            f"missing there; nothing in it is then overwritten"
        )
    if not into_home and names:
        left = [name for name in names if name.startswith(MARK)]
        why = f"it holds {left[0]}, the rest of a restore that was stopped" if left else f"it holds {min(names)}"
        raise ConfigurationError(f"{target} is not empty ({why}); a restore goes to an empty or a new directory")
    return real


def check_room(target: Path, size: int, count: int) -> None:
    """Raise DiskFullError when `count` files of `size` bytes have no room where `target` is to be."""
    there = next(place for place in (target, *target.parents) if place.exists())
    free = shutil.disk_usage(there).free
    needed = size + count * _SPARE
    if free < needed:
        raise DiskFullError(f"{needed:,} bytes are needed at {target}, {free:,} are free; nothing was written")


@contextmanager
def target_errors(target: Path) -> Iterator[None]:
    """Turn the system's refusals to write below `target` into DiskFullError or DataDirectoryError."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise DiskFullError(f"the disk that holds {target} is full; the restore was given up") from error
        raise DataDirectoryError(f"{target} cannot be written: {error.strerror or error}") from error


def is_full(error: OSError) -> bool:
    """Whether the whole restore must end: there is no room, or the disk takes nothing."""
    return error.errno in _NO_ROOM or error.errno in _READ_ONLY


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _names(directory: Path) -> frozenset[str]:
    try:
        return frozenset(os.listdir(directory))
    except OSError:
        return frozenset()


def _is_of_a_home(names: frozenset[str]) -> bool:
    return bool(names & _OF_NOTHING_ELSE) and len(names & KNOWN_TOP) > 1
