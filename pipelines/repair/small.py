"""Mends the small files of an archive: archive.json, homes.json, the tombstones, head.json, imported stores, lists of
digests in text, reports, and the records of verifications and drills.
"""

import os
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from models.errors import ConfigurationError, ExtractError, FixityError, StoreError
from models.run import DamageRecord, RunRecord
from models.seal import SealError, unsealed
from pipelines.archive.archive import last_epoch, read_identity, write_head, write_record
from pipelines.archive.copies import write_both
from pipelines.archive.damage import CHANGED, look_at_imports
from pipelines.archive.erasure_journal import read_journal
from pipelines.archive.evidence import list_again, look_at_evidence, mend_list, read_evidence
from pipelines.archive.homes import KnownHome, home_of_json, read_homes, rewrite_homes
from pipelines.archive.tombstones import read_graveyard
from pipelines.disk.atomic import is_as_named, read_regular, read_sealed, write_sealed
from pipelines.disk.layout import Layout, make_private
from pipelines.disk.settings import is_copy_damaged, keep_settings_copy, read_settings, settings_digest
from pipelines.repair.files import put_file
from pipelines.repair.work import GONE_OR_CHANGED, Work
from pipelines.report.write import write_reports
from pipelines.run.digest_sets import is_whole
from pipelines.run.sha256_lists import sha256_texts, write_sha256_manifests
from pipelines.run.unfinished_erasure import finish_forget

_ANEW = "made again"


def mend_identity(work: Work) -> None:
    """Put archive.json and its copy back. Raises StoreError where nothing has them: the seed of the store is lost."""
    layout = work.layout
    pair = (layout.archive_file, layout.archive_copy)
    held = {path: _identity(path) for path in pair}
    if held[pair[0]] is not None and held[pair[0]] == held[pair[1]]:
        return
    whole = next((one for one in held.values() if one is not None), None)
    shown = "its second copy"
    for other in work.places.others if whole is None else ():
        whole = whole or _identity(other.archive_file) or _identity(other.archive_copy)
        shown = str(other.root)
    if whole is None:
        raise StoreError(
            f"{layout.archive_file} and its second copy are lost, and with them the seed of the store: name a copy of "
            f"the archive with --from"
        )
    for path in pair:
        if held[path] != whole:
            _clear(work, path)
            make_private(path.parent)
            write_sealed(path, whole, "archive" if path == pair[0] else "archive-copy")
            work.tell(path, GONE_OR_CHANGED, f"put back from {shown}")


def mend_journal(work: Work) -> None:
    """Finish an erasure that was stopped; if its journal is damaged, set it aside: the erasure must be repeated. Raises
    as `finish_forget` does.
    """
    path = work.layout.forget_file
    if not os.path.lexists(path):
        return
    try:
        read_journal(work.layout)
    except (ExtractError, OSError):
        work.set_aside(path)
        work.tell(path, CHANGED, "set aside")
        work.notes.append("An erasure had been stopped, and its journal is lost: give the same `extract forget` again.")
    else:
        finish_forget(work.layout, work.observer)
        work.tell(path, "says that an erasure was stopped", "the erasure was finished")
        work.has_changed = True


def mend_evidence_list(work: Work) -> None:
    """Make evidence.json again where it is missing or damaged."""
    for one in mend_list(work.layout):
        work.tell(one.path, one.problem.partition(",")[0], _ANEW)


def mend_listings(work: Work, runs: list[RunRecord]) -> None:
    """Put homes.json, the tombstones and head.json back, or make them again, and their second copies."""
    layout = work.layout
    for path in (layout.homes_file, layout.tombstones_file, layout.head_file):
        own, copy = _sealed(path), _sealed(layout.copy_of(path))
        is_known = os.path.lexists(path) or os.path.lexists(layout.copy_of(path))
        if own is not None and own == copy and _is_current(work, path, runs):
            continue
        if path == layout.head_file and runs:
            _clear(work, path)
            newest = runs[-1]
            write_head(layout, max(newest.epoch, last_epoch(layout)) if is_known else newest.epoch, newest.run_id)
            work.tell(path, "was changed or damaged, or names another run than the newest", _ANEW)
        elif path == layout.tombstones_file:
            _mend_tombstones(work, is_known=is_known)
        elif path == layout.homes_file and runs:
            _mend_homes(work, runs)


def _is_current(work: Work, path: Path, runs: list[RunRecord]) -> bool:
    layout = work.layout
    if path == layout.head_file:
        return not runs or last_epoch(layout) == runs[-1].epoch
    if path == layout.homes_file:
        return {home for run in runs for home in run.homes} <= read_homes(layout).keys()
    return True


