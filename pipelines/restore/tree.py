"""The directories of a restore's target: creates each once, sets their times and modes after all files are in them."""

import errno
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from models.finding import Finding, Kind, address_of
from models.findings import restore as codes
from models.manifest import FileState
from models.text import printable_path
from pipelines.disk.tree_target import TreeTarget
from pipelines.restore.descent import Descent
from pipelines.restore.generations import NameParts
from pipelines.restore.place import is_full
from pipelines.restore.plan import RestorePlan

_AT_ONCE: Final = 16
_DEEP: Final = 20
"""Deeper trees are flushed by one thread: several would have too many directories open."""
_NO_SUCH_NAME: Final = frozenset({errno.EINVAL, errno.ENAMETOOLONG, errno.EILSEQ, errno.ENOENT})
_LINK: Final = frozenset({errno.ELOOP, errno.EMLINK, errno.ENOTDIR})


def kind_of(error: OSError) -> Kind:
    """Return the kind of finding for an OSError about one path."""
    if error.errno in _LINK:
        return codes.LINK_IN_THE_WAY
    return codes.NAME_REFUSED if error.errno in _NO_SUCH_NAME else codes.NOT_WRITTEN


class RestoreTree:
    """The directories of a plan below `root`.

    With `is_new` the target was empty, so a name that exists already is a collision: this restore wrote it under a name
    that the file system treats as equal.
    """

    def __init__(self, root: TreeTarget, plan: RestorePlan, *, is_new: bool) -> None:
        self._root = root
        self._descent = Descent(root)
        self.made: dict[NameParts, FileState | None] = {}
        self.findings: list[Finding] = []
        self._plan = plan
        self._is_new = is_new
        self._refused: set[NameParts] = set()
        self._names: dict[NameParts, set[bytes]] = {}

    def enter(self, parts: NameParts) -> TreeTarget:
        """Return the open directory at `parts`, which stays open until the next call. Raises OSError."""
        return self._descent.enter(parts)

    def is_moved(self, root: TreeTarget) -> None:
        """Go on below another root, to which all was moved."""
        self._descent.close()
        self._root, self._descent = root, Descent(root)

    def close(self) -> None:
        """Close all open directories."""
        self._descent.close()

    def make(self) -> None:
        """Create every missing directory. Raises OSError when the disk is full."""
        for parts, state in self._plan.directories.items():
            if self.is_open(parts[:-1]):
                self._make_one(parts, state)

    def is_open(self, parts: NameParts) -> bool:
        """Return whether no directory on the path `parts` was refused by the system."""
        return not self._refused or not any(parts[:depth] in self._refused for depth in range(1, len(parts) + 1))

    def has(self, parts: NameParts, *, anew: bool = False) -> bool:
        """Return whether the target had this exact name before the restore; with `anew`, has it now. Raises OSError."""
        above = parts[:-1]
        if self._is_new or (above in self.made and not anew):
            return False
        if above not in self._names or anew:
            self._names[above] = {os.fsencode(entry.name) for entry in self.enter(above).scan()}
        return parts[-1] in self._names[above]

    def finish(self) -> None:
        """Flush all directories to the disk, then set the times and modes of the created ones, the deepest first."""
        made = list(self.made)
        is_deep = any(len(parts) > _DEEP for parts in made)
        size = len(made) if is_deep else -(-len(made) // _AT_ONCE)
        shares = [made[start : start + size] for start in range(0, len(made), size or 1)]
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            list(threads.map(self._sync, shares))
        for parts, state in reversed(list(self.made.items())):
            if state is None:
                continue
            directory = self.enter(parts)
            try:
                directory.finish(state.mode, state.mtime_ns)
            except (OSError, OverflowError) as error:
                self.refuse(codes.TIMES_NOT_SET, state, str(error))
        self._root.sync()

    def _sync(self, share: Sequence[NameParts]) -> None:
        descent = Descent(self._root)
        try:
            for parts in share:
                descent.enter(parts).sync()
        finally:
            descent.close()

    def refuse(self, kind: Kind, state: FileState, detail: str) -> None:
        """Add a finding about one path."""
        self.findings.append(kind.at(address_of(state.home_id, state.path), problem=detail))

    def _make_one(self, parts: NameParts, state: FileState | None) -> None:
        try:
            if self.has(parts):
                self.enter(parts)
                return
            self.enter(parts[:-1]).make_directory(parts[-1])
            self.made[parts] = state
        except FileExistsError:
            self._refuse_directory(codes.NAME_COLLISION, parts, state, "another path has this name here")
        except OSError as error:
            if is_full(error):
                raise
            self._refuse_directory(kind_of(error), parts, state, error.strerror or str(error))

    def _refuse_directory(self, kind: Kind, parts: NameParts, state: FileState | None, detail: str) -> None:
        self._refused.add(parts)
        lost = sum(item.parts[: len(parts)] == parts for item in (*self._plan.files, *self._plan.links))
        home_id = state.home_id if state is not None else ""
        path = state.path if state is not None else printable_path(b"/".join(parts))
        problem = f"{detail}; the {lost} paths below it are not written"
        self.findings.append(kind.at(address_of(home_id, path), problem=problem))
