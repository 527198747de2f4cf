"""The full-text index of an archive: an SQLite file (FTS5) in the cache, derived from the warehouse.

The first search after a run adds the run's texts; if the index does not match the warehouse (after a rollback), it is
built again. It has words without their texts, which are in the warehouse. Words are content too: `extract forget`
deletes the file, because SQLite leaves the words of deleted rows in it.

A document is a message, the input of a tool call, a version of a file, or an event of a debug log. Its number tells the
kind: messages have the highest, then come inputs, versions and events; in each kind a later run has higher ones.
"""

import re
import sqlite3
from collections.abc import Collection, Sequence
from contextlib import closing, suppress
from pathlib import Path
from shutil import copyfile
from typing import Final

import duckdb
from xxhash import xxh3_128

from models.errors import ConfigurationError, DataDirectoryError, LockedError
from pipelines.disk.atomic import read_regular, sync_file
from pipelines.disk.layout import Layout
from pipelines.disk.lock import writing
from pipelines.disk.platform import replace

MESSAGE, INPUT, FILE, EVENT = range(4)
"""The kinds of documents, by their numbers in the index."""

_FORMAT: Final = "2"
_OF_A_KIND: Final = 1 << 32
"""The most documents of a kind."""
_BATCH: Final = 2000
_CJK: Final = re.compile("([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff])")
_TABLES: Final = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE covered (run_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE documents (
    number INTEGER PRIMARY KEY, kind INTEGER, message_id TEXT UNIQUE,
    file_id INTEGER, byte_offset INTEGER, block INTEGER
);
CREATE VIRTUAL TABLE words USING fts5(
    text, content = '', tokenize = "unicode61 remove_diacritics 2 tokenchars '_'"
);
"""
# In the order of their numbers: SQLite writes what it has gathered whenever a number is lower than the one before.
_NEW: Final = {
    EVENT: """
        SELECT NULL, file_id, byte_offset, NULL, message FROM debug_events
        WHERE message IS NOT NULL AND list_contains($runs, run_id)""",
    FILE: """
        SELECT NULL, file_id, byte_offset, NULL, concat(file_path, ' ', content_text) FROM file_version_contents
        WHERE content_text IS NOT NULL AND list_contains($runs, run_id)""",
    INPUT: """
        SELECT NULL, file_id, byte_offset, block_number, input FROM content_blocks
        WHERE input IS NOT NULL AND list_contains($runs, run_id)""",
    MESSAGE: """
        SELECT t.message_id, NULL, NULL, NULL, t.text FROM message_texts t
        SEMI JOIN (SELECT DISTINCT message_id FROM occurrences WHERE list_contains($runs, run_id)) o
        USING (message_id)""",
}

Row = tuple[int, int, str | None, int | None, int | None, int | None, float]
"""A hit: document, kind, message, file, offset, block, and rank (the lower, the better)."""


def spaced(text: str) -> str:
    """Return a text with spaces around each Chinese, Japanese or Korean character, so that each is a word of the index
    and a search for several is a phrase: these scripts have no spaces between words.
    """
    return text if text.isascii() else _CJK.sub(r" \1 ", text)


def current_index(layout: Layout, warehouse: duckdb.DuckDBPyConnection) -> sqlite3.Connection:
    """Bring the index of the warehouse up to date and return it, open for reading.

    While another command writes to the data directory, return the existing index without updating it. Raises
    LockedError if there is none then, DataDirectoryError, and ConfigurationError if this Python's SQLite has no FTS5.
    """
    runs = [str(run_id) for (run_id,) in warehouse.execute("SELECT run_id FROM runs ORDER BY run_id").fetchall()]
    if _covered(_newest(layout)) != set(runs):
        try:
            with writing(layout, "search"):
                _renew(layout, warehouse, runs)
        except LockedError:
            if _newest(layout) is None:
                raise
    path = _newest(layout)
    if path is None:
        raise DataDirectoryError(f"the search index in {layout.cache} went while it was made; try again")
    return _opened(path)


def hits(
    index: sqlite3.Connection, expression: str, most: int, kinds: Collection[int], among: int | None = None
) -> list[Row]:
    """Return the best hits of an FTS5 expression in documents of these kinds, at most `most`; with `among`, the best of
    so many documents with the highest numbers. Raises ConfigurationError if the expression is invalid.
    """
    low, high = _first(max(kinds)), _first(min(kinds)) + _OF_A_KIND
    try:
        if among is not None:
            cut = index.execute(_CUT, (expression, low, high, among)).fetchone()
            low = cut[0] if cut else low
        return index.execute(_HITS, (expression, low, high, most)).fetchall()
    except sqlite3.OperationalError as error:
        raise ConfigurationError(f"that cannot be searched for: {error}") from error


_CUT: Final = (
    "SELECT rowid FROM words WHERE words MATCH ? AND rowid > ? AND rowid < ? ORDER BY rowid DESC LIMIT 1 OFFSET ?"
)
_HITS: Final = """
    SELECT d.number, d.kind, d.message_id, d.file_id, d.byte_offset, d.block, w.rank
    FROM (
        SELECT rowid, rank FROM words WHERE words MATCH ? AND rowid > ? AND rowid < ?
        ORDER BY rank, rowid DESC LIMIT ?
    ) w JOIN documents d ON d.number = w.rowid
"""


def _first(kind: int) -> int:
    """Return the number below all numbers of a kind's documents."""
    return (EVENT - kind) * _OF_A_KIND


def _newest(layout: Layout) -> Path | None:
    return next(reversed(layout.search_indexes()), None)


def _covered(path: Path | None) -> set[str] | None:
    """Return the runs whose texts are in an index; None if there is no readable index."""
    if path is None or not is_whole(path):
        return None
    with suppress(sqlite3.DatabaseError), closing(_opened(path)) as index:
        if index.execute("SELECT value FROM about WHERE name = 'format'").fetchall() == [(_FORMAT,)]:
            return {str(run_id) for (run_id,) in index.execute("SELECT run_id FROM covered")}
    return None


def is_whole(path: Path, *, is_deep: bool = False) -> bool:
    """Whether an index is as it was written: by the time of its last change, which its name has, so that a search need
    not read the whole file; where that differs (in a copy) or if `is_deep`, by its digest, which its name has too.
    """
    digest, _, changed_at = path.stem.removeprefix("search-").partition("-")
    if not is_deep and changed_at == f"{path.stat().st_mtime_ns:x}":
        return True
    return xxh3_128(read_regular(path)).hexdigest() == digest


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)


