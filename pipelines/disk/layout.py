"""Every path below the data directory, once, and the modes under which things are made there: 0700 and 0600."""

import os
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from platformdirs import user_data_path

ENVIRONMENT_VARIABLE: Final = "EXTRACT_DATA"
MENDED = "mended-"
"""How the name of a part of the store begins that holds again what a damaged part of an earlier run held."""
DISTRIBUTION: Final = "claude-code-warehouse"
"""The name of the project in pyproject.toml, and of its directory among the user's data."""
IN_A_CHECKOUT: Final = "data"
"""The data directory of somebody who works in a checkout of this project; git ignores it."""


def checkout_of(place: Path) -> Path | None:
    """Return the checkout of this project that `place` is or lies in; None where there is none."""
    for directory in (place, *place.parents):
        declaration = directory / "pyproject.toml"
        try:
            name = tomllib.loads(declaration.read_text(encoding="utf-8"))["project"]["name"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if name == DISTRIBUTION:
            return directory
    return None


def default_data_directory() -> Path:
    """Return the data directory that is used when none is named: `data` of the checkout in which the command is
    called, elsewhere the user's data directory, so that `extract` finds the same archive wherever it is typed.
    """
    checkout = checkout_of(Path.cwd())
    return checkout / IN_A_CHECKOUT if checkout else user_data_path(DISTRIBUTION, appauthor=False)


@dataclass(frozen=True)
class Layout:
    """The data directory. Nothing is made until `prepare`."""

    root: Path

    @classmethod
    def of(cls, given: Path | None) -> "Layout":
        """Return the layout of `given`, else of EXTRACT_DATA, else of `default_data_directory`."""
        named = os.environ.get(ENVIRONMENT_VARIABLE)
        return cls((given or (Path(named).expanduser() if named else default_data_directory())).absolute())

    @property
    def archive_file(self) -> Path:
        """What this archive is: its id, its format and the seed of its store."""
        return self.root / "archive.json"

    @property
    def archive_copy(self) -> Path:
        """The same once more: without the seed the store could not be searched."""
        return self.store / "archive.json"

    @property
    def homes_file(self) -> Path:
        """Which home_id stands for which directory."""
        return self.root / "homes.json"

    @property
    def settings_file(self) -> Path:
        """The user's settings, where there are any."""
        return self.root / "settings.toml"

    @property
    def ignore_file(self) -> Path:
        """Keeps git from tracking anything of the data directory, wherever it lies."""
        return self.root / ".gitignore"

    @property
    def lock_file(self) -> Path:
        """Locked by the one writer; never deleted."""
        return self.root / "writer.lock"

    @property
    def tombstones_file(self) -> Path:
        """What stays of what was erased on request, where anything was."""
        return self.root / "tombstones.json"

    @property
    def forget_file(self) -> Path:
        """What an erasure has yet to do; there only while one goes on, or when one was killed."""
        return self.root / "forget.json"

    @property
    def demo(self) -> Path:
        """Where `extract demo` makes its sample home when no other place is named: beside the data directory, since
        neither may lie in the other.
        """
        return self.root.with_name(f"{self.root.name}-demo") / "home"

    @property
    def staging(self) -> Path:
        """What is not committed yet; swept at the next start."""
        return self.root / "staging"

    @property
    def runs(self) -> Path:
        """One directory for each run."""
        return self.root / "runs"

    @property
    def store(self) -> Path:
        """The archive of pieces."""
        return self.root / "store"

    @property
    def imported(self) -> Path:
        """What other stores knew, read in."""
        return self.store / "imported"

    @property
    def tables(self) -> Path:
        """Typed rows."""
        return self.root / "tables"

    @property
    def cache(self) -> Path:
        """Indexes made of what is kept; can be deleted."""
        return self.root / "cache"

    @property
    def warehouses(self) -> Path:
        """Warehouses under the names of the runs that made them."""
        return self.root / "warehouse"

    @property
    def warehouse(self) -> Path:
        """The link to the newest verified warehouse."""
        return self.root / "warehouse.duckdb"

    @property
    def prefect(self) -> Path:
        """What Prefect keeps for itself when flows are used: its database, with parameters and log lines."""
        return self.root / "prefect"

    def run(self, run_id: str) -> Path:
        """The directory of one run."""
        return self.runs / run_id

    def commit_record(self, run_id: str) -> Path:
        """The commit record of one run: the run is there when this is."""
        return self.run(run_id) / "run.json"

    def part_directory(self, table: str, home_id: str, run_id: str) -> Path:
        """Where the parts of a table from one run over one home stand."""
        base = self.store if table == "store" else self.tables / table
        return base / f"home={home_id}" / f"run={run_id}"

    def relative(self, path: Path) -> str:
        """Return a path below the root with '/' between its parts, as commit records name it."""
        return path.relative_to(self.root).as_posix()

    def prepare(self) -> None:
        """Make the directories, for their owner alone; the data directory may have been there with other rights."""
        for directory in (self.root, self.staging, self.runs, self.store, self.tables, self.cache, self.warehouses):
            make_private(directory)
        self._keep_git_away()
        with suppress(PermissionError):  # whose it is not cannot change it; `extract verify` says so
            self.root.chmod(0o700)

    def _keep_git_away(self) -> None:
        with suppress(FileExistsError):
            descriptor = os.open(self.ignore_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(b"*\n")


def make_private(directory: Path) -> None:
    """Make a directory and its parents with mode 0700 where they are missing."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
