"""Exact search among vectors: texts nearest to a question, fused with full text; sessions like a session."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.resources import files
from threading import Lock
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from models.errors import ConfigurationError
from pipelines.disk.layout import Layout
from pipelines.look.filters import Filters
from pipelines.look.search import Hit, SearchQuery, ranked_places, search, snippet
from pipelines.semantic.model import SentenceModel, Vectors, normalized
from pipelines.semantic.store import VectorIndex, read_vectors
from pipelines.warehouse.current import CurrentWarehouse

_CANDIDATES: Final = 200
"""The nearest texts whose places are looked up: filters, and copies of a text in one session, leave fewer."""
_FUSED: Final = 50
"""The hits of each list that are fused, at least."""
_LEAST: Final = 0.2
"""The least likeness of a hit: below it, texts have nothing to do with one another."""
_RANK: Final = 60
"""The constant of reciprocal rank fusion, as its authors chose it."""
_FIRST_WORDS: Final = 160


@dataclass(frozen=True, slots=True)
class SimilarSession:
    """A session like another one: its likeness is between -1 and 1. The texts are untrusted; `address` is that of its
    first file, None if it has none.
    """

    session_id: str
    home_id: str
    project: str | None
    title: str | None
    likeness: float
    address: str | None


class SemanticIndex:
    """The model and the vectors of an archive, loaded at the first question and again when the files have changed. Its
    methods may be called from several threads.

    They raise ConfigurationError if there are no vectors yet, and as `CurrentWarehouse` does.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._warehouse = CurrentWarehouse(layout)
        self._lock = Lock()
        self._model: SentenceModel | None = None
        self._index: VectorIndex | None = None

    def search(self, wanted: SearchQuery, mask: Callable[[str], str] = str) -> list[Hit]:
        """Return the best hits by words and by meaning: hits near the top of both lists come first."""
        more = replace(wanted, limit=max(wanted.limit, _FUSED) if wanted.limit else 0)
        near = self.nearest(more, mask)
        words = search(self._layout, more, mask)
        return fused(words, near, each=wanted.each)[: wanted.limit or None]

    def nearest(self, wanted: SearchQuery, mask: Callable[[str], str] = str) -> list[Hit]:
        """Return the hits whose meaning is nearest, best first, one for each session unless `each`."""
        model, index = self._loaded()
        if not wanted.text.strip():
            raise ConfigurationError("give the words to be found")
        likeness = index.vectors @ model.vectors([wanted.text])[0]
        best = _best(likeness, _CANDIDATES)
        with self._warehouse.reading() as connection:
            _register(connection, [index.keys[place] for place in best], [float(likeness[place]) for place in best])
            places = (files("pipelines.semantic") / "queries" / "places.sql").read_text(encoding="utf-8")
            rows = connection.execute(*ranked_places(wanted, places, ", p.key, p.title_text")).fetchall()
            texts = _texts(connection, [row[-2] for row in rows])
        return [_hit(row, mask(row[-1] or texts.get(row[-2], ""))) for row in rows]

    def similar(self, session_id: str, filters: Filters, limit: int) -> list[SimilarSession]:
        """Return the sessions whose texts are, on average, most like those of a session."""
        _, index = self._loaded()
        with self._warehouse.reading() as connection:
            owners = connection.execute(_OWNERS).fetchall()
            ids, centres = _centres(index, owners)
            if session_id not in ids:
                raise ConfigurationError(f"no text of session {session_id} has a vector; `extract embed` makes them")
            likeness = centres @ centres[ids.index(session_id)]
            connection.register("likeness", pa.table({"session_id": ids, "score": likeness.tolist()}))
            conditions = filters.of_sessions()
            rows = connection.execute(
                f"{_SIMILAR} WHERE {conditions.sql} AND s.session_id <> ? QUALIFY row_number() OVER "
                "(PARTITION BY s.session_id ORDER BY s.record_count DESC, s.home_id) = 1 "
                f"ORDER BY n.score DESC, s.session_id LIMIT {limit:d}",
                [*conditions.values, session_id],
            ).fetchall()
        return [SimilarSession(*row) for row in rows]

    def _loaded(self) -> tuple[SentenceModel, VectorIndex]:
        with self._lock:
            names = frozenset(path.name for path in self._layout.vector_files())
            if self._index is None or self._index.files != names:
                self._index = read_vectors(self._layout)
            if not self._index.keys:
                raise ConfigurationError("there are no vectors yet: `extract embed` makes them")
            if self._model is None:
                self._model = SentenceModel()
            return self._model, self._index


