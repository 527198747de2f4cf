"""Mends the commit records: from their second copies or other places, else from the parts that the run has left; and
puts a record into the place of a run of which nothing is left.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from models.errors import ExtractError, FixityError
from models.run import RunRecord, new_run_id
from pipelines.archive.archive import last_epoch, was_committed, write_record
from pipelines.archive.copies import manifests_of, read_either
from pipelines.archive.manifests import read_manifest
from pipelines.archive.parquet import check_part
from pipelines.disk.atomic import read_sealed
from pipelines.disk.layout import Layout
from pipelines.repair.records_anew import made_of_parts, orphaned
from pipelines.repair.work import GONE_OR_CHANGED, Work
from pipelines.version import VERSION

_ITSELF = "itself"


def mend_records(work: Work) -> list[RunRecord]:
    """Put every commit record back, with its second copy; returns all of them, oldest first. Raises StoreError for
    records that contradict one another.
    """
    layout = work.layout
    bases = (layout.runs, layout.copy_of(layout.runs))
    names = {path.name for base in bases if base.is_dir() for path in base.iterdir() if path.is_dir()}
    found: dict[str, RunRecord] = {}
    lost: list[str] = []
    for name in sorted(names):
        run = _best(work, name)
        if run is not None:
            found[name] = run
        elif _was_committed(layout, name):
            lost.append(name)
    lost = [name for name in lost if not _is_stray(work, name, found)]
    _adopt(work, found)
    _fill_gaps(work, found, lost)
    return sorted(found.values(), key=lambda run: run.epoch)


def _best(work: Work, name: str) -> RunRecord | None:
    """Return the best record of one run, after writing it to both of its places if it is not there."""
    layout = work.layout
    path, copy = layout.commit_record(name), layout.copy_of(layout.commit_record(name))
    own = [(run, shown) for place, shown in ((path, _ITSELF), (copy, "its second copy")) if (run := _read(place, name))]
    newer = [one for one in _elsewhere(work, path, name) if own and _continues(one[0], own[0][0])]
    if not newer and len(own) == 2 and own[0][0] == own[1][0]:
        return own[0][0]
    others = newer or own or list(_elsewhere(work, path, name))
    if not others:
        return None
    run, shown = max(others, key=lambda one: _weight(layout, one[0]))
    for place in (path, copy):
        if place.is_dir():
            work.set_aside(place)
    layout.run(name).mkdir(mode=0o700, exist_ok=True)
    write_record(layout, run, "repair-record")
    if own and run == own[0][0] and own[0][1] == _ITSELF:
        work.tell(copy, "differs from its original, or is gone", "made again from its original")
    else:
        work.tell(path, GONE_OR_CHANGED, f"put back from {shown}")
        work.has_changed = True
    return run


def _continues(run: RunRecord, older: RunRecord) -> bool:
    """Whether a record is a later one of the same run, which lists all that the older one does."""
    listed, before = ({part.path for phase in one.phases for part in phase.parts} for one in (run, older))
    return run.revision > older.revision and run.epoch == older.epoch and before <= listed


def _read(path: Path, name: str) -> RunRecord | None:
    try:
        return _understood(read_sealed(path), name)
    except (FixityError, OSError):
        return None


def _understood(raw: bytes, name: str) -> RunRecord | None:
    try:
        run = RunRecord.from_json(orjson.loads(raw))
    except (ValueError, KeyError, TypeError):
        return None
    return run if run.run_id == name else None


def _elsewhere(work: Work, path: Path, name: str) -> Iterator[tuple[RunRecord, str]]:
    for raw, shown in work.places.sealed(path):
        run = _understood(raw, name)
        if run is not None:
            yield run, shown


def _weight(layout: Layout, run: RunRecord) -> tuple[int, int, bool, int]:
    """Return how much a record is worth, beside another of the same run: an older version names parts that are gone
    since, or has fewer phases, or is not complete.
    """
    parts = [part for phase in run.phases for part in phase.parts]
    gone = sum(not (layout.root / part.path).is_file() for part in parts)
    retired = sum(len(phase.retired) for phase in run.phases)
    return -gone, len(run.phases), run.status != "open", retired


def _was_committed(layout: Layout, name: str) -> bool:
    directory = layout.run(name)
    return layout.copy_of(layout.commit_record(name)).exists() or (directory.is_dir() and was_committed(directory))


def _is_stray(work: Work, name: str, found: dict[str, RunRecord]) -> bool:
    """Set aside a directory that holds the record of another run, which has its own; returns whether it was one."""
    path = work.layout.commit_record(name)
    try:
        held = RunRecord.from_json(orjson.loads(read_sealed(path)))
    except (FixityError, OSError, ValueError, KeyError, TypeError):
        return False
    if held.run_id == name or held.run_id not in found:
        return False
    work.tell(path, f"is that of run {held.run_id}", "set aside")
    work.set_aside(path.parent)
    return True


def _adopt(work: Work, found: dict[str, RunRecord]) -> None:
    """Take in the runs of other places whose epoch no run here has: they were lost here as a whole."""
    for other in work.places.as_new:
        for path in other.commit_records():
            name = path.parent.name
            taken = {run.epoch for run in found.values()}
            run = _read(path, name) or _read(other.copy_of(path), name)
            if run is None or name in found or run.epoch in taken:
                continue
            work.layout.run(name).mkdir(mode=0o700, exist_ok=True)
            write_record(work.layout, run, "repair-record")
            work.tell(work.layout.commit_record(name), "is gone", f"put back from {other.root}")
            work.has_changed = True
            found[name] = run


def _fill_gaps(work: Work, found: dict[str, RunRecord], lost: Sequence[str]) -> None:
    """Make again, from their parts, the records of runs that have none; and put a record into each place in the order
    of runs that is empty then.
    """
    layout = work.layout
    newest = max(last_epoch(layout), max((run.epoch for run in found.values()), default=0), len(found) + len(lost))
    taken = {run.epoch for run in found.values()}
    gaps = [epoch for epoch in range(1, newest + 1) if epoch not in taken]
    names = sorted({*lost, *(name for name in orphaned(layout) if name not in found)})
    for epoch in gaps:
        before = max((run.run_id for run in found.values() if run.epoch < epoch), default="")
        after = min((run.run_id for run in found.values() if run.epoch > epoch), default="~")
        here = [name for name in names if before < name < after and name not in found]
        name = next((name for name in here if name in lost), here[0] if here else None)
        path = layout.runs if name is None else layout.commit_record(name)
        run = made_of_parts(work, name, epoch, list(found.values())) if name is not None else None
        if run is None:
            run = _placeholder(layout, name, epoch, list(found.values()))
            work.tell(path, f"lacks the run of epoch {epoch}", "the loss was recorded in its place")
        else:
            work.tell(path, GONE_OR_CHANGED, "made again from the parts of the run")
        layout.run(run.run_id).mkdir(mode=0o700, exist_ok=True)
        for place in (layout.commit_record(run.run_id), layout.copy_of(layout.commit_record(run.run_id))):
            if place.is_dir():
                work.set_aside(place)
        write_record(layout, run, "repair-record")
        work.has_changed = True
        found[run.run_id] = run


def _placeholder(layout: Layout, name: str | None, epoch: int, runs: Sequence[RunRecord]) -> RunRecord:
    """Return the record that keeps the place of a run of which nothing is left."""
    before = [run for run in runs if run.epoch < epoch]
    after = sorted((run for run in runs if run.epoch > epoch), key=lambda run: run.epoch)
    near = after[0].started_at if after else before[-1].started_at if before else datetime.now(UTC).isoformat()
    started = datetime.fromisoformat(near) + timedelta(seconds=-1 if after else 1)
    name = name or _named_by_head(layout, epoch) or _named_by_manifests(layout, runs, epoch) or new_run_id(started)
    made = RunRecord(
        run_id=name,
        epoch=epoch,
        status="lost",
        started_at=started.isoformat(timespec="milliseconds"),
        finished_at=None,
        tool_version=VERSION,
        is_full=False,
        homes={},
    )
    return replace(made, homes=dict(after[0].homes) if after else {})


def _named_by_manifests(layout: Layout, runs: Sequence[RunRecord], epoch: int) -> str | None:
    """Return the id of a lost run as the manifests of later runs have it: as the first run that read a file."""
    known = {run.run_id for run in runs}
    before = max((run.run_id for run in runs if run.epoch < epoch), default="")
    after = min((run.run_id for run in runs if run.epoch > epoch), default="")
    named: Counter[str] = Counter()
    for part in manifests_of([run for run in runs if run.epoch > epoch]):
        try:
            check_part(layout, part)
            states = read_manifest(layout.root / part.path)
        except (ExtractError, OSError):
            continue
        named.update(one for state in states if (one := state.first_run_id) is not None and one not in known)
    here = Counter({name: count for name, count in named.items() if before < name < after})
    return here.most_common(1)[0][0] if here else None


def _named_by_head(layout: Layout, epoch: int) -> str | None:
    try:
        held = orjson.loads(read_either(layout, layout.head_file))
        return str(held["run_id"]) if held["epoch"] == epoch else None
    except (ExtractError, OSError, ValueError, KeyError, TypeError):
        return None
