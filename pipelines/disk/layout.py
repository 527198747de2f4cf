"""Every path below the data directory, each declared once, and its permissions: 0700 for directories, 0600 for
files.
"""

import os
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from platformdirs import user_data_path

from models.errors import ConfigurationError
from models.text import printable_path

ENVIRONMENT_VARIABLE: Final = "EXTRACT_DATA"
MENDED = "mended-"
"""Prefix of a part of the store with pieces that a damaged part of an earlier run had contained."""
DISTRIBUTION: Final = "claude-code-warehouse"
"""The name of the project in pyproject.toml, and of its directory among the user's data."""
IN_A_CHECKOUT: Final = "data"
"""The default data directory inside a checkout of this project; git ignores it."""


def checkout_of(place: Path) -> Path | None:
    """Return the checkout of this project that contains `place`, or None."""
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
    """Return the data directory used when none is named: inside a checkout of this project its `data`, elsewhere the
    user's data directory, so that `extract` finds the same archive from any working directory.
    """
    checkout = checkout_of(Path.cwd())
    return checkout / IN_A_CHECKOUT if checkout else user_data_path(DISTRIBUTION, appauthor=False)


@dataclass(frozen=True)
class Layout:
    """The paths below a data directory. `prepare` creates the directories; nothing else here writes."""

    root: Path

    @classmethod
    def of(cls, given: Path | None) -> "Layout":
        """Return the layout of `given`, else of EXTRACT_DATA, else of `default_data_directory`.

        Raises ConfigurationError for a path that cannot be one of DuckDB's: it has no bytes but UTF-8 in a path, and
        puts the name of its log before a `?`.
        """
        named = os.environ.get(ENVIRONMENT_VARIABLE)
        root = (given or (Path(named).expanduser() if named else default_data_directory())).absolute()
        shown = printable_path(os.fsencode(root))
        if not is_utf8(root):
            raise ConfigurationError(f"the data directory {shown} is not UTF-8, as DuckDB needs it: name another")
        if "?" in str(root):
            raise ConfigurationError(
                f"the data directory {shown} has a ? in its path, which DuckDB cannot have: name another"
            )
        return cls(root)

    @property
    def archive_file(self) -> Path:
        """The archive's id, its format and the seed of its store's digests."""
        return self.root / "archive.json"

    @property
    def archive_copy(self) -> Path:
        """A second copy of `archive_file`: without the seed no piece can be found in the store."""
        return self.store / "archive.json"

    @property
    def homes_file(self) -> Path:
        """The directory of each home, by home_id."""
        return self.root / "homes.json"

    @property
    def settings_file(self) -> Path:
        """The user's settings; optional."""
        return self.root / "settings.toml"

    @property
    def ignore_file(self) -> Path:
        """A .gitignore of `*`, so that git tracks nothing of the data directory, wherever it is."""
        return self.root / ".gitignore"

    @property
    def lock_file(self) -> Path:
        """The file that the one writer locks; never deleted."""
        return self.root / "writer.lock"

    @property
    def tombstones_file(self) -> Path:
        """The tombstones of erasures; missing if there was none."""
        return self.root / "tombstones.json"

    @property
    def forget_file(self) -> Path:
        """The journal of an erasure; exists only during one, or after one was killed."""
        return self.root / "forget.json"

    @property
    def demo(self) -> Path:
        """Where `extract demo` makes its sample home when no other place is named: beside the data directory, since
        neither may lie in the other.
        """
        return self.root.with_name(f"{self.root.name}-demo") / "home"

    @property
    def staging(self) -> Path:
        """Files that are not committed yet; the next writer sweeps them."""
        return self.root / "staging"

    @property
    def runs(self) -> Path:
        """One directory for each run."""
        return self.root / "runs"

    @property
    def store(self) -> Path:
        """The store: Parquet files of pieces (distinct bytes of files)."""
        return self.root / "store"

    @property
    def imported(self) -> Path:
        """Messages of other stores, from `extract import-store`."""
        return self.store / "imported"

    @property
    def tables(self) -> Path:
        """Parquet files of typed rows, by table."""
        return self.root / "tables"

    @property
    def cache(self) -> Path:
        """Indexes computed from the archive; may be deleted."""
        return self.root / "cache"

    def search_indexes(self) -> list[Path]:
        """Return the full-text indexes, the newest last, where anybody has searched; each is named after the XXH3-128
        of its content and can be deleted.
        """
        return sorted(self.cache.glob("search-*.fts"), key=lambda path: path.stat().st_mtime_ns)

    @property
    def warehouses(self) -> Path:
        """Warehouses, each named by the run that built it."""
        return self.root / "warehouse"

    @property
    def warehouse(self) -> Path:
        """The link to the newest verified warehouse."""
        return self.root / "warehouse.duckdb"

    @property
    def prefect(self) -> Path:
        """Prefect's own state when flows are used: its database with parameters and log lines."""
        return self.root / "prefect"

    def run(self, run_id: str) -> Path:
        """Return the directory of one run."""
        return self.runs / run_id

    def commit_record(self, run_id: str) -> Path:
        """Return the commit record of one run; the run is committed when this file exists."""
        return self.run(run_id) / "run.json"

    def part_directory(self, table: str, home_id: str, run_id: str) -> Path:
        """Return the directory of a table's parts from one run over one home."""
        base = self.store if table == "store" else self.tables / table
        return base / f"home={home_id}" / f"run={run_id}"

    def relative(self, path: Path) -> str:
        """Return a path relative to the root with `/` between its components, as in commit records."""
        return path.relative_to(self.root).as_posix()

    def prepare(self) -> None:
        """Create the directories with mode 0700, and correct the mode of an existing data directory. Raises OSError."""
        for directory in (self.root, self.staging, self.runs, self.store, self.tables, self.cache, self.warehouses):
            make_private(directory)
        self._keep_git_away()
        with suppress(PermissionError):  # only its owner may change it; `extract verify` reports wrong permissions
            self.root.chmod(0o700)

    def _keep_git_away(self) -> None:
        with suppress(FileExistsError):
            descriptor = os.open(self.ignore_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(b"*\n")


def is_utf8(path: Path) -> bool:
    """Whether a path is UTF-8, or text at all: bytes that are not are surrogates in it."""
    return str(path).isascii() or not any("\ud800" <= character <= "\udfff" for character in str(path))


def make_private(directory: Path) -> None:
    """Create a directory and its missing parents with mode 0700."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
