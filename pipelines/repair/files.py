"""Puts whole files into their place: copied under a temporary name, compared with their digest, flushed, renamed."""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from secrets import token_hex

import pyarrow as pa

from models.errors import FixityError
from models.run import PartRecord
from models.schema import Row, Table
from pipelines.archive.parquet import finish_part, open_writer
from pipelines.disk.atomic import make_directories, sha256_of, sync_directories, sync_file
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import Layout, make_private
from pipelines.disk.platform import replace

_BATCH = 2000


def put_file(source: Path, target: Path, sha256: str) -> None:
    """Copy a file to its place. Raises FixityError where the copy has another digest."""
    changed = make_directories(target.parent)
    temporary = target.with_name(f".{target.name}.tmp")
    shutil.copyfile(source, temporary)
    temporary.chmod(0o600)
    if sha256_of(temporary) != sha256:
        temporary.unlink()
        raise FixityError(f"{source} changed while it was copied")
    sync_file(temporary)
    reach("repair:before-rename")
    replace(temporary, target)
    sync_directories({*changed, target.parent})
    reach("repair:put-back")


def write_part(
    layout: Layout, directory: Path, table: Table, rows: Iterable[Row], name: Callable[[str], str]
) -> PartRecord:
    """Write rows with all columns of a table, in its order, as a part; returns its record.

    It is staged first and named by `name` of its SHA-256. Nothing counts it before a commit record lists it.
    """
    staged = layout.staging / f"repair-{token_hex(4)}.parquet"
    make_private(staged.parent)
    schema = table.arrow()
    count = 0
    with open_writer(staged, table) as writer:
        batch: list[Row] = []
        for row in rows:
            batch.append(row)
            if len(batch) >= _BATCH:
                writer.write_table(_of(batch, schema))
                count += len(batch)
                batch = []
        if batch:
            writer.write_table(_of(batch, schema))
            count += len(batch)
    made = finish_part(table.name, staged, count)
    sync_file(staged)
    changed = make_directories(directory)
    final = directory / name(made.sha256)
    reach("repair:before-part")
    replace(staged, final)
    sync_directories({*changed, directory})
    reach("repair:part-placed")
    return PartRecord(layout.relative(final), table.name, count, made.size, made.sha256)


def _of(rows: list[Row], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True)
    return pa.Table.from_arrays(
        [pa.array(list(values), field.type) for values, field in zip(columns, schema, strict=True)], schema=schema
    )
