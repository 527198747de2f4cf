"""Finishes an erasure by its journal, from any point at which it was interrupted: every step can be repeated."""

import shutil
from contextlib import suppress
from pathlib import Path

from models.errors import DiskFullError, ExtractError, FixityError, LoadError
from models.observer import Observer
from pipelines import warehouse
from pipelines.archive.archive import read_all_runs, read_records, read_runs, write_record
from pipelines.archive.copies import renew_copies
from pipelines.archive.erasure_journal import Journal, read_journal
from pipelines.archive.evidence import list_again
from pipelines.archive.sweep import sweep
from pipelines.archive.tombstones import Graveyard, read_graveyard, write_graveyard
from pipelines.archive.vectors import delete_vectors_of_erased_texts
from pipelines.disk import platform
from pipelines.disk.atomic import disk_errors, sync_directories, write_atomically
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import Layout, make_private
from pipelines.disk.lock import follows_stopped_writer
from pipelines.report.write import write_reports
from pipelines.run.sha256_lists import sha256_texts


def staged_imports(layout: Layout) -> Path:
    """Return the directory of the rewritten imported files, before they replace the old ones."""
    return layout.staging / "forget"


def finish_forget(layout: Layout, observer: Observer) -> bool:
    """Finish an interrupted erasure; returns whether there was one. After another writer that was stopped, renew the
    second copies that it had not written yet. The caller must hold the writer lock.

    The files with the content are deleted first, and after an error the warehouses too, even if there is no room for a
    new one. Raises FixityError, LoadError, DataDirectoryError; the next command that writes then tries again.
    """
    journal = read_journal(layout)
    if journal is None:
        if follows_stopped_writer(layout):
            _renew_copies(layout)
        return False
    observer.step_begins("forget")
    try:
        _delete_old(layout, journal)
        _add_tombstone(layout, journal)
        for record in journal.records.values():
            write_record(layout, record, "forget-record")
        _replace_imports(layout, journal)
        renew_copies(layout, read_all_runs(layout))
        reach("forget:copies-renewed")
        _write_checksum_lists(layout, journal)
        _remake_warehouse(layout, observer)
        _remake_reports(layout, journal, observer)
        list_again(layout, _other_files(layout, journal))
    except (ExtractError, OSError):
        warehouse.remove_warehouses(layout)
        raise
    reach("forget:before-end")
    layout.forget_file.unlink()
    platform.fsync_directory(layout.root)
    reach("forget:ended")
    return True


def _renew_copies(layout: Layout) -> None:
    """Renew second copies where no original is damaged; a run or a repair does it where one is."""
    runs, damage = read_records(layout)
    if not damage:
        with disk_errors(), suppress(FixityError):
            renew_copies(layout, runs, keep_others=True, is_compared=True)


def _delete_old(layout: Layout, journal: Journal) -> None:
    """Delete the files that the records of the journal do not list, indexes, vectors of erased texts, and files
    of other origin with the content. The journal may be deleted only after these deletions are on the disk.
    """
    sweep(layout)
    derived = [*layout.digest_indexes(), *layout.cache.glob("*search*"), *layout.push_memories()]
    gone = [*(layout.root / name for name in journal.deleted), *derived]
    for path in gone:
        path.unlink(missing_ok=True)
    delete_vectors_of_erased_texts(layout)
    for path in layout.staging.iterdir():
        if path != staged_imports(layout):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    shutil.rmtree(layout.quarantine, ignore_errors=True)
    parents = {path.parent for path in gone if path.parent.is_dir()}
    sync_directories(parents | {layout.cache, layout.staging, layout.root})
    reach("forget:deleted")


def _add_tombstone(layout: Layout, journal: Journal) -> None:
    graveyard = read_graveyard(layout) or Graveyard(bytes.fromhex(journal.key))
    if all(stone.number != journal.tombstone.number for stone in graveyard.tombstones):
        graveyard.tombstones.append(journal.tombstone)
        write_graveyard(layout, graveyard)


def _replace_imports(layout: Layout, journal: Journal) -> None:
    for name in journal.imported_new:
        staged = staged_imports(layout) / name
        if staged.exists():
            make_private(layout.imported)
            platform.replace(staged, layout.imported / name)
            reach("forget:import-moved")
    for name in journal.imported_gone:
        (layout.imported / name).unlink(missing_ok=True)
    if journal.imported_new or journal.imported_gone:
        platform.fsync_directory(layout.imported)
    shutil.rmtree(staged_imports(layout), ignore_errors=True)
    platform.fsync_directory(layout.staging)


def _other_files(layout: Layout, journal: Journal) -> list[Path]:
    """Return the files listed in evidence.json that the erasure deleted or wrote."""
    imports = [layout.imported / name for name in (*journal.imported_new, *journal.imported_gone)]
    return [*(path for name in journal.deleted if (path := layout.root / name).parent.parent == layout.runs), *imports]


def _write_checksum_lists(layout: Layout, journal: Journal) -> None:
    for record in journal.records.values():
        if record.texts:
            for text in sha256_texts(layout, record):
                write_atomically(text.path, text, "forget-text")


def _remake_warehouse(layout: Layout, observer: Observer) -> None:
    """Build the warehouse from scratch and remove all older ones: rows deleted from a DuckDB file remain in its free
    blocks. Where there is no room for the new one beside them, the older ones go first.
    """
    runs = read_runs(layout)
    had_any = any(run.warehouse is not None for run in runs) or layout.warehouse.is_symlink()
    if not had_any and not any(layout.warehouses.iterdir()):
        return
    observer.step_begins("load")
    try:
        published = warehouse.make_warehouse(layout, runs, keep=0, is_anew=True)
    except (DiskFullError, LoadError):
        warehouse.remove_warehouses(layout)
        published = warehouse.make_warehouse(layout, runs, keep=0, is_anew=True)
    platform.fsync_directory(layout.warehouses)
    newest = runs[-1]
    newest.warehouse = published.record(layout)
    reach("forget:before-warehouse-record")
    write_record(layout, newest, "forget-record")


def _remake_reports(layout: Layout, journal: Journal, observer: Observer) -> None:
    observer.step_begins("report")
    runs = {run.run_id: run for run in read_all_runs(layout)}
    for run_id in journal.reports:
        write_reports(layout, runs[run_id])
