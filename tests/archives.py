"""A small archive with content of every kind, and helpers that damage a copy of it: its bytes alone, or together with
the records that describe them.
"""

import os
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from models.json import JsonObject
from models.observer import Observer
from models.run import PartRecord, RunRecord
from models.schema import Table
from models.seal import sealed, unsealed
from models.tables import RUNNER_TABLES
from pipelines.archive.parquet import open_writer
from pipelines.disk.layout import Layout
from pipelines.disk.platform import make_files_private
from pipelines.run.extraction import Request
from pipelines.run.pipeline import run_job
from pipelines.upkeep.import_store import import_store

HOME = "small"
PROMPT = b'{"display":"do %d","pastedContents":{},"timestamp":17687245%05d,"project":"/p","sessionId":"s"}\n'
HISTORY = b"".join(
    [
        PROMPT % (1, 1),
        PROMPT % (2, 2),
        b"not json\n",
        b"\0\0\0\0" + PROMPT % (3, 3),
        b'{"display":"lone \\ud83d","pastedContents":{},"timestamp":1768724500000,"project":"/p","sessionId":"s"}\n',
        b'{"display":"odd","pastedContents":{},"timestamp":1768724500000,"project":"/p","sessionId":"s","never":1}\n',
    ]
)
LOG = b"2026-01-23T16:46:29.314Z [DEBUG] first\n2026-01-23T16:46:30.314Z [ERROR] it broke\n    at f (file.js:1:2)\n"


def make_home(home: Path) -> None:
    """Write a home with a reject, padding, a repair, drift, an incomplete last line, a link, and files of every
    treatment.
    """
    files = {
        "history.jsonl": HISTORY,
        "debug/3fd192e1-4608-4d4e-a084-ebefc26337f3.txt": LOG,
        "notes.md": b"# notes\n",
        "rules.md": b"# rules\n",
        ".credentials.json": b'{"secret":"never read"}\n',
        "plugins/cache/one/node_modules/two/index.js": b"listed, not read\n",
    }
    for name, data in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(data)
    (home / "debug" / "latest").symlink_to("3fd192e1-4608-4d4e-a084-ebefc26337f3.txt")


def let_a_week_pass(home: Path) -> None:
    """Append to a file (its last line incomplete), rewrite one, delete one, add one."""
    with (home / "history.jsonl").open("ab") as file:
        file.write(PROMPT % (4, 4) + PROMPT[:-1] % (5, 5))
    (home / "notes.md").write_bytes(b"# other notes\n")
    (home / "rules.md").unlink()
    (home / "later.md").write_bytes(b"# later\n")


def run(layout: Layout, home: Path) -> None:
    """Do a whole run of three phases over a home."""
    run_job(layout, Request([(HOME, home)], phases=(1, 2, 8)), Observer())


def make_archive(place: Path) -> "Archive":
    """Make an archive of two runs over a home, with an imported store."""
    make_files_private()
    home, layout = place / "home", Layout(place / "data")
    make_home(home)
    messages = place / "unique_messages.jsonl"
    messages.write_bytes(b'{"content":"do 1"}\n{"content":"of another store"}\n')
    import_store(layout, messages=messages, hashes=None)
    layout.settings_file.write_text("keep_warehouses = 1\n", encoding="utf-8")
    run(layout, home)
    let_a_week_pass(home)
    run(layout, home)
    return Archive(home, layout)


