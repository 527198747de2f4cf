"""Shared by the tests of copies: syncs and verifications of an archive's copy."""

import shutil
from dataclasses import replace
from pathlib import Path

from models.observer import Observer
from pipelines.archive.known_copies import keep_known_copy, read_known_copies
from pipelines.copies.check import CopyVerification, verify_copy
from pipelines.copies.places import add_copy, open_place
from pipelines.copies.result import SyncResult
from pipelines.copies.sync import sync_copy
from pipelines.forget.forget import ErasureTarget, forget, plan_forget
from tests.archives import Archive, run

QUIET = Observer()
NOT_COPIED = {
    "warehouse",
    "cache",
    "staging",
    "copies",
    "destinations",
    "writer.lock",
    ".gitignore",
    "warehouse.duckdb",
}
"""Names that a copy leaves out: derived files, and those of this data directory alone."""


def sync(archive: Archive) -> SyncResult:
    (known,) = read_known_copies(archive.layout)
    return sync_copy(archive.layout, known, QUIET)


def verified(archive: Archive) -> CopyVerification:
    (known,) = read_known_copies(archive.layout)
    return verify_copy(archive.layout, known, open_place(known.place), QUIET)


def copied(archive: Archive, place: Path) -> None:
    add_copy(archive.layout, str(place))
    assert sync(archive).findings == []


def contents(root: Path) -> dict[str, bytes]:
    """Return the bytes of each file that belongs into a copy, by path."""
    found = {}
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if relative.parts[0] not in NOT_COPIED and path.is_file() and relative.name != "copy.json":
            found[relative.as_posix()] = path.read_bytes()
    return found


def erase(archive: Archive, text: str) -> None:
    forget(archive.layout, plan_forget(archive.layout, ErasureTarget("text", text)), QUIET)


def prepared(made: Archive, work: Path) -> Archive:
    """Return an archive with a copy in which an erasure and a new run wait for the next sync."""
    archive = made.copy(work)
    copied(archive, work / "place")
    erase(archive, "it broke")
    (archive.home / "newest.md").write_text("# newest\n")
    run(archive.layout, archive.home)
    return archive


def moved(waiting: Archive, work: Path) -> Archive:
    """Return a copy of the archive and of its copy at another place."""
    archive = waiting.copy(work)
    shutil.copytree(waiting.layout.root.parent / "place", work / "place")
    (known,) = read_known_copies(archive.layout)
    for path in archive.layout.destination_files():
        path.unlink()
    keep_known_copy(archive.layout, replace(known, place=str(work / "place")))
    return archive


def codes_of(made: CopyVerification | SyncResult) -> list[str]:
    return sorted({finding.code for finding in made.findings})
