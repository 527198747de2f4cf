"""Clears the way for the directories of an archive: a file, pipe or device in the place of one is moved away, because
every writer would fail on it.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from models.errors import DataDirectoryError
from models.run import RUN_ID
from pipelines.disk.atomic import make_directories, sync_directories
from pipelines.disk.layout import Layout, make_private
from pipelines.disk.platform import replace as move

_TABLE: Final = re.compile(r"[a-z][a-z0-9_]*")
_HOME: Final = re.compile(r"home=.+")
_RUN: Final = re.compile(r"run=.+")
_ENDING: Final = ".file"
_RUN_ID: Final = re.compile(RUN_ID)


def set_aside(layout: Layout, path: Path, ending: str = "") -> Path:
    """Move a file or directory below the data directory into the quarantine; returns its place there, whose name has
    the `ending`. A link, pipe or device is deleted: it has no bytes to look into later. Raises OSError.
    """
    _make_quarantine(layout)
    target = layout.quarantine / path.relative_to(layout.root)
    target = target.with_name(f"{target.name}{ending}")
    changed = make_directories(target.parent)
    number = 1
    while target.exists():
        number += 1
        target = target.with_name(f"{path.name}{ending}.{number}")
    if path.is_symlink() or not (path.is_file() or path.is_dir()):
        path.unlink()
    else:
        move(path, target)
    sync_directories({*changed, target.parent, path.parent})
    return target


def _make_quarantine(layout: Layout) -> None:
    """Put a file in the place of the quarantine into it."""
    place = layout.quarantine
    if place.is_dir() or not os.path.lexists(place):
        return
    held = place.with_name(f".{place.name}.tmp")
    move(place, held)
    make_private(place)
    move(held, place / f"{place.name}{_ENDING}")
    sync_directories([place, layout.root])


def clear_directories(layout: Layout) -> list[str]:
    """Set aside each file, pipe or device in the place of a directory of the archive; returns their paths below the
    data directory. The caller must hold the writer lock. Raises OSError, and DataDirectoryError for a link to a
    directory that is not there: its disk may only have to be mounted.
    """
    found = []
    for path in _in_the_way(layout):
        if path.is_symlink():
            raise DataDirectoryError(
                f"{path} is a link to {os.readlink(path)}, and there is no directory: bring that back, or remove the "
                f"link and give `extract repair`"
            )
        if path == layout.quarantine:
            _make_quarantine(layout)
        else:
            set_aside(layout, path, _ENDING)  # its own name is that of a directory in the quarantine, too
        found.append(layout.relative(path))
    return found


def _in_the_way(layout: Layout) -> Iterator[Path]:
    """Yield the entries in the place of directories, that of the quarantine first, which takes the others."""
    top = sorted(layout.top_directories, key=lambda name: name != layout.quarantine.name)
    for name in top:
        if os.path.lexists(layout.root / name) and not (layout.root / name).is_dir():
            yield layout.root / name
    for base in (layout.root, layout.copies):
        yield from _below(base / layout.runs.name, [_RUN_ID])
        yield from _below(base / layout.tables.name, [_TABLE, _HOME, _RUN])
    yield from _below(layout.store, [_HOME, _RUN])
    for path in (layout.imported, *(layout.copies / one.name for one in (layout.runs, layout.tables))):
        if os.path.lexists(path) and path.parent.is_dir() and not path.is_dir():
            yield path


def _below(directory: Path, names: list[re.Pattern[str]]) -> Iterator[Path]:
    """Yield the entries that are named as directories of the archive at this level and those below, and are none."""
    if not directory.is_dir():
        return
    with os.scandir(directory) as scanned:
        entries = [entry for entry in scanned if names[0].fullmatch(entry.name)]
    for entry in entries:
        if not entry.is_dir():
            yield Path(entry.path)
        elif len(names) > 1:
            yield from _below(Path(entry.path), names[1:])
