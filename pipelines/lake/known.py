"""The lakes that an archive knows, as lakes/ of the data directory lists them, and the commands that change them."""

import errno
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import orjson

from models.errors import ConfigurationError, FixityError, LockedError, StoreError
from models.json import JsonObject, JsonValue
from pipelines.archive.archive import Archive
from pipelines.archive.known_copies import key_of
from pipelines.archive.machines import Machine, make_machine
from pipelines.copies.destination import CopyContent, Destination, place_errors, read_there
from pipelines.copies.places import check_place, is_url, now, open_place, place_of
from pipelines.disk.atomic import disk_errors, make_directories, read_sealed, sync_directories, write_sealed
from pipelines.disk.layout import Layout
from pipelines.disk.platform import make_files_private, try_lock
from pipelines.lake.keys import LAKE_FILE, LEVELS, Lake

SCHEMES: Final = ("s3", "gs", "az")


@dataclass(frozen=True, slots=True)
class KnownLake:
    """A lake that this archive uses: its place, its id, whom it is for. Times are ISO 8601 in UTC.

    `pushed` has, for each run that was pushed, a digest of its commit record then, by run_id, `head` the number of the
    head that was written then. `mask_key` is the secret key of the masks in the pushed files (`pipelines.redact`), in
    hex: with it, a value has the same mask in every push. `is_automatic`: runs push by themselves.
    """

    place: str
    lake_id: str
    level: str
    added_at: str
    mask_key: str
    is_automatic: bool = False
    pushed_at: str | None = None
    pulled_at: str | None = None
    problem: str | None = None
    pushed: Mapping[str, str] = field(default_factory=dict)
    head: int = 0
    erasures: int = 0

    @classmethod
    def from_json(cls, value: JsonValue) -> "KnownLake":
        """Return the lake that `keep_lake` wrote. Raises TypeError for another value."""
        if not isinstance(value, dict):
            raise TypeError("a lake is an object")
        return cls(**value)  # type: ignore[arg-type]  # the dataclass refuses unknown and missing names

    def to_json(self) -> JsonObject:
        """Return the fields that a person may see as JSON values."""
        made: JsonObject = asdict(self)
        del made["mask_key"]
        return made


def lake_errors(place: str) -> AbstractContextManager[None]:
    """Raise DiskFullError or DataDirectoryError, naming the lake, for an OSError of the block."""
    return place_errors(place, "lake", "lake push")


def lake_place(given: str) -> str:
    """Return the place that the user means. Raises ConfigurationError for a URL of another kind."""
    return place_of(given, SCHEMES)


def init_lake(
    layout: Layout, given: str, *, level: str | None = None, name: str | None = None, is_automatic: bool = False
) -> tuple[KnownLake, Machine]:
    """Make a place a lake, or join the lake that it is; return it and this machine's identity. Pushes nothing yet.

    `level` is private, team or public; None means that of the lake, for a new one private. Raises ConfigurationError
    for a place that is neither empty nor a lake, and for another level than the lake has; DataDirectoryError.
    """
    make_files_private()
    place = lake_place(given)
    if level is not None and level not in LEVELS:
        raise ConfigurationError(f"a lake is {', '.join(LEVELS[:-1])} or {LEVELS[-1]}, not {level}")
    if not is_url(place):
        check_place(layout, Path(place))
    with disk_errors():
        Archive.open_or_make(layout)
    with using_lakes(layout), lake_errors(place):
        if not is_url(place):
            sync_directories(make_directories(Path(place)))
        destination = open_place(place)
        lake = _lake_there(destination)
        if lake is None:
            if foreign := sorted(destination.entries()):
                raise ConfigurationError(
                    f"{place} is not empty (it has {foreign[0]}) and is no lake: name another place"
                )
            lake = Lake(secrets.token_hex(8), level or LEVELS[0], now())
            destination.put(LAKE_FILE, CopyContent.of(lake.to_bytes()))
            destination.settle()
        elif level not in (None, lake.level):
            raise ConfigurationError(f"{place} is a lake for level {lake.level}, not {level}")
        with disk_errors():
            machine = make_machine(layout, name)
            before = {one.place: one for one in read_lakes(layout)}.get(place)
            if before is not None and before.lake_id == lake.lake_id:
                known = before
            else:
                known = KnownLake(place, lake.lake_id, lake.level, now(), secrets.token_hex(32), is_automatic)
            keep_lake(layout, known)
    return known, machine


