"""Checks every committed Parquet file (part): its digest, number of rows and columns. A part that fails is not opened
again by later checks."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

import pyarrow as pa

from models.findings import parts as codes
from models.schema import Table
from models.tables import IMPORTED
from pipelines.archive.committed import known_tables
from pipelines.archive.imported import imported_files
from pipelines.archive.parquet import open_parquet
from pipelines.verify.context import Context, unreadable
from pipelines.verify.sizes import digest, distrust

_THREADS: Final = 4

T = TypeVar("T")


def _in_threads(
    items: Iterable[T], path_of: Callable[[T], Path], context: Context
) -> Iterator[tuple[T, str | OSError]]:
    """Yield each item with the SHA-256 of its file, or the error of reading it."""

    def one(item: T) -> tuple[T, str | OSError]:
        try:
            return item, digest(path_of(item), context.observer.advances)
        except OSError as error:
            return item, error

    with ThreadPoolExecutor(_THREADS) as threads:
        yield from threads.map(one, items)


def check_digests(context: Context, table: str | None = None) -> None:
    """Digest every part of the share whose size is right; with `table` only its parts."""
    parts = {
        part.path: part
        for _, _, part in context.parts()
        if context.is_usable(part) and table in (None, part.table) and context.share.holds(part.path)
    }
    context.observer.step_begins("digests", sum(part.size for part in parts.values()))
    for part, found in _in_threads(parts.values(), lambda part: context.layout.root / part.path, context):
        if isinstance(found, OSError):
            distrust(context, part, unreadable(context, found))
        elif found != part.sha256:
            distrust(context, part, codes.BROKEN.at(part.path, actual=found, expected=part.sha256))


def check_footers(context: Context) -> None:
    """Compare the number of rows and the columns in each part's footer with its commit record and its table."""
    tables = known_tables()
    for _, _, part in context.parts():
        if not context.is_usable(part):
            continue
        if part.table not in tables:
            context.distrusted.add(part.path)
            continue
        try:
            with open_parquet(context.layout.root / part.path) as file:
                rows, schema = file.metadata.num_rows, file.schema_arrow
        except (OSError, pa.ArrowException) as error:
            distrust(context, part, codes.NO_PARQUET.at(part.path, problem=_first_line(error)))
            continue
        if rows != part.rows:
            distrust(context, part, codes.ROWS.at(part.path, actual=rows, expected=part.rows))
        problem = columns_problem(tables[part.table], schema)
        if problem is not None:
            distrust(context, part, codes.COLUMNS.at(part.path, table=part.table, problem=problem))


def columns_problem(table: Table, schema: pa.Schema) -> str | None:
    """Return the first problem of a file's columns for a table, None if there is none.

    Files of earlier versions may lack columns that can be NULL, and have columns that were removed since.
    """
    for column in table.all_columns:
        number = schema.get_field_index(column.name)
        if number < 0:
            if column.required:
                return f"{column.name} is missing"
        elif schema.field(number).type != column.type.arrow:
            return f"{column.name} is {schema.field(number).type}, not {column.type.arrow}"
    return None


def check_imports(context: Context) -> None:
    """Compare every file of an imported store with the SHA-256 in its name."""
    layout = context.layout
    for path, found in _in_threads(imported_files(layout), lambda path: path, context):
        address = context.address(path)
        if isinstance(found, OSError):
            context.findings.append(unreadable(context, found))
        elif found != path.stem:
            context.findings.append(codes.IMPORT_BROKEN.at(address, actual=found))
        else:
            problem = _import_problem(path)
            if problem is not None:
                context.findings.append(codes.IMPORT_COLUMNS.at(address, problem=problem))


def _import_problem(path: Path) -> str | None:
    try:
        with open_parquet(path) as file:
            return columns_problem(IMPORTED, file.schema_arrow)
    except (OSError, pa.ArrowException) as error:
        return _first_line(error)


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0]
