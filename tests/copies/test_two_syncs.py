"""Two syncs to one place that share no lock, as from two machines, leave a sound copy."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from models.errors import ExitCode, LockedError
from models.finding import Severity
from pipelines.archive.known_copies import KnownCopy, read_known_copies
from pipelines.copies.check import verify_copy
from pipelines.copies.destination import CopyContent, Destination, PlacedEntry
from pipelines.copies.places import add_copy, open_copy
from pipelines.copies.sync import sync_copy
from tests.archives import Archive, run
from tests.copies.copying import QUIET, contents, prepared, sync


@dataclass(slots=True)
class Interleaved:
    """A place at which, before the file of this number is written, `meanwhile` happens."""

    inner: Destination
    meanwhile: Callable[[], object]
    number: int

    @property
    def place(self) -> str:
        return self.inner.place

    def entries(self) -> dict[str, PlacedEntry]:
        return self.inner.entries()

    def blocks(self, path: str) -> Iterator[bytes]:
        return self.inner.blocks(path)

    def put(self, path: str, content: CopyContent, *, over: bool = False) -> None:
        self.number -= 1
        if not self.number:
            self.meanwhile()
        self.inner.put(path, content, over=over)

    def remove(self, path: str) -> None:
        self.inner.remove(path)

    def settle(self) -> None:
        self.inner.settle()


def known(archive: Archive) -> KnownCopy:
    (one,) = read_known_copies(archive.layout)
    return one


def errors_at(archive: Archive) -> list[str]:
    found = verify_copy(archive.layout, known(archive), open_copy(known(archive)), QUIET).findings
    return [one.code for one in found if one.severity is Severity.ERROR]


def interrupt(archive: Archive, other: Archive, number: int) -> str:
    """Sync, and let another machine sync before the file of this number is written; return how the first one ended."""

    def opening(copy: KnownCopy) -> Destination:
        return Interleaved(open_copy(copy), lambda: sync(other), number)

    try:
        sync_copy(archive.layout, known(archive), QUIET, opening)
    except LockedError:
        return "stopped"
    return "ended"


@pytest.mark.parametrize("number", [5, 12])
def test_the_sync_that_began_first_stops_and_the_copy_is_that_of_the_second(
    number: int, made: Archive, tmp_path: Path
) -> None:
    first = prepared(made, tmp_path)
    other = first.copy(tmp_path / "other")
    (other.home / "newer.md").write_text("# newer\n")
    run(other.layout, other.home)
    assert interrupt(first, other, number) == "stopped"
    assert errors_at(other) == []
    assert contents(tmp_path / "place") == contents(other.layout.root)


def test_an_encrypted_copy_is_as_safe(made: Archive, tmp_path: Path) -> None:
    pytest.importorskip("pyrage")
    archive = made.copy(tmp_path)
    add_copy(archive.layout, str(tmp_path / "place"), tmp_path / "key.txt")
    other = archive.copy(tmp_path / "other")
    assert interrupt(archive, other, 8) == "stopped"
    assert errors_at(other) == []
    assert sync(archive).exit_code is ExitCode.VERIFIED
    assert errors_at(archive) == []
