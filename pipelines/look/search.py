"""Full-text search over the archive: turns the user's words into a query of the index, and finds the places of hits."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import duckdb
import pyarrow as pa

from models.errors import ConfigurationError
from pipelines.disk.layout import Layout
from pipelines.look.filters import Conditions, Filters
from pipelines.look.search_index import EVENT, FILE, INPUT, MESSAGE, Row, current_index, hits, spaced
from pipelines.warehouse.opened import open_warehouse

KINDS: Final = (
    "prompt", "answer", "thinking", "input", "result", "paste", "plan", "task", "file", "debug", "other",
)  # fmt: skip
"""The kinds of hits: `input` and `result` are of tool calls, `file` is a version of a file."""

_MOST_HITS: Final = 20_000
"""The maximum number of hits to take from the index, the best ones: some words are in almost every text."""
_AROUND: Final = 70
"""Characters of a snippet before and after the hit."""
_PART: Final = re.compile(r'(-?)"([^"]*)"?|(\S+)')
_WORD: Final = re.compile(r"[\w]+")
_HITS: Final[Mapping[str, pa.DataType]] = {
    "number": pa.int64(),
    "document": pa.int8(),
    "message_id": pa.string(),
    "file_id": pa.int64(),
    "byte_offset": pa.int64(),
    "block": pa.int64(),
    "rank": pa.float64(),
}
_PLACES: Final = f"""
    SELECT h.number, h.rank, o.home_id, o.session_id, o.said_at AS found_at, o.file_id, o.byte_offset, o.byte_length,
        CASE WHEN o.kind IN ('prompt', 'queued_prompt') THEN 'prompt'
            WHEN o.kind = 'text' THEN CASE WHEN o.role = 'assistant' THEN 'answer' ELSE 'prompt' END
            WHEN o.kind = 'tool_result' THEN 'result' WHEN o.kind IN ('task', 'todo') THEN 'task'
            WHEN o.kind IN ('thinking', 'paste', 'plan') THEN o.kind ELSE 'other' END AS kind
    FROM hits h JOIN occurrences o ON o.message_id = h.message_id WHERE h.document = {MESSAGE}
    UNION ALL
    SELECT h.number, h.rank, b.home_id, b.session_id, b.recorded_at, b.file_id, b.byte_offset, b.byte_length, 'input'
    FROM hits h JOIN content_blocks b
        ON b.file_id = h.file_id AND b.byte_offset = h.byte_offset AND b.block_number = h.block
    WHERE h.document = {INPUT}
    UNION ALL
    SELECT h.number, h.rank, v.home_id, v.session_id, v.kept_at, v.file_id, v.byte_offset,
        v.byte_length, 'file'
    FROM hits h JOIN file_versions v ON v.file_id = h.file_id AND v.byte_offset = h.byte_offset
    WHERE h.document = {FILE}
    UNION ALL
    SELECT h.number, h.rank, e.home_id, e.session_id, e.event_at, e.file_id, e.byte_offset, e.byte_length, 'debug'
    FROM hits h JOIN debug_events e ON e.file_id = h.file_id AND e.byte_offset = h.byte_offset
    WHERE h.document = {EVENT}
"""
_LITERAL: Final = """
    SELECT row_number() OVER () AS number, 0::DOUBLE AS rank, t.message_id
    FROM message_texts t WHERE contains(t.text, ?)
"""
# By row number where texts are long: DuckDB then reads only those parts of the column in which one of them is.
_TEXTS: Final = {
    MESSAGE: """
        SELECT h.number, t.text FROM hits h JOIN (
            SELECT message_id, text FROM message_texts WHERE rowid IN (
                SELECT m.rowid FROM message_texts m SEMI JOIN hits USING (message_id))
        ) t USING (message_id)""",
    INPUT: """
        SELECT h.number, b.input FROM hits h JOIN content_blocks b
        ON b.file_id = h.file_id AND b.byte_offset = h.byte_offset AND b.block_number = h.block""",
    FILE: """
        SELECT h.number, concat(v.file_path, ' ', v.content_text)
        FROM hits h JOIN file_version_contents v USING (file_id, byte_offset)""",
    EVENT: "SELECT h.number, e.message FROM hits h JOIN debug_events e USING (file_id, byte_offset)",
}


@dataclass(frozen=True, slots=True)
class Hit:
    """A search hit. `snippet` is untrusted text. `found_at` has a time zone."""

    kind: str
    home_id: str
    session_id: str | None
    project: str | None
    title: str | None
    found_at: datetime | None
    snippet: str
    address: str
    file_id: int
    byte_offset: int
    byte_length: int


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A search: the user's words, and the filters.

    With `is_literal`, `text` is searched exactly, case-sensitive and also within words. With `each`, all hits of a
    session are returned.
    """

    text: str
    filters: Filters
    kinds: Sequence[str] = ()
    is_literal: bool = False
    each: bool = False
    limit: int = 20


