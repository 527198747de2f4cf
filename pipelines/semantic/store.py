"""The vectors of an archive: Parquet files in the cache, each of texts that one command embedded, named after the run
of the warehouse and the XXH3-128 of its content. They may be deleted; `extract embed` makes them again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from pipelines.archive.parquet import bytes_column, open_parquet, text_column
from pipelines.archive.vectors import VECTORS, write_vector_file
from pipelines.disk.atomic import is_as_named
from pipelines.disk.layout import Layout
from pipelines.semantic.model import DIMENSIONS, Vectors

_HALF: Final = np.dtype("<f2")


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """The vectors in memory, and the key of each row. `files` are the names of the files they come from."""

    keys: Sequence[str]
    vectors: Vectors
    files: frozenset[str]


def read_vectors(layout: Layout) -> VectorIndex:
    """Return all vectors of an archive. A file that is damaged or of another form counts as missing: `extract embed`
    makes its vectors again.
    """
    keys, parts, names = list[str](), [np.zeros((0, DIMENSIONS), np.float32)], set[str]()
    for path in layout.vector_files():
        names.add(path.name)
        if not is_as_named(path):
            continue
        with open_parquet(path) as file:
            rows = file.read(use_threads=False)
        flat = np.frombuffer(b"".join(bytes_column(rows, "vector")), _HALF)
        if flat.size == DIMENSIONS * rows.num_rows:
            keys += text_column(rows, "key")
            parts.append(flat.reshape(-1, DIMENSIONS).astype(np.float32))
    return VectorIndex(keys, np.concatenate(parts), frozenset(names))


def write_vectors(layout: Layout, run_id: str, keys: Sequence[str], vectors: Vectors) -> None:
    """Write vectors to a new file. The caller must hold the writer lock. Raises OSError."""
    rows = pa.table(
        [pa.array(keys, pa.string()), pa.array([row.tobytes() for row in vectors.astype(_HALF)], pa.binary())],
        schema=VECTORS.arrow(),
    )
    write_vector_file(layout, run_id, rows)
