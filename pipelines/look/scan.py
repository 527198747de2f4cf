"""Searches archived texts for secrets and personal data, and reports kinds, places and numbers, never the values."""

import hmac
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from itertools import accumulate
from typing import Final

import duckdb

from pipelines.disk.layout import Layout
from pipelines.look.filters import Filters
from pipelines.redact.masking import find_each
from pipelines.redact.rules import PrivacyLevel
from pipelines.warehouse.given_rows import as_rows, given_rows
from pipelines.warehouse.opened import open_warehouse

_BATCH: Final = 2000
_NUMBER: Final = {"number": "BIGINT"}


@dataclass(frozen=True, slots=True)
class _Texts:
    """Texts of the archive: the relation and the expression that has them, and the query for the place of each, by its
    row number. `{chosen}` in it is a condition on the row numbers, of `t.rowid`.
    """

    relation: str
    text: str
    places: str


_FROM_ROW: Final = (
    "SELECT t.rowid AS number, t.home_id, t.session_id, {at} AS found_at, t.file_id, t.byte_offset, t.byte_length "
    "FROM {table} t WHERE {{chosen}}"
)
_TEXTS: Final = (
    _Texts(
        "message_texts t",
        "t.text",
        """
        SELECT number, unnest(first) FROM (
            SELECT t.rowid AS number, arg_min(
                {{'home_id': o.home_id, 'session_id': o.session_id, 'found_at': o.said_at, 'file_id': o.file_id,
                    'byte_offset': o.byte_offset, 'byte_length': o.byte_length}},
                {{'at': o.said_at, 'file_id': o.file_id, 'byte_offset': o.byte_offset}}) AS first
            FROM message_texts t JOIN occurrences o USING (message_id) WHERE {chosen} GROUP BY t.rowid
        )""",
    ),
    _Texts("content_blocks t", "t.input", _FROM_ROW.format(at="t.recorded_at", table="content_blocks")),
    _Texts(
        "file_versions t SEMI JOIN file_version_paths USING (file_id)",
        "t.content_text",
        _FROM_ROW.format(at="t.kept_at", table="file_versions"),
    ),
    _Texts("debug_events t", "t.message", _FROM_ROW.format(at="t.event_at", table="debug_events")),
    _Texts(
        "session_env_variables t",
        "concat(t.name, '=', t.value)",
        _FROM_ROW.format(at="NULL::TIMESTAMPTZ", table="session_env_variables"),
    ),
)


@dataclass(frozen=True, slots=True)
class Place:
    """A text that contains secrets of one kind, and their number. `found_at` has a time zone; `address` is that of the
    entry.
    """

    kind: str
    times: int
    home_id: str
    session_id: str | None
    project: str | None
    found_at: datetime | None
    address: str


@dataclass(slots=True)
class Scanned:
    """The result of a scan: the places, and the number of distinct values of each kind."""

    bytes_scanned: int = 0
    places: list[Place] = field(default_factory=list)
    values: dict[str, int] = field(default_factory=dict)


def scan(layout: Layout, filters: Filters, level: PrivacyLevel) -> Scanned:
    """Search messages, tool inputs, file versions, debug logs and the variables of session environments.

    Raises as `open_warehouse` does, and ConfigurationError for an invalid filter.
    """
    made = Scanned()
    key = secrets.token_bytes(16)  # to count distinct values by keyed digests instead of holding the values
    different: dict[str, set[bytes]] = {}
    with open_warehouse(layout) as warehouse:
        for texts in _TEXTS:
            found: dict[int, dict[str, int]] = {}
            for numbers, data, ends in _batches(warehouse, texts, filters):
                made.bytes_scanned += len(data)
                for at, matches in find_each(data, ends, level):
                    times = found[numbers[at]] = dict[str, int]()
                    start = ends[at - 1] if at else 0
                    for one in matches:
                        times[one.rule.name] = times.get(one.rule.name, 0) + 1
                        digest = hmac.new(key, data[start + one.start : start + one.end], sha256).digest()
                        different.setdefault(one.rule.name, set()).add(digest)
            made.places += _places(warehouse, texts, found)
    made.values = {kind: len(digests) for kind, digests in sorted(different.items())}
    return made


def _batches(
    warehouse: duckdb.DuckDBPyConnection, texts: _Texts, filters: Filters
) -> Iterator[tuple[Sequence[int], bytes, Sequence[int]]]:
    """Yield the texts in batches: their row numbers, the texts in UTF-8 one after the other, and the end of each."""
    chosen = ""
    if filters != Filters():
        conditions = filters.of_places()
        warehouse.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE chosen AS
            SELECT p.number FROM ({texts.places.format(chosen="true")}) p
            LEFT JOIN sessions s ON s.session_id = p.session_id AND s.home_id = p.home_id WHERE {conditions.sql}
            """,
            list(conditions.values),
        )
        chosen = " SEMI JOIN chosen c ON c.number = t.rowid"
    columns = f"t.rowid AS number, encode({texts.text}) AS text"
    # Not `execute`: DuckDB 2 would copy its rows once more for Arrow.
    found = warehouse.sql(f"SELECT {columns} FROM {texts.relation}{chosen} WHERE {texts.text} IS NOT NULL")
    for batch in found.to_arrow_reader(_BATCH):
        row = batch.to_pydict()
        yield row["number"], b"".join(row["text"]), list(accumulate(map(len, row["text"])))


def _places(warehouse: duckdb.DuckDBPyConnection, texts: _Texts, found: dict[int, dict[str, int]]) -> Iterator[Place]:
    """Yield the places of texts by their row numbers, each with its kinds and their numbers."""
    if not found:
        return
    places = texts.places.format(chosen=f"t.rowid IN ({given_rows(_NUMBER)})")
    query = f"""
        SELECT p.number, p.home_id, p.session_id, s.project, p.found_at,
            address(p.file_id, p.byte_offset, p.byte_length)
        FROM ({places}) p LEFT JOIN sessions s ON s.session_id = p.session_id AND s.home_id = p.home_id
        ORDER BY p.number
    """
    rows = warehouse.execute(query, [as_rows(_NUMBER, ((number,) for number in found))]).fetchall()
    for number, *place in rows:
        for kind, times in found[number].items():
            yield Place(kind, times, *place)
