"""Verifies an archive: its records agree, its bytes are unchanged, counts balance, references resolve, and every file
can be restored. It changes no data, and a run may be in progress meanwhile.
"""

import errno
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb

from models.errors import ExtractError, LoadError
from models.finding import Finding, Level, Severity
from models.findings import records as codes
from models.observer import Observer
from models.tables import MANIFEST
from pipelines.archive.archive import is_being_written, no_archive, read_runs
from pipelines.archive.checks_file import note_checks, read_past_checks
from pipelines.archive.damage import SLOTS
from pipelines.archive.findings_file import Verification, keep_verification
from pipelines.archive.homes import name_home
from pipelines.disk.layout import Layout
from pipelines.disk.lock import unfinished
from pipelines.report.write import write_reports
from pipelines.verify import contents, copies, deep, losses, manifests, parts, records, runs, store
from pipelines.verify.checks import run_checks
from pipelines.verify.context import Context, unreadable
from pipelines.verify.evidence import check_evidence
from pipelines.verify.machines import check_audit, check_units
from pipelines.verify.parts import check_digests
from pipelines.verify.places import check_places
from pipelines.verify.sizes import check_sizes
from pipelines.verify.source import check_homes
from pipelines.verify.subset import Subset
from pipelines.verify.tables import loaded
from pipelines.verify.unfinished import without_leftovers
from pipelines.verify.warehouse import check_warehouses
from pipelines.version import VERSION

__all__ = ["Subset", "check", "rotate", "verify", "verify_share"]

SHARE: Final = "share"
"""The name in checks.json of the check of a random share and all that is new."""

CHECKS: Final = (
    *manifests.CHECKS,
    *contents.CHECKS,
    *contents.MESSAGE_CHECKS,
    *store.CHECKS,
    *losses.CHECKS,
)
"""Every check by SQL."""
_GRAVITY: Final = {severity: number for number, severity in enumerate(Severity)}
_EVERYTHING: Final = Subset()
_UNOBSERVED: Final = Observer()
_LONGEST_RUN: Final = timedelta(days=1)


def verify(
    layout: Layout,
    level: Level = Level.DEFAULT,
    subset: Subset = _EVERYTHING,
    homes: Sequence[tuple[str | None, Path]] = (),
    observer: Observer = _UNOBSERVED,
) -> Verification:
    """Do as `check` and write the findings beside the newest run; with any level but `Level.QUICK` write the run's
    report again, which lists them. An error while writing does not change the findings: the result has it.
    """
    findings = check(layout, level, subset, homes, observer)
    percent = None if subset.is_all and subset.slots is None else subset.percent
    made = Verification(datetime.now(UTC).isoformat(timespec="seconds"), level, VERSION, findings, percent)
    try:
        _keep(layout, made, subset)
    except (ExtractError, OSError) as error:
        return replace(made, not_kept_because=str(error))
    return made


def rotate(layout: Layout, observer: Observer = _UNOBSERVED) -> Verification:
    """Do as `verify` at `Level.DEEP` for the share of the files whose turn it is; each has its turn within 28 days."""
    slots = read_past_checks(layout).due(datetime.now(UTC))
    return verify(layout, Level.DEEP, Subset.of_slots(slots), observer=observer)


def verify_share(layout: Layout, percent: float, seed: int) -> Verification:
    """Do as `verify` at `Level.DEEP` for a random share of `percent`, and for all that was read since this check or a
    whole deep one passed last.
    """
    passed = read_past_checks(layout).passed
    last = [datetime.fromisoformat(passed[name]) for name in (SHARE, Level.DEEP) if name in passed]
    # A check notes its end, and a run may have begun before that.
    since = max(last) - _LONGEST_RUN if last else datetime.fromtimestamp(0, UTC)
    return verify(layout, Level.DEEP, Subset(percent, seed, since=since.isoformat()))


def _note(layout: Layout, made: Verification, subset: Subset) -> None:
    """Note in checks.json the checks that passed, which are those without an error: with a level also the lower ones;
    of a share only its slots.
    """
    below = {Level.DEEP: (Level.QUICK, Level.DEFAULT), Level.DEFAULT: (Level.QUICK,)}.get(made.level, ())
    is_whole = made.percent is None
    of_share = ["rotate"] if subset.slots is not None else [SHARE] if subset.since is not None else []
    names = [*below, made.level] if is_whole else of_share
    slots = subset.slots if subset.slots is not None else range(SLOTS) if is_whole and made.level is Level.DEEP else ()
    has_passed = all(finding.severity is not Severity.ERROR for finding in made.findings)
    note_checks(layout, names, has_passed=has_passed, slots=slots)


def _keep(layout: Layout, made: Verification, subset: Subset) -> None:
    _note(layout, made, subset)
    runs = read_runs(layout)
    if runs:
        keep_verification(layout, runs[-1].run_id, made)
        if runs[-1].status == "complete" and made.level is not Level.QUICK:
            write_reports(layout, runs[-1])


