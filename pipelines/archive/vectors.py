"""The files of vectors, by which texts are found by their meaning: `pipelines.semantic` makes and reads them, and an
erasure takes from them what it erases. Nothing here needs the extra `semantic`.
"""

from pathlib import Path
from typing import Final

import pyarrow as pa
from xxhash import xxh3_128

from models.errors import FixityError
from models.schema import BYTES, TEXT, Column, Table
from models.tables import MESSAGES
from pipelines.archive.archive import committed_parts, read_all_runs
from pipelines.archive.machines import with_units
from pipelines.archive.parquet import open_parquet, open_writer, read_columns, text_column
from pipelines.disk.atomic import is_as_named
from pipelines.disk.layout import Layout
from pipelines.disk.platform import replace

VECTORS: Final = Table(
    "vectors",
    "One row for each text that has a vector.",
    (
        Column(
            "key",
            TEXT,
            "The text's message_id, or `title:` and its MD5.",
            required=True,
            is_distinct=True,
        ),
        Column("vector", BYTES, "384 numbers of 16 bits, little-endian.", required=True),
    ),
    has_provenance=False,
)


def write_vector_file(layout: Layout, run_id: str, rows: pa.Table) -> Path:
    """Write a new file with the rows of VECTORS, named after a run and its own content, and return its path. The caller
    must hold the writer lock. Raises OSError.
    """
    building = layout.vectors_being_written
    building.unlink(missing_ok=True)
    with open_writer(building, VECTORS) as writer:
        writer.write_table(rows)
    building.chmod(0o600)
    target = layout.vector_file(run_id, xxh3_128(building.read_bytes()).hexdigest())
    replace(building, target)
    return target


def delete_vectors_of_erased_texts(layout: Layout) -> None:
    """Delete the vectors of all texts that are no messages of the archive or of a pulled machine, and of all titles,
    whose texts are not kept as messages. `extract embed` makes those again that are missing. It may be repeated after
    an interruption; the caller flushes the directory. Raises OSError.
    """
    files = layout.vector_files()
    layout.vectors_being_written.unlink(missing_ok=True)
    kept = _message_ids(layout) if files else frozenset()
    for path in files:
        if kept and is_as_named(path):
            with open_parquet(path) as file:
                rows = file.read(use_threads=False)
            goes_on = [key in kept for key in text_column(rows, "key")]
            if all(goes_on):
                continue
            if any(goes_on):
                run_id = path.stem.removeprefix("vectors-").rpartition("-")[0]
                write_vector_file(layout, run_id, rows.filter(pa.array(goes_on, pa.bool_())))
        path.unlink()


def _message_ids(layout: Layout) -> frozenset[str]:
    """Return the ids of all messages; none if they cannot be read: then no vector stays."""
    try:
        parts = committed_parts(with_units(layout, read_all_runs(layout)), MESSAGES.name)
        return frozenset(text_column(read_columns(layout, parts, MESSAGES, ["message_id"]), "message_id"))
    except FixityError:
        return frozenset()
