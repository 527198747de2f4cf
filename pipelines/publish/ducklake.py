"""`extract publish ducklake`: a DuckLake catalog over the Parquet files of the archive, where they lie, and over tables
with the rows of the warehouse's views.

DuckLake does not refuse a file that is added twice: its rows would be there twice. So a ledger in the catalog has the
digest of each file, and is asked first. A table that has lost a file, by an erasure or a repair, is made anew.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import duckdb

from models.errors import ConfigurationError, FixityError
from models.observer import Observer
from models.run import PartRecord
from pipelines.publish.extensions import load_extension
from pipelines.publish.relations import relations_of
from pipelines.publish.result import Publication
from pipelines.publish.source import Publishable
from pipelines.warehouse.engine import quoted

_CATALOG: Final = "catalog.ducklake"
_POSTGRES: Final = ("postgres:", "postgresql:")


def publish_to_ducklake(source: Publishable, place: str, files: Path, observer: Observer) -> Publication:
    """Bring a DuckLake catalog up to date with the archive, and compare both. `place` is a directory, which gets the
    catalog as a file of DuckDB, or a URL of PostgreSQL, which then has the catalog; `files` is the directory in which
    DuckLake writes its own files, those that are not of the archive.

    Raises ConfigurationError where an extension is missing or the catalog is refused, FixityError for a difference.
    """
    made = Publication(shown_place(place))
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        load_extension(connection, "ducklake")
        connection.execute("SET TimeZone = 'UTC'")
        if place.startswith(_POSTGRES):
            load_extension(connection, "postgres_scanner")
        _attach(connection, place, files)
        connection.execute(f"ATTACH {quoted(str(source.path))} AS warehouse (READ_ONLY)")
        try:
            connection.execute("BEGIN")
            _Catalog(connection, source, made, observer).do()
            connection.execute("COMMIT")
        except duckdb.Error as error:
            raise ConfigurationError(f"the catalog refuses: {str(error).splitlines()[0]}") from error
    return made


def shown_place(place: str) -> str:
    """Return a place without a password."""
    return "a catalog in PostgreSQL" if place.startswith(_POSTGRES) else place


def _attach(connection: duckdb.DuckDBPyConnection, place: str, files: Path) -> None:
    files.mkdir(mode=0o700, parents=True, exist_ok=True)
    if place.startswith(_POSTGRES):
        catalog = f"ducklake:postgres:{place}"
    else:
        Path(place).mkdir(mode=0o700, parents=True, exist_ok=True)
        catalog = f"ducklake:{Path(place) / _CATALOG}"
    try:
        connection.execute(f"ATTACH {quoted(catalog)} AS lake (DATA_PATH {quoted(f'{files}/')})")
    except duckdb.Error as error:
        raise ConfigurationError(f"the catalog cannot be opened: {str(error).splitlines()[0]}") from error


class _Catalog:
    """One publication, in one transaction."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, source: Publishable, made: Publication, observer: Observer
    ) -> None:
        self._connection, self._source, self._made, self._observer = connection, source, made, observer

    def do(self) -> None:
        """Do all of it."""
        self._connection.execute(
            "CREATE SCHEMA IF NOT EXISTS lake.archive; CREATE SCHEMA IF NOT EXISTS lake.answers;"
            "CREATE TABLE IF NOT EXISTS lake.archive.published_files "
            "(table_name VARCHAR, path VARCHAR, sha256 VARCHAR, row_count BIGINT)"
        )
        parts: dict[str, list[PartRecord]] = {}
        for run in self._source.runs:
            for phase in run.phases:
                for part in phase.parts:
                    if part.rows and part.table not in ("store", "pieces"):
                        parts.setdefault(part.table, []).append(part)
        held = self._held()
        self._observer.step_begins("publishing", len(parts))
        for table in sorted(held.keys() - parts.keys()):
            self._drop(table)
        for table, listed in sorted(parts.items()):
            self._publish(table, listed, held.get(table, set()))
            self._observer.advances(1)
        self._observer.step_ends()
        self._publish_views()

    def _held(self) -> dict[str, set[tuple[str, str]]]:
        found: dict[str, set[tuple[str, str]]] = {}
        query = "SELECT table_name, path, sha256 FROM lake.archive.published_files"
        for table, path, sha256 in self._connection.execute(query).fetchall():
            found.setdefault(table, set()).add((path, sha256))
        return found

    def _drop(self, table: str) -> None:
        self._connection.execute(f'DROP TABLE IF EXISTS lake.archive."{table}"')
        self._connection.execute("DELETE FROM lake.archive.published_files WHERE table_name = ?", [table])

    def _publish(self, table: str, parts: Sequence[PartRecord], held: set[tuple[str, str]]) -> None:
        """Add the files of a table that the ledger does not have, and compare the table with its files."""
        wanted = {(str(self._source.root / part.path), part.sha256): part for part in parts}
        if held - wanted.keys():
            self._drop(table)
            held = set()
        files = (
            f"read_parquet([{', '.join(quoted(path) for path, _ in wanted)}], union_by_name = true, "
            "hive_partitioning = false)"
        )
        self._connection.execute(f'CREATE TABLE IF NOT EXISTS lake.archive."{table}" AS FROM {files} LIMIT 0')
        for (path, sha256), part in wanted.items():
            if (path, sha256) not in held:
                self._connection.execute(
                    f"CALL ducklake_add_data_files('lake', {quoted(table)}, {quoted(path)}, schema => 'archive', "
                    "hive_partitioning => false, allow_missing => true, ignore_extra_columns => true)"
                )
                self._connection.execute(
                    "INSERT INTO lake.archive.published_files VALUES (?, ?, ?, ?)", [table, path, sha256, part.rows]
                )
                self._made.chunks_copied += 1
                self._made.rows_copied += part.rows
        self._compare(self._sums_of(f'lake.archive."{table}"'), self._sums_of(files), table)

    def _sums_of(self, relation: str) -> tuple[int, str | None]:
        """Return the number of rows and a checksum of them, which does not depend on their order."""
        query = f"SELECT count(*), sum(hash(t)::HUGEINT)::VARCHAR FROM {relation} t"
        rows, checksum = self._connection.execute(query).fetchone() or (0, None)
        return int(rows), checksum

    def _compare(self, found: tuple[int, str | None], expected: tuple[int, str | None], name: str) -> None:
        """Raise FixityError unless a relation has the expected rows, by number and checksum."""
        if found != expected:
            raise FixityError(f"{name} has other rows in the catalog than in the archive: nothing was published")
        self._made.relations += 1
        self._made.rows += found[0]

    def _publish_views(self) -> None:
        """Write the rows of the views whose rows have changed."""
        self._connection.execute("USE warehouse")
        views = [one for one in relations_of(self._connection) if one.is_view]
        for view in views:
            there, here = f"lake.answers.{view.quoted}", f"warehouse.{view.quoted}"
            expected = self._sums_of(here)
            try:
                found = self._sums_of(there)
            except duckdb.CatalogException:
                found = None
            if found != expected:
                self._connection.execute(f"CREATE OR REPLACE TABLE {there} AS FROM {here}")
                self._made.chunks_copied += 1
                found = self._sums_of(there)
            self._compare(found, expected, view.name)
