"""Selects archived paths by home, phase, session and path, and determines whether each can be restored as of a run."""

import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from extractors.reading.registry import IN_THE_WAY, Treatment
from extractors.reading.rules import user_rules
from models.errors import ConfigurationError, FixityError, StoreError
from models.manifest import FileState, Outcome
from models.run import RunRecord
from pipelines.archive.homes import known_homes
from pipelines.archive.session_paths import full_session_id, session_paths
from pipelines.archive.store import StoreReader
from pipelines.disk.layout import Layout


class Availability(StrEnum):
    """The state of an archived path as of a run, which decides whether it can be restored."""

    PRESENT = "present"
    """It was in the home, and the archive has its bytes."""
    EXPIRED = "expired"
    """It had been deleted from the home; the archive has its last version."""
    WITHHELD = "withheld"
    """It was never opened, because it may contain a secret."""
    LISTED = "listed"
    """It is only listed in the manifest: an installed package, a clone, a cache."""
    LINK = "link"
    """It was a link; the archive has its target."""
    SPECIAL = "special"
    """It was a FIFO, socket or device."""
    UNREADABLE = "unreadable"
    """The system refused to read it, and the archive has no version of it."""
    GONE = "gone"
    """It had been deleted from the home, and the archive has no version of it."""


RESTORABLE = frozenset({Availability.PRESENT, Availability.EXPIRED})


