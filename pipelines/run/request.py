"""Turns the texts of `--home` and `--phase` into homes and phases, for the command line and the Prefect flow."""

import errno
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from extractors.home.home import Home
from extractors.reading.registry import PHASES, phase_number, sources
from extractors.reading.rules import KNOWN_TOP
from models.errors import ConfigurationError, SourceError, Unreadable
from models.identity import is_home_id
from models.text import printable_path
from pipelines.archive.homes import KnownHome, read_homes
from pipelines.disk.layout import Layout, is_utf8

HOMES_VARIABLE = "CLAUDE_CONFIG_DIR"

EMPTY: Final = "is an empty directory"

_UUIDS: Final = re.compile(rb"(?:[0-9a-f-]{36}/?)+")
"""A path whose directories are all named by UUIDs."""

NamedHome = tuple[str | None, Path]
"""The name given to a home, or None, and its directory."""


@dataclass(frozen=True, slots=True)
class HomesToRead:
    """The homes that a run reads, and those that it looked for and did not find: the reason by home_id or path."""

    homes: Sequence[NamedHome]
    not_found: Mapping[str, str] = field(default_factory=dict)

    def refuse_none(self) -> None:
        """Raise ConfigurationError, naming all places searched, if there is no home to read."""
        if not self.homes:
            places = "; ".join(self.not_found.values()) or "all homes that the archive knows have been removed from it"
            raise ConfigurationError(
                f"there is no home to read: {places}. Give one with --home PATH, or try `extract demo`"
            )


def homes_to_read(layout: Layout, given: Sequence[str], environment: Mapping[str, str] = os.environ) -> HomesToRead:
    """Return the homes that `given` names (`PATH`, `NAME=PATH`, or the id of a home that the archive knows).

    If `given` is empty, return every home that the archive knows, except those excluded with `extract homes`, and the
    usual homes of this machine (those in CLAUDE_CONFIG_DIR, else `~/.claude`). An empty directory among these counts as
    not found: it may be the mount point of a disk that is absent now, and reading it would record every file as gone.

    Raises ConfigurationError if a given directory is not a home, or if the run would read this machine's own homes into
    an archive of the sample home.
    """
    known = read_homes(layout)
    if given:
        by_id = {home_id: home.root for home_id, home in known.items()}
        return HomesToRead(homes_of([f"{one}={by_id[one]}" if _is_id(one, by_id) else one for one in given]))
    found: list[NamedHome] = []
    not_found: dict[str, str] = {}
    passed = {os.path.realpath(home.root) for home in known.values() if not home.is_read}
    remembered: list[NamedHome] = [(home.home_id, Path(home.root)) for home in known.values() if home.is_read]
    is_listed = bool(environment.get(HOMES_VARIABLE, "").strip())
    for home_id, path in [*remembered, *((None, path) for path in usual_homes(environment))]:
        real = os.path.realpath(path)
        if real in passed:
            continue
        passed.add(real)
        problem = problem_of(path)
        if problem is None:
            found.append((home_id, path))
        elif home_id is not None or is_listed or not remembered:
            not_found[home_id or str(path)] = problem
    _refuse_to_mix(layout, known, found)
    return HomesToRead(found, not_found)


def _is_id(text: str, known: Mapping[str, str]) -> bool:
    return text in known and not Path(text).is_dir()


def _refuse_to_mix(layout: Layout, known: Mapping[str, KnownHome], found: Sequence[NamedHome]) -> None:
    """Raise ConfigurationError if the archive holds only the sample home and `found` has a real home: the user probably
    forgot `--data`.
    """
    samples = [home for home in known.values() if Path(home.root) == layout.demo]
    real = [str(path) for home_id, path in found if home_id is None]
    if samples and len(samples) == len(known) and real:
        raise ConfigurationError(
            f"{layout.root} is the archive of the sample home, and {', '.join(real)} is a home of yours. Remove "
            f"{layout.root} and {layout.demo.parent}, or name another archive with --data"
        )


def usual_homes(environment: Mapping[str, str], user: Path | None = None) -> list[Path]:
    """Return the homes that Claude Code uses on this machine: the directories in CLAUDE_CONFIG_DIR (separated by commas
    or as in PATH), else `.claude` in the home directory of the `user`.
    """
    listed = environment.get(HOMES_VARIABLE, "")
    return _listed(listed) if listed.strip() else [(user or Path.home()) / ".claude"]


