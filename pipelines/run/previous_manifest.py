"""Reads the last manifest of a phase by ranges of paths, without holding all its rows in memory."""

from collections.abc import Iterator, Sequence
from operator import le
from pathlib import Path
from typing import Final, cast

import pyarrow as pa

from models.errors import FixityError
from models.manifest import COLUMNS, FileState
from pipelines.archive.manifests import read_table, states_of

_AT_ONCE: Final = 20_000
_PATH: Final = "path_bytes"


class LastManifest:
    """The rows of a manifest file, ordered by the bytes of their paths.

    Of a long manifest, memory holds only the paths, and rows are read from the file when asked for. A short manifest,
    and one whose file has another order, is held in memory.
    """

    def __init__(self, path: Path | None = None, short: int = 0, *, is_outdated: bool = False) -> None:
        """Open a manifest file; without `path`, an empty manifest. One of up to `short` rows is held in memory.
        `is_outdated` says that a newer manifest of the phase is lost. Raises FixityError if the file is damaged.
        """
        self._path = path
        self.is_outdated = is_outdated
        self._held: pa.Table | None = None
        self.has_erased = False
        """Whether `extract forget` erased bytes of any file of this manifest."""
        self._paths = _paths_of([])
        if path is None:
            return
        looked_at = _read(path, (_PATH, "erased_spans"))
        self.has_erased = looked_at.column("erased_spans").null_count < looked_at.num_rows
        self._paths = _whole(looked_at)
        is_in_order = _is_in_order(self._paths)
        if looked_at.num_rows <= short or not is_in_order:
            self._held = _read(path)
        if self._held is not None and not is_in_order:
            numbers = sorted(range(len(self._paths)), key=self.path)
            self._held = self._held.take(pa.array(numbers, pa.int64()))
            self._paths = _whole(self._held)

    def __len__(self) -> int:
        return len(self._paths)

    def __iter__(self) -> Iterator[FileState]:
        for start in range(0, len(self), _AT_ONCE):
            yield from self.states(start, min(start + _AT_ONCE, len(self)))

    def path(self, row: int) -> bytes:
        """Return the path of a row."""
        return self._paths[row].as_py() or b""

    def find(self, path: bytes) -> int:
        """Return the number of rows whose path is less than `path`: the index of its first row, if it has one."""
        first, end = 0, len(self._paths)
        while first < end:
            middle = (first + end) // 2
            if self.path(middle) < path:
                first = middle + 1
            else:
                end = middle
        return first

    def states(self, start: int, end: int) -> list[FileState]:
        """Return the rows from `start` up to, not including, `end`. Raises FixityError if the file is damaged."""
        if start == end or self._path is None:
            return []
        if self._held is not None:
            return states_of(self._held.slice(start, end - start))
        return states_of(_read(self._path, rows=range(start, end)))

    def generations(self, start: int, end: int) -> Iterator[tuple[bytes, int]]:
        """Yield path and generation of those rows from `start` up to `end` that have a generation. Raises
        FixityError if the file is damaged.
        """
        if start == end or self._path is None:
            return
        names = (_PATH, "generation")
        if self._held is not None:
            table = self._held.select(list(names)).slice(start, end - start)
        else:
            table = _read(self._path, names, rows=range(start, end))
        for path, generation in zip(*(column.to_pylist() for column in table.columns), strict=True):
            if generation is not None:
                yield path, generation


def _paths_of(paths: list[bytes]) -> pa.LargeBinaryArray:
    return pa.array(paths, pa.large_binary())


def _whole(table: pa.Table) -> pa.LargeBinaryArray:
    """Return the paths as one array."""
    chunks = table.column(_PATH).chunks
    return cast("pa.LargeBinaryArray", pa.concat_arrays(chunks)) if chunks else _paths_of([])


def _is_in_order(paths: pa.LargeBinaryArray) -> bool:
    before = b""
    for start in range(0, len(paths), _AT_ONCE):
        some = [path or b"" for path in paths.slice(start, _AT_ONCE).to_pylist()]
        if not all(map(le, [before, *some], some)):
            return False
        before = some[-1]
    return True


def _read(path: Path, names: Sequence[str] = COLUMNS, rows: range | None = None) -> pa.Table:
    try:
        return read_table(path, names, rows)
    except (OSError, pa.ArrowException) as error:
        raise FixityError(f"{path} is damaged and cannot be read ({error}); see `extract verify`") from error
