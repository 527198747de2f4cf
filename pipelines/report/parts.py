"""Reads the committed Parquet of a run for its report: each file checked against its digest, then in batches."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeVar

import pyarrow as pa

from models.amounts import plural
from models.run import PartRecord
from pipelines.archive.parquet import open_parquet
from pipelines.disk.layout import Layout
from pipelines.report.listing import bounded

_BATCH: Final = 1 << 14
_CHUNK: Final = 1 << 20

T = TypeVar("T")


class PartReader:
    """Reads parts, and notes in `problems` those that are missing or differ from the commit record."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.problems: list[str] = []

    def rows(self, parts: Iterable[PartRecord], columns: Sequence[str], make: Callable[..., T]) -> Iterator[T]:
        """Yield `make(*values)` for the values of `columns` in each row of parts, with a bounded number of rows in
        memory. A part that differs from its commit record yields none.

        Rows are processed in Python: importing Arrow's compute engines takes longer than reading the rows of most runs.
        """
        for part in parts:
            for batch in self._batches(part, columns):
                yield from map(make, *(batch.column(name).to_pylist() for name in columns))

    def _batches(self, part: PartRecord, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        path = self._layout.root / part.path
        try:
            if _sha256(path) != part.sha256:
                self._note(part, "differs from its SHA-256")
                return
            with open_parquet(path) as file:
                yield from file.iter_batches(_BATCH, columns=list(columns), use_threads=False)
        except FileNotFoundError:
            self._note(part, "is gone")
        except (OSError, pa.ArrowException) as error:
            self._note(part, f"cannot be read: {error}")

    def _note(self, part: PartRecord, what: str) -> None:
        self.problems.append(
            bounded(f"{part.path} {what}: this report lacks {plural(part.rows, 'row')} of {part.table}")
        )


def _sha256(path: Path) -> str:
    made = sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            made.update(chunk)
    return made.hexdigest()