def open_lake(known: KnownLake) -> Destination:
    """Return the destination of a lake. Raises DataDirectoryError where it cannot be reached, FixityError where another
    lake, or none, is there.
    """
    destination = open_place(known.place)
    with lake_errors(known.place):
        lake = _lake_there(destination)
    if lake is None:
        raise FixityError(f"there is no {LAKE_FILE} in {known.place}: its disk is not there now, or the lake is lost")
    if (lake.lake_id, lake.level) != (known.lake_id, known.level):
        raise FixityError(
            f"{known.place} has another lake than the one that was joined, or one for others: `extract lake remove` "
            f"it, then join it anew"
        )
    return destination


def _lake_there(destination: Destination) -> Lake | None:
    try:
        return Lake.from_bytes(read_there(destination, LAKE_FILE))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise FixityError(f"{LAKE_FILE} in {destination.place} was changed or damaged: {error}") from error


def read_lakes(layout: Layout) -> list[KnownLake]:
    """Return the lakes that an archive uses, sorted by place. Raises FixityError, StoreError."""
    found = []
    for path in sorted(layout.lakes.glob("*.json")):
        try:
            found.append(KnownLake.from_json(orjson.loads(read_sealed(path))))
        except FixityError as error:
            raise FixityError(f"{error}; delete it, then `extract lake init` the place again") from error
        except (ValueError, TypeError) as error:
            raise StoreError(f"{path} cannot be read ({error}): use a newer version") from error
    return sorted(found, key=lambda one: one.place)


def chosen_lakes(layout: Layout, given: str | None) -> Sequence[KnownLake]:
    """Return the lake that the user named, all known ones for None. Raises ConfigurationError where there is none."""
    known = read_lakes(layout)
    found = [one for one in known if given is None or one.place in (lake_place(given), given)]
    if not found:
        names = ", ".join(one.place for one in known) or "none"
        which = "no lake" if given is None else f"no lake {given}"
        raise ConfigurationError(f"the archive knows {which}; it knows {names}. `extract lake init DEST` joins one")
    return found


def keep_lake(layout: Layout, known: KnownLake) -> None:
    """Write the archive's record of a lake. Raises OSError."""
    path = layout.lakes / f"{key_of(known.place)}.json"
    sync_directories(make_directories(path.parent))
    write_sealed(path, orjson.dumps(asdict(known), option=orjson.OPT_INDENT_2), "lake")


def drop_lake(layout: Layout, known: KnownLake) -> None:
    """Delete the archive's record of a lake, and its memory of the last push. Raises OSError."""
    key = key_of(known.place)
    (layout.lakes / f"{key}.json").unlink(missing_ok=True)
    layout.push_memory(key).unlink(missing_ok=True)


@contextmanager
def using_lakes(layout: Layout) -> Iterator[None]:
    """Hold the lock for pushes and pulls. Runs do not wait for it. Raises LockedError."""
    with disk_errors():
        sync_directories(make_directories(layout.lakes))
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        descriptor = os.open(layout.lakes / "lakes.lock", flags, 0o600)
    try:
        if not try_lock(descriptor):
            raise LockedError(f"another `extract lake` is at work for {layout.root}: wait for it")
        yield
    finally:
        os.close(descriptor)


def conflict(error: FileExistsError, place: str) -> LockedError:
    """Return the error for a key that another process has written meanwhile in the name of this machine."""
    assert error.errno == errno.EEXIST
    return LockedError(
        f"another process pushes to {place} in the name of this machine: a copy of this data directory on another "
        f"machine, perhaps. Give one of them a new identity: delete its machine.json"
    )
