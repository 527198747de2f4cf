"""Checks the commit records: each is undamaged, consistent in itself, and follows the previous one."""

import re
import types
import typing
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Final

from extractors.reading.registry import PHASES
from models.errors import ExtractError
from models.findings import runs as codes
from models.identity import is_home_id
from models.run import PartRecord, PhaseRecord, RunRecord, TextRecord, in_effect, is_run_id
from models.schema import Table
from models.seal import SealError, unsealed
from models.tables import EXTRACTIONS, MANIFEST
from pipelines.archive.archive import was_committed
from pipelines.archive.committed import known_tables
from pipelines.archive.erasure_journal import read_journal
from pipelines.disk.atomic import read_regular
from pipelines.verify.context import Context, unreadable
from pipelines.verify.records import MalformedRecord, read_object

FORMAT: Final = 1
_PART_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\.parquet")


def read_runs(context: Context) -> None:
    """Read every commit record that can be used into the context, and note the directories of the others."""
    layout = context.layout
    bases = [base for base in (layout.runs, layout.copy_of(layout.runs)) if base.is_dir()]
    for name in sorted({path.name for base in bases for path in base.iterdir() if path.is_dir()}):
        path, directory = layout.commit_record(name), layout.run(name)
        run = None
        if path.exists():
            run = _read_run(context, path)
        elif layout.copy_of(path).exists() or (directory.is_dir() and was_committed(directory)):
            context.findings.append(codes.LOST.at(context.address(directory)))
        else:
            continue
        run = run or _read_copy(layout.copy_of(path))
        if run is None:
            context.unusable.add(name)
        else:
            context.runs.append(run)
    context.runs = [*map(_in_effect(context), context.runs)]
    context.runs.sort(key=lambda run: run.epoch)
    _chain(context)


def _in_effect(context: Context) -> Callable[[RunRecord], RunRecord]:
    """Return a function from the record of a run to the one in effect: that of the journal of an unfinished erasure, if
    the journal has one and can be read.
    """
    with suppress(ExtractError, OSError):
        if (journal := read_journal(context.layout)) is not None:
            records = journal.records
            return lambda run: records.get(run.run_id, run)
    return lambda run: run


def _read_copy(path: Path) -> RunRecord | None:
    try:
        return RunRecord.from_json(read_object(path))
    except (OSError, SealError, MalformedRecord, KeyError, TypeError):
        return None


def _chain(context: Context) -> None:
    """Set the context's branches of runs."""
    try:
        context.chains = [in_effect(context.runs)]
        covered = {run.run_id for run in context.current}
        for run in reversed(context.runs):
            if run.run_id not in covered and run.status != "removed":
                context.chains.append(in_effect(context.runs, run.run_id))
                covered |= {one.run_id for one in context.chains[-1]}
    except ValueError as error:
        context.chains = [context.runs]
        context.findings.append(codes.BACK_TO.at("runs", problem=str(error)))


def _read_run(context: Context, path: Path) -> RunRecord | None:
    address = context.address(path)
    try:
        value = read_object(path)
        if value.get("format") != FORMAT:
            context.findings.append(codes.NEWER.at(address, format=str(value.get("format")), known=FORMAT))
            return None
        run = RunRecord.from_json(value)
        _need_types(run)
    except PermissionError as error:
        context.findings.append(unreadable(context, error))
    except (SealError, OSError) as error:
        context.findings.append(codes.BROKEN.at(address, problem=getattr(error, "strerror", None) or str(error)))
    except (MalformedRecord, KeyError, TypeError) as error:
        context.findings.append(codes.MALFORMED.at(address, problem=str(error)))
    else:
        if run.run_id != path.parent.name:
            context.findings.append(codes.OTHER_NAME.at(address, run=run.run_id))
            return None
        return run
    return None


def _need_types(record: object) -> None:
    """Raise TypeError when a field of a record, or of a record inside it, has another type than declared."""
    if not is_dataclass(record):
        return
    hints = _hints(record.__class__)
    for one in fields(record):
        value = getattr(record, one.name)
        if not _is_of(value, hints[one.name]):
            raise TypeError(f"{one.name} is {value!r}")
        below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else (value,)
        for each in below:
            _need_types(each)


@cache
def _hints(kind: type) -> dict[str, object]:
    return typing.get_type_hints(kind)


def _is_of(value: object, hint: object) -> bool:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType or origin is typing.Union:
        return any(_is_of(value, one) for one in arguments)
    if origin is typing.Literal:
        return value in arguments
    if origin is list:
        return isinstance(value, list) and all(_is_of(one, arguments[0]) for one in value)
    if origin is dict:
        return isinstance(value, dict) and all(_is_of(one, arguments[1]) for one in value.values())
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(hint, type) and isinstance(value, hint)


def check_runs(context: Context) -> None:
    """Check each commit record, and their order."""
    tables = known_tables()
    listed: set[str] = set()
    for run in context.runs:
        address = context.address(context.layout.commit_record(run.run_id))
        if not is_run_id(run.run_id):
            context.findings.append(codes.NO_RUN_ID.at(address, run=run.run_id))
        _check_end(context, run, address)
        _check_times(context, run, address)
        for (home, number), count in Counter((phase.home_id, phase.phase) for phase in run.phases).items():
            if count > 1:
                context.findings.append(codes.PHASE_TWICE.at(address, phase=number, home=home))
        for phase in run.phases:
            _check_phase(context, run, phase, address)
            for part in phase.parts:
                _check_part(context, run, phase, part, address, tables)
                if part.path in listed:
                    context.findings.append(codes.PART_TWICE.at(address, part=part.path))
                listed.add(part.path)
    _check_epochs(context)


