"""Distinguishes the leftovers of a stopped command from damage: the next writer deletes them or makes them again."""

from contextlib import suppress
from typing import Final

from models.errors import ExtractError
from models.finding import Finding
from models.findings import copies, parts, places, runs, warehouse
from models.findings import records as codes
from pipelines.archive.sweep import leftovers
from pipelines.verify.context import Context

_LEFT: Final = frozenset(
    kind.code
    for kind in (
        warehouse.NO_LINK,
        warehouse.DANGLING,
        warehouse.OLD_LINK,
        warehouse.SIZE,
        warehouse.BROKEN,
        warehouse.UNLISTED,
        warehouse.LEFT_OVER,
        warehouse.BEHIND,
        warehouse.CONTENT,
        copies.COPY_GONE,
        copies.HEAD_GONE,
        runs.NO_REPORT,
        places.INDEX_BROKEN,
    )
)
"""Findings after a stopped writer: a warehouse it was replacing, a second copy or a report not yet written, an index of
known digests that it had not flushed."""
_LEFT_BY_FORGET: Final = frozenset(
    kind.code
    for kind in (
        *(runs.TEXT_GONE, runs.TEXT_SIZE, runs.TEXT_BROKEN, codes.TOMBSTONES_GONE, places.STAGED),
        *(codes.EVIDENCE_GONE, codes.EVIDENCE_OTHER, parts.IMPORT_GONE),
    )
)
"""Further findings after a stopped erasure, while its journal exists."""


def without_leftovers(context: Context) -> list[Finding]:
    """Return the findings without those about leftovers of a stopped command, with one that names the command. Without
    such a command, return all findings.
    """
    stopped = context.stopped
    if stopped is None:
        return context.findings
    lock = context.address(context.layout.lock_file)
    unfinished = codes.UNFINISHED.at(lock, command=stopped.command, started_at=stopped.started_at)
    codes_left = _LEFT | (_LEFT_BY_FORGET if context.layout.forget_file.exists() else frozenset())
    addresses = set[str]()
    with suppress(ExtractError, OSError):
        addresses = {context.address(path) for path in leftovers(context.layout)}
    kept = [
        one
        for one in context.findings
        if one.code not in codes_left and not _is_below(one.address, addresses) and not _is_copy_of_nothing(one)
    ]
    return [*kept, unfinished]


def _is_below(address: str, left: set[str]) -> bool:
    """Whether an address is one of those left, or is below one."""
    parts = address.split("/")
    return any("/".join(parts[:depth]) in left for depth in range(1, len(parts) + 1))


def _is_copy_of_nothing(finding: Finding) -> bool:
    """Whether a second copy outlived its original, which `extract gc` or `extract forget` deleted before it."""
    return finding.code == places.FOREIGN.code and finding.address.startswith("copies/")
