"""The places where a file of the archive may still be intact: its second copy, the quarantine of earlier repairs, and
other directories that are laid out like a data directory.

A file is recognised by its digest alone, or, where it has a seal, by that.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from models.errors import ConfigurationError, ExtractError, FixityError
from pipelines.archive.archive import Archive
from pipelines.archive.tombstones import read_graveyard
from pipelines.disk.atomic import read_sealed, sha256_of
from pipelines.disk.layout import Layout

SECOND_COPY = "its second copy"


class Places:
    """The directories to look into, beside the archive itself, in the order in which a person named them."""

    def __init__(self, layout: Layout, given: Sequence[Path]) -> None:
        """Raises ConfigurationError for a directory that is no archive, or another archive than this one."""
        self._layout = layout
        self._others = [Layout(path.expanduser().absolute()) for path in given]
        self._moved: dict[str, Path] | None = None
        mine = _id_of(layout)
        for other in self._others:
            theirs = _id_of(other)
            if theirs is None:
                raise ConfigurationError(f"{other.root} is no copy of an archive: it has no sound archive.json")
            if mine is not None and theirs != mine:
                raise ConfigurationError(f"{other.root} is a copy of another archive, {theirs}; this one is {mine}")
            if other.root.resolve() == layout.root.resolve():
                raise ConfigurationError(f"{other.root} is the archive itself; name a copy of it with --from")

    @property
    def others(self) -> list[Layout]:
        """The other directories."""
        return list(self._others)

    @property
    def as_new(self) -> list[Layout]:
        """The other directories that know every erasure of this archive. An older one may still have erased content, so
        only files that the archive names by their digest are taken from it.
        """
        mine = _erasures(self._layout)
        return [other for other in self._others if mine <= _erasures(other)]

    def find(self, path: str, sha256: str, size: int | None = None) -> tuple[Path, str] | None:
        """Return an intact file with this digest, and a name of its place for people; None if there is none.

        `path` is where it should be, below the data directory.
        """
        for candidate, shown in self._candidates(path):
            if _is(candidate, sha256, size):
                return candidate, shown
        moved = self._set_aside().get(sha256)
        return (moved, self._layout.relative(moved)) if moved is not None and _is(moved, sha256, size) else None

    def note(self, set_aside: Path) -> None:
        """Remember a file that was moved into the quarantine: where two files were swapped, each is whole there."""
        try:
            if set_aside.is_file():
                self._set_aside().setdefault(sha256_of(set_aside), set_aside)
        except OSError:
            return

    def sealed(self, path: Path) -> Iterator[tuple[bytes, str]]:
        """Yield the content of each intact file at the path of a sealed file of the archive, and a name of its place:
        the second copy, then the other directories that know every erasure.
        """
        name = self._layout.relative(path)
        bases = [(self._layout.copy_of(path), SECOND_COPY)]
        for other in self.as_new:
            bases += [(other.root / name, str(other.root)), (other.copies / name, str(other.root))]
        for candidate, shown in bases:
            try:
                yield read_sealed(candidate), shown
            except (FixityError, OSError):
                continue

    def _candidates(self, path: str) -> Iterator[tuple[Path, str]]:
        yield self._layout.copies / path, SECOND_COPY
        for other in self._others:
            yield other.root / path, str(other.root)
            yield other.copies / path, str(other.root)

    def _set_aside(self) -> dict[str, Path]:
        """Return the files in the quarantine by SHA-256: if two files were swapped, both are intact there."""
        if self._moved is None:
            self._moved = {}
            for path in sorted(self._layout.quarantine.rglob("*")):
                if path.is_file():
                    self.note(path)
        return self._moved


def _is(path: Path, sha256: str, size: int | None) -> bool:
    try:
        return path.is_file() and size in (None, path.stat().st_size) and sha256_of(path) == sha256
    except OSError:
        return False


def _id_of(layout: Layout) -> str | None:
    try:
        return Archive.open(layout).archive_id
    except (ExtractError, OSError):
        return None


def _erasures(layout: Layout) -> set[int]:
    try:
        graveyard = read_graveyard(layout)
    except (ExtractError, OSError):
        return set()
    return {stone.number for stone in graveyard.tombstones} if graveyard is not None else set()
