"""The plan of a restore: the directories, files and links to write, and the paths that cannot be restored, with the
reason."""

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from models.finding import Finding, address_of
from models.findings import restore as codes
from models.identity import is_home_id
from models.manifest import FileState
from pipelines.archive.selection import RESTORABLE, ArchivedPath, Availability, Chosen
from pipelines.restore.generations import Ancestors, NameParts, Names


@dataclass(frozen=True, slots=True)
class PlannedPath:
    """One file or link to write: its manifest row, and its path below the target."""

    state: FileState
    parts: NameParts

    @property
    def shown(self) -> tuple[str, str]:
        """Its home_id and printable path."""
        return self.state.home_id, self.state.path


@dataclass(slots=True)
class RestorePlan:
    """All paths that a restore writes or leaves out.

    `directories` are sorted, parents first; one that no manifest contains, though a path below it is archived, has no
    state. `left_out` are paths that the archive has no bytes of.
    """

    directories: dict[NameParts, FileState | None] = field(default_factory=dict)
    files: list[PlannedPath] = field(default_factory=list)
    links: list[PlannedPath] = field(default_factory=list)
    left_out: list[ArchivedPath] = field(default_factory=list)
    expired_count: int = 0
    """Number of files already deleted from the home at that run, which are restored only with `--expired`."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Paths that another kind of file has taken since, each with the name that the older one is restored under."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(item.state.size for item in self.files)

    def reasons(self) -> Counter[Availability]:
        """Return the number of paths left out, by reason."""
        return Counter(archived.availability for archived in self.left_out)


def make_plan(chosen: Chosen, *, with_expired: bool, with_links: bool, by_home: bool) -> RestorePlan:
    """Return the plan for the chosen paths. `by_home` puts each home into a directory named by its home_id.

    Paths that cannot be restored safely become findings of the plan. Raises nothing.
    """
    plan = RestorePlan()
    items: list[PlannedPath] = []
    for archived in chosen.paths:
        state = archived.state
        prefix = (state.home_id.encode(),) if by_home else ()
        if archived.availability == Availability.GONE or (not state.is_present and archived.availability not in _KEPT):
            continue
        if not _is_safe(state):
            detail = "a run cannot have found this path in a home"
            plan.findings.append(codes.UNSAFE_PATH.at(address_of(state.home_id, state.path), problem=detail))
            continue
        item = PlannedPath(state, (*prefix, *state.path_bytes.split(b"/")))
        if not state.is_present and not with_expired:
            plan.expired_count += state.entry_type == "file"
        elif (archived.availability in RESTORABLE and state.entry_type in ("directory", "file")) or (
            archived.availability == Availability.LINK and with_links and state.link_target
        ):
            items.append(item)
        elif not archived.is_directory:
            plan.left_out.append(archived)
    _add_items(plan, items)
    _refuse_below_no_directory(plan)
    _add_above(plan, chosen, by_home=by_home)
    return plan


def _add_items(plan: RestorePlan, items: list[PlannedPath]) -> None:
    """Add items to a plan, each by the name that it is restored under."""
    names = Names((item.parts, item.state) for item in items)
    plan.renamed = names.renamed()
    for item in items:
        named = replace(item, parts=names.of(item.parts, item.state)) if plan.renamed else item
        match item.state.entry_type:
            case "directory":
                plan.directories[named.parts] = item.state
            case "file":
                plan.files.append(named)
            case _:
                plan.links.append(named)


_KEPT = frozenset({*RESTORABLE, Availability.LINK})


def colliding_paths(paths: Iterable[NameParts]) -> list[list[NameParts]]:
    """Return groups of paths that collide on a file system that ignores case or Unicode normalization.

    The paths of a group are in one directory and have the same name after casefold and NFC; each group is sorted by
    bytes.
    """
    groups: dict[tuple[NameParts, str], set[NameParts]] = {}
    seen: set[NameParts] = set()
    for path in paths:
        at = path
        while at and at not in seen:
            seen.add(at)
            groups.setdefault((at[:-1], folded_name(at[-1])), set()).add(at)
            at = at[:-1]
    return [sorted(group) for _, group in sorted(groups.items()) if len(group) > 1]


def folded_name(name: bytes) -> str:
    """Return a name after casefold and NFC: equal for names that differ only in case or encoding of accents."""
    text = name.decode("utf-8", "surrogateescape")
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _is_safe(state: FileState) -> bool:
    path = state.path_bytes
    names_nothing = any(part in (b"", b".", b"..") for part in path.split(b"/"))
    return is_home_id(state.home_id) and b"\0" not in path and not names_nothing


def _refuse_below_no_directory(plan: RestorePlan) -> None:
    """Move paths below a file or link to the findings: two phases archived the parent as two different kinds."""
    blocked = Ancestors({item.parts for item in (*plan.files, *plan.links)})

    def is_free(parts: NameParts, state: FileState) -> bool:
        above = list(blocked.of(parts))
        if not above:
            return True
        detail = f"its parent {above[-1][-1].decode(errors='backslashreplace')} is not a directory"
        plan.findings.append(codes.PATH_CONFLICT.at(address_of(state.home_id, state.path), problem=detail))
        return False

    plan.directories = {
        parts: state for parts, state in plan.directories.items() if state is None or is_free(parts, state)
    }
    plan.files = [item for item in plan.files if is_free(item.parts, item.state)]
    plan.links = [item for item in plan.links if is_free(item.parts, item.state)]


def _add_above(plan: RestorePlan, chosen: Chosen, *, by_home: bool) -> None:
    """Add the parent directories of the chosen paths, and sort all directories."""
    wanted: dict[NameParts, FileState | None] = {}
    for parts, home_id in _places(plan):
        # From the deepest up: a directory that is there already was added with all above it.
        for depth in range(len(parts) - 1, 0, -1):
            above = parts[:depth]
            if above in wanted or above in plan.directories:
                break
            wanted[above] = chosen.directories.get((home_id, b"/".join(parts[by_home:depth])))
    plan.directories = dict(sorted({**plan.directories, **wanted}.items()))


def _places(plan: RestorePlan) -> Iterable[tuple[NameParts, str]]:
    for item in (*plan.files, *plan.links):
        yield item.parts, item.state.home_id
    for parts, state in plan.directories.items():
        if state is not None:
            yield parts, state.home_id


def homes_of(paths: Collection[ArchivedPath]) -> Mapping[str, int]:
    """Return the number of restorable paths by home_id; homes without any are absent."""
    return Counter(each.state.home_id for each in paths if each.availability in _KEPT)
