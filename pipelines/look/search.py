"""Full-text search over the archive: turns the user's words into a query of the index, and finds the places of hits."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import duckdb

from models.errors import ConfigurationError
from pipelines.disk.layout import Layout
from pipelines.look.filters import Conditions, Filters
from pipelines.look.search_index import EVENT, FILE, INPUT, MESSAGE, Row, current_index, hits, spaced
from pipelines.look.texts import texts_of
from pipelines.warehouse.given_rows import as_rows, given_rows
from pipelines.warehouse.opened import open_warehouse

KINDS: Final = (
    "prompt", "answer", "thinking", "input", "result", "paste", "plan", "task", "file", "debug", "other",
)  # fmt: skip
"""The kinds of hits: `input` and `result` are of tool calls, `file` is a version of a file."""

_USUAL_HITS: Final = 1_000
"""The number of hits to take from the index, the best ones: they are enough, unless filters leave too few of them."""
_AMONG: Final = 30_000
"""The number of documents to rank then, those with the highest numbers: some words are in almost every text, and
their rank says little.
"""
_MOST_HITS: Final = 20_000
"""The maximum number of hits to take from the index where the usual ones are too few, the best among all documents."""
_AROUND: Final = 70
"""Characters of a snippet before and after the hit."""
_PART: Final = re.compile(r'(-?)"([^"]*)"?|(\S+)')
_WORD: Final = re.compile(r"[\w]+")
_COLUMNS: Final = {
    "number": "BIGINT",
    "document": "TINYINT",
    "message_id": "VARCHAR",
    "file_id": "BIGINT",
    "byte_offset": "BIGINT",
    "block": "BIGINT",
    "rank": "DOUBLE",
}
_HITS: Final = f"CREATE OR REPLACE TEMP TABLE hits AS {given_rows(_COLUMNS)}"
_PLACES: Final = {
    MESSAGE: f"""
        SELECT h.number, h.rank, o.home_id, o.session_id, o.said_at AS found_at, o.file_id, o.byte_offset,
            o.byte_length, CASE WHEN o.kind IN ('prompt', 'queued_prompt') THEN 'prompt'
                WHEN o.kind = 'text' THEN CASE WHEN o.role = 'assistant' THEN 'answer' ELSE 'prompt' END
                WHEN o.kind = 'tool_result' THEN 'result' WHEN o.kind IN ('task', 'todo') THEN 'task'
                WHEN o.kind IN ('thinking', 'paste', 'plan') THEN o.kind ELSE 'other' END AS kind
        FROM hits h JOIN occurrences o ON o.message_id = h.message_id WHERE h.document = {MESSAGE}""",
    INPUT: f"""
        SELECT h.number, h.rank, b.home_id, b.session_id, b.recorded_at AS found_at, b.file_id, b.byte_offset,
            b.byte_length, 'input' AS kind
        FROM hits h JOIN content_blocks b
            ON b.file_id = h.file_id AND b.byte_offset = h.byte_offset AND b.block_number = h.block
        WHERE h.document = {INPUT}""",
    FILE: f"""
        SELECT h.number, h.rank, v.home_id, v.session_id, v.kept_at AS found_at, v.file_id, v.byte_offset,
            v.byte_length, 'file' AS kind
        FROM hits h JOIN file_versions v ON v.file_id = h.file_id AND v.byte_offset = h.byte_offset
        WHERE h.document = {FILE}""",
    EVENT: f"""
        SELECT h.number, h.rank, e.home_id, e.session_id, e.event_at AS found_at, e.file_id, e.byte_offset,
            e.byte_length, 'debug' AS kind
        FROM hits h JOIN debug_events e ON e.file_id = h.file_id AND e.byte_offset = h.byte_offset
        WHERE h.document = {EVENT}""",
}
_DOCUMENT_OF: Final = {"input": INPUT, "file": FILE, "debug": EVENT}
"""The documents that a kind of hits is in; all other kinds are in messages."""
_LITERAL: Final = """
    SELECT row_number() OVER () AS number, 0::DOUBLE AS rank, t.message_id
    FROM message_texts t WHERE contains(t.text, ?)
