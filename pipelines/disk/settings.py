"""The user's settings: settings.toml in the data directory. Each has a default; an unknown one is an error."""

import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from hashlib import sha256
from pathlib import Path

from models.errors import ConfigurationError
from pipelines.disk.atomic import make_directories, read_regular, sync_directories, write_atomically
from pipelines.disk.layout import Layout

PRICE_NAMES = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h", "web_search")
"""The prices that the user may set for a model."""
PRIVACY_LEVELS = ("ephemeral", "private", "team", "public")
"""The privacy levels, the most private first: never leaves the archive; for the user's own machines; for colleagues;
for everybody.
"""
PRIVACY_KEYS = ("project", "path", "tag", "home", "session")
"""The fields that a rule of privacy may name."""

SHORTEST_RETENTION_DAYS = 30
"""The least number of days in a rule of retention: a typing error must not delete files that Claude Code still has."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, with their defaults.

    `withhold`: glob patterns of paths below a home that are never opened, in addition to the built-in rules.
    `archive_trees`: whether plugin and node_modules trees are read; by default they are only listed.
    `follow_links`: whether links are followed where data is expected; by default they make the run incomplete.
    `entry_mb`, `document_mb`: the longest entry and the largest whole file that is parsed, in MiB; longer ones are kept
    but not parsed.
    `processes`: number of reading processes; 0 means one per core.
    `keep_warehouses`: number of warehouses of earlier runs that are kept besides the newest.
    `cleanup_days`: the age in days at which Claude Code deletes files, as its own setting cleanupPeriodDays says; no
    run opens that file, because settings of a home may contain secrets.
    `alert_delete_days`: alert if a file that no run has read is deleted within so many days; 0: never.
    `alert_vanished_percent`: alert if more of a home vanishes between two runs, other than by age; 0: never.
    `alert_overdue_days`: alert if a home was not read, or a copy not synced, for so many days; a schedule that is
    installed allows less; 0: never.
    `alert_disk_percent`: alert if less of the disk of the data directory is free, and less than 20 GB; 0: never.
    `alert_growth_times`: alert if a run finds so many times as many new bytes as is usual; 0: never.
    `alert_growth_mb`: the smallest number of new bytes for that alert, in millions.
    `alert_transcript_mb`: alert for each transcript that is larger, in millions of bytes; 0: never.
    `alert_file_mb`: alert for each other file that is larger, in millions of bytes; 0: never.
    `alert_again_days`: the days after which an alert that has not ended is announced again.
    `prices`: the user's own prices by model, in US dollars per million tokens (searches: per thousand); they replace
    those of the price list.
    `privacy`: rules of privacy levels (`pipelines.privacy.rules`), each a table with level and project, path, tag, home
    or session.
    `push`: whether every run ends with a push to the lakes that the archive uses.
    `retention`: rules of `extract retention`, each a table with a source, a number of days, and a home or none; without
    rules nothing is ever deleted by its age.
    """

    withhold: Sequence[str] = ()
    archive_trees: bool = False
    follow_links: bool = False
    entry_mb: int = 32
    document_mb: int = 32
    processes: int = 0
    keep_warehouses: int = 1
    cleanup_days: int = 30
    alert_delete_days: int = 3
    alert_vanished_percent: int = 25
    alert_overdue_days: int = 8
    alert_disk_percent: int = 5
    alert_growth_times: int = 10
    alert_growth_mb: int = 100
    alert_transcript_mb: int = 100
    alert_file_mb: int = 500
    alert_again_days: int = 7
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    privacy: Sequence[Mapping[str, str]] = ()
    push: bool = False
    retention: Sequence[Mapping[str, str | int]] = ()

    @property
    def process_count(self) -> int:
        """The number of reading processes."""
        if self.processes:
            return self.processes
        return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def settings_digest(layout: Layout) -> str | None:
    """Return the SHA-256 of the settings file in hex, None without one."""
    try:
        return sha256(read_regular(layout.settings_file)).hexdigest()
    except FileNotFoundError:
        return None


def keep_settings_copy(layout: Layout) -> None:
    """Keep the second copy of settings.toml, as the newest run read it: the next run and `extract verify` compare the
    settings with it. Raises OSError.
    """
    copy = layout.copy_of(layout.settings_file)
    try:
        held = read_regular(layout.settings_file)
    except FileNotFoundError:
        copy.unlink(missing_ok=True)
        return
    if not copy.is_file() or read_regular(copy) != held:
        sync_directories(make_directories(copy.parent))
        write_atomically(copy, held, "settings-copy")


