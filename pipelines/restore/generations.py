"""Names for files whose path another kind of file has taken since.

The owner of a home may replace a directory by a link, or a file by a directory. The archive keeps both, but a restored
tree has room for one of them at the path. The newer one keeps the path; the older one is restored in the same directory
as `<name>.expired-directory`, `.expired-file` or `.expired-link`, with everything below it.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from models.manifest import FileState

NameParts = tuple[bytes, ...]
"""The components of a path below the target, as bytes."""

_ORDER: Final = ("link", "file", "directory")
"""When all kinds of a path are expired, the last one of these keeps the path: a directory holds the most."""


@dataclass(slots=True)
class _Kinds:
    """The kinds of file that are to be restored to one path, each with whether one of them is still in the home."""

    present: dict[str, bool] = field(default_factory=dict)

    def add(self, kind: str, *, is_present: bool) -> None:
        self.present[kind] = self.present.get(kind, False) or is_present

    def renamed(self) -> list[str]:
        """Return the expired kinds, without the one that keeps the path."""
        keeps = max(self.present, key=lambda kind: (self.present[kind], _ORDER.index(kind)))
        return [kind for kind, is_present in self.present.items() if kind != keeps and not is_present]


class Ancestors:
    """Finds the directories above a path that are among some paths, in time linear in the depth of one tree."""

    def __init__(self, among: Container[NameParts]) -> None:
        self._among = among
        self._nearest: dict[NameParts, NameParts | None] = {(): None}

    def of(self, parts: NameParts) -> Iterator[NameParts]:
        """Yield those above `parts`, the nearest first."""
        above = self._at_or_above(parts[:-1])
        while above is not None:
            yield above
            above = self._at_or_above(above[:-1])

    def _at_or_above(self, parts: NameParts) -> NameParts | None:
        unknown = []
        while parts not in self._nearest:
            unknown.append(parts)
            parts = parts[:-1]
        found = self._nearest[parts]
        for one in reversed(unknown):
            found = self._nearest[one] = one if one in self._among else found
        return found


class Names:
    """The names under which the files of a restore are written."""

    def __init__(self, items: Iterable[tuple[NameParts, FileState]]) -> None:
        """Take the path and manifest row of each file, directory and link of the restore."""
        wanted = list(items)
        kinds: dict[NameParts, _Kinds] = {}
        for parts, state in wanted:
            if state.entry_type != "directory":
                kinds.setdefault(parts, _Kinds()).add(state.entry_type, is_present=state.is_present)
        ancestors = Ancestors(kinds)
        for parts, state in wanted:
            itself = [parts] if state.entry_type == "directory" and parts in kinds else []
            for above in (*itself, *ancestors.of(parts)):
                kinds[above].add("directory", is_present=state.is_present)
        taken = {parts for parts, _ in wanted}
        self._names: dict[tuple[NameParts, str], bytes] = {}
        for parts, found in kinds.items():
            for kind in found.renamed():
                name = self._names[parts, kind] = _free_name(parts, kind, taken)
                taken.add((*parts[:-1], name))

    def of(self, parts: NameParts, state: FileState) -> NameParts:
        """Return the path to which a file is restored."""
        if not self._names:
            return parts
        last = len(parts) - 1
        kinds = ("directory" if number < last else state.entry_type for number in range(len(parts)))
        return tuple(
            self._names.get((parts[: number + 1], kind), name)
            for number, (name, kind) in enumerate(zip(parts, kinds, strict=True))
        )

    def renamed(self) -> Mapping[str, str]:
        """Return the new name for each path of which an older kind is restored under another name."""
        return {_shown(b"/".join(parts)): _shown(name) for (parts, _), name in sorted(self._names.items())}


def _shown(name: bytes) -> str:
    return name.decode(errors="backslashreplace")


def _free_name(parts: NameParts, kind: str, taken: set[NameParts]) -> bytes:
    name = wanted = parts[-1] + f".expired-{kind}".encode()
    number = 2
    while (*parts[:-1], name) in taken:
        name = b"%s-%d" % (wanted, number)
        number += 1
    return name
