"""Erasure in imported stores: which imported files contain the content, and their remaining rows."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path

import pyarrow as pa

from models.run import PartRecord
from models.tables import IMPORTED
from pipelines.archive.imported import imported_files
from pipelines.archive.parquet import open_writer, read_row_groups
from pipelines.disk.atomic import sync_file
from pipelines.disk.layout import Layout
from pipelines.forget.matcher import Matcher, rows_that_hold


@dataclass(frozen=True, slots=True)
class Imported:
    """An imported file that contains it: the remaining rows, and the number of erased ones."""

    path: Path
    staying: Sequence[pa.Table]
    going: int


def rows_of_imports(layout: Layout) -> Iterator[tuple[Path, Iterator[pa.Table]]]:
    """Yield each imported file with its rows, in batches."""
    for path in imported_files(layout):
        yield path, read_row_groups(layout, PartRecord(layout.relative(path), IMPORTED.name, 0, 0, path.stem), IMPORTED)


def imports_that_hold(layout: Layout, matcher: Matcher, messages: Collection[str]) -> Iterator[Imported]:
    """Yield every imported file with one of the message_ids, or with a text that the matcher finds."""
    gone = {*messages, *(sha256(text).hexdigest() for text in matcher.texts)}
    for path, tables in rows_of_imports(layout):
        staying, going = [], 0
        for rows in tables:
            held = rows_that_hold(matcher, rows, ["text"]) if not matcher.is_empty else set[int]()
            held |= {row for row, message in enumerate(rows["message_id"].to_pylist()) if message in gone}
            going += len(held)
            staying.append(rows.take(pa.array([row for row in range(rows.num_rows) if row not in held], pa.int64())))
        if going:
            yield Imported(path, [rows for rows in staying if rows.num_rows], going)


def stage_import(directory: Path, tables: Sequence[pa.Table]) -> str:
    """Write rows as an imported file in `directory`, named by its SHA-256; return the name."""
    staged = directory / "new.parquet"
    with open_writer(staged, IMPORTED) as writer:
        for rows in tables:
            writer.write_table(rows)
    sync_file(staged)
    with staged.open("rb") as file:
        name = f"{file_digest(file, 'sha256').hexdigest()}.parquet"
    staged.rename(directory / name)
    return name