def is_copy_damaged(layout: Layout, digest: str | None) -> bool:
    """Whether the second copy of settings.toml exists and is not the file that the newest run read, whose SHA-256 is
    `digest`. Raises OSError.
    """
    copy = layout.copy_of(layout.settings_file)
    return digest is not None and copy.is_file() and sha256(read_regular(copy)).hexdigest() != digest


def settings_copy(layout: Layout, digest: str | None) -> Settings | None:
    """Return the settings that a run had whose record has this digest of the file, from the second copy; without a
    digest the defaults. None where the copy is gone, or is of another run.
    """
    if digest is None:
        return Settings()
    copy = layout.copy_of(layout.settings_file)
    try:
        is_of_that_run = sha256(read_regular(copy)).hexdigest() == digest
        return settings_in(copy) if is_of_that_run else None
    except (OSError, ConfigurationError):
        return None


def read_settings(layout: Layout) -> Settings:
    """Return the settings of a data directory. Raises ConfigurationError, naming the setting, for an invalid file."""
    return settings_in(layout.settings_file)


def settings_in(path: Path) -> Settings:
    """Return the settings in a file, the defaults where it is missing. Raises ConfigurationError, naming the setting,
    for an invalid one.
    """
    try:
        given = tomllib.loads(read_regular(path).decode())
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}; see `extract repair`") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from error
    known = [field.name for field in fields(Settings)]
    for name, value in given.items():
        if name not in known:
            raise ConfigurationError(f"{path}: unknown setting {name!r}; the settings are {', '.join(known)}")
        wanted = type(getattr(Settings(), name))
        if wanted is dict:
            _check_prices(path, value)
        elif name == "privacy":
            _check_privacy(path, value)
        elif name == "retention":
            _check_retention(path, value)
        elif wanted is tuple:
            if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                raise ConfigurationError(f"{path}: {name} must be a list of strings")
        elif type(value) is not wanted or (wanted is int and value < 0):
            allowed = "true or false" if wanted is bool else "a number from 0"
            raise ConfigurationError(f"{path}: {name} must be {allowed}")
    return Settings(**given)


def _check_prices(path: Path, given: object) -> None:
    """Raise ConfigurationError unless each model has prices of input and output, and only known prices."""
    for model, amounts in given.items() if isinstance(given, dict) else [("", None)]:
        if not isinstance(amounts, dict) or not all(
            isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 for value in amounts.values()
        ):
            raise ConfigurationError(f'{path}: prices must be tables such as [prices."my-model"], with numbers from 0')
        if not {"input", "output"} <= amounts.keys() <= set(PRICE_NAMES):
            raise ConfigurationError(
                f"{path}: prices of {model!r} must have input and output, and may have {', '.join(PRICE_NAMES[2:])}"
            )


def _check_retention(path: Path, given: object) -> None:
    """Raise ConfigurationError unless each rule has a source and a number of days, and a home or none."""
    for one in given if isinstance(given, list) else [None]:
        rule: Mapping[str, object] = one if isinstance(one, dict) else {}
        days, named = rule.get("days"), [rule[name] for name in ("source", "home") if name in rule]
        if not {"source", "days"} <= rule.keys() <= {"source", "days", "home"} or not all(
            isinstance(value, str) and value for value in named
        ):
            raise ConfigurationError(
                f'{path}: retention must be tables [[retention]] with source = "debug", days = 365 and, for one home '
                'alone, home = "laptop"'
            )
        if not isinstance(days, int) or isinstance(days, bool) or days < SHORTEST_RETENTION_DAYS:
            raise ConfigurationError(
                f"{path}: the days of [[retention]] must be a number from {SHORTEST_RETENTION_DAYS}"
            )


def _check_privacy(path: Path, given: object) -> None:
    """Raise ConfigurationError unless each rule has a level and at least one condition."""
    for one in given if isinstance(given, list) else [None]:
        rule: Mapping[str, object] = one if isinstance(one, dict) else {}
        if (
            rule.get("level") not in PRIVACY_LEVELS
            or not rule.keys() & set(PRIVACY_KEYS)
            or not rule.keys() <= {"level", *PRIVACY_KEYS}
        ):
            raise ConfigurationError(
                f"{path}: privacy must be tables [[privacy]] with level = {' or '.join(PRIVACY_LEVELS)} and one or "
                f"more of {', '.join(PRIVACY_KEYS)}"
            )
        if not all(isinstance(value, str) and value for value in rule.values()):
            raise ConfigurationError(f"{path}: the values of [[privacy]] must be texts")