def check(
    layout: Layout,
    level: Level = Level.DEFAULT,
    subset: Subset = _EVERYTHING,
    homes: Sequence[tuple[str | None, Path]] = (),
    observer: Observer = _UNOBSERVED,
) -> list[Finding]:
    """Return all findings about an archive, the most severe first. Nothing is changed.

    `subset` is the share of files that `Level.DEEP` checks. `homes` are those that `Level.SOURCE` compares with their
    manifests, each with its home_id (None: found by its directory); default: all homes of the archive.

    Raises ConfigurationError when there is no archive. A full disk or memory is a finding (R144), not an exception.
    """
    if not layout.archive_file.exists() and not layout.runs.is_dir():
        raise no_archive(layout)
    context = Context(layout, level, observer, subset, stopped=unfinished(layout))
    is_live = is_being_written(layout)
    before = _state(layout)
    _look(context, records.check_archive, runs.read_runs, runs.check_runs, runs.check_run_files)
    _look(context, copies.check_head, copies.check_copies, copies.check_destinations, losses.check_runs)
    _look(context, records.check_homes, records.check_settings, records.check_erasure, records.check_lock_and_checks)
    _look(context, records.check_ignore_file, check_evidence, check_audit)
    if not context.runs and not context.unusable:
        context.findings.append(codes.NO_RUN.at("runs"))
    _check_level(context, subset, homes)
    if is_live or is_being_written(layout) or _state(layout) != before:
        context.findings = [finding for finding in context.findings if not finding.kind.is_passing]
        context.findings.append(codes.RUN_AT_WORK.at(layout.lock_file.name))
    else:
        context.findings = without_leftovers(context)
    return sorted(set(context.findings), key=lambda one: (_GRAVITY[one.severity], one.code, one.address, one.sentence))


def _check_level(context: Context, subset: Subset, homes: Sequence[tuple[str | None, Path]]) -> None:

    _look(context, check_sizes)
    if context.level is Level.SOURCE:
        _check_source(context, homes)
        return
    if context.level is not Level.QUICK:
        _look(context, check_units, check_places, parts.check_digests, parts.check_footers, parts.check_imports)
    _look(context, check_warehouses)
    if context.level is not Level.QUICK:
        _look(context, lambda context: _check_tables_in_the_room_there_is(context, subset))


def _look(context: Context, *checks: Callable[[Context], None]) -> None:
    """Do checks, one after the other. An OSError of a check becomes a finding, and the next check begins."""
    for check in checks:
        try:
            check(context)
        except OSError as error:
            context.findings.append(unreadable(context, error))


def _check_tables_in_the_room_there_is(context: Context, subset: Subset) -> None:
    """Do the checks that load the archive into DuckDB. If memory or disk is full, that is a finding, and the findings
    made before are kept.
    """

    try:
        _check_tables(context, subset)
    except (LoadError, duckdb.Error) as error:
        problem = str(error).split("\n", 1)[0]
        context.findings.append(codes.NO_ROOM.at("tables", level=str(context.level), problem=problem))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        context.findings.append(codes.NO_ROOM.at("tables", level=str(context.level), problem=str(error)))


def _check_tables(context: Context, subset: Subset) -> None:

    context.observer.step_begins("tables")
    if context.level is Level.DEEP:
        deep.check_pieces(context, subset)
    with loaded(context) as tables:
        context.observer.step_begins("counts and links")
        run_checks(context, tables, CHECKS)
        manifests.check_names(context, tables)
        store.check_erased(context, tables)
        if context.level is Level.DEEP:
            deep.check_texts(context, tables)
            deep.check_files(context, tables, subset)
    for group in context.groups():
        if not all(context.is_usable(part) for part in group.phase.parts):
            address = context.address(context.layout.commit_record(group.run.run_id))
            claim = f"the counts and spans of phase {group.phase.phase} of home {group.phase.home_id} balance"
            context.findings.append(codes.NOT_CHECKED.at(address, claim=claim))


def _check_source(context: Context, homes: Sequence[tuple[str | None, Path]]) -> None:

    _look(context, lambda context: check_digests(context, MANIFEST.name))
    known = {home_id: root for run in context.runs for home_id, root in run.homes.items()}
    named = [(name_home(known, given, root.absolute()).home_id, root) for given, root in homes]
    check_homes(context, named or [(home_id, Path(root)) for home_id, root in sorted(known.items())])


def _state(layout: Layout) -> list[tuple[str, int, int]]:
    """Return the status of the files that change whenever a run commits or publishes a warehouse."""
    paths = [*layout.commit_records(), layout.warehouse]
    found = [(path, path.lstat()) for path in sorted(paths) if path.is_symlink() or path.exists()]
    return [(str(path), stat.st_mtime_ns, stat.st_ino) for path, stat in found]
