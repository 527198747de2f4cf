"""Reads manifests: the Parquet file that each run writes for each phase of a home, and the lines of the text that
`sha256sum -c` checks."""

from collections.abc import Collection, Iterator, Sequence
from itertools import starmap
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from models.manifest import COLUMNS, NOT_PRESENT, FileState
from pipelines.archive.parquet import open_parquet

_T = TypeVar("_T")
_REPEATED = (
    *("home_id", "run_id", "first_run_id", "source", "entry_type", "treatment", "rule", "change", "outcome"),
    *("check_made", "detail", "mode"),
)


def read_manifest(path: Path, changes: Collection[str] = ()) -> list[FileState]:
    """Return the rows of a manifest file; with `changes`, only rows with one of these changes."""
    states = states_of(read_table(path))
    return [state for state in states if state.change in changes] if changes else states


def states_of(table: pa.Table) -> list[FileState]:
    """Return the rows of a manifest read as a table; equal values share one object, which saves memory."""
    columns = [
        _shared(column.to_pylist()) if name in _REPEATED else column.to_pylist()
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]
    return list(starmap(FileState, zip(*columns, strict=True)))


def _shared(values: list[_T]) -> list[_T]:
    """Return the same values, with equal ones as one object."""
    known: dict[_T, _T] = {}
    return list(map(known.setdefault, values, values))


def read_table(path: Path, names: Sequence[str] = COLUMNS, rows: range | None = None) -> pa.Table:
    """Return columns of a manifest file, of `rows` or of all rows; a column that an older version did not write is
    NULL.
    """
    with open_parquet(path) as file:
        return _select(_read_rows(file, names, range(file.metadata.num_rows) if rows is None else rows), names)


def _select(table: pa.Table, names: Sequence[str]) -> pa.Table:
    for name in names:
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(table.num_rows))
    return table.select(list(names))


def _read_rows(file: pq.ParquetFile, names: Sequence[str], rows: range) -> pa.Table:
    before, groups, left_out = 0, [], 0
    for group in range(file.num_row_groups):
        count = file.metadata.row_group(group).num_rows
        if before + count <= rows.start:
            left_out += count
        elif before < rows.stop:
            groups.append(group)
        before += count
    return file.read_row_groups(groups, columns=list(names), use_threads=False).slice(rows.start - left_out, len(rows))


def read_digests(path: Path) -> Iterator[tuple[bytes, str]]:
    """Yield path and SHA-256 (hex) of each present file with a digest in a manifest file.

    Files with erased spans are skipped: their digest is of the remaining bytes, but the file in the home is complete.
    """
    names = ("path_bytes", "sha256", "entry_type", "outcome", "erased_spans")
    with open_parquet(path) as file:
        for group in range(file.num_row_groups):
            columns = _select(file.read_row_group(group, columns=list(names), use_threads=False), names).columns
            for path_bytes, digest, entry_type, outcome, erased in zip(
                *(column.to_pylist() for column in columns), strict=True
            ):
                if digest is not None and entry_type == "file" and outcome not in NOT_PRESENT and erased is None:
                    yield path_bytes, digest


def sha256_line(path: bytes, digest: str) -> bytes:
    """Return the line of one file in a text that `sha256sum -c` accepts when run in the home.

    A name with a backslash or a line feed is escaped as GNU coreutils does, and the line then begins with a backslash.
    A name that is not UTF-8 is written unchanged.
    """
    name = path.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    return b"%s%s  %s\n" % (b"" if name == path else b"\\", digest.encode(), name)
