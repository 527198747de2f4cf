"""What a command line or a flow asks for, from text: which homes, which phases."""

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from extractors.home.home import Home
from extractors.reading.registry import PHASES, phase_number, sources
from extractors.reading.rules import KNOWN_TOP
from models.errors import ConfigurationError, Unreadable
from models.identity import is_home_id
from models.text import printable_path

HOMES_VARIABLE = "CLAUDE_CONFIG_DIR"

NamedHome = tuple[str | None, Path]
"""A home's name where it was given one, and its directory."""


def homes_of(given: Sequence[str], environment: Mapping[str, str] = os.environ) -> list[NamedHome]:
    """Return the homes that `PATH` or `NAME=PATH` stand for; without any, those of CLAUDE_CONFIG_DIR (a list separated
    by commas or as PATH is), else `~/.claude`.

    Raises ConfigurationError, with all places that were looked at, when one of them is no home.
    """
    if given:
        homes, origin = [_home_of(text) for text in given], "--home"
    elif environment.get(HOMES_VARIABLE, "").strip():
        homes, origin = [(None, path) for path in _listed(environment[HOMES_VARIABLE])], HOMES_VARIABLE
    else:
        homes, origin = [(None, Path("~/.claude").expanduser())], "the default"
    missing = [path for _, path in homes if not is_directory(path)]
    if missing:
        places = ", ".join(str(path) for path in missing)
        raise ConfigurationError(
            f"no home at {places} (from {origin}). Name one with --home PATH, or try `extract demo`"
        )
    for _, path in homes:
        _refuse_what_is_no_home(path)
    return homes


@contextmanager
def readable_home(path: Path) -> Iterator[None]:
    """Turn the system's refusal to read the home at `path` itself into ConfigurationError: another one has to be named,
    or its rights changed. Below a home, what cannot be read is listed and makes the run incomplete instead.
    """
    try:
        yield
    except (OSError, Unreadable) as error:
        if isinstance(error, Unreadable) and error.path:
            raise
        shown = printable_path(os.fsencode(path))
        why = os.strerror(error.errno or errno.EIO)
        raise ConfigurationError(
            f"the home {shown} cannot be read: {why}. Change its rights, or name another"
        ) from error


def is_directory(path: Path) -> bool:
    """Whether `path` is a directory. Raises ConfigurationError where the system does not let this be known."""
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
        return [whole]  # Claude Code itself takes the variable as one directory, whatever is in its name
    parts = [part.strip() for some in value.split(",") for part in some.split(os.pathsep)]
    return list(dict.fromkeys(Path(part).expanduser() for part in parts if part))


def _refuse_what_is_no_home(path: Path) -> None:
    """Refuse a directory of other things: everything in it would be archived."""
    # Asked by name, not listed: a listing would move the directory's access time.
    if any(os.path.lexists(path / name) for name in (*KNOWN_TOP, "settings.json", "settings.local.json")):
        return
    with readable_home(path), Home(path) as home:
        if next(home.walk(), None) is None:
            return
    below = path / ".claude"
    hint = f"; did you mean {below}?" if below.is_dir() else ""
    raise ConfigurationError(f"{path} is no home of Claude Code: it holds neither projects nor history.jsonl{hint}")


def phases_of(given: Sequence[str]) -> tuple[int, ...]:
    """Return the phases that numbers or names of sources stand for, in order; all of them without any.

    Raises ConfigurationError for what is neither.
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
