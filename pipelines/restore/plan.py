"""What a restore would write: directories, files, links, and what cannot be given back, with the reason."""

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from models.identity import is_home_id
from models.manifest import FileState
from pipelines.archive.selection import RESTORABLE, ArchivedPath, Chosen, Standing
from pipelines.restore.finding import Finding, FindingCode

NameParts = tuple[bytes, ...]
"""The names on the way from the top of the target to a thing."""


@dataclass(frozen=True, slots=True)
class PlannedPath:
    """One thing to be written, and where below the target."""

    state: FileState
    parts: NameParts

    @property
    def shown(self) -> tuple[str, str]:
        """Its home and path, as people are shown them."""
        return self.state.home_id, self.state.path


@dataclass(slots=True)
class RestorePlan:
    """All of it. `directories` have what lies above before what lies below; a directory that no manifest has (it is not
    in the archive, yet something below it is) has no state.
    """

    directories: dict[NameParts, FileState | None] = field(default_factory=dict)
    files: list[PlannedPath] = field(default_factory=list)
    links: list[PlannedPath] = field(default_factory=list)
    left_out: list[ArchivedPath] = field(default_factory=list)
    expired_count: int = 0
    """Files that were gone from the home by then and are not given back, because nobody asked for them."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(thing.state.size for thing in self.files)

    def reasons(self) -> Counter[Standing]:
        """Return how many things are not given back, by reason."""
        return Counter(archived.standing for archived in self.left_out)


def make_plan(chosen: Chosen, *, with_expired: bool, with_links: bool, by_home: bool) -> RestorePlan:
    """Return what is to be written of what was chosen. `by_home` puts each home into a directory of its name."""
    plan = RestorePlan()
    for archived in chosen.paths:
        state = archived.state
        prefix = (state.home_id.encode(),) if by_home else ()
        if archived.standing == Standing.GONE or (not state.is_present and archived.standing not in _KEPT):
            continue
        if not _is_safe(state):
            detail = "no walk of a home can have given this path"
            plan.findings.append(Finding(FindingCode.UNSAFE_PATH, state.home_id, state.path, detail))
            continue
        thing = PlannedPath(state, (*prefix, *state.path_bytes.split(b"/")))
        if not state.is_present and not with_expired:
            plan.expired_count += state.entry_type == "file"
        elif archived.is_directory and archived.standing in RESTORABLE:
            plan.directories[thing.parts] = state
        elif state.entry_type == "file" and archived.standing in RESTORABLE:
            plan.files.append(thing)
        elif archived.standing == Standing.LINK and with_links and state.link_target:
            plan.links.append(thing)
        elif not archived.is_directory:
            plan.left_out.append(archived)
    _refuse_below_no_directory(plan)
    _add_above(plan, chosen, by_home=by_home)
    return plan


_KEPT = frozenset({*RESTORABLE, Standing.LINK})


def alike(paths: Iterable[NameParts]) -> list[list[NameParts]]:
    """Return groups of paths in one directory whose names are the same to a file system that ignores case or how
    accents are written (casefold and NFC); the first of each group in order of bytes comes first.
    """
    groups: dict[tuple[NameParts, str], set[NameParts]] = {}
    for path in paths:
        for depth in range(1, len(path) + 1):
            groups.setdefault((path[: depth - 1], folded(path[depth - 1])), set()).add(path[:depth])
    return [sorted(group) for _, group in sorted(groups.items()) if len(group) > 1]


def folded(name: bytes) -> str:
    """Return what a name has in common with those that differ in case or in how accents are written."""
    text = name.decode("utf-8", "surrogateescape")
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _is_safe(state: FileState) -> bool:
    path = state.path_bytes
    names_nothing = any(part in (b"", b".", b"..") for part in path.split(b"/"))
    return is_home_id(state.home_id) and b"\0" not in path and not names_nothing


def _refuse_below_no_directory(plan: RestorePlan) -> None:
    """Refuse what would lie below a file or link: two phases told of two states of one path."""
    blocked = {thing.parts for thing in (*plan.files, *plan.links)}

    def is_free(parts: NameParts, state: FileState) -> bool:
        above = next((parts[:depth] for depth in range(1, len(parts)) if parts[:depth] in blocked), None)
        if above is None:
            return True
        detail = f"{above[-1].decode(errors='backslashreplace')} above it is no directory"
        plan.findings.append(Finding(FindingCode.PATH_CONFLICT, state.home_id, state.path, detail))
        return False

    plan.directories = {
        parts: state for parts, state in plan.directories.items() if state is None or is_free(parts, state)
    }
    plan.files = [thing for thing in plan.files if is_free(thing.parts, thing.state)]
    plan.links = [thing for thing in plan.links if is_free(thing.parts, thing.state)]


def _add_above(plan: RestorePlan, chosen: Chosen, *, by_home: bool) -> None:
    """Add the directories above what was chosen, and put all directories in order."""
    wanted: dict[NameParts, FileState | None] = {}
    for parts, home_id in _places(plan):
        for depth in range(1, len(parts)):
            if parts[:depth] not in wanted and parts[:depth] not in plan.directories:
                below_home = parts[by_home:depth]
                wanted[parts[:depth]] = chosen.directories.get((home_id, b"/".join(below_home)))
    plan.directories = dict(sorted({**plan.directories, **wanted}.items()))


def _places(plan: RestorePlan) -> Iterable[tuple[NameParts, str]]:
    for thing in (*plan.files, *plan.links):
        yield thing.parts, thing.state.home_id
    for parts, state in plan.directories.items():
        if state is not None:
            yield parts, state.home_id


def homes_of(paths: Collection[ArchivedPath]) -> Mapping[str, int]:
    """Return the homes from which something can be given back, with the number of things."""
    return Counter(each.state.home_id for each in paths if each.standing in _KEPT)
