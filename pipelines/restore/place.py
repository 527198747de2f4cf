"""Decides where a restore may write: into a new or empty directory outside every home, or with `--into-home` into a
home, where it overwrites nothing."""

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
"""Prefix of the directory in which a restore works. Removed at the end; it remains when the restore is killed."""

_OF_NOTHING_ELSE: Final = frozenset(
    [".credentials.json", "file-history", "history.jsonl", "shell-snapshots", "stats-cache.json"]
)
"""Names that only a home has: `projects` or `debug`, for example, are frequent in other directories too."""
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_READ_ONLY: Final = (errno.EROFS, errno.EIO)
_SPARE: Final = 4096
"""Estimated bytes on the disk for a file beside its content."""


def known_roots(roots: Iterable[str], environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Return every known home: `roots` (those of the archive), CLAUDE_CONFIG_DIR and `~/.claude`, links resolved."""
    given = environment.get(HOMES_VARIABLE, "").strip()
    parts = [given, *(part.strip() for some in given.split(",") for part in some.split(os.pathsep))]
    places = [Path(root) for root in roots] + [Path(part).expanduser() for part in parts if part]
    return [_real(place) for place in [*places, Path("~/.claude").expanduser()]]


def check_place(target: Path, layout: Layout, homes: Iterable[Path], *, into_home: bool) -> Path:
    """Return `target` with its links resolved. Raises ConfigurationError when a restore may not write there.

    The target must be new or empty, must not be or be in a home, and must not contain or be in the data directory.
    With `into_home` it may be a home, and need not be empty.
    """
    real = _real(target)
    data = _real(layout.root)
    if data == real or data in real.parents or real in data.parents:
        raise ConfigurationError(
            f"{target} and the data directory {layout.root} must not contain one another: restore to another directory"
        )
    if real.exists() and not real.is_dir():
        raise ConfigurationError(f"{target} is not a directory: name a new or an empty one")
    names = _names(real)
    is_named_home = real.name == ".claude" or real in homes
    for above in real.parents:
        if above.name == ".claude" or above in homes or _is_of_a_home(_names(above)):
            raise ConfigurationError(f"{target} is inside the home {above}: restore to a directory outside of it")
    if into_home and names and not is_named_home and not names & KNOWN_TOP:
        raise ConfigurationError(
            f"{target} is not a home of Claude Code: restore to it without --into-home, or name a home"
        )
    if not into_home and is_named_home:
        raise ConfigurationError(
            f"{target} is a home of Claude Code. Restore to another directory, or use --into-home to add the files "
            f"that are missing there; it overwrites nothing"
        )
    if not into_home and names:
        left = [name for name in names if name.startswith(MARK)]
        why = f"it has {left[0]}, left by a restore that was stopped" if left else f"it has {min(names)}"
        raise ConfigurationError(f"{target} is not empty ({why}): name a new or an empty directory")
    return real


def check_room(target: Path, size: int, count: int) -> None:
    """Raise DiskFullError when the disk of `target` has no room for `count` files of `size` bytes in all."""
    there = next(place for place in (target, *target.parents) if place.exists())
    free = shutil.disk_usage(there).free
    needed = size + count * _SPARE
    if free < needed:
        raise DiskFullError(f"the restore needs {needed:,} bytes at {target}, {free:,} are free; nothing was written")


@contextmanager
def target_errors(target: Path) -> Iterator[None]:
    """Raise DiskFullError or DataDirectoryError for an OSError of the block, which writes below `target`."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise DiskFullError(f"the disk of {target} is full; the restore was stopped") from error
        raise DataDirectoryError(f"the system refused to write to {target}: {error.strerror or error}") from error


def is_full(error: OSError) -> bool:
    """Return whether an error ends the whole restore: the disk is full, read-only or failing."""
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