"""
# By row number where texts are long: DuckDB then reads only those parts of the column in which one of them is.
_TEXTS: Final = {
    INPUT: """
        SELECT h.number, b.input FROM hits h JOIN content_blocks b
        ON b.file_id = h.file_id AND b.byte_offset = h.byte_offset AND b.block_number = h.block""",
    FILE: """
        SELECT h.number, concat(p.file_path, ' ', v.content_text)
        FROM hits h
        JOIN (
            FROM file_versions
            WHERE rowid IN (SELECT f.rowid FROM file_versions f SEMI JOIN hits USING (file_id, byte_offset))
        ) v USING (file_id, byte_offset)
        JOIN file_version_paths p ON p.file_id = v.file_id""",
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
    with open_warehouse(layout) as warehouse:
        return search_in(layout, warehouse, wanted, mask)


def search_in(
    layout: Layout, warehouse: duckdb.DuckDBPyConnection, wanted: SearchQuery, mask: Callable[[str], str] = str
) -> list[Hit]:
    """Search as `search` does, in the open warehouse of the layout, where it makes a temporary table."""
    if unknown := [kind for kind in wanted.kinds if kind not in KINDS]:
        raise ConfigurationError(f"there is no kind {unknown[0]!r}; there are {', '.join(KINDS)}")
    best, shown = list[tuple[int, Hit]](), list[Row]()
    for found in _literal(warehouse, wanted.text) if wanted.is_literal else _indexed(layout, warehouse, wanted):
        best, shown = _placed(warehouse, wanted, found)
        if wanted.limit and len(best) >= wanted.limit:
            break
    texts = _texts(warehouse, shown)
    terms = [wanted.text] if wanted.is_literal else search_terms(wanted.text)
    return [replace(hit, snippet=snippet(mask(texts.get(number, "")), terms)) for number, hit in best]


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


def _indexed(layout: Layout, warehouse: duckdb.DuckDBPyConnection, wanted: SearchQuery) -> Iterator[list[Row]]:
    """Yield the best hits of the index; then, where there are more, many of them, for whom the first were too few."""
    expression = expression_of(wanted.text)
    kinds = {_DOCUMENT_OF.get(kind, MESSAGE) for kind in wanted.kinds} or {MESSAGE, INPUT, FILE, EVENT}
    with closing(current_index(layout, warehouse)) as index:
        if wanted.limit:
            yield (usual := hits(index, expression, _USUAL_HITS, kinds, _AMONG))
            if len(usual) < _USUAL_HITS:
                return
        yield hits(index, expression, _MOST_HITS, kinds)


def _literal(warehouse: duckdb.DuckDBPyConnection, text: str) -> Iterator[list[Row]]:
    """Yield the messages that contain exactly this text, case-sensitive, by a scan without the index."""
    if not text:
        raise ConfigurationError("name a text that is to be found")
    rows = warehouse.execute(_LITERAL, [text]).fetchmany(_MOST_HITS)
    yield [(number, MESSAGE, message, None, None, None, rank) for number, rank, message in rows]


def _placed(
    warehouse: duckdb.DuckDBPyConnection, wanted: SearchQuery, found: Sequence[Row]
) -> tuple[list[tuple[int, Hit]], list[Row]]:
    """Return the hits that match the filters, best first, by number and as yet without a snippet; and their rows."""
    _register(warehouse, found)
    documents = {document for _, document, *_ in found}
    places = " UNION ALL ".join(query for document, query in _PLACES.items() if document in documents)
    rows = warehouse.execute(*ranked_places(wanted, places)).fetchall() if places else []
    numbers = {number for number, *_ in rows}
    best = [
        (number, Hit(kind, home_id, session_id, project, title, found_at, "", *place))
        for number, kind, home_id, session_id, project, title, found_at, *place in rows
    ]
    return best, [row for row in found if row[0] in numbers]


def _texts(warehouse: duckdb.DuckDBPyConnection, shown: Sequence[Row]) -> dict[int, str]:
    """Return the texts of hits by their numbers."""
    ids = {number: message_id for number, _, message_id, *_ in shown if message_id is not None}
    of_messages = texts_of(warehouse, ids.values()) if ids else {}
    texts = {number: of_messages[message_id] for number, message_id in ids.items() if message_id in of_messages}
    _register(warehouse, shown)
    for document in {document for _, document, *_ in shown} - {MESSAGE}:
        texts |= dict(warehouse.execute(f"{_TEXTS[document]} WHERE h.document = {document}").fetchall())
    return texts


def _register(warehouse: duckdb.DuckDBPyConnection, rows: Sequence[Row]) -> None:
    """Make the temporary table `hits` of these rows."""
    warehouse.execute(_HITS, [as_rows(_COLUMNS, rows)])


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
