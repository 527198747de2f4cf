"""Opens directories below a root one component at a time, so that no link is followed, and keeps some of them open: a
tree of thousands of nested directories is then walked in linear time.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from pipelines.disk.tree_target import TreeTarget
from pipelines.restore.generations import NameParts

_NEAR: Final = 64
"""So many of the last directories stay open, and of those above them each 64th: for a path of 3,000 directories 110."""


@contextmanager
def entered(root: TreeTarget, parts: NameParts) -> Iterator[TreeTarget]:
    """Open the directory at `parts` below `root` for the block. Follows no link. Raises OSError."""
    descent = Descent(root)
    try:
        yield descent.enter(parts)
    finally:
        descent.close()


class Descent:
    """Goes from one directory below `root` to another: each is opened from the nearest open one above it. For use by
    one thread.
    """

    def __init__(self, root: TreeTarget) -> None:
        self._root = root
        self._parts: NameParts = ()
        self._open: dict[int, TreeTarget] = {}
        """The open directories on the path `_parts` by their depth, the root not among them, in ascending order."""

    def enter(self, parts: NameParts) -> TreeTarget:
        """Return the open directory at `parts`, which stays open until the next call. Raises OSError."""
        self._leave(_common(self._parts, parts))
        self._parts = parts
        begun = next(reversed(self._open), 0)
        current = self._open[begun] if begun else self._root
        for depth in range(begun + 1, len(parts) + 1):
            current = self._open[depth] = current.directory(parts[depth - 1])
            passed = depth - _NEAR
            if passed % _NEAR and passed in self._open:
                self._open.pop(passed).close()
        return current

    def _leave(self, depth: int) -> None:
        """Close the open directories deeper than `depth`."""
        while self._open and (last := next(reversed(self._open))) > depth:
            self._open.pop(last).close()

    def close(self) -> None:
        """Close all directories but the root."""
        self._leave(0)
        self._parts = ()


def _common(one: Sequence[bytes], other: Sequence[bytes]) -> int:
    """Return how many first names two paths have in common. Slices are compared: names one by one would take seconds
    for thousands of long paths.
    """
    low, high = 0, min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