def _mend_homes(work: Work, runs: list[RunRecord]) -> None:
    layout = work.layout
    named = {home_id: KnownHome(home_id, root) for run in runs for home_id, root in run.homes.items()}
    try:
        named |= read_homes(layout)
        how = _ANEW
    except StoreError:
        how = "made again from the commit records"
    _clear(work, layout.homes_file)
    _clear(work, layout.copy_of(layout.homes_file))
    for home_id, home in list(named.items()):
        try:
            home_of_json(home_id, home.root)
        except ValueError:
            del named[home_id]
    rewrite_homes(layout, named)
    work.tell(layout.homes_file, "is gone, was changed or damaged, or lacks a home", how)


def _mend_tombstones(work: Work, *, is_known: bool) -> None:
    """Restore the tombstones from the file that has most of them: an older version lacks the latest erasures. Raises
    StoreError if no place has them.
    """
    layout = work.layout
    path = layout.tombstones_file
    found: list[tuple[int, bytes, str]] = []
    own = _sealed(path)
    candidates = [*([(own, "itself")] if own is not None else []), *work.places.sealed(path)]
    candidates += [(held, str(other.root)) for other in work.places.others if (held := _sealed(other.tombstones_file))]
    for held, shown in candidates:
        found.append((held.count(b'"forgotten_at"'), held, shown))
    if not found:
        if is_known:
            raise StoreError(
                f"{path} is lost, and no place has it: a run would read erased content again, so none can be made. "
                f"Name a copy of the archive that has it with --from"
            )
        return
    _, whole, shown = max(found, key=lambda one: one[0])
    _clear(work, path)
    write_both(layout, path, whole, "tombstones")
    read_graveyard(layout)
    work.tell(path, "is gone, was changed or damaged, or differs from its copy", f"put back from {shown}")


def mend_settings(work: Work) -> None:
    """If settings.toml is invalid, restore it as the newest run read it. Raises ConfigurationError if no place has it:
    without the rules on withheld files, no home may be read.
    """
    layout = work.layout
    path = layout.settings_file
    try:
        read_settings(layout)
    except ConfigurationError:
        last = next((run for run in reversed(work.runs()) if run.settings_sha256 is not None), None)
        found = work.places.find(path.name, last.settings_sha256) if last and last.settings_sha256 else None
        if found is None:
            raise
        work.set_aside(path)
        shutil.copyfile(found[0], path)
        work.tell(path, "is not valid", f"put back from {found[1]}")
    newest = next((run for run in reversed(work.runs()) if run.kind == "run" and run.status != "removed"), None)
    if newest is None or newest.settings_sha256 is None:
        return
    copy = layout.copy_of(path)
    is_same, is_gone = settings_digest(layout) == newest.settings_sha256, not os.path.lexists(copy)
    if is_copy_damaged(layout, newest.settings_sha256) or (is_same and is_gone):
        if is_same:
            keep_settings_copy(layout)
            problem = "is gone" if is_gone else CHANGED
            work.tell(copy, problem, "made again from its original")
        else:
            work.set_aside(copy)
            work.tell(copy, CHANGED, "set aside: the settings have changed since the newest run")


def mend_destinations(work: Work) -> None:
    """Put each file that names a copy at another place back from its second copy, or the second copy from it; set aside
    those that are damaged in both places.
    """
    layout = work.layout
    for name in sorted({path.name for path in layout.destination_files()}):
        path = layout.destinations / name
        own, copy = _sealed(path), _sealed(layout.copy_of(path))
        whole = own if own is not None else copy
        if whole is not None and own == copy:
            continue
        _clear(work, path)
        _clear(work, layout.copy_of(path))
        if whole is None:
            for one in (path, layout.copy_of(path)):
                if one.exists():
                    work.set_aside(one)
            work.tell(path, CHANGED, "set aside: name the place again with `extract copy add`")
        else:
            make_private(path.parent)
            write_both(layout, path, whole, "destination")
            how = "put back from its second copy" if own is None else "its second copy was made again from it"
            work.tell(path, GONE_OR_CHANGED if own is None else "has a damaged second copy", how)


def mend_imports(work: Work) -> None:
    """Put the files of imported stores back; set aside those that nothing has."""
    for one in look_at_imports(work.layout):
        path = work.layout.root / one.path
        work.places.note(work.set_aside(path))
        found = work.places.find(one.path, path.stem)
        if found is not None:
            put_file(found[0], path, path.stem)
            work.tell(path, one.problem, f"put back from {found[1]}")
        else:
            list_again(work.layout, [path])
            work.tell(path, one.problem, "set aside: import the other store again")
        work.has_changed = True


