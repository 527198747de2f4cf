"""The proof of an erasure: searches every file below the data directory for the content, in name, bytes and values."""

import os
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from models.observer import Observer
from models.run import PartRecord
from models.schema import Table
from models.tables import ENTRIES, ERASED, LOST, MANIFEST, PIECES
from pipelines.archive.archive import read_all_runs
from pipelines.archive.committed import PhaseKey, known_tables, phases_of
from pipelines.archive.parquet import bytes_column, integer_column, open_parquet, read_columns, text_column
from pipelines.disk.layout import Layout
from pipelines.forget.find import FoundForErasure, going_rows
from pipelines.forget.matcher import Matcher, rows_that_hold, values_that_hold

_CHUNK = 1 << 20
_ROWS = 2_000


def places_that_hold(layout: Layout, matcher: Matcher, observer: Observer) -> list[str]:
    """Return every path below the data directory that still contains it, with the place inside the file.

    Parquet files and warehouses are also searched value by value, because their bytes are compressed.
    """
    if matcher.is_empty:
        return []
    paths = sorted(path for path in _paths(layout.root))
    observer.step_begins("proof", sum(path.lstat().st_size for path in paths))
    found = []
    for path in paths:
        name = os.fsencode(path.relative_to(layout.root))
        for what in _held_by(path, matcher):
            found.append(f"{os.fsdecode(name)}: {what}")
        if matcher.holds(name):
            found.append(f"{os.fsdecode(name)}: its name")
        observer.advances(path.lstat().st_size)
    observer.step_ends()
    return found


def addresses_that_hold(layout: Layout, found: FoundForErasure) -> list[str]:
    """Return every part that still has a row, a recipe or a message at an address that was to be erased."""
    return [
        f"{part.path}: rows of it"
        for where, phase in phases_of(read_all_runs(layout))
        for part in phase.parts
        if part.table in known_tables() and _has_rows(layout, where, part, known_tables()[part.table], found)
    ]


def _has_rows(layout: Layout, where: PhaseKey, part: PartRecord, table: Table, found: FoundForErasure) -> bool:
    names = {column.name for column in table.all_columns}
    if table is MANIFEST:
        rows = read_columns(layout, [part], table, ["home_id", "path_bytes"])
        return not found.paths.isdisjoint(
            zip(text_column(rows, "home_id"), bytes_column(rows, "path_bytes"), strict=True)
        )
    if "message_id" in names:
        rows = read_columns(layout, [part], table, ["message_id"])
        if not found.messages.isdisjoint(text_column(rows, "message_id")):
            return True
    if "file_id" not in names:
        return False
    wanted = [name for name in ("file_id", "byte_offset", "byte_length", "digest", "entry_kind") if name in names]
    rows = read_columns(layout, [part], table, wanted)
    if not table.has_provenance:
        return not set(found.file_ids).isdisjoint(integer_column(rows, "file_id"))
    if table is PIECES:
        return _has_pieces(
            found, where, rows.filter(pc.invert(pc.is_in(rows["digest"], pa.array([ERASED, LOST], pa.binary(16)))))
        )
    if table is ENTRIES:
        rows = rows.filter(pc.invert(pc.is_in(rows["entry_kind"], pa.array(["erased", "tail"]))))
    return bool(pc.any(going_rows(found, where, rows)).as_py())


def _has_pieces(found: FoundForErasure, where: PhaseKey, rows: pa.Table) -> bool:
    """Return whether a piece belongs to an erased file, or overlaps an erased span."""
    entries = {file_id: sorted(spans) for file_id, spans in found.entries.get(where, {}).items()}
    columns = (integer_column(rows, name) for name in ("file_id", "byte_offset", "byte_length"))
    for file_id, offset, length in zip(*columns, strict=True):
        spans = entries.get(file_id, [])
        before = bisect_left(spans, (offset + length, 0)) - 1
        if file_id in found.file_ids or (before >= 0 and sum(spans[before]) > offset):
            return True
    return False


def _paths(root: Path) -> Iterator[Path]:
    for place, directories, names in os.walk(root):
        yield from (Path(place, name) for name in names)
        yield from (Path(place, name) for name in directories if Path(place, name).is_symlink())


def _held_by(path: Path, matcher: Matcher) -> Iterator[str]:
    if path.is_symlink():
        if matcher.holds(os.fsencode(os.readlink(path))):
            yield "the target of the link"
        return
    is_packed = path.suffix in (".parquet", ".duckdb")
    if path.suffix == ".parquet":
        yield from _columns_of_parquet(path, matcher)
    elif path.suffix == ".duckdb":
        yield from _columns_of_warehouse(path, matcher)
    if file_holds(path, matcher, is_packed=is_packed):
        yield "its bytes"


def file_holds(path: Path, matcher: Matcher, *, is_packed: bool = False) -> bool:
    """Return whether the bytes of a file contain it. With `is_packed` (compressed bytes) only ids and texts are
    searched: a pattern would match by chance.
    """
    before = b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            data = before + chunk
            if matcher.is_in(data) if is_packed else matcher.holds(data):
                return True
            before = data[-matcher.overlap :]
    return False


def _columns_of_parquet(path: Path, matcher: Matcher) -> Iterator[str]:
    names: set[str] = set()
    try:
        with open_parquet(path) as file:
            for group in range(file.metadata.num_row_groups):
                rows = file.read_row_group(group, use_threads=False)
                names |= {
                    name for name in rows.column_names if name not in names and rows_that_hold(matcher, rows, [name])
                }
    except (OSError, pa.ArrowException) as error:
        yield f"unreadable, so not searched ({error})"
    yield from (f"column {name}" for name in sorted(names))


def _columns_of_warehouse(path: Path, matcher: Matcher) -> Iterator[str]:

    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            tables = connection.execute(
                "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal "
                "AND regexp_matches(data_type, 'VARCHAR|BLOB|JSON|ENUM') "
                "AND table_name IN (SELECT table_name FROM duckdb_tables())"
            ).fetchall()
            # Most tables of a small archive are empty: one query for all is faster than one for each of their columns.
            some = " UNION ALL ".join(
                f"(SELECT '{name}' FROM \"{name}\" LIMIT 1)" for name in {name for name, _ in tables}
            )
            filled = {name for (name,) in connection.execute(some).fetchall()} if tables else set()
            for table, column in tables:
                if table not in filled:
                    continue
                cursor = connection.execute(f'SELECT "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL')
                while rows := cursor.fetchmany(_ROWS):
                    if values_that_hold(matcher, [_raw(value) for (value,) in rows]):
                        yield f"column {column} of {table}"
                        break
    except duckdb.Error as error:
        yield f"unreadable, so not searched ({error})"


def _raw(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