def search(layout: Layout, wanted: SearchQuery, mask: Callable[[str], str] = str) -> list[Hit]:
    """Return the best hits, one for each session unless `each`. `mask` is applied to their whole texts, as a snippet
    may have only a part of a secret.

    Raises ConfigurationError for words that mean nothing, and as `current_index` and `open_warehouse` do.
    """
    if unknown := [kind for kind in wanted.kinds if kind not in KINDS]:
        raise ConfigurationError(f"there is no kind {unknown[0]!r}; there are {', '.join(KINDS)}")
    expression = "" if wanted.is_literal else expression_of(wanted.text)
    with open_warehouse(layout) as warehouse:
        found = _literal(warehouse, wanted.text) if wanted.is_literal else _indexed(layout, warehouse, expression)
        warehouse.register("hits", found)
        rows = warehouse.execute(*ranked_places(wanted, _PLACES)).fetchall()
        numbers = {row[0] for row in rows}
        warehouse.register("hits", _only(found, numbers))
        texts: dict[int, str] = {}
        for document, query in _TEXTS.items():
            texts |= dict(warehouse.execute(f"{query} WHERE h.document = {document}").fetchall())
    terms = [wanted.text] if wanted.is_literal else search_terms(wanted.text)
    return [
        Hit(kind, home_id, session_id, project, title, found_at, snippet(mask(texts.get(number, "")), terms), *place)
        for number, kind, home_id, session_id, project, title, found_at, *place in rows
    ]


def expression_of(text: str) -> str:
    """Return the words of a search as an FTS5 expression: a text must contain each word or `"phrase"` and none with a
    minus before it; `word*` matches a prefix. Raises ConfigurationError if there are no words.
    """
    wanted, unwanted = list[str](), list[str]()
    for minus, words, is_prefix in _parts(text):
        quoted = '"' + " ".join(spaced(words).split()).replace('"', '""') + '"'
        (unwanted if minus else wanted).append(quoted + (" *" if is_prefix else ""))
    if not wanted:
        raise ConfigurationError("name at least one word that is to be found")
    without = f" NOT ({' OR '.join(unwanted)})" if unwanted else ""
    return f"({' AND '.join(wanted)}){without}"


def search_terms(text: str) -> list[str]:
    """Return the words and phrases of a search that hits contain, to highlight them."""
    return [words for minus, words, _ in _parts(text) if not minus]


def _parts(text: str) -> Iterable[tuple[bool, str, bool]]:
    """Yield each part of a search: whether it has a minus, its words, and whether it is a prefix."""
    for found in _PART.finditer(text.replace("\0", " ")):
        minus, phrase, word = found.groups()
        words = phrase if word is None else word
        if word is not None:
            minus, words = ("-", word[1:]) if word.startswith("-") and len(word) > 1 else ("", word)
        if _WORD.search(words):
            yield bool(minus), words.rstrip("*"), words.endswith("*")


def snippet(text: str, terms: Sequence[str]) -> str:
    """Return a part of a text, in one line, around the first occurrence of one of `terms`."""
    folded = text.casefold()
    at, length = 0, 0
    for term in terms:
        # The words of a path or phrase may have other signs between them; else the first word that is there.
        words = [re.escape(word) for word in _WORD.findall(term.casefold())]
        tried = (re.escape(term.casefold()), r"[\W_]+".join(words), *words)
        if found := next((match for one in tried if one and (match := re.search(one, folded))), None):
            at, length = found.start(), found.end() - found.start()
            break
    start = max(0, at - _AROUND)
    piece = text[start : at + length + _AROUND]
    return " ".join(f"{'…' if start else ''}{piece}{'…' if start + len(piece) < len(text) else ''}".split())


def _indexed(layout: Layout, warehouse: duckdb.DuckDBPyConnection, expression: str) -> pa.Table:
    with closing(current_index(layout, warehouse)) as index:
        return _table(list(hits(index, expression, _MOST_HITS)))


def _literal(warehouse: duckdb.DuckDBPyConnection, text: str) -> pa.Table:
    """Return the messages that contain exactly this text, case-sensitive, by a scan without the index."""
    if not text:
        raise ConfigurationError("name a text that is to be found")
    rows = warehouse.execute(_LITERAL, [text]).fetchmany(_MOST_HITS)
    return _table([(number, MESSAGE, message, None, None, None, rank) for number, rank, message in rows])


def _table(rows: Sequence[Row]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(_HITS)
    return pa.table({name: pa.array(column, kind) for column, (name, kind) in zip(columns, _HITS.items(), strict=True)})


def _only(found: pa.Table, numbers: Iterable[int]) -> pa.Table:
    wanted = set(numbers)
    kept = [place for place, number in enumerate(found["number"].to_pylist()) if number in wanted]
    return found.take(pa.array(kept, pa.int64()))


def ranked_places(wanted: SearchQuery, places: str, more: str = "") -> tuple[str, list[object]]:
    """Return the query for those places that match the filters, best first, and its values. `places` is a query with a
    row for each place (number, rank, home_id, session_id, found_at, file_id, byte_offset, byte_length, kind); `more`
    are further columns of it, with the alias `p`.
    """
    conditions = wanted.filters.of_places()
    values: list[object] = list(conditions.values)
    if wanted.kinds:
        conditions &= Conditions("list_contains(?, p.kind)")
        values.append(list(wanted.kinds))
    by = "p.number" if wanted.each else "coalesce(p.session_id, concat(p.home_id, p.file_id))"
    return (
        f"""
        SELECT p.number, p.kind, p.home_id, p.session_id, s.project, coalesce(s.title, s.first_prompt), p.found_at,
            address(p.file_id, p.byte_offset, p.byte_length), p.file_id, p.byte_offset, p.byte_length{more}
        FROM ({places}) p LEFT JOIN sessions s ON s.session_id = p.session_id AND s.home_id = p.home_id
        WHERE {conditions.sql}
        QUALIFY row_number() OVER (PARTITION BY {by} ORDER BY p.rank, p.found_at DESC, p.file_id, p.byte_offset) = 1
        ORDER BY p.rank, p.found_at DESC NULLS LAST, p.file_id, p.byte_offset
        {f"LIMIT {wanted.limit:d}" if wanted.limit else ""}
        """,
        values,
    )