def _renew(layout: Layout, warehouse: duckdb.DuckDBPyConnection, runs: Sequence[str]) -> None:
    """Write the index of these runs to a new file, then replace the existing index by it."""
    former = layout.search_indexes()
    covered = _covered(_newest(layout))
    building = layout.cache / ".search.fts.tmp"
    building.unlink(missing_ok=True)
    if covered is not None and covered <= set(runs):
        copyfile(former[-1], building)
        building.chmod(0o600)
    else:
        covered = set()
    new = [run_id for run_id in runs if run_id not in covered]
    try:
        with closing(sqlite3.connect(building)) as index:
            # No journal: an incomplete file is deleted anyway.
            index.execute("PRAGMA journal_mode = OFF")
            index.execute("PRAGMA synchronous = OFF")
            if not covered:
                index.executescript(_TABLES)
                index.execute("INSERT INTO about VALUES ('format', ?)", (_FORMAT,))
            for kind, query in _NEW.items():
                _add(index, kind, warehouse.execute(query, {"runs": new}))
            index.executemany("INSERT INTO covered VALUES (?)", [(run_id,) for run_id in new])
            index.commit()
    except sqlite3.OperationalError as error:
        building.unlink(missing_ok=True)
        if "fts5" in str(error):
            raise ConfigurationError(
                "this Python's SQLite has no full-text search (FTS5); `--literal` needs none"
            ) from error
        raise DataDirectoryError(f"the search index in {layout.cache} cannot be written: {error}") from error
    sync_file(building)
    digest, changed_at = xxh3_128(building.read_bytes()).hexdigest(), building.stat().st_mtime_ns
    made = layout.cache / f"search-{digest}-{changed_at:x}.fts"
    replace(building, made)
    for path in former:
        if path != made:
            path.unlink(missing_ok=True)


def _add(index: sqlite3.Connection, kind: int, found: duckdb.DuckDBPyConnection) -> None:
    """Add documents; skips messages that the index has already."""
    first = _first(kind)
    (last,) = index.execute(
        "SELECT coalesce(max(number), ?) FROM documents WHERE number > ? AND number < ?",
        (first, first, first + _OF_A_KIND),
    ).fetchone()
    here = {message for (message,) in index.execute("SELECT message_id FROM documents WHERE kind = ?", (kind,))}
    while rows := found.fetchmany(_BATCH):
        new = [row for row in rows if row[0] is None or row[0] not in here]
        numbered = list(enumerate(new, last + 1))
        last += len(new)
        index.executemany(
            "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?)", [(number, kind, *row[:4]) for number, row in numbered]
        )
        index.executemany(
            "INSERT INTO words (rowid, text) VALUES (?, ?)",
            [(number, spaced(row[4]).encode("utf-8", "replace").decode()) for number, row in numbered],
        )
