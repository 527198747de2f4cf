"""`extract embed`: gives a vector to every text that has none, the newest first; if it is stopped, the next call
continues.
"""

from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from models.observer import Observer
from pipelines.disk.layout import Layout
from pipelines.disk.lock import writing
from pipelines.semantic.model import SentenceModel
from pipelines.semantic.store import read_vectors, write_vectors
from pipelines.warehouse.opened import open_warehouse

_BATCH: Final = 512
"""Texts of one file: an interruption loses at most so many vectors."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """The result of a step: texts that got a vector now, texts with a vector, and texts that should have one."""

    made: int
    present: int
    wanted: int


def embed(layout: Layout, observer: Observer, most: int = 0) -> Embedded:
    """Give a vector to each text that has none, to at most `most` (0: all). The writer lock is held only while a file
    is written; vectors for a warehouse that was replaced meanwhile are not written.

    Raises ConfigurationError if there is no warehouse, LockedError while another command writes, OSError.
    """
    published, texts = _texts(layout)
    had = set(read_vectors(layout).keys) & texts.keys()
    missing = [key for key in texts if key not in had][: most or None]
    if missing:
        model = SentenceModel()
        observer.step_begins("embed", sum(len(texts[key]) for key in missing))
    made = 0
    for start in range(0, len(missing), _BATCH):
        keys = missing[start : start + _BATCH]
        vectors = model.vectors([texts[key] for key in keys])
        with writing(layout, "embed"):
            if layout.warehouse.resolve().stem != published:
                break  # a run or an erasure: vectors of erased texts must not be written
            write_vectors(layout, published, keys, vectors)
        made += len(keys)
        observer.advances(sum(len(texts[key]) for key in keys), len(keys))
    observer.step_ends()
    return Embedded(made, len(had) + made, len(texts))


def _texts(layout: Layout) -> tuple[str, dict[str, str]]:
    """Return the run of the published warehouse, and its texts by their keys, the newest first."""
    query = (files("pipelines.semantic") / "queries" / "texts.sql").read_text(encoding="utf-8")
    published = layout.warehouse.resolve().stem
    with open_warehouse(layout) as connection:
        return published, {key: text for key, text, _ in connection.execute(query).fetchall()}
