"""The homes that an archive knows, as `homes.json` lists them: ids, directories, names, and whether runs read them."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import orjson

from models.errors import ConfigurationError, FixityError, StoreError
from models.identity import home_id_of_name, is_home_id
from models.json import JsonValue
from pipelines.archive.archive import read_records
from pipelines.archive.copies import write_both
from pipelines.disk.atomic import read_sealed
from pipelines.disk.layout import Layout

LONGEST_NAME: Final = 80
"""Characters that the display name of a home may have."""


@dataclass(frozen=True, slots=True)
class HomeName:
    """A home as the archive knows it: its id and the directory where it was last seen."""

    home_id: str
    root: Path


@dataclass(frozen=True, slots=True)
class KnownHome:
    """A home in homes.json. `root` is the directory where it was last seen, `name` its display name, if the user gave
    it one. Runs without `--home` skip a home that is not `is_read`.
    """

    home_id: str
    root: str
    name: str | None = None
    is_read: bool = True

    @property
    def shown(self) -> str:
        """The id, followed by the display name if there is one."""
        return f"{self.home_id} ({self.name})" if self.name else self.home_id


def home_of_json(home_id: str, value: JsonValue) -> KnownHome:
    """Return the home of one item of homes.json: a directory, or an object with one. Raises ValueError for other
    values.
    """
    fields: Mapping[str, JsonValue] = value if isinstance(value, dict) else {"root": value}
    root, name, is_read = fields.get("root"), fields.get("name"), fields.get("is_read", True)
    is_name = name is None or isinstance(name, str)
    if not is_home_id(home_id) or not isinstance(root, str) or not is_name or not isinstance(is_read, bool):
        raise ValueError(f"{home_id!r} has no directory")
    return KnownHome(home_id, root, name if isinstance(name, str) else None, is_read)


def read_homes(layout: Layout) -> dict[str, KnownHome]:
    """Return each home that the archive knows, by home_id: from homes.json or its second copy, or from the commit
    records when both are missing or damaged. Raises StoreError if either has unknown content and neither can be used.
    """
    unknown: StoreError | None = None
    for path in (layout.homes_file, layout.copy_of(layout.homes_file)):
        try:
            return homes_in(path)
        except (FixityError, OSError):
            continue
        except StoreError as error:
            unknown = unknown or error
    if unknown is not None:
        raise unknown
    roots = {home_id: root for run in read_records(layout)[0] for home_id, root in run.homes.items()}
    return {home_id: KnownHome(home_id, root) for home_id, root in roots.items()}


def homes_in(path: Path) -> dict[str, KnownHome]:
    """Return the homes in homes.json or its second copy, by home_id. Raises FixityError where the file is damaged,
    StoreError where it has unknown content, OSError.
    """
    try:
        return {home_id: home_of_json(home_id, one) for home_id, one in orjson.loads(read_sealed(path)).items()}
    except (ValueError, AttributeError) as error:
        raise StoreError(f"{path} cannot be read ({error})") from error


def known_homes(layout: Layout) -> dict[str, str]:
    """Return the directory of each home that the archive knows, by home_id. Raises as `read_homes` does."""
    return {home_id: home.root for home_id, home in read_homes(layout).items()}


def name_home(known: Mapping[str, str], given: str | None, root: Path) -> HomeName:
    """Return the home for a directory. Its id is the given name, else the one in `known`, else derived from its name.

    `known` has directories by home_id. Raises ConfigurationError when the given name cannot be a home_id.
    """
    if given is not None:
        if not is_home_id(given):
            raise ConfigurationError(f"{given!r} cannot name a home: use 1 to 64 letters, digits, '.', '_' or '-'")
        return HomeName(given, root)
    for home_id, path in known.items():
        if path == os.fspath(root):
            return HomeName(home_id, root)
    made = home_id_of_name(root.name)
    number = 1
    home_id = made
    while home_id in known:
        number += 1
        home_id = f"{made}-{number}"
    return HomeName(home_id, root)


def remember_homes(layout: Layout, homes: Iterable[HomeName]) -> None:
    """Record in homes.json where homes were seen, and that runs read them. The caller must hold the writer lock."""
    known = read_homes(layout)
    for home in homes:
        before = known.get(home.home_id) or KnownHome(home.home_id, "")
        known[home.home_id] = replace(before, root=os.fspath(home.root), is_read=True)
    _write_homes(layout, known)


def rename_home(layout: Layout, home_id: str, name: str) -> KnownHome:
    """Set the display name of a home, or remove it if `name` is empty; returns the home. Its id, which is in all rows,
    stays. The caller must hold the writer lock. Raises ConfigurationError for an unknown home or a name that cannot be
    shown.
    """
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise ConfigurationError(f"a home's name is one line of at most {LONGEST_NAME} characters")
    return _changed(layout, home_id, name=name.strip() or None)


def stop_reading(layout: Layout, home_id: str) -> KnownHome:
    """Make runs without `--home` skip a home; returns the home. The archive keeps everything read from it. The caller
    must hold the writer lock. Raises ConfigurationError for an unknown home.
    """
    return _changed(layout, home_id, is_read=False)


def _changed(layout: Layout, home_id: str, **change: str | bool | None) -> KnownHome:
    known = read_homes(layout)
    if home_id not in known:
        named = [home.home_id for home in known.values() if home.name == home_id]
        home_id = named[0] if len(named) == 1 else home_id
    if home_id not in known:
        names = ", ".join(known[one].shown for one in sorted(known)) or "none"
        raise ConfigurationError(f"the archive knows no home {home_id!r}; it knows {names}")
    known[home_id] = replace(known[home_id], **change)  # type: ignore[arg-type]  # the two callers name real fields
    _write_homes(layout, known)
    return known[home_id]


def _write_homes(layout: Layout, homes: Mapping[str, KnownHome]) -> None:
    """Write homes.json and its second copy if their content would change."""
    is_there = layout.homes_file.exists()
    if homes and (not is_there or read_homes(layout) != homes):
        rewrite_homes(layout, homes)


def rewrite_homes(layout: Layout, homes: Mapping[str, KnownHome]) -> None:
    """Write homes.json and its second copy."""
    held = {home_id: _as_json(home) for home_id, home in homes.items()}
    write_both(layout, layout.homes_file, orjson.dumps(held, option=orjson.OPT_INDENT_2), "homes")


def _as_json(home: KnownHome) -> JsonValue:
    if home.name is None and home.is_read:
        return home.root
    return {"root": home.root, "name": home.name, "is_read": home.is_read}
