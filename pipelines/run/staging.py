"""The sink of a worker: collects rows as columns and writes them to Parquet files in the staging directory, with the
digest of each file.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from xxhash import xxh3_128

from extractors.reading.contract import Columns, Entry
from models.reject import RejectCode
from models.schema import BYTES, Row, Table, Value, table_of
from models.tables import DRIFT, ENTRIES, ERASED, MESSAGES, OCCURRENCES, PIECES, REJECTS, REPAIRS, STORE
from pipelines.archive.parquet import StagedPart, finish_part, open_writer
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import make_private, part_name
from pipelines.run.digest_sets import WIDTH, KnownDigests, SeenDigests
from pipelines.run.phase_work import PhaseWork

_FLUSH_BYTES: Final = 12 << 20
_MIN_ROWS_PER_GROUP: Final = 500
_ROW_OVERHEAD: Final = 120
_ROWS_PER_GROUP: Final = 20_000

_Arrays = Sequence["pa.Array[pa.Scalar[pa.DataType]]"]

Address = tuple[int, int, int]
"""file_id, byte offset and byte length of an entry: the last three columns of a row with provenance."""


class RowWriter:
    """Writes rows of a table without provenance to one Parquet file, which may have none; holds up to 20,000 rows in
    memory.
    """

    def __init__(self, path: Path, table: Table) -> None:
        make_private(path.parent)
        self._path, self._table = path, table
        self._kinds = [column.type.arrow for column in table.columns]
        self._rows: list[Row] = []
        self._written = 0
        self._writer = open_writer(path, table)

    def write(self, rows: Iterable[Row]) -> None:
        """Write rows."""
        for row in rows:
            self._rows.append(row)
            if len(self._rows) >= _ROWS_PER_GROUP:
                self.flush()

    def close(self) -> StagedPart:
        """Write the remaining rows and return the finished file."""
        self.flush()
        self._writer.close()
        return finish_part(self._table.name, self._path, self._written)

    def flush(self) -> None:
        """Write the rows in memory as one row group."""
        if self._rows:
            columns = zip(zip(*self._rows, strict=True), self._kinds, strict=True)
            arrays = [pa.array(values, kind) for values, kind in columns]
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._table.arrow()))
            self._written += len(self._rows)
            self._rows = []


def _array(values: Sequence[Value], kind: pa.DataType) -> "pa.Array[pa.Scalar[pa.DataType]]":
    """Return the values of one column as an Arrow array."""
    pieces = [value for value in values if isinstance(value, bytes)] if kind == BYTES.arrow else []
    if len(pieces) < len(values) or not pieces:
        return pa.array(values, kind)
    # Large values are joined and so copied once: pa.array would grow its buffer, and copy it, again and again.
    ends = pa.array(accumulate(map(len, pieces), initial=0), pa.int64())
    return pa.LargeBinaryArray.from_buffers(
        kind, len(pieces), [None, ends.buffers()[1], pa.py_buffer(b"".join(pieces))]
    )


class _Builder:
    """Collects the rows of one table and writes them as row groups.

    `cells` is the flat list of all rows' cells, from which columns are taken by slices: cheaper than a list of rows.
    `addresses` is the flat list of file_id, offset and length of each row of a table with provenance.
    """

    def __init__(self, table: Table, path: Path, home_id: str, run_id: str) -> None:
        self.table = table
        self.path = path
        self.schema = table.arrow()
        self.constants = (home_id, run_id) if table.has_provenance else ()
        self.width = len(table.columns)
        self.cells: list[Value] = []
        self.addresses: list[int] = []
        self.blocks: list[tuple[int, pa.RecordBatch]] = []
        self.size = 0
        self.written = 0
        self.writer: pq.ParquetWriter | None = None

    @property
    def count(self) -> int:
        """Number of rows collected and not yet written."""
        return len(self.cells) // self.width + sum(batch.num_rows for _, batch in self.blocks)

    def add(self, row: Row, address: Address) -> None:
        """Add a row with provenance."""
        self.cells += row
        self.addresses += address

    def add_sized(self, row: Row, size: int) -> None:
        """Add a row with `size` bytes of text or content, and write a row group if enough has been collected."""
        self.cells += row
        self.size += size + _ROW_OVERHEAD
        if self.size >= _FLUSH_BYTES:
            self.flush()

    def add_block(self, arrays: _Arrays, address: _Arrays) -> None:
        """Add rows given as columns: `arrays` are the table's own, `address` are file_id, offset and length."""
        self.blocks.append((len(self.cells) // self.width, self._batch(arrays, address)))

    def _batch(self, arrays: _Arrays, address: _Arrays) -> pa.RecordBatch:
        count = len(arrays[0])
        constants = [pa.repeat(pa.scalar(text, pa.string()), count) for text in self.constants]
        return pa.record_batch([*arrays, *constants, *address], schema=self.schema)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        """Yield everything collected, in the order in which it was added, and clear it."""
        parts = 3 if self.table.has_provenance else 0
        if len(self.cells) % self.width or (parts and len(self.cells) * parts != len(self.addresses) * self.width):
            raise TypeError(f"a row of {self.table.name} does not have {self.width} cells")
        kinds = [column.type.arrow for column in self.table.columns]
        arrays = [_array(self.cells[number :: self.width], kind) for number, kind in enumerate(kinds)]
        rows = self._batch(arrays, [pa.array(self.addresses[part::parts], pa.int64()) for part in range(parts)])
        self.cells, self.addresses = [], []
        done = 0
        for before, block in self.blocks:
            if before > done:
                yield rows.slice(done, before - done)
                done = before
            yield block
        self.blocks = []
        yield rows.slice(done)

    def flush(self) -> None:
        """Write everything collected as one row group."""
        if not self.cells and not self.blocks:
            return
        made = pa.Table.from_batches(self._batches(), self.schema)
        self.size = 0
        if self.writer is None:
            self.writer = open_writer(self.path, self.table)
        reach("staging:before-write")
        self.writer.write_table(made, row_group_size=made.num_rows)
        reach("staging:after-write")
        self.written += made.num_rows

    def close(self) -> StagedPart | None:
        """Write the remaining rows and return the finished file; None if the table got no row."""
        self.flush()
        if self.writer is None:
            return None
        self.writer.close()
        reach("staging:part-closed")
        return finish_part(self.table.name, self.path, self.written)


DriftKey = tuple[str, str, str, str]


class StagingSink:
    """Writes the rows that process `number` reads in one phase of one home. Implements `extractors.reading.task.Sink`.

    `messages` are the messages whose text the archive has, `imported` those known from imported stores. A message in
    `imported` alone counts as a duplicate, but its text is stored when a home first has it.

    Arrow's memory pool keeps freed memory, as much again as is in use. In a large phase the sink returns it to the
    system after each flush, for a few percent of CPU.
    """

    def __init__(
        self, work: PhaseWork, number: int, pieces: SeenDigests, messages: SeenDigests, imported: KnownDigests
    ) -> None:
        self._work = work
        self._number = number
        self._pieces = pieces
        self._messages = messages
        self._imported = imported
        self._builders: dict[type[Row], _Builder] = {}
        self._read_since = 0
        self._drift: Counter[DriftKey] = Counter()
        self._drift_example: dict[DriftKey, tuple[int, int, int]] = {}
        self.new_messages: Counter[str] = Counter()
        self.seen_messages: Counter[str] = Counter()
        make_private(work.directory)

    def _builder(self, table: Table) -> _Builder:
        builder = self._builders.get(table.row_type)
        if builder is None:
            path = self._work.directory / table.name / part_name(self._work.phase, self._number)
            make_private(path.parent)
            builder = _Builder(table, path, self._work.home_id, self._work.run_id)
            self._builders[table.row_type] = builder
        return builder

    def piece(self, file_id: int, offset: int, data: bytes) -> bool:
        digest = xxh3_128(data, seed=self._work.seed).digest()
        self._add(PIECES, PIECES.row(digest), (file_id, offset, len(data)))
        is_new = self._pieces.add(digest)
        if is_new:
            self._builder(STORE).add_sized(STORE.row(digest, len(data), data), len(data))
        return is_new

    def entry(self, file_id: int, offset: int, length: int, kind: str, rows: Sequence[Row] = ()) -> None:
        """Add one entry of the provenance index and its rows, and flush if enough bytes have been read."""
        builders = self._builders
        address = (file_id, offset, length)
        for row in rows:
            builder = builders.get(type(row)) or self._builder(table_of(row))
            builder.cells += row
            builder.addresses += address
            builder.size += length
        self._add(ENTRIES, ENTRIES.row_of((kind, len(rows))), address)
        self._note_read(length + _ROW_OVERHEAD * (len(rows) + 1))

    def block(self, columns: Columns, file_id: int, offsets: Sequence[int], lengths: Sequence[int]) -> None:
        """Add entries that gave one row each, with the rows as columns, and flush if enough bytes have been read."""
        count, size = len(offsets), sum(lengths)
        address = (pa.repeat(pa.scalar(file_id), count), pa.array(offsets, pa.int64()), pa.array(lengths, pa.int64()))
        builder = self._builder(columns.table)
        builder.add_block(columns.arrays, address)
        builder.size += size
        spans = (pa.repeat(pa.scalar("entry"), count), pa.repeat(pa.scalar(1), count))
        self._builder(ENTRIES).add_block(spans, address)
        self._note_read(size + 2 * _ROW_OVERHEAD * count)

    def _note_read(self, size: int) -> None:
        """Count bytes that were read, and flush if enough have been read."""
        self._read_since += size
        if self._read_since >= _FLUSH_BYTES:
            self._read_since = 0
            for builder in self._builders.values():
                if builder.count >= _MIN_ROWS_PER_GROUP or builder.size >= _FLUSH_BYTES // 2:
                    builder.flush()
            if self._work.is_large:
                pa.default_memory_pool().release_unused()

    def erased(self, file_id: int, offset: int, length: int) -> None:
        self._add(PIECES, PIECES.row(digest=ERASED), (file_id, offset, length))

    def reject(self, source: str, code: RejectCode, detail: str, file_id: int, offset: int, length: int) -> None:
        self._add(REJECTS, REJECTS.row(source, str(code), detail), (file_id, offset, length))

    def repair(self, source: str, flag: str, file_id: int, offset: int, length: int) -> None:
        self._add(REPAIRS, REPAIRS.row(source, flag), (file_id, offset, length))

    def said(self, entry: Entry, source: str, file_id: int, offset: int, length: int) -> None:
        address = (file_id, offset, length)
        for place, said in enumerate(entry.said):
            seen = (said.message_id, source, said.kind, said.role, said.session_id, said.said_at, place)
            self._add(OCCURRENCES, OCCURRENCES.row_of(seen), address)
            digest = said.digest
            is_kept_first = self._messages.add(digest)
            if is_kept_first:
                row = MESSAGES.row(said.message_id, said.text, said.text_bytes)
                self._builder(MESSAGES).add_sized(row, said.text_bytes)
            if is_kept_first and digest[:WIDTH] not in self._imported:
                self.new_messages[source] += 1
            else:
                self.seen_messages[source] += 1

    def drift(self, what: str, name: str, source: str, version: str, file_id: int, offset: int, length: int) -> None:
        key = (source, what, name, version)
        self._drift[key] += 1
        self._drift_example.setdefault(key, (file_id, offset, length))

    def _add(self, table: Table, row: Row, address: Address) -> None:
        builder = self._builders.get(table.row_type) or self._builder(table)
        builder.add(row, address)

    def close(self) -> list[StagedPart]:
        """Write the remaining rows and return the finished Parquet files with their digests."""
        for (source, what, name, version), count in sorted(self._drift.items()):
            example = self._drift_example[source, what, name, version]
            row = DRIFT.row(self._work.home_id, self._work.run_id, source, what, name, version, count, *example)
            self._builder(DRIFT).add_sized(row, 0)
        parts = [builder.close() for builder in self._builders.values()]
        return [part for part in parts if part is not None]
