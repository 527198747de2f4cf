"""`extract repair`: the sequence of its steps, and the preview.

The preview does the same steps in a shadow of the data directory, made of hard links below staging/, and so shows what
the repair itself finds. Every step can be repeated: a repair that was killed is done by giving the command again.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

import duckdb

from models.errors import ExitCode, ExtractError, LoadError
from models.finding import Finding, Severity, exit_code
from models.json import JsonObject
from models.observer import Observer
from pipelines.archive.archive import effective, no_archive, write_record, writing
from pipelines.archive.copies import renew_copies
from pipelines.archive.copies_in_turn import mend_second_copies
from pipelines.archive.damage import CHANGED
from pipelines.archive.homes import read_homes
from pipelines.archive.sweep import sweep
from pipelines.disk.atomic import disk_errors, sha256_of
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import Layout
from pipelines.disk.lock import obstacles_cleared
from pipelines.disk.platform import make_files_private
from pipelines.disk.settings import read_settings
from pipelines.repair import parts, small
from pipelines.repair.home_bytes import HomeFiles
from pipelines.repair.pieces import mend_pieces
from pipelines.repair.places import Places
from pipelines.repair.records import mend_records
from pipelines.repair.work import GONE_OR_CHANGED, Mended, Work
from pipelines.run.reparse import reparse
from pipelines.verify.verify import check, verify
from pipelines.warehouse.publish import changed_warehouses, check_warehouse, make_warehouse

_MENDED_LATER = ("R142", "L102", "F101", "F102", "F113")
"""Findings that only the repair itself mends: it parses again, builds the warehouse, and sets permissions."""
_NOT_IN_A_SHADOW = ("cache", "prefect", "staging", "warehouse", "warehouse.duckdb", "writer.lock")


@dataclass(slots=True)
class Repair:
    """The result of a repair or of its preview: the files mended, notes for a person, and the findings of `extract
    verify` afterwards: known losses, and damage that is left. `to_parse` are the sources of which archived files are
    parsed again. `is_done` is false for a preview.
    """

    is_done: bool
    mended: list[Mended] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    to_parse: list[str] = field(default_factory=list)
    needs_warehouse: bool = False
    findings: list[Finding] = field(default_factory=list)

    @property
    def losses(self) -> list[Finding]:
        """The known losses."""
        return [one for one in self.findings if one.code.startswith("L")]

    @property
    def left(self) -> list[Finding]:
        """The errors and warnings that are left."""
        return [one for one in self.findings if one.severity is not Severity.INFORMATION]

    @property
    def is_nothing(self) -> bool:
        """Whether there was nothing to mend."""
        return not (self.mended or self.notes or self.to_parse or self.needs_warehouse)

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the command: that of the verification at its end; 5 where something is lost for good."""
        code = exit_code(self.findings)
        return ExitCode.INCOMPLETE if code is ExitCode.VERIFIED and (self.losses or self.notes) else code

    def to_json(self) -> JsonObject:
        """Return the result as JSON values."""
        return {
            "done": self.is_done,
            "exit_code": int(self.exit_code),
            "mended": [{"path": one.path, "problem": one.problem, "how": one.how} for one in self.mended],
            "notes": list(self.notes),
            "parsed_again": list(self.to_parse),
            "warehouse_built_again": self.needs_warehouse,
            "lost": [one.to_json() for one in self.losses],
            "left": [one.to_json() for one in self.left],
        }


def preview_repair(layout: Layout, sources: Sequence[Path], homes: Mapping[str, Path], observer: Observer) -> Repair:
    """Return the repairs that are possible, and the losses. `sources` are directories laid out like a data directory,
    `homes` directories of homes by home_id, in place of those that the archive knows. Only staging/ is written to, and
    files in the place of directories are set aside.

    Raises ConfigurationError where there is no archive, or for a source that is no copy of it, LockedError,
    StoreError where the seed of the store is lost.
    """
    _refuse_nothing(layout)
    places = Places(layout, sources)
    with writing(layout, "repair"), _shadow(layout) as shadow:
        made = Repair(is_done=False)
        work = Work(shadow, Places(shadow, [one.root for one in places.others]), homes, observer)
        _tell_obstacles(work, layout)
        _mend(work, made, is_shadow=True)
        made.needs_warehouse = work.has_changed or not _has_warehouse(layout)
        _changed_older_warehouses(work, layout)
        if layout.keeps_git_away() is False:
            work.tell(layout.ignore_file.name, GONE_OR_CHANGED, "made again")
        found = check(shadow)
        made.findings = [one for one in found if not one.code.startswith("W") and one.code not in _MENDED_LATER]
        made.mended, made.notes = work.mended, work.notes
        return made


def repair(layout: Layout, sources: Sequence[Path], homes: Mapping[str, Path], observer: Observer) -> Repair:
    """Mend the archive, verify it, and return the result. Arguments and errors are those of `preview_repair`; if it is
    killed at any point, it can be repeated.
    """
    _refuse_nothing(layout)
    places = Places(layout, sources)
    make_files_private()
    with writing(layout, "repair"):
        made = Repair(is_done=True)
        work = Work(layout, places, homes, observer)
        _tell_obstacles(work, layout)
        _mend(work, made, is_shadow=False)
        if layout.keep_git_away():
            work.tell(layout.ignore_file, GONE_OR_CHANGED, "made again")
        made.needs_warehouse = work.has_changed or not _has_warehouse(layout)
        if made.needs_warehouse and work.runs():
            _publish(work)
        with disk_errors():
            for path in _changed_older_warehouses(work, layout):
                path.unlink()
        small.mend_texts_and_reports(work, work.runs())
        small.mend_listings(work, work.runs())
        renew_copies(layout, work.runs())
        for path in small.make_all_private(layout):
            work.tell(path, "could be read by other users", "made private")
        reach("repair:before-end")
        made.mended, made.notes = work.mended, work.notes
    made.findings = list(verify(layout, observer=observer).findings)
    return made


