"""Loads the committed parts into a temporary DuckDB, once and in bulk, so that the checks are SQL queries.

Only usable parts are loaded. Of a phase with an unusable part only the tables that need no other part are loaded: the
pieces of the store, the message texts, the manifest, the readings. Memory is bounded: DuckDB spills to the system's
temporary directory.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Final

import duckdb
import pyarrow as pa

from extractors.reading.registry import source_tables, sources
from models.counts import READING_COUNTS
from models.errors import LoadError
from models.findings import parts as codes
from models.run import PartRecord, RunRecord
from models.schema import Table
from models.tables import (
    DRIFT,
    ENTRIES,
    EXTRACTIONS,
    MANIFEST,
    MESSAGES,
    OCCURRENCES,
    PIECES,
    REJECTS,
    REPAIRS,
    STORE,
)
from pipelines.verify.context import Context, PhaseGroup

MEMORY = "600MB"
"""DuckDB's memory limit; it spills the rest to the system's temporary directory."""
RUNS: Final = "runs"
"""A name in `Tables.incomplete`: a commit record is unusable or missing."""


@dataclass(frozen=True, slots=True)
class _Load:
    """A table in DuckDB: the archive's table that fills it, and its columns with their expressions.

    Each has `part` (the part's number) and `g` (the number of its phase group); tables with provenance also `file_id`,
    `o` (offset), `l` (length) and `bad` (whether the row has another home or run than its part). `stands_for_itself`:
    its rows can be checked without the other parts of the phase.
    """

    name: str
    table: Table
    columns: Mapping[str, str]
    stands_for_itself: bool = False

    def create(self) -> str:
        """Return the statement that creates the table."""
        return f"CREATE TABLE {self.name} ({', '.join(self._all())})"

    def insert(self) -> str:
        """Return the statement that fills it; its parameter is the list of Parquet files."""
        return f"INSERT INTO {self.name} SELECT {', '.join(self._all().values())} {_FROM}"

    def _all(self) -> dict[str, str]:
        where = {"part INTEGER": "p.part", "g INTEGER": "p.g"}
        return where | (_SPAN if self.table.has_provenance else {}) | dict(self.columns)


_IS_OF_ANOTHER: Final = "t.home_id <> p.home OR t.run_id <> p.run"
_SPAN: Final = {
    "file_id BIGINT": "t.file_id",
    "o BIGINT": "t.byte_offset",
    "l BIGINT": "t.byte_length",
    "bad BOOLEAN": _IS_OF_ANOTHER,
}
_FROM: Final = (
    "FROM read_parquet(?, hive_partitioning = false, union_by_name = true, filename = 'part_file') t "
    "JOIN part p ON p.file = t.part_file"
)


def _as_they_are(*columns: str) -> dict[str, str]:
    return {column: f"t.{column.split()[0]}" for column in columns}


_LOADS: Final = (
    _Load(
        "manifest",
        MANIFEST,
        {"bad BOOLEAN": f"{_IS_OF_ANOTHER} OR t.phase <> p.phase"}
        | _as_they_are(
            "source VARCHAR",
            "path VARCHAR",
            "path_bytes BLOB",
            "entry_type VARCHAR",
            "treatment VARCHAR",
            "change VARCHAR",
            "outcome VARCHAR",
            "check_made VARCHAR",
            "file_id BIGINT",
            "generation BIGINT",
            "first_run_id VARCHAR",
            "size BIGINT",
            "watermark BIGINT",
            "modified_at TIMESTAMP",
            "mtime_ns BIGINT",
            "sha256 VARCHAR",
            "content_xxh3 BLOB",
            "prefix_xxh3 BLOB",
        ),
        stands_for_itself=True,
    ),
    _Load(
        "extraction",
        EXTRACTIONS,
        {"bad BOOLEAN": f"{_IS_OF_ANOTHER} OR t.phase <> p.phase"}
        | _as_they_are(
            "source VARCHAR",
            "file_id BIGINT",
            "from_offset BIGINT",
            "watermark BIGINT",
            "size BIGINT",
            *(f"{one.name} BIGINT" for one in READING_COUNTS),
            "is_void BOOLEAN",
        ),
        stands_for_itself=True,
    ),
    _Load("entry", ENTRIES, {"kind VARCHAR": "t.entry_kind", "n BIGINT": "t.row_count"}),
    _Load("piece", PIECES, _as_they_are("digest BLOB")),
    _Load("reject", REJECTS, _as_they_are("code VARCHAR")),
    _Load("repair", REPAIRS, {}),
    _Load("occurrence", OCCURRENCES, _as_they_are("message_id VARCHAR")),
    _Load("drift", DRIFT, {"bad BOOLEAN": _IS_OF_ANOTHER} | _as_they_are("file_id BIGINT")),
    _Load("stored", STORE, _as_they_are("digest BLOB", "piece_bytes BIGINT"), stands_for_itself=True),
    _Load("kept_text", MESSAGES, _as_they_are("message_id VARCHAR"), stands_for_itself=True),
)

_VIEWS: Final = """
CREATE TABLE named AS
    SELECT file_id, any_value(concat(p.home, ':', m.path, CASE WHEN generation > 1 THEN concat('#', generation) END))
        AS address
    FROM manifest m JOIN part p USING (part) WHERE file_id IS NOT NULL GROUP BY file_id;
CREATE MACRO is_erased(digest) AS digest = unhex('00000000000000000000000000000000');
CREATE MACRO is_lost(digest) AS digest = unhex('ffffffffffffffffffffffffffffffff');
CREATE MACRO called(file, name) AS coalesce(name, concat('file ', file));
CREATE VIEW cut AS SELECT s.* FROM stored s JOIN part p USING (part) WHERE NOT contains(p.path, '/mended-');
CREATE VIEW every_read AS SELECT * FROM extraction WHERE NOT is_void;
CREATE VIEW read AS SELECT r.* FROM every_read r JOIN grp USING (g) WHERE whole;
CREATE VIEW whole_manifest AS SELECT m.* FROM manifest m JOIN grp USING (g) WHERE whole;
"""


@dataclass(slots=True)
class Tables:
    """The loaded tables. `incomplete` names those with a part that could not be loaded."""

    connection: duckdb.DuckDBPyConnection
    incomplete: set[str] = field(default_factory=set)

    def choose(self, runs: Iterable[RunRecord]) -> None:
        """Make the view `chain` contain the phase groups of these runs."""
        self.connection.execute("DELETE FROM chosen")
        _fill(self.connection, "chosen", [(run.run_id,) for run in runs])

    def rows(self, query: str) -> Iterator[dict[str, str | int]]:
        """Yield the rows of a query as dictionaries by column name. Raises duckdb.Error."""
        cursor = self.connection.execute(query)
        names = [column[0] for column in cursor.description or ()]
        while some := cursor.fetchmany(1000):
            for row in some:
                yield dict(zip(names, row, strict=True))


@contextmanager
def loaded(context: Context) -> Iterator[Tables]:
    """Yield the tables of all usable parts. A part that proves unreadable becomes a finding, and loading starts again
    without it.
    """
    while True:
        before = len(context.distrusted)
        with tempfile.TemporaryDirectory(prefix="extract-verify-", ignore_cleanup_errors=True) as spill:
            connection = duckdb.connect(
                config={
                    "memory_limit": MEMORY,
                    "temp_directory": spill,
                    "autoinstall_known_extensions": "false",
                    "autoload_known_extensions": "false",
                    "preserve_insertion_order": "false",
                }
            )
            with connection:
                tables = Tables(connection)
                _load(context, tables)
                if len(context.distrusted) == before:
                    yield tables
                    return


def empty_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create all tables, empty."""
    connection.execute(
        """
        CREATE TABLE grp (g INTEGER, epoch INTEGER, run VARCHAR, home VARCHAR, phase INTEGER, whole BOOLEAN,
            is_read BOOLEAN, is_blind BOOLEAN, address VARCHAR);
        CREATE TABLE chosen (run VARCHAR);
        CREATE VIEW chain AS SELECT * FROM grp SEMI JOIN chosen USING (run);
        CREATE TABLE part (part INTEGER, g INTEGER, file VARCHAR, path VARCHAR, tab VARCHAR, run VARCHAR, home VARCHAR,
            phase INTEGER);
        CREATE TABLE counted (g INTEGER, source VARCHAR, what VARCHAR, n BIGINT);
        CREATE TABLE retired (g INTEGER, path VARCHAR, tab VARCHAR, run VARCHAR);
        CREATE TABLE outcome (g INTEGER, outcome VARCHAR, n BIGINT);
        CREATE TABLE reject_sum (g INTEGER, code VARCHAR, n BIGINT);
        CREATE TABLE row_span (part INTEGER, g INTEGER, file_id BIGINT, o BIGINT, l BIGINT, bad BOOLEAN, n BIGINT);
        """
    )
    for load in _LOADS:
        connection.execute(load.create())


def complete(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the views and macros of the checks; call it after the tables are filled."""
    connection.execute(_VIEWS)


def _load(context: Context, tables: Tables) -> None:
    connection = tables.connection
    empty_tables(connection)
    groups = context.groups()
    usable = {group.number for group in groups if all(context.is_usable(part) for part in group.phase.parts)}
    whole = {group.number for group in groups if group.number in usable and not group.phase.retired}
    parts = _fill_records(context, connection, groups, whole)
    tables.incomplete |= {part.table for group in groups for part in group.phase.parts if not context.is_usable(part)}
    epochs = {run.epoch for run in context.runs}
    if context.unusable or len(epochs) < max(epochs, default=0):
        tables.incomplete.add(RUNS)
    for load in _LOADS:
        fit = usable if load.table in (ENTRIES, PIECES, OCCURRENCES) else whole
        chosen = [part for part, group in parts[load.table.name] if load.stands_for_itself or group in fit]
        _insert(context, connection, load.insert(), chosen)
    count = (
        f"INSERT INTO row_span SELECT p.part, p.g, t.file_id, t.byte_offset, t.byte_length, {_IS_OF_ANOTHER}, count(*) "
        f"{_FROM} GROUP BY ALL"
    )
    for table in source_tables(sources().values()):
        _insert(context, connection, count, [part for part, group in parts.get(table.name, ()) if group in whole])
    complete(connection)


_Placed = dict[str, list[tuple[PartRecord, int]]]


def _fill_records(
    context: Context, connection: duckdb.DuckDBPyConnection, groups: Sequence[PhaseGroup], whole: set[int]
) -> _Placed:
    """Load the commit records; return the usable parts of each table with the number of their phase group."""
    placed: _Placed = {load.table.name: [] for load in _LOADS}
    part_rows: list[tuple[object, ...]] = []
    for group in groups:
        for part in group.phase.parts:
            if context.is_usable(part):
                placed.setdefault(part.table, []).append((part, group.number))
                file = str(context.layout.root / part.path)
                where = (group.run.run_id, group.phase.home_id, group.phase.phase)
                part_rows.append((len(part_rows), group.number, file, part.path, part.table, *where))
    _fill(connection, "part", part_rows)
    _fill(
        connection,
        "grp",
        [
            (
                one.number,
                one.run.epoch,
                one.run.run_id,
                one.phase.home_id,
                one.phase.phase,
                one.number in whole,
                one.run.kind == "run",
                _is_blind(one.run),
                context.address(context.layout.commit_record(one.run.run_id)),
            )
            for one in groups
        ],
    )
    counted = [
        (one.number, source, what, n)
        for one in groups
        for source, counts in one.phase.sources.items()
        for what, n in asdict(counts).items()
    ]
    _fill(connection, "counted", counted)
    retired = [(one.number, part.path, part.table, one.run.run_id) for one in groups for part in one.phase.retired]
    _fill(connection, "retired", retired)
    _fill(connection, "outcome", [(one.number, *pair) for one in groups for pair in one.phase.outcomes.items()])
    _fill(connection, "reject_sum", [(one.number, *pair) for one in groups for pair in one.phase.rejects.items()])
    return placed


def _is_blind(run: RunRecord) -> bool:
    """Whether commit records or manifests were lost when a run began: it cannot have known which files these name."""
    return any(one.table in ("", MANIFEST.name) and not one.mended for one in run.damage)


def _fill(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        names = [f"c{number}" for number in range(len(rows[0]))]
        given = pa.table([pa.array(list(column)) for column in zip(*rows, strict=True)], names=names)
        connection.register("given", given)
        connection.execute(f"INSERT INTO {table} SELECT * FROM given")
        connection.unregister("given")


def _insert(
    context: Context, connection: duckdb.DuckDBPyConnection, statement: str, parts: Iterable[PartRecord]
) -> None:
    """Load parts in one statement; if it fails, one by one, to find the unreadable ones. Raises LoadError when memory
    or disk is full.
    """
    paths = {str(context.layout.root / part.path): part for part in parts}
    if not paths:
        return
    try:
        connection.execute(statement, [list(paths)])
    except duckdb.OutOfMemoryException as error:
        raise LoadError(f"there is no room for the tables to compare: {error}") from error
    except duckdb.Error:
        for path, part in paths.items():
            try:
                connection.execute(statement, [[path]])
            except duckdb.Error as error:
                problem = str(error).split("\n", 1)[0]
                context.distrusted.add(part.path)
                context.findings.append(codes.UNREADABLE_ROWS.at(part.path, table=part.table, problem=problem))
