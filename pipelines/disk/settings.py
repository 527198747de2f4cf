"""The user's settings, read from settings.toml in the data directory. Every one has a default; an unknown one is
refused.
"""

import os
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from hashlib import sha256
from pathlib import Path

from models.errors import ConfigurationError
from pipelines.disk.layout import Layout


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be set.

    `withhold`: glob patterns of paths below a home that are never opened, besides the built-in rules.
    `archive_trees`: read plugin and node_modules trees too, which are only listed otherwise.
    `entry_mb`, `document_mb`: the longest entry and the largest whole file that is parsed; longer ones are kept, not
    parsed.
    `processes`: how many processes read; 0 for one per core.
    `keep_warehouses`: how many warehouses of earlier runs are kept besides the newest.
    """

    withhold: Sequence[str] = ()
    archive_trees: bool = False
    entry_mb: int = 32
    document_mb: int = 32
    processes: int = 0
    keep_warehouses: int = 1

    @property
    def process_count(self) -> int:
        """How many processes read."""
        if self.processes:
            return self.processes
        return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def settings_digest(layout: Layout) -> str | None:
    """Return the SHA-256 of the settings file; None where there is none."""
    try:
        return sha256(layout.settings_file.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None


def read_settings(layout: Layout) -> Settings:
    """Return the settings of a data directory. Raises ConfigurationError for what cannot be understood."""
    path: Path = layout.settings_file
    if not path.exists():
        return Settings()
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from error
    known = [field.name for field in fields(Settings)]
    for name, value in given.items():
        if name not in known:
            raise ConfigurationError(f"{path}: there is no setting {name!r}; there are {', '.join(known)}")
        wanted = type(getattr(Settings(), name))
        if wanted is tuple:
            if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                raise ConfigurationError(f"{path}: {name} is a list of strings")
        elif type(value) is not wanted or (wanted is int and value < 0):
            raise ConfigurationError(f"{path}: {name} is {'true or false' if wanted is bool else 'a number from 0'}")
    return Settings(**given)