def homes_of(given: Sequence[str], environment: Mapping[str, str] = os.environ) -> list[NamedHome]:
    """Return the homes that the texts `PATH` or `NAME=PATH` in `given` denote; if it is empty, `usual_homes`.

    Raises ConfigurationError if one of them is missing or is not a home.
    """
    if given:
        homes, origin = [_home_of(text) for text in given], "--home"
    else:
        homes = [(None, path) for path in usual_homes(environment)]
        origin = HOMES_VARIABLE if environment.get(HOMES_VARIABLE, "").strip() else "the default"
    missing = [path for _, path in homes if not is_directory(path)]
    if missing:
        places = ", ".join(str(path) for path in missing)
        raise ConfigurationError(
            f"no home at {places} (from {origin}). Give one with --home PATH, or try `extract demo`"
        )
    for _, path in homes:
        if not is_utf8(path.absolute()):
            shown = printable_path(os.fsencode(path))
            raise ConfigurationError(f"the path of the home {shown} is not UTF-8: make a link to it, and name the link")
        _refuse_what_is_no_home(path)
    return homes


@contextmanager
def readable_home(path: Path) -> Iterator[None]:
    """Turn an error of reading the home's top directory, `path`, into ConfigurationError: the user has to name another
    home or change its permissions. Errors of paths below it pass: a run lists these and ends incomplete.
    """
    try:
        yield
    except (OSError, Unreadable) as error:
        if isinstance(error, Unreadable) and error.path:
            raise
        shown = printable_path(os.fsencode(path))
        why = os.strerror(error.errno or errno.EIO)
        raise ConfigurationError(
            f"the home {shown} cannot be read: {why}. Change its permissions, or give another home"
        ) from error


def is_directory(path: Path) -> bool:
    """Whether `path` is a directory. Raises ConfigurationError if its parent cannot be searched."""
    with readable_home(path):
        return path.is_dir()


def _home_of(text: str) -> NamedHome:
    name, sign, path = text.partition("=")
    if sign and is_home_id(name) and path and not is_directory(Path(text)):
        return name, Path(path).expanduser()
    return None, Path(text).expanduser()


def _listed(value: str) -> list[Path]:
    whole = Path(value.strip()).expanduser()
    if is_directory(whole):
        return [whole]  # Claude Code itself takes the variable as one directory, even with separators in its name
    parts = [part.strip() for some in value.split(",") for part in some.split(os.pathsep)]
    return list(dict.fromkeys(Path(part).expanduser() for part in parts if part))


def why_no_home(path: Path) -> str | None:
    """Return why a directory does not look like a home; None if it does. Does not list a directory that is a home.

    Raises ConfigurationError if it cannot be examined.
    """
    if not is_directory(path):
        return "is not there"
    # Look up names instead of listing: a listing would change the directory's access time.
    if any(os.path.lexists(path / name) for name in (*KNOWN_TOP, "settings.json", "settings.local.json")):
        return None
    with readable_home(path), Home(path) as home:
        if _is_desktop_tree(home):
            return None
        is_empty = next(home.walk(), None) is None
    return EMPTY if is_empty else "is not a home of Claude Code: it has neither projects/ nor history.jsonl"


def problem_of(path: Path) -> str | None:
    """Return why a run that names no home skips this one, as a sentence without its full stop; None if it reads it."""
    try:
        problem = why_no_home(path)
    except ConfigurationError as error:
        return str(error)
    return f"the home {path} {problem}" if problem else None


def _refuse_what_is_no_home(path: Path) -> None:
    """Raise ConfigurationError if a directory is not a home: a run would archive everything in it. An empty directory
    is accepted: the user named it.
    """
    problem = why_no_home(path)
    if problem not in (None, EMPTY):
        below = path / ".claude"
        hint = f"; did you mean {below}?" if below.is_dir() else ""
        raise ConfigurationError(f"{path} {problem}{hint}")


def _is_desktop_tree(home: Home) -> bool:
    """Whether a directory is the one in which Claude Desktop keeps the homes of its local agent mode: two levels
    of directories named by UUIDs, then `local_*`.
    """
    levels = [b""]
    for _ in range(2):
        levels = [path for above in levels for path in _directories(home, above) if _UUIDS.fullmatch(path)]
    return any(path.rpartition(b"/")[2].startswith(b"local_") for above in levels for path in _directories(home, above))


def _directories(home: Home, path: bytes) -> list[bytes]:
    try:
        with home.hold(path) as directory:
            names = [name for name, is_directory in directory.names() if is_directory]
    except SourceError:
        return []
    return [b"%s/%s" % (path, name) if path else name for name in names]


def phases_of(given: Sequence[str]) -> tuple[int, ...]:
    """Return the phases that `given` denotes by number, or by name of phase or source, in order; if it is empty, all.

    Raises ConfigurationError for any other text.
    """
    if not given:
        return tuple(PHASES)
    found = set()
    for text in given:
        number = phase_number(text)
        if number is None:
            numbered = ", ".join(f"{number} {name}" for number, name in PHASES.items())
            others = ", ".join(name for name in sources() if name not in PHASES.values())
            raise ConfigurationError(f"there is no phase {text!r}. There are {numbered}; sources within them: {others}")
        found.add(number)
    return tuple(sorted(found))