def _tell_obstacles(work: Work, layout: Layout) -> None:
    for path in obstacles_cleared(layout):
        work.tell(path, "was in the place of a directory", "set aside")


def homes_of_archive(layout: Layout) -> dict[str, Path]:
    """Return the directories of the homes that the archive knows and that are here now, by home_id."""
    try:
        known = read_homes(layout)
    except ExtractError:
        return {}
    return {home_id: Path(home.root) for home_id, home in known.items() if Path(home.root).is_dir()}


def _refuse_nothing(layout: Layout) -> None:
    if not layout.root.is_dir() or not (layout.runs.is_dir() or layout.archive_file.exists()):
        raise no_archive(layout)


def _mend(work: Work, made: Repair, *, is_shadow: bool) -> None:
    """Do every step but those that a shadow does not need: parsing again and the warehouse."""
    layout, observer = work.layout, work.observer
    with disk_errors():
        observer.step_begins("records")
        small.mend_identity(work)
        sweep(layout, is_partial=True)
        runs = mend_records(work)
        small.mend_evidence_list(work)
        small.mend_journal(work)
        small.mend_listings(work, work.runs() or runs)
        small.mend_destinations(work)
        small.mend_imports(work)
        small.mend_settings(work)
        observer.step_begins("digests")
        homes = HomeFiles(layout, work.homes or homes_of_archive(layout))
        left = parts.put_back_parts(work)
        observer.step_begins("pieces")
        given = parts.make_structure_again(work, left, homes)
        given |= parts.fill_lost_runs(work, homes)
        mend_pieces(work, homes, given)
        made.to_parse = parts.sources_to_parse(work, left)
    if made.to_parse and not is_shadow:
        reparse(layout, effective(work.runs()), observer, made.to_parse)
        work.has_changed = True
    with disk_errors():
        parts.retire(work, left, lambda one: _how(one.table, is_parsed=bool(made.to_parse)))
        parts.set_aside_unlisted(work)
        sweep(layout)
        parts.mend_copies(work)
        renew_copies(layout, work.runs())
        for one in mend_second_copies(layout, work.runs()):
            work.tell(one.path, *one.problem.split(", and was ", 1))
        if is_shadow:
            small.mend_texts_and_reports(work, work.runs())


def _how(table: str, *, is_parsed: bool) -> str:
    if table == "store":
        return "retired, after its pieces were looked for everywhere"
    if is_parsed:
        return "retired: its rows are made again by parsing the archived files"
    return "retired"


def _has_warehouse(layout: Layout) -> bool:
    """Whether the newest warehouse that a record names is published, whole, and made of the parts that there are: a
    repair that was killed may have changed these since.
    """
    runs = effective(Work(layout, Places(layout, ()), {}, Observer()).runs())
    newest = next((run.warehouse for run in reversed(runs) if run.warehouse is not None), None)
    if newest is None:
        return not runs
    path = layout.root / newest.path
    try:
        is_whole = sha256_of(path) == newest.sha256 and path.stat().st_mode & 0o222 == 0
        is_linked = layout.warehouse.exists() and sha256_of(layout.warehouse) == newest.sha256
    except OSError:
        return False
    if not (is_whole and is_linked) or path.with_name(path.name + ".wal").exists():
        return False
    maker = next((number for number, run in enumerate(runs, 1) if run.run_id == path.stem), 0)
    try:
        check_warehouse(path, runs[:maker])
    except (LoadError, duckdb.Error):
        return False
    return maker > 0


def _changed_older_warehouses(work: Work, layout: Layout) -> list[Path]:
    """Return the changed warehouses of earlier runs, and note that they go: a rebuild makes only the newest."""
    runs = effective(work.runs())
    newest = next((run.warehouse.path for run in reversed(runs) if run.warehouse is not None), None)
    changed = [path for path in changed_warehouses(layout, work.runs()) if layout.relative(path) != newest]
    for path in changed:
        work.tell(layout.relative(path), CHANGED, "deleted: the newest warehouse has its rows")
    return changed


def _publish(work: Work) -> None:
    layout = work.layout
    work.observer.step_begins("load")
    with disk_errors():
        for path in layout.warehouses.glob("*.wal"):
            path.unlink()
        if layout.warehouse.is_dir() and not layout.warehouse.is_symlink():
            work.set_aside(layout.warehouse)
    runs = effective(work.runs())
    published = make_warehouse(layout, runs, keep=read_settings(layout).keep_warehouses, is_anew=True)
    newest = runs[-1]
    newest.warehouse = published.record(layout)
    reach("repair:before-warehouse-record")
    with disk_errors():
        write_record(layout, newest, "repair-record")
    work.observer.step_ends()


@contextmanager
def _shadow(layout: Layout) -> Iterator[Layout]:
    """Yield a data directory below staging/ that has the same files, as hard links where the system has them."""
    place = layout.staging / f"repair-{token_hex(4)}"
    try:
        with disk_errors():
            _link_all(layout.root, place)
            made = Layout(place)
            made.prepare()
        yield made
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _link_all(root: Path, place: Path) -> None:
    for above, directories, files in os.walk(root):
        if Path(above) == root:
            directories[:] = [name for name in directories if name not in _NOT_IN_A_SHADOW]
            files = [name for name in files if name not in _NOT_IN_A_SHADOW]
        target = place / Path(above).relative_to(root)
        target.mkdir(mode=0o700, parents=True)
        for name in files:
            try:
                os.link(Path(above, name), target / name, follow_symlinks=False)
            except OSError:
                shutil.copy2(Path(above, name), target / name, follow_symlinks=False)