def _check_end(context: Context, run: RunRecord, address: str) -> None:
    if run.status == "open":
        context.findings.append(codes.OPEN.at(address, phases=len(run.phases)))
    if run.status != "complete":
        return
    if run.finished_at is None:
        context.findings.append(codes.NOT_COMPLETE.at(address, what="finished_at"))
    if run.warehouse is None and run.kind != "reparse":
        context.findings.append(codes.NOT_COMPLETE.at(address, what="warehouse"))
    for path in context.layout.reports(run.run_id) if run.kind == "run" else ():
        if not path.exists():
            context.findings.append(codes.NO_REPORT.at(context.address(path), name=path.name))


def _check_times(context: Context, run: RunRecord, address: str) -> None:
    try:
        started = datetime.fromisoformat(run.started_at)
        committed = [datetime.fromisoformat(phase.committed_at) for phase in run.phases]
        finished = datetime.fromisoformat(run.finished_at) if run.finished_at else None
        is_in_order = all(started <= one and (finished is None or one <= finished) for one in committed)
        problem = None if is_in_order else f"a phase was not between {run.started_at} and {run.finished_at}"
    except (ValueError, TypeError) as error:
        problem = str(error)
    if problem is not None:
        context.findings.append(codes.TIMES.at(address, problem=problem))


def _check_phase(context: Context, run: RunRecord, phase: PhaseRecord, address: str) -> None:
    if phase.phase not in PHASES:
        context.findings.append(codes.NO_PHASE.at(address, phase=phase.phase))
    if phase.home_id not in run.homes:
        context.findings.append(codes.NO_HOME.at(address, phase=phase.phase, home=phase.home_id))
    for table in (MANIFEST.name, EXTRACTIONS.name):
        count = sum(part.table == table for part in phase.parts)
        if count != (table == EXTRACTIONS.name or run.kind == "run"):
            found = codes.NO_MANIFEST.at(address, phase=phase.phase, home=phase.home_id, count=count, table=table)
            context.findings.append(found)
    for source, one in phase.sources.items():
        if one.entries != one.entries_with_rows + one.rejects:
            found = codes.COUNTS.at(
                address,
                source=source,
                home=phase.home_id,
                entries=one.entries,
                with_rows=one.entries_with_rows,
                rejects=one.rejects,
            )
            context.findings.append(found)
    by_code, by_source = sum(phase.rejects.values()), sum(one.rejects for one in phase.sources.values())
    if by_code != by_source:
        found = codes.REJECT_SUM.at(
            address, phase=phase.phase, home=phase.home_id, by_code=by_code, by_source=by_source
        )
        context.findings.append(found)


def _check_part(
    context: Context, run: RunRecord, phase: PhaseRecord, part: PartRecord, address: str, tables: Mapping[str, Table]
) -> None:
    """Check that a part's path is the one of the layout: a damaged or forged record must not lead to another file."""
    path = PurePosixPath(part.path)
    is_placed = is_home_id(phase.home_id) and re.fullmatch(r"[a-z][a-z0-9_]*", part.table) is not None
    if is_placed:
        directory = context.layout.part_directory(part.table, phase.home_id, run.run_id)
        is_placed = path.parent.as_posix() == context.layout.relative(directory) and bool(
            _PART_NAME.fullmatch(path.name)
        )
    if not is_placed:
        context.distrusted.add(part.path)
        context.findings.append(codes.PART_PLACE.at(address, part=part.path, table=part.table, home=phase.home_id))
    if part.table not in tables:
        context.findings.append(codes.NO_TABLE.at(address, table=part.table, part=part.path))


def _check_epochs(context: Context) -> None:
    """Check that the epochs count the runs from 1. With unusable records a gap is not reported: it may be one of
    them.
    """
    last = 0
    by_epoch: dict[int, RunRecord] = {}
    for run in context.runs:
        address = context.address(context.layout.commit_record(run.run_id))
        other = by_epoch.setdefault(run.epoch, run)
        if other is not run:
            context.findings.append(codes.EPOCH_TWICE.at(address, other=other.run_id, epoch=run.epoch))
        elif run.epoch != last + 1 and not context.unusable:
            context.findings.append(codes.EPOCH_GONE.at(address, last=run.epoch - 1, epoch=run.epoch))
        last = run.epoch


def check_run_files(context: Context) -> None:
    """Check the other files in the directories of runs: manifests in text, reports, findings, records of drills."""
    for run in context.runs:
        for text in run.texts:
            _check_text(context, text)
        if not context.is_quick:
            _check_sealed(context, run.run_id)


def _check_sealed(context: Context, run_id: str) -> None:
    layout = context.layout
    for path in (*layout.reports(run_id), layout.findings(run_id), *layout.drill_records(run_id)):
        try:
            unsealed(read_regular(path), path.suffix)
        except FileNotFoundError:
            continue
        except SealError as error:
            address, problem = context.address(path), str(error)
            if path == layout.findings(run_id):
                context.findings.append(codes.FINDINGS_BROKEN.at(address, problem=problem))
            elif path in layout.reports(run_id):
                context.findings.append(codes.REPORT_BROKEN.at(address, problem=problem))
            else:
                context.findings.append(codes.DRILL_BROKEN.at(address, problem=problem))


def _check_text(context: Context, text: TextRecord) -> None:
    path = context.layout.root / text.path
    if path.parent.parent != context.layout.runs:
        return  # a path outside of runs/ is not opened: no run writes a text there
    if not path.exists():
        context.findings.append(codes.TEXT_GONE.at(text.path))
    elif path.stat().st_size != text.size:
        found = codes.TEXT_SIZE.at(text.path, actual=path.stat().st_size, expected=text.size)
        context.findings.append(found)
    elif not context.is_quick and sha256(read_regular(path)).hexdigest() != text.sha256:
        context.findings.append(codes.TEXT_BROKEN.at(text.path))
