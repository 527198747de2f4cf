"""Helpers shared by tests: runs of the real pipeline over homes in temporary directories, and access to the results."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from extractors.reading.task import Limits
from models.observer import Observer
from models.run import RunRecord
from models.schema import Row, Table
from pipelines.archive.archive import committed_parts, read_runs, writing
from pipelines.archive.parquet import StagedPart
from pipelines.disk.layout import Layout
from pipelines.run.digest_indexes import DigestIndexes
from pipelines.run.digest_sets import KnownDigests, SeenDigests, SharedSet, write_known_digests
from pipelines.run.extraction import Request, extract_homes
from pipelines.run.phase_work import PhaseWork
from pipelines.run.snapshot import Due
from pipelines.run.staging import RowWriter, StagingSink
from pipelines.warehouse.load import build_warehouse

FIXTURES = Path(__file__).parent / "fixtures" / "claude_home"
ALL_PHASES = (1, 2, 3, 4, 5, 6, 7, 8)


def fixture_homes() -> list[Path]:
    """Return every fixture home."""
    return sorted(path for path in FIXTURES.iterdir() if path.is_dir())


def extract(data: Path, *homes: Path, phases: Sequence[int] = ALL_PHASES, is_full: bool = False) -> RunRecord:
    """Run phases over homes without building a warehouse; returns the commit record."""
    layout = Layout(data)
    with writing(layout, "test"):
        return extract_homes(layout, Request([(None, home) for home in homes], phases, is_full), Observer()).record


def write_part(path: Path, table: Table, rows: Iterable[Row]) -> StagedPart:
    """Write rows of a table without provenance as one Parquet file."""
    writer = RowWriter(path, table)
    writer.write(rows)
    return writer.close()


@contextmanager
def warehouse_of(data: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Build a warehouse of all committed files and give a connection to it."""
    layout = Layout(data)
    target = data / "test.duckdb"
    target.unlink(missing_ok=True)
    build_warehouse(layout, read_runs(layout), target)
    with duckdb.connect(str(target), read_only=True) as connection:
        yield connection


def rows(data: Path, table: str) -> list[dict[str, object]]:
    """Return the committed rows of a table over all runs."""
    parts = committed_parts(read_runs(Layout(data)), table)
    tables = [pq.read_table(data / part.path, partitioning=None) for part in parts]
    return pa.concat_tables(tables).to_pylist() if tables else []


def is_root() -> bool:
    """Whether this process may read every file: on POSIX as root, on Windows never."""
    if sys.platform == "win32":
        return False
    return os.geteuid() == 0


def sink_in(into: Path) -> StagingSink:
    """Return a StagingSink without a home and without known digests that writes below `into`, which is created."""
    into.mkdir()
    paths = [into / name for name in ("known", "shared-pieces", "shared-messages")]
    write_known_digests(paths[0], [])
    for path in paths[1:]:
        SharedSet.make(path, 1000)
    digests = DigestIndexes(paths[0], paths[0], paths[0], paths[1], paths[2])
    known = KnownDigests(paths[0])
    pieces, messages = (SeenDigests(known, SharedSet(path, nullcontext())) for path in paths[1:])
    work = PhaseWork("h", into, "r", "2026-01-01T00:00:00+00:00", 1, into / "parts", 1, Limits(), digests, Due())
    return StagingSink(work, 0, pieces, messages, known)