@dataclass(frozen=True, slots=True)
class ArchivedPath:
    """One path of a home as of a run. `state` is its newest manifest row by then."""

    state: FileState
    availability: Availability

    @property
    def is_kept(self) -> bool:
        """Whether it can be restored, even after an entry of another kind took its place."""
        return self.availability in RESTORABLE or (
            self.availability == Availability.LINK and self.state.link_target is not None
        )

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory."""
        return self.state.entry_type == "directory"


@dataclass(frozen=True, slots=True)
class Selection:
    """The user's selection of paths; an empty field selects everything.

    `homes` are home_ids or directories of homes, `phases` phase numbers, `session` a session id or its beginning,
    `files` printable paths (a directory selects everything below it), `globs` patterns over such paths.
    """

    homes: Sequence[str] = ()
    phases: Collection[int] = ()
    session: str | None = None
    files: Sequence[str] = ()
    globs: Sequence[str] = ()


@dataclass(slots=True)
class Chosen:
    """The result of a selection: the selected paths, sorted by home and path, and the complete id of the session if one
    was named. `prompt_count` is the number of that session's lines in history.jsonl.
    """

    run: RunRecord
    paths: list[ArchivedPath]
    directories: dict[tuple[str, bytes], FileState]
    """All directories of these homes by home and path, for the parents of the selected files."""
    session_id: str | None = None
    prompt_count: int = 0


def archived_roots(layout: Layout, runs: Iterable[RunRecord]) -> dict[str, str]:
    """Return the last directory of each home, by home_id: from homes.json, else from the commit records of `runs`."""
    roots = {home_id: root for run in runs for home_id, root in run.homes.items()}
    try:
        return roots | known_homes(layout)
    except (FixityError, StoreError):
        return roots


def choose(reader: StoreReader, run: RunRecord, roots: Mapping[str, str], selection: Selection) -> Chosen:
    """Return the paths that `selection` selects as of `run`. `roots` are the directories of homes by home_id.

    Raises ConfigurationError for an unknown home, session or path.
    """
    paths = archived_paths(reader, run)
    homes = _homes(selection.homes, {each.state.home_id for each in paths}, roots)
    paths = [each for each in paths if each.state.home_id in homes]
    made = Chosen(run, paths, {_key(each.state): each.state for each in paths if each.is_directory})
    if selection.session is not None:
        made.session_id = full_session_id((each.state.path for each in paths), selection.session)
        wanted, made.prompt_count = session_paths(reader, [each.state for each in paths], made.session_id)
        paths = [each for each in paths if _key(each.state) in wanted]
    if selection.phases:
        paths = [each for each in paths if each.state.phase in selection.phases]
    for given in selection.files:
        _refuse_unknown(paths, given, roots)
    if selection.files:
        patterns = [_below(_inner(given, roots)) for given in selection.files]
        paths = [each for each in paths if any(pattern.search(each.state.path) for pattern in patterns)]
    if selection.globs:
        patterns = [rule.pattern for rule in user_rules(selection.globs)]
        paths = [each for each in paths if any(pattern.search(each.state.path) for pattern in patterns)]
    made.paths = paths
    return made


def archived_paths(reader: StoreReader, run: RunRecord) -> list[ArchivedPath]:
    """Return each path of each home as of `run`, sorted by home and path.

    A path that was a file, then a directory (or link) is returned once for each kind; a kind that is gone only if the
    archive has its content. If two phases have a row for a path, because the rules changed, the one that found it
    present counts, else the newer.
    """
    epochs = {each.run_id: each.epoch for each in reader.runs}
    found: dict[tuple[str, bytes, str], FileState] = {}
    for state in reader.files(run.run_id):
        other = found.get((*_key(state), state.entry_type))
        if other is None or _weight(state, epochs) > _weight(other, epochs):
            found[*_key(state), state.entry_type] = state
    best: dict[tuple[str, bytes], FileState] = {}
    for state in found.values():
        other = best.get(_key(state))
        if other is None or _weight(state, epochs) > _weight(other, epochs):
            best[_key(state)] = state
    known = [ArchivedPath(state, availability_of(state)) for _, state in sorted(found.items())]
    return [
        each for each in known if best[_key(each.state)] is each.state or (each.is_kept and not each.state.is_present)
    ]


def availability_of(state: FileState) -> Availability:
    """Return the availability of a path, from its manifest row."""
    if state.treatment == Treatment.WITHHOLD:
        return Availability.WITHHELD if state.is_present else Availability.GONE
    if state.entry_type == "special":
        return Availability.SPECIAL
    if _is_listed_by_a_rule(state):
        return Availability.LISTED if state.is_present else Availability.GONE
    if state.entry_type == "link":
        return Availability.LINK
    if state.entry_type == "directory":
        return Availability.PRESENT if state.is_present else Availability.EXPIRED
    if state.file_id is None:
        return Availability.UNREADABLE if state.is_present else Availability.GONE
    return Availability.PRESENT if state.is_present else Availability.EXPIRED


def _is_listed_by_a_rule(state: FileState) -> bool:
    """Return whether a rule lists the path without reading it; False for directories and links without a source."""
    return state.treatment == Treatment.INVENTORY and state.rule != state.entry_type and state.rule not in IN_THE_WAY


def _weight(state: FileState, epochs: Mapping[str, int]) -> tuple[bool, int, bool]:
    return state.is_present, epochs.get(state.run_id, 0), state.outcome != Outcome.EXPIRED


def _key(state: FileState) -> tuple[str, bytes]:
    return state.home_id, state.path_bytes


def _homes(given: Sequence[str], known: Collection[str], roots: Mapping[str, str]) -> set[str]:
    if not given:
        return set(known)
    by_root = {os.path.normpath(root): home_id for home_id, root in roots.items()}
    found = set()
    for text in given:
        place = os.path.normpath(os.path.abspath(os.path.expanduser(text)))
        home_id = text if text in known else by_root.get(place)
        if home_id is None or home_id not in known:
            there = ", ".join(sorted(known)) or "none yet"
            raise ConfigurationError(f"the archive has no home {text!r}; its homes are: {there}")
        found.add(home_id)
    return found


def _inner(given: str, roots: Mapping[str, str]) -> str:
    """Return a path relative to its home; `given` may be absolute, beginning with a home's directory."""
    for root in roots.values():
        if given.startswith(root.rstrip("/\\") + os.sep):
            given = given[len(root.rstrip("/\\")) + 1 :].replace(os.sep, "/")
    return given.rstrip("/")


def _below(path: str) -> re.Pattern[str]:
    return re.compile(rf"^{re.escape(path)}(?:/|\Z)")


def _refuse_unknown(paths: Iterable[ArchivedPath], given: str, roots: Mapping[str, str]) -> None:
    path = _inner(given, roots)
    pattern = _below(path)
    if any(pattern.search(each.state.path) for each in paths):
        return
    name = path.rpartition("/")[2]
    near = sorted({each.state.path for each in paths if name and each.state.path.endswith(name)})[:3]
    hint = f"; did you mean {', '.join(near)}?" if near else "; `extract files` lists its paths"
    raise ConfigurationError(f"the archive has no {given!r} as of that run{hint}")
