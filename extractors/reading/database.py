"""Reads the tables of an SQLite database from a copy of its bytes in memory, with the span of each row in the file.

SQLite never gets a path of a home: it would lock the database and create files beside it. It gets the bytes, and only
plain tables of the schema are queried. SQLite does not expose where a row is stored, so this module walks the pages of
each table (https://www.sqlite.org/fileformat2.html, sections 1.3 and 1.6).

Rows that are only in the write-ahead log beside the file (`-wal`) are not read.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Final

from extractors.reading.contract import Malformed, PlacedRecord
from models.json import JsonValue
from models.reject import RejectCode

_MAGIC: Final = b"SQLite format 3\0"
_HEADER: Final = 100
_INTERIOR, _LEAF = 5, 13
_DEEPEST: Final = 40
"""Maximum depth of the tree of pages; a table of 2^64 rows has fewer levels."""


def read_tables(data: bytes) -> dict[str, list[PlacedRecord]]:
    """Return the rows of each table of the database `data`, in the order of row ids, columns as fields.

    A row longer than a page continues on overflow pages: its span is that of its own cell only. A BLOB is
    `{"omitted_bytes": n}`.

    Raises `Malformed` (not_sqlite) when the bytes are not an SQLite database or are damaged.
    """
    if not data.startswith(_MAGIC) or len(data) < 512:
        raise Malformed(RejectCode.NOT_SQLITE, "no header of an SQLite database")
    image = bytearray(data)
    image[18:20] = b"\1\1"  # clears write-ahead mode: a copy in memory has no log, and would not be opened
    try:
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(len(data), 1 << 20))
            connection.deserialize(bytes(image))
            for pragma in ("trusted_schema = OFF", "query_only = ON", "temp_store = MEMORY", "cell_size_check = ON"):
                connection.execute(f"PRAGMA {pragma}")
            connection.text_factory = _text
            return dict(_tables(connection, _Pages(data)))
    except (sqlite3.Error, OverflowError, IndexError, ValueError) as error:
        raise Malformed(RejectCode.NOT_SQLITE, "the database is damaged") from error


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _tables(connection: sqlite3.Connection, pages: "_Pages") -> Iterator[tuple[str, list[PlacedRecord]]]:
    tables = connection.execute(
        "SELECT name, rootpage FROM sqlite_master WHERE type = 'table' AND rootpage > 0 AND name NOT LIKE 'sqlite\\_%' "
        "ESCAPE '\\' AND sql NOT LIKE '%WITHOUT ROWID%' ORDER BY name"
    ).fetchall()
    for table, root in tables:
        cells = pages.cells(root)
        quoted = table.replace('"', '""')
        cursor = connection.execute(f'SELECT rowid, * FROM "{quoted}" ORDER BY rowid')
        columns = [column[0] for column in cursor.description[1:]]
        rows = []
        for row_id, *values in cursor:
            found = {name: _json(value) for name, value in zip(columns, values, strict=True) if value is not None}
            rows.append(PlacedRecord(*cells[row_id], found))
        yield table, rows


def _json(value: str | int | float | bytes) -> JsonValue:
    return {"omitted_bytes": len(value)} if isinstance(value, bytes) else value


class _Pages:
    """The pages of a database file. Raises ValueError or IndexError for pages that violate the format."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        size = int.from_bytes(data[16:18], "big")
        self._size = 1 << 16 if size == 1 else size
        if self._size < 512 or self._size & (self._size - 1):
            raise ValueError("no page size")
        self._usable = self._size - data[20]

    def cells(self, root: int) -> dict[int, tuple[int, int]]:
        """Return the span of the cell of each row of a table, by row id: first byte, one past the last byte."""
        found: dict[int, tuple[int, int]] = {}
        pending, seen = [(root, 0)], set()
        while pending:
            page, depth = pending.pop()
            if page in seen or depth > _DEEPEST:
                raise ValueError("pages in a circle")
            seen.add(page)
            begin = (page - 1) * self._size
            header = begin + (_HEADER if page == 1 else 0)
            kind, count = self._data[header], self._number(header + 3, 2)
            pointers = header + (12 if kind == _INTERIOR else 8)
            offsets = [begin + self._number(pointers + 2 * number, 2) for number in range(count)]
            if kind == _INTERIOR:
                pending += [(self._number(offset, 4), depth + 1) for offset in (*offsets, header + 8)]
            elif kind == _LEAF:
                found.update(self._cell(offset) for offset in offsets)
            else:
                raise ValueError("no page of a table")
        return found

    def _cell(self, offset: int) -> tuple[int, tuple[int, int]]:
        length, at = self._variable(offset)
        row_id, at = self._variable(at)
        end = at + self._local(length)
        if end > len(self._data):
            raise ValueError("a cell beyond the end")
        return row_id - (1 << 64) if row_id >> 63 else row_id, (offset, end)

    def _local(self, length: int) -> int:
        """Return how many bytes of a row of `length` bytes are in its cell; the others are on overflow pages."""
        largest = self._usable - 35
        if length <= largest:
            return length
        smallest = (self._usable - 12) * 32 // 255 - 23
        kept = smallest + (length - smallest) % (self._usable - 4)
        return (kept if kept <= largest else smallest) + 4

    def _number(self, offset: int, size: int) -> int:
        data = self._data[offset : offset + size]
        if len(data) < size:
            raise IndexError("beyond the end")
        return int.from_bytes(data, "big")

    def _variable(self, offset: int) -> tuple[int, int]:
        value = 0
        for number in range(8):
            byte = self._data[offset + number]
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value, offset + number + 1
        return value << 8 | self._data[offset + 8], offset + 9
