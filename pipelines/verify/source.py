"""Compares homes with their last manifests. Changes by normal use are information; damage by a disk is an error."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from extractors.home.home import Home
from extractors.reading.erasure import Tombstones
from extractors.reading.registry import IN_THE_WAY, PHASES, Classifier, Treatment, followed_links, sources
from models.errors import ConfigurationError, FixityError, SourceError, StoreError
from models.finding import Finding
from models.findings import source as codes
from models.findings.records import NOT_CHECKED
from models.manifest import FileState, Outcome
from models.run import RunRecord
from pipelines.archive.archive import last_phase
from pipelines.archive.manifests import read_manifest
from pipelines.archive.tombstones import read_tombstones
from pipelines.disk.settings import read_settings
from pipelines.run.fixity import Judgement, claim_of, judge
from pipelines.run.inventory import InventoryItem, take_snapshot
from pipelines.verify.context import Context


def check_homes(context: Context, homes: Sequence[tuple[str, Path]]) -> None:
    """Digest every archived file of the homes again; report new, changed, deleted and damaged files."""
    try:
        settings = read_settings(context.layout)
        tombstones = read_tombstones(context.layout)
    except (ConfigurationError, FixityError, StoreError):  # another check reports each of these
        claim = "the homes have the archived content"
        context.findings.append(NOT_CHECKED.at(context.address(context.layout.root), claim=claim))
        return
    classifier = Classifier(settings.withhold, archive_trees=settings.archive_trees)
    for home_id, root in homes:
        states = _last_states(context, home_id)
        if states is None:
            context.findings.append(codes.NO_MANIFEST.at(str(root), home=home_id))
            continue
        try:
            items = take_snapshot(root, classifier, tombstones, follow_links=settings.follow_links)
            _compare(context, _Compared(home_id, root, tombstones, settings.follow_links), items, states)
        except (SourceError, ConfigurationError) as error:
            context.findings.append(codes.GONE.at(str(root), problem=str(error)))


def _last_states(context: Context, home_id: str) -> dict[bytes, FileState] | None:
    """Return the files of each phase's last manifest by path, None if there is none; of a path in two phases the row
    that was present.
    """
    found: dict[bytes, FileState] = {}
    is_known = False
    for phase in PHASES:
        last = last_phase(context.current, home_id, phase)
        for part in last[1].parts if last else ():
            if part.table == "manifest" and context.is_usable(part):
                is_known = True
                for state in read_manifest(context.layout.root / part.path):
                    if state.entry_type == "file" and (state.is_present or state.path_bytes not in found):
                        found[state.path_bytes] = state
    return found if is_known else None


class _Compared(NamedTuple):
    """The home to compare: its id, its directory, and the tombstones of its erased content."""

    home_id: str
    root: Path
    tombstones: Tombstones | None
    follow_links: bool


def _compare(
    context: Context, compared: _Compared, items: Iterable[InventoryItem], states: dict[bytes, FileState]
) -> None:
    home_id = compared.home_id
    here = {item.found.path: item for item in items if item.found.kind == "file"}
    kept = [state for state in states.values() if state.file_id is not None and state.outcome != Outcome.EXPIRED]
    context.observer.step_begins(f"home {home_id}", sum(state.size for state in kept))
    begun = {run.run_id: _begun_ns(run) for run in context.current}
    counts: Counter[str] = Counter()
    with Home(compared.root, followed_links(follow_links=compared.follow_links)) as home:
        for state in kept:
            judgement = judge(home, claim_of(state, compared.tombstones, begun.get(state.run_id)), deep=True)
            context.observer.advances(state.size)
            finding = _finding(f"{home_id}:{state.path}", state, judgement)
            counts["intact"] += finding is None
            context.findings += [finding] if finding is not None else []
    for item in items:
        problem = IN_THE_WAY.get(item.place.rule)
        if problem is not None:
            context.findings.append(codes.IN_THE_WAY.at(f"{home_id}:{item.path}", problem=problem))
    for path, item in here.items():
        if item.place.treatment == Treatment.WITHHOLD:
            counts["withheld"] += 1
        elif item.is_read and (path not in states or states[path].file_id is None):
            context.findings.append(codes.UNEXPECTED.at(f"{home_id}:{item.path}"))
    context.findings.append(codes.INTACT.at(f"{home_id}:", count=counts["intact"]))
    if counts["withheld"]:
        context.findings.append(codes.WITHHELD.at(f"{home_id}:", count=counts["withheld"]))


def _begun_ns(run: RunRecord) -> int | None:
    try:
        return int(datetime.fromisoformat(run.started_at).timestamp() * 1e9)
    except ValueError:
        return None


def _finding(address: str, state: FileState, judgement: Judgement) -> Finding | None:
    match judgement.outcome:
        case Outcome.APPENDED:
            added = 0 if judgement.size is None else judgement.size - state.size
            return codes.APPENDED.at(address, count=added)
        case Outcome.MODIFIED:
            kind = codes.REWRITTEN if _is_append_only(state) else codes.MODIFIED
            return kind.at(address, problem=judgement.detail or "")
        case Outcome.MISSING:
            return codes.MISSING.at(address)
        case Outcome.UNREADABLE:
            return codes.UNREADABLE.at(address, problem=judgement.detail or "")
        case Outcome.CORRUPT:
            return codes.CORRUPT.at(address)
        case _:
            return None


def _is_append_only(state: FileState) -> bool:
    source = sources().get(state.source)
    shapes = source.shapes if source is not None else ()
    return any(shape.is_append_only and shape.pattern == state.rule for shape in shapes)
