"""Every kind of finding, by concern. `models/FINDINGS.md` is rendered from them."""

from typing import Final

from models.finding import KINDS, Kind
from models.findings import (
    contents,
    copies,
    deep,
    elsewhere,
    lake,
    losses,
    manifests,
    parts,
    places,
    records,
    restore,
    runs,
    source,
    store,
    warehouse,
)

__all__ = [
    "CONCERNS",
    "all_kinds",
    "contents",
    "copies",
    "deep",
    "elsewhere",
    "lake",
    "losses",
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
    "C": "C: copies of the archive at other places",
    "D": "D: files reassembled from the store",
    "E": "E: extraction: the counts of each file balance, its spans tile it",
    "F": "F: files below the data directory",
    "H": "H: homes compared with their last manifests",
    "L": "L: known losses, which `extract repair` has found out",
    "M": "M: manifests",
    "N": "N: units, which are pulled from other machines, and the audit log",
    "P": "P: committed Parquet files",
    "R": "R: records of the archive and of its runs",
    "S": "S: the store",
    "T": "T: rows and messages",
    "W": "W: the warehouse",
    "X": "X: paths that `extract restore` or `extract drill` could not restore exactly",
}
"""The concern of a code, by its first letter."""


def all_kinds() -> list[Kind]:
    """Return all kinds, sorted by code."""
    return [KINDS[code] for code in sorted(KINDS)]