@dataclass(slots=True)
class Archive:
    """An archive and its home, by name as the command line takes it. Objects in `held` are closed at the end."""

    home: Path
    layout: Layout
    names: tuple[str, ...] = (HOME,)
    held: ExitStack = field(default_factory=ExitStack)

    def copy(self, place: Path) -> "Archive":
        """Return a copy at another place. Its warehouses are hard links to the original until `fresh` replaces them."""
        make_files_private()
        data = place / "data"

        def link_or_copy(source: str, target: str) -> str:
            if source.endswith(".duckdb"):
                os.link(source, target)
                return target
            return str(shutil.copy2(source, target))

        shutil.copytree(self.layout.root, data, symlinks=True, copy_function=link_or_copy)
        shutil.copytree(self.home, place / "home", symlinks=True)
        return Archive(place / "home", Layout(data))

    @property
    def runs(self) -> list[RunRecord]:
        """The commit records, the oldest first."""
        found = [
            RunRecord.from_json(orjson.loads(unsealed(path.read_bytes(), ".json")))
            for path in self.layout.runs.glob("*/run.json")
        ]
        return sorted(found, key=lambda run: run.epoch)

    @property
    def last(self) -> RunRecord:
        """The newest commit record."""
        return self.runs[-1]

    def save(self, run: RunRecord) -> None:
        """Write a commit record and its second copy, with correct checksums."""
        record = self.layout.commit_record(run.run_id)
        self.seal(record, run.to_json())
        if self.layout.copy_of(record).parent.is_dir():
            self.seal(self.layout.copy_of(record), run.to_json())

    def seal(self, path: Path, fields: JsonObject) -> None:
        """Write a record with a correct checksum."""
        path.write_bytes(sealed(orjson.dumps(fields, option=orjson.OPT_INDENT_2), ".json"))

    def edit(self, change: Callable[[RunRecord], object], number: int = -1) -> None:
        """Change a commit record, by default the newest one, and write it with a correct checksum."""
        run = self.runs[number]
        change(run)
        self.save(run)

    def part(self, table: str, number: int = 0) -> tuple[RunRecord, PartRecord]:
        """Return the Parquet file with this number among those of a table that have rows, over all runs, and its
        run.
        """
        found = [
            (run, part)
            for run in self.runs
            for phase in run.phases
            for part in phase.parts
            if part.table == table and part.rows
        ]
        return found[number]

    def path(self, table: str, number: int = 0) -> Path:
        """Return the path of that Parquet file."""
        return self.layout.root / self.part(table, number)[1].path

    def rows(self, table: str, number: int = 0) -> list[dict[str, object]]:
        """Return the rows of that Parquet file."""
        found: list[dict[str, object]] = pq.ParquetFile(self.path(table, number)).read().to_pylist()
        return found

    def rewrite(self, table: str, change: Callable[[list[dict[str, object]]], object], number: int = 0) -> None:
        """Change the rows of that Parquet file, and its size, rows and digest in the commit record."""
        run, part = self.part(table, number)
        rows = self.rows(table, number)
        change(rows)
        declared = declared_table(table, self.layout.root / part.path)
        path = self.layout.root / part.path
        path.unlink()
        with open_writer(path, declared) if isinstance(declared, Table) else pq.ParquetWriter(path, declared) as writer:
            schema = declared.arrow() if isinstance(declared, Table) else declared
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
        self.vouch_for(run, part, rows=len(rows))

    def vouch_for(self, run: RunRecord, part: PartRecord, *, rows: int | None = None) -> None:
        """Write the present size and digest of a Parquet file into its commit record."""
        data = (self.layout.root / part.path).read_bytes()
        (self.layout.root / part.path).chmod(0o600)
        made = PartRecord(
            part.path, part.table, part.rows if rows is None else rows, len(data), sha256(data).hexdigest()
        )
        for phase in run.phases:
            phase.parts = [made if one == part else one for one in phase.parts]
        self.save(run)

    def flip(self, path: Path, bit: int | None = None) -> None:
        """Flip a bit of a file, by default one in its middle."""
        data = bytearray(self.fresh(path).read_bytes())
        where = len(data) * 4 if bit is None else bit
        data[where // 8] ^= 1 << where % 8
        mode = path.stat().st_mode
        path.chmod(0o600)
        path.write_bytes(data)
        path.chmod(mode)

    def fresh(self, path: Path) -> Path:
        """Replace a hard link by a copy of the file, so that the original stays unchanged; returns the path."""
        if path.stat().st_nlink > 1:
            data, mode = path.read_bytes(), path.stat().st_mode
            path.unlink()
            path.write_bytes(data)
            path.chmod(mode)
        return path

    @property
    def warehouse(self) -> Path:
        """The newest warehouse, after `fresh`."""
        return self.fresh(self.layout.warehouse.resolve())


def declared_table(name: str, path: Path) -> Table | pa.Schema:
    """Return the declaration of a table that runs write for every source; for another table, the schema of a file."""
    for table in RUNNER_TABLES:
        if table.name == name:
            return table
    return pq.ParquetFile(path).schema_arrow
