"""Descends to directories far below a home in a time that does not grow with their depth, where the last one was near.

Each file far below would otherwise cost an opened directory for every component of its path: of 3,000 nested
directories, millions.
"""

from collections.abc import Iterator, Sequence
from threading import Lock
from typing import Final

from extractors.home.found import source_error
from extractors.home.platform import DescriptorDirectory

DEEP: Final = 32
"""The number of components beyond which directories are kept open."""
_KEPT: Final = 64
"""How many of the deepest directories are kept open."""
_LONGEST: Final = 2048
"""Bytes of a path that is resolved by one call of the system, whose limit may be 4,096, or 1,024 with long names."""


class DeepDirectories:
    """The directories last descended through, the deepest ones open.

    Each was reached without following a link. Before it is used, its path is resolved again, by few calls, and must
    lead to the same directory: one that was replaced meanwhile is noticed.
    """

    def __init__(self, root: DescriptorDirectory) -> None:
        self._root = root
        self._names: list[bytes] = []
        self._open: dict[int, DescriptorDirectory] = {}
        self._lock = Lock()

    def descend(self, path: bytes, parents: list[bytes]) -> DescriptorDirectory:
        """Open the directory at ``parents``, at least one; the caller closes it. ``path`` is that of the file wanted,
        for the ``SourceError`` that is raised.
        """
        with self._lock:
            depth = self._common(parents)
            if depth and not self._is_in_place(depth):
                self._forget(0)
                depth = 0
            for number in range(depth, len(parents) - 1):
                above = self._open.get(number, self._root)
                self._keep(number + 1, parents[number], self._below(path, above, parents[number]))
            return self._below(path, self._open.get(len(parents) - 1, self._root), parents[-1])

    def close(self) -> None:
        """Close all."""
        with self._lock:
            self._forget(0)

    @staticmethod
    def _below(path: bytes, above: DescriptorDirectory, name: bytes) -> DescriptorDirectory:
        try:
            return above.directory(name)
        except OSError as error:
            raise source_error(path, above, name, error) from error

    def _common(self, parents: list[bytes]) -> int:
        """Close the open directories that are not on the path of ``parents`` (its last component excepted); return the
        depth of the deepest one left open.
        """
        known, wanted = self._names, parents[:-1]
        common = min(len(known), len(wanted))
        if known[:common] != wanted[:common]:
            common = next(at for at in range(common) if known[at] != wanted[at])
        self._forget(common)
        return max(self._open, default=0)

    def _keep(self, depth: int, name: bytes, directory: DescriptorDirectory) -> None:
        self._names[depth - 1 :] = [name]
        self._open[depth] = directory
        if (old := self._open.pop(depth - _KEPT, None)) is not None:
            old.close()

    def _forget(self, depth: int) -> None:
        """Close the directories deeper than ``depth``."""
        for number in [number for number in self._open if number > depth]:
            self._open.pop(number).close()
        del self._names[depth:]

    def _is_in_place(self, depth: int) -> bool:
        current = self._root
        try:
            for part in _pieces(self._names[:depth]):
                above = current
                try:
                    current = above.directory(part)
                finally:
                    if above is not self._root:
                        above.close()
            return current.identity() == self._open[depth].identity()
        except OSError:
            return False
        finally:
            if current is not self._root:
                current.close()


def _pieces(names: Sequence[bytes]) -> Iterator[bytes]:
    """Yield a path in pieces that one call resolves each."""
    path = b"/".join(names)
    start = 0
    while len(path) - start > _LONGEST:
        end = path.rindex(b"/", start, start + _LONGEST)
        yield path[start:end]
        start = end + 1
    yield path[start:]
