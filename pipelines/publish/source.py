"""The warehouse to publish: the archive's own, or one built from the sessions that may go to the place."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import duckdb

from models.errors import ConfigurationError
from models.run import RunRecord
from pipelines.archive.archive import Archive
from pipelines.disk.atomic import disk_errors
from pipelines.disk.layout import Layout
from pipelines.lake.outgoing import Outgoing, outgoing_of, refuse_unknown_level
from pipelines.warehouse.load import build_warehouse
from pipelines.warehouse.opened import no_warehouse


@dataclass(frozen=True, slots=True)
class Publishable:
    """A warehouse file, the runs in it that this archive made, and where their Parquet files lie."""

    path: Path
    runs: list[RunRecord]
    root: Path
    withheld_sessions: int


@contextmanager
def publishable(layout: Layout, level: str, work: Path) -> Iterator[Publishable]:
    """Yield the warehouse that may be published at a level; files written for it are below `work`, and stay there.

    For private without any withheld session, this is the published warehouse, including other machines' runs; otherwise
    one of this archive's own sessions, without those that may not go there, masked for team and public. Raises
    ConfigurationError where there is nothing to publish, LoadError.
    """
    refuse_unknown_level(level)
    archive = Archive.open(layout)
    key = blake2b(b"publish", key=archive.seed.to_bytes(8, "big"), digest_size=32).digest()
    with disk_errors():
        out = outgoing_of(layout, level, key, work)
    if not out.runs:
        raise ConfigurationError(
            f"nothing may be published at level {level}: `extract privacy set {level} --project DIR` gives a project "
            f"to it"
        )
    if not out.is_filtered:
        if not layout.warehouse.exists():
            raise no_warehouse(layout)
        yield Publishable(layout.warehouse.resolve(), out.runs, layout.root, out.withheld_sessions)
        return
    yield _built(out, work)


def _built(out: Outgoing, work: Path) -> Publishable:
    target = work / "published.duckdb"
    place = Layout(work)
    with disk_errors():
        place.prepare()
        target.unlink(missing_ok=True)
    build_warehouse(place, out.runs, target)
    return Publishable(target, out.runs, work, out.withheld_sessions)


def reading(source: Publishable) -> duckdb.DuckDBPyConnection:
    """Return a connection that can read the warehouse of a source, in UTC."""
    connection = duckdb.connect(os.fspath(source.path), read_only=True)
    connection.execute("SET TimeZone = 'UTC'")
    return connection
