"""Every path below the data directory, each declared once, and its permissions: 0700 for directories, 0600 for
files.
"""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from stat import S_ISREG
from typing import Final

from models.errors import ConfigurationError
from models.text import printable_path
from pipelines.disk.default_place import default_data_directory
from pipelines.disk.shared_places import SharedPlaces

ENVIRONMENT_VARIABLE: Final = "EXTRACT_DATA"
REPORT_FORMS: Final = ("json", "md", "html")
"""The suffixes of the files of a run's report."""
FINDINGS_NAME: Final = "findings.json"
"""The file in a run's directory that has the findings of verifications."""
_DRILL_NAME: Final = re.compile(r"drill-[0-9]{8}T[0-9]{6}Z\.(json|txt)")
_IGNORE_ALL: Final = b"*\n"


@dataclass(frozen=True)
class Layout(SharedPlaces):
    """The paths below a data directory. `prepare` creates the directories; nothing else here writes."""

    root: Path

    @classmethod
    def of(cls, given: Path | None) -> "Layout":
        """Return the layout of `given`, else of EXTRACT_DATA, else of `default_data_directory`.

        Raises ConfigurationError for a path that DuckDB cannot open: one that is not UTF-8, or that contains `?`, which
        DuckDB takes for the end of the file's name.
        """
        named = os.environ.get(ENVIRONMENT_VARIABLE)
        root = (given or (Path(named).expanduser() if named else default_data_directory())).absolute()
        shown = printable_path(os.fsencode(root))
        if not is_utf8(root):
            raise ConfigurationError(f"the data directory {shown} is not UTF-8, as DuckDB needs it: name another")
        if "?" in str(root):
            raise ConfigurationError(
                f"the data directory {shown} has a ? in its path, which DuckDB cannot open: name another"
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
    def server_key(self) -> Path:
        """The secret key of the archive's servers (`extract serve`, `extract mcp --http`); optional, in no copy."""
        return self.root / "server.key"

    @property
    def tokens_file(self) -> Path:
        """The tokens that `extract token` has made: names and times, never the tokens themselves; optional."""
        return self.root / "tokens.json"

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
        """The default place of the sample home of `extract demo`: beside the data directory, because neither a home nor
        a data directory may contain the other.
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
    def quarantine(self) -> Path:
        """Damaged files that `extract repair` has taken out of the archive, below it at the paths where they were."""
        return self.root / "quarantine"

    @property
    def store(self) -> Path:
        """The store: Parquet files of pieces (distinct bytes of files)."""
        return self.root / "store"

    @property
    def imported(self) -> Path:
        """Messages of other stores, from `extract import-store`."""
        return self.store / "imported"

    def imported_part(self, sha256: str) -> Path:
        """Return the file of an imported store; its name is the SHA-256 of its content."""
        return self.imported / f"{sha256}.parquet"

    def imported_parts(self) -> list[Path]:
        """Return the files of imported stores, sorted by name."""
        return sorted(self.imported.glob("*.parquet"))

    @property
    def tables(self) -> Path:
        """Parquet files of typed rows, by table."""
        return self.root / "tables"

    @property
    def cache(self) -> Path:
        """Indexes computed from the archive; may be deleted."""
        return self.root / "cache"

    def digest_index(self, name: str) -> Path:
        """Return an index of digests by its name; digest indexes of other names are stale."""
        return self.cache / f"{name}.idx"

    def digest_indexes(self) -> list[Path]:
        """Return the indexes of digests that exist."""
        return list(self.cache.glob("*.idx"))

    def search_indexes(self) -> list[Path]:
        """Return the full-text indexes, newest last; the first search makes one. Each is named after the XXH3-128 of
        its content and the time of its last change, and may be deleted.
        """
        return sorted(self.cache.glob("search-*.fts"), key=lambda path: path.stat().st_mtime_ns)

    def vector_file(self, run_id: str, digest: str) -> Path:
        """Return a file of vectors, by the run of the warehouse with their texts, and the XXH3-128 of its content."""
        return self.cache / f"vectors-{run_id}-{digest}.parquet"

    def vector_files(self) -> list[Path]:
        """Return the files of vectors; `extract embed` makes them, and they may be deleted."""
        return sorted(self.cache.glob("vectors-*.parquet"))

    @property
    def vectors_being_written(self) -> Path:
        """The file of vectors that is not complete yet."""
        return self.cache / ".vectors.tmp"

    @property
    def copies(self) -> Path:
        """The directory of second copies of small critical files."""
        return self.root / "copies"

    @property
    def head_file(self) -> Path:
        """The file that names the last committed run: without it a missing newest commit record would go unnoticed."""
        return self.root / "head.json"

    @property
    def checks_file(self) -> Path:
        """When each check of the archive last passed; may be deleted."""
        return self.root / "checks.json"

    @property
    def alerts_file(self) -> Path:
        """When each alert was first raised and last announced; may be deleted."""
        return self.root / "alerts.json"

    @property
    def evidence_file(self) -> Path:
        """The SHA-256 of each report, record of a drill, file of findings and imported store."""
        return self.root / "evidence.json"

    def copy_of(self, path: Path) -> Path:
        """Return the path of the second copy of a file of the data directory."""
        return self.copies / path.relative_to(self.root)

    @property
    def destinations(self) -> Path:
        """The directory with one file about each copy of the archive at another place."""
        return self.root / "destinations"

    def destination_file(self, key: str) -> Path:
        """Return the file about one copy at another place."""
        return self.destinations / f"{key}.json"

    def destination_files(self) -> list[Path]:
        """Return the files about copies at other places, and their second copies."""
        return [path for base in (self.destinations, self.copy_of(self.destinations)) for path in base.glob("*.json")]

    @property
    def syncing_file(self) -> Path:
        """The file that the one sync locks; never deleted."""
        return self.destinations / "sync.lock"

    @property
    def copy_head(self) -> Path:
        """Only in a copy at another place: which archive it is of, and which run is its newest."""
        return self.root / "copy.json"

    @property
    def warehouses(self) -> Path:
        """Warehouses, each named by the run that built it."""
        return self.root / "warehouse"

    def warehouse_of(self, run_id: str) -> Path:
        """Return the warehouse that one run built."""
        return self.warehouses / f"{run_id}.duckdb"

    def warehouse_being_built(self, run_id: str) -> Path:
        """Return where one run builds its warehouse, until it is checked and gets its own name."""
        return self.warehouses / f"{run_id}.tmp.duckdb"

    def built_warehouses(self) -> list[Path]:
        """Return the warehouses that were built, the one that is published among them, the oldest first."""
        return sorted(path for path in self.warehouses.glob("*.duckdb") if ".tmp" not in path.suffixes)

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

    def commit_records(self) -> list[Path]:
        """Return the commit records that exist, sorted by run_id."""
        return sorted(self.runs.glob("*/run.json"))

    def report(self, run_id: str, form: str) -> Path:
        """Return one run's report in one of `REPORT_FORMS`."""
        return self.run(run_id) / f"report.{form}"

    def reports(self, run_id: str) -> list[Path]:
        """Return the files of one run's report, in all forms, whether they exist or not."""
        return [self.report(run_id, form) for form in REPORT_FORMS]

    def findings(self, run_id: str) -> Path:
        """Return the file with the findings of verifications that were made while this run was the newest."""
        return self.run(run_id) / FINDINGS_NAME

    def drill_record(self, run_id: str, started: datetime) -> Path:
        """Return the record of a drill that was `started` (UTC) while this run was the newest; beside it is the same
        as text, with the suffix .txt.
        """
        return self.run(run_id) / f"drill-{started:%Y%m%dT%H%M%SZ}.json"

    def drill_records(self, run_id: str) -> list[Path]:
        """Return the records of drills beside one run, as JSON and as text, sorted by name."""
        return sorted(path for path in self.run(run_id).glob("drill-*") if is_drill_record(path))

    def sha256_list(self, run_id: str, home_id: str, *, is_only_home: bool) -> Path:
        """Return the list for `sha256sum -c` of one home in one run; a run of one home does not name it."""
        return self.run(run_id) / ("manifest-sha256.txt" if is_only_home else f"manifest-sha256-{home_id}.txt")

    def part_directory(self, table: str, home_id: str, run_id: str) -> Path:
        """Return the directory of a table's parts from one run over one home."""
        base = self.store if table == "store" else self.tables / table
        return base / f"home={home_id}" / f"run={run_id}"

    @property
    def top_files(self) -> frozenset[str]:
        """The names of all files that may be in the data directory itself."""
        own = (self.ignore_file, self.archive_file, self.homes_file, self.settings_file, self.lock_file, self.warehouse)
        more = (
            self.tombstones_file,
            self.forget_file,
            self.head_file,
            self.checks_file,
            self.server_key,
            self.tokens_file,
            self.machine_file,
            self.privacy_file,
            self.audit_file,
            self.audit_head,
            self.alerts_file,
            self.evidence_file,
        )
        return frozenset(path.name for path in (*own, *more))

    @property
    def top_directories(self) -> frozenset[str]:
        """The names of all directories that may be in the data directory itself."""
        named = (self.staging, self.runs, self.store, self.tables, self.cache, self.warehouses, self.prefect)
        also = (self.copies, self.destinations, self.quarantine, self.machines, self.lakes)
        return frozenset(path.name for path in (*named, *also))

    def relative(self, path: Path) -> str:
        """Return a path relative to the root with `/` between its components, as in commit records."""
        return path.relative_to(self.root).as_posix()

    def prepare(self) -> None:
        """Create the directories with mode 0700, and correct the mode of an existing data directory. Raises OSError."""
        for directory in (self.root, self.staging, self.runs, self.store, self.tables, self.cache, self.warehouses):
            make_private(directory)
        if not self.archive_file.exists() and not self.archive_copy.exists():
            self.keep_git_away()
        with suppress(PermissionError):  # only its owner may change it; `extract verify` reports wrong permissions
            self.root.chmod(0o700)

    def keep_git_away(self) -> bool:
        """Write the .gitignore of the data directory where it is gone or another; returns whether it was."""
        if self.keeps_git_away():
            return False
        if self.ignore_file.is_dir() and not self.ignore_file.is_symlink():
            self.ignore_file.rmdir()
        self.ignore_file.unlink(missing_ok=True)
        descriptor = os.open(self.ignore_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_IGNORE_ALL)
        return True

    def keeps_git_away(self) -> bool:
        """Whether the .gitignore of the data directory is as it should be."""
        try:
            return S_ISREG(self.ignore_file.lstat().st_mode) and self.ignore_file.read_bytes() == _IGNORE_ALL
        except OSError:
            return False


def is_utf8(path: Path) -> bool:
    """Whether a path is valid UTF-8: Python represents other bytes of a path as surrogates."""
    return str(path).isascii() or not any("\ud800" <= character <= "\udfff" for character in str(path))


def is_drill_record(path: Path) -> bool:
    """Return whether a file in a run's directory is the record of a drill, by its name."""
    return _DRILL_NAME.fullmatch(path.name) is not None


def part_name(phase: int, number: int | None = None) -> str:
    """Return the name of a part that one phase writes: of the files that its process `number` read, or of the whole
    phase.
    """
    return f"phase-{phase}.parquet" if number is None else f"phase-{phase}-{number}.parquet"


def mended_part_name(phase: int, digest: str = "") -> str:
    """Return the name of a part of the store with pieces that a damaged part had contained; `extract repair` names it
    by its `digest` too, its SHA-256.
    """
    return f"mended-{phase}{digest and '-'}{digest[:12]}.parquet"


def is_mended_part(path: str) -> bool:
    """Return whether a part has pieces that a damaged part of an earlier run had contained, by its path."""
    return path.rpartition("/")[2].startswith("mended-")


def retired_part_name(phase: int, digest: str) -> str:
    """Return the name of a part of one phase that replaces the lost rows of damaged ones. `digest` is the SHA-256
    of its content.
    """
    return f"repaired-{phase}-{digest[:12]}.parquet"


def make_private(directory: Path) -> None:
    """Create a directory and its missing parents with mode 0700."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
