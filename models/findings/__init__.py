"""Every kind of finding of `extract verify`, by concern. `models/FINDINGS.md` is made of them."""

from models.finding import KINDS, Kind
from models.findings import contents, deep, manifests, parts, places, records, runs, source, store, warehouse

__all__ = [
    "all_kinds",
    "contents",
    "deep",
    "manifests",
    "parts",
    "places",
    "records",
    "runs",
    "source",
    "store",
    "warehouse",
]


def all_kinds() -> list[Kind]:
    """Return every kind, in order of codes."""
    return [KINDS[code] for code in sorted(KINDS)]
