"""The places for copies, and the commands that change the archive's list of copies: add, remove."""

import errno
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final

from models.errors import ConfigurationError, LockedError, StoreError
from pipelines.archive.archive import Archive
from pipelines.archive.homes import read_homes
from pipelines.archive.known_copies import KnownCopy, drop_known_copy, keep_known_copy, read_known_copies
from pipelines.copies.destination import CopyContent, Destination, place_errors
from pipelines.copies.directory import DirectoryDestination
from pipelines.copies.state import CopyHead, read_state, refuse_other_archive
from pipelines.disk.atomic import disk_errors, make_directories, sync_directories
from pipelines.disk.layout import Layout
from pipelines.disk.platform import make_files_private, try_lock
from pipelines.run.request import HOMES_VARIABLE

_OBJECT_STORE: Final = "pipelines.copies.object_store"
_ENCRYPTION: Final = "pipelines.copies.encryption"
"""Imported by name, since their libraries are extras."""


def place_of(given: str, schemes: Collection[str] = ("s3",)) -> str:
    """Return the place that the user means: a URL of one of `schemes`, or an absolute path without changing links in
    it. Raises ConfigurationError for another URL.
    """
    if is_url(given):
        scheme, _, rest = given.partition("://")
        if scheme not in schemes or not rest.strip("/"):
            urls = " or ".join(f"{one}://BUCKET/PREFIX" for one in schemes)
            raise ConfigurationError(f"{given} is no place that this program can write: name a directory, or {urls}")
        return f"{scheme}://{rest.strip('/')}"
    return os.path.abspath(Path(given).expanduser())


def is_url(place: str) -> bool:
    """Whether a place is named by a URL."""
    return "://" in place


def open_place(place: str, key_file: str | None = None) -> Destination:
    """Return the destination for a place; with `key_file`, one that encrypts and decrypts with this key. Raises
    DataDirectoryError where the place cannot be reached, ConfigurationError if the library for it is not installed or
    the key cannot be read.
    """
    if key_file is None:
        return _open_plain(place)
    opener: Callable[[Destination, Path], Destination] = _of_extra(_ENCRYPTION).EncryptedDestination
    return opener(_open_plain(place), Path(key_file))


def open_copy(known: KnownCopy) -> Destination:
    """Return the destination of a copy that the archive knows. Raises as `open_place` does."""
    return open_place(known.place, known.key_file)


def _of_extra(module: str) -> ModuleType:
    """Import a module of this room whose library is an extra. Raises ConfigurationError without the library."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"this needs the library {error.name}, which is in the extra `copies` of this program: pip install "
            f"'claude-code-warehouse[copies]'"
        ) from error


def _open_plain(place: str) -> Destination:
    if is_url(place):
        opener: Callable[[str], Destination] = _of_extra(_OBJECT_STORE).ObjectDestination
        return opener(place)
    with place_errors(place):
        if not Path(place).is_dir():
            raise FileNotFoundError(errno.ENOENT, "there is no such directory now", place)
    return DirectoryDestination(Path(place))


def add_copy(layout: Layout, given: str, key_file: Path | None = None) -> KnownCopy:
    """Add a place to the archive's list, and write the archive's id there; no file is copied yet. With `key_file` the
    copy is encrypted with the key in this file, which is made if there is none.

    The place must be new, empty, or a copy of this very archive. Raises ConfigurationError for any other place,
    DataDirectoryError, LockedError.
    """
    make_files_private()
    archive = Archive.open(layout)
    place = place_of(given)
    if not is_url(place):
        check_place(layout, Path(place))
    with syncing(layout):
        known = {one.place: one for one in read_known_copies(layout)}
        with place_errors(place):
            if not is_url(place):
                sync_directories(make_directories(Path(place)))
            key = _key_of(layout, place, key_file)
            destination = open_place(place, key)
            state = read_state(destination, layout)
            refuse_other_archive(state, archive, place)
            if state.head is None:
                if foreign := sorted(state.entries):
                    raise ConfigurationError(
                        f"{place} is not empty (it has {foreign[0]}) and is no copy of this archive: name a new or an "
                        f"empty directory"
                    )
                destination.put(layout.copy_head.name, CopyContent.of(CopyHead(archive.archive_id).to_bytes()))
                destination.settle()
        if place not in known:
            known[place] = KnownCopy(place, now(), key_file=key)
            with disk_errors():
                keep_known_copy(layout, known[place])
        return known[place]


def _key_of(layout: Layout, place: str, key_file: Path | None) -> str | None:
    """Return the absolute path of a key file, which is made if it is missing. Raises ConfigurationError if it would be
    lost with the archive, or lie beside the files that it protects.
    """
    if key_file is None:
        return None
    path = Path(os.path.abspath(key_file.expanduser()))
    for other in (layout.root, *(() if is_url(place) else (Path(place),))):
        if _real(other) in _real(path).parents:
            raise ConfigurationError(f"{path} is in {other}: keep the key file elsewhere")
    if not path.exists():
        with place_errors(str(path)):
            _of_extra(_ENCRYPTION).make_key_file(path)
    return str(path)


def remove_copy(layout: Layout, given: str) -> KnownCopy:
    """Make the archive forget a copy; the files at its place stay. Raises ConfigurationError for an unknown one."""
    (known,) = chosen_copies(layout, given)
    with syncing(layout), disk_errors():
        drop_known_copy(layout, known.place)
    return known


def chosen_copies(layout: Layout, given: str | None) -> Sequence[KnownCopy]:
    """Return the copy that the user named, all known ones for None. Raises ConfigurationError where there is none."""
    Archive.open(layout)
    known = read_known_copies(layout)
    if given is None:
        return known
    found = [one for one in known if one.place in (place_of(given), given)]
    if not found:
        names = ", ".join(one.place for one in known) or "none"
        raise ConfigurationError(f"the archive knows no copy {given}; it knows {names}. `extract copy add` adds one")
    return found


@contextmanager
def syncing(layout: Layout) -> Iterator[None]:
    """Hold the lock for changes of copies and of the archive's records of them. Runs do not wait for it. Raises
    LockedError where another process has it.
    """
    with disk_errors():
        sync_directories(make_directories(layout.destinations))
        descriptor = os.open(layout.syncing_file, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        if not try_lock(descriptor):
            raise LockedError(f"another `extract copy` is at work for {layout.root}: wait for it")
        yield
    finally:
        os.close(descriptor)


def now() -> str:
    """Return the time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def check_place(layout: Layout, place: Path) -> None:
    """Raise ConfigurationError where a copy may not lie: in a home or the data directory, or around one of them."""
    real, data = _real(place), _real(layout.root)
    if real == data or real in data.parents or data in real.parents:
        raise ConfigurationError(
            f"{place} and the data directory {layout.root} must not contain one another: name a directory on another "
            f"disk"
        )
    for home in _homes(layout):
        if real == home or home in real.parents or real in home.parents:
            raise ConfigurationError(
                f"{place} and the home {home} must not contain one another: name another directory"
            )
    if real.exists() and not real.is_dir():
        raise ConfigurationError(f"{place} is not a directory: name a new or an empty one")


def _homes(layout: Layout) -> list[Path]:
    try:
        known = [home.root for home in read_homes(layout).values()]
    except StoreError:
        known = []
    given = os.environ.get(HOMES_VARIABLE, "").strip()
    named = [given, *(part.strip() for some in given.split(",") for part in some.split(os.pathsep))]
    return [_real(Path(one).expanduser()) for one in (*known, *named, "~/.claude") if one]


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
