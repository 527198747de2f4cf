"""Every kind of finding, by concern. `models/FINDINGS.md` is made of them."""

from typing import Final

from models.finding import KINDS, Kind
from models.findings import contents, deep, manifests, parts, places, records, restore, runs, source, store, warehouse

__all__ = [
    "CONCERNS",
    "all_kinds",
    "contents",
    "deep",
    "manifests",
    "parts",
    "places",
    "records",
    "restore",
    "runs",
    "source",
    "store",
    "warehouse",
]


CONCERNS: Final = {
    "D": "D: files put together again from the store",
    "E": "E: what was read of each file: counts that balance, spans that tile",
    "F": "F: what lies below the data directory",
    "H": "H: homes against their last manifests",
    "M": "M: manifests",
    "P": "P: committed Parquet files",
    "R": "R: records: of the archive, of its runs",
    "S": "S: the store",
    "T": "T: rows and messages",
    "W": "W: the warehouse",
    "X": "X: paths that `extract restore` or `extract drill` could not give back as they were",
}
"""What the first letter of a code stands for."""


def all_kinds() -> list[Kind]:
    """Return every kind, in order of codes."""
    return [KINDS[code] for code in sorted(KINDS)]