def fused(first: Sequence[Hit], second: Sequence[Hit], *, each: bool) -> list[Hit]:
    """Return the hits of two lists by the sum of 1 / (60 + rank); a hit is the same in both by its session, or with
    `each` by its address. The first list's hit represents it.
    """
    scores, found = dict[str, float](), dict[str, Hit]()
    for hits in (first, second):
        for rank, hit in enumerate(hits, 1):
            key = hit.address if each or hit.session_id is None else hit.session_id
            scores[key] = scores.get(key, 0) + 1 / (_RANK + rank)
            found.setdefault(key, hit)
    return [found[key] for key in sorted(found, key=lambda key: -scores[key])]


_OWNERS: Final = (
    "SELECT DISTINCT message_id, session_id FROM occurrences WHERE session_id IS NOT NULL "
    "UNION SELECT concat('title:', md5(title)), session_id FROM session_titles WHERE session_id IS NOT NULL"
)
_SIMILAR: Final = """
    SELECT s.session_id, s.home_id, s.project, coalesce(s.title, s.first_prompt), n.score,
        (SELECT concat(f.home_id, ':', f.path) FROM files f WHERE f.file_id = s.file_ids[1])
    FROM sessions s JOIN likeness n ON n.session_id = s.session_id
"""


def _hit(row: Sequence[object], text: str) -> Hit:
    """Return the hit of a row of `ranked_places`, with the first words of its text."""
    _, kind, home_id, session_id, project, title, found_at, address, file_id, offset, length, _, _ = row
    return Hit(
        str(kind),
        str(home_id),
        session_id if isinstance(session_id, str) else None,
        project if isinstance(project, str) else None,
        title if isinstance(title, str) else None,
        found_at if isinstance(found_at, datetime) else None,
        snippet(text, [])[:_FIRST_WORDS],
        str(address),
        *(number if isinstance(number, int) else 0 for number in (file_id, offset, length)),
    )


def _texts(connection: duckdb.DuckDBPyConnection, keys: Sequence[str]) -> dict[str, str]:
    """Return the texts of messages, by constants: a join would read all texts of the archive."""
    wanted = ", ".join("?" for _ in keys) or "NULL"
    query = f"SELECT message_id, text FROM message_texts WHERE message_id IN ({wanted})"
    return dict(connection.execute(query, list(keys)).fetchall())


def _best(likeness: Vectors, most: int) -> list[int]:
    count = min(most, len(likeness))
    best = np.argpartition(-likeness, count - 1)[:count]
    return [int(place) for place in best[np.argsort(-likeness[best], kind="stable")] if likeness[place] >= _LEAST]


def _register(connection: duckdb.DuckDBPyConnection, keys: Sequence[str], scores: Sequence[float]) -> None:
    numbers = list(range(len(keys)))
    columns = {"number": pa.array(numbers, pa.int64()), "key": pa.array(keys, pa.string())}
    connection.register(
        "nearest", pa.table({**columns, "rank": columns["number"], "score": pa.array(scores, pa.float64())})
    )


def _centres(index: VectorIndex, owners: Sequence[tuple[str, str]]) -> tuple[list[str], Vectors]:
    """Return the sessions that have vectors, and the mean of the vectors of each, with length 1."""
    rows = {key: row for row, key in enumerate(index.keys)}
    of_session: dict[str, list[int]] = {}
    for key, session_id in owners:
        if (row := rows.get(key)) is not None:
            of_session.setdefault(session_id, []).append(row)
    means = [index.vectors[found].mean(axis=0) for found in of_session.values()]
    return list(of_session), normalized(np.stack(means)) if means else np.zeros((0, 1), np.float32)