def mend_texts_and_reports(work: Work, runs: list[RunRecord]) -> None:
    """Make again the lists of digests in text, the reports, and set aside other files of runs that are damaged."""
    for one in look_at_evidence(work.layout, runs):
        if not one.path.rpartition("/")[2].startswith("manifest-sha256"):
            _mend_evidence(work, runs, one)
    for run in runs:
        _mend_texts(work, run)
        _mend_reports(work, run)
    if _is_broken(work.layout.checks_file):
        work.set_aside(work.layout.checks_file)
        work.tell(work.layout.checks_file, CHANGED, "set aside: the next checks write it again")
    for path in (*work.layout.digest_indexes(), *work.layout.cache.glob("search-*.fts")):
        if path.suffix != ".idx" or not is_whole(path):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in work.layout.vector_files():
        if not is_as_named(path):
            path.unlink()


def _mend_evidence(work: Work, runs: list[RunRecord], one: DamageRecord) -> None:
    """Put a listed file back from where it is whole; else take it off the list, or write a report again."""
    path = work.layout.root / one.path
    known = read_evidence(work.layout)
    digest = known.files[one.path] if known is not None else ""
    if os.path.lexists(path):
        work.places.note(work.set_aside(path))
    found = work.places.find(one.path, digest)
    run = next((run for run in runs if run.run_id == one.run_id), None)
    if found is not None:
        put_file(found[0], path, digest)
        work.tell(path, one.problem, f"put back from {found[1]}")
    elif run is not None and run.status == "complete" and path in work.layout.reports(run.run_id):
        work.tell(path, one.problem, _ANEW)
        write_reports(work.layout, run)
    else:
        again = ": import the other store again" if path.parent == work.layout.imported else ""
        work.tell(path, one.problem, f"removed from the list{again}")
    list_again(work.layout, [path])
    work.has_changed |= path.parent == work.layout.imported


def _mend_texts(work: Work, run: RunRecord) -> None:
    layout = work.layout
    broken = []
    for text in run.texts:
        path = layout.root / text.path
        try:
            is_right = sha256(read_regular(path)).hexdigest() == text.sha256
        except OSError:
            is_right = False
        if not is_right:
            broken.append(path)
    if not broken:
        return
    made = {one.path: one for one in sha256_texts(layout, run)}
    for path in broken:
        if path.is_dir():
            work.set_aside(path)
        work.tell(path, GONE_OR_CHANGED, "made again from the manifests" if path in made else "left out")
    before = list(run.texts)
    write_sha256_manifests(layout, run)
    if run.texts != before:
        write_record(layout, run, "repair-record")


def _mend_reports(work: Work, run: RunRecord) -> None:
    layout = work.layout
    others = [layout.findings(run.run_id), *layout.drill_records(run.run_id)]
    for path in others:
        if _is_broken(path):
            work.set_aside(path)
            list_again(layout, [path])
            work.tell(path, CHANGED, "set aside")
    reports = [path for path in layout.reports(run.run_id) if _is_broken(path)]
    for path in reports:
        work.set_aside(path)
        work.tell(path, CHANGED, _ANEW)
    is_due = run.kind == "run" and run.status == "complete"
    missing = [path for path in layout.reports(run.run_id) if not path.exists()] if is_due else []
    if missing:
        write_reports(layout, run)


def _is_broken(path: Path) -> bool:
    try:
        unsealed(read_regular(path), path.suffix)
    except FileNotFoundError:
        return False
    except (SealError, OSError):
        return True
    return False


def _sealed(path: Path) -> bytes | None:
    try:
        return read_sealed(path)
    except (FixityError, OSError):
        return None


def _identity(path: Path) -> bytes | None:
    try:
        return read_identity(path)
    except (FixityError, OSError):
        return None


def _clear(work: Work, path: Path) -> None:
    """Set aside a directory or link that is in the place of a file."""
    if path.is_dir() or path.is_symlink():
        work.set_aside(path)


def make_all_private(layout: Layout) -> Iterator[Path]:
    """Remove the rights of other users to every file but Prefect's own; yield the changed ones."""
    for place, directories, files in os.walk(layout.root):
        for name in (*directories, *files):
            path = Path(place, name)
            if path.is_symlink():
                continue
            mode = path.stat().st_mode & 0o7777
            right = mode & (0o700 if name in directories else 0o600)
            if right != mode:
                path.chmod(right)
                yield path
