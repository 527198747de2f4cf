"""Copies of the archive at other places: a sync stopped at any moment leaves an intact archive there, damage on either
side replaces nothing, erasures are carried out there, and everything can be restored from the copy alone.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from models.errors import (
    ConfigurationError,
    DataDirectoryError,
    DiskFullError,
    ExitCode,
    FixityError,
    LockedError,
)
from models.finding import Level
from models.observer import Observer
from models.run import PhaseRecord, RunRecord
from models.text import raw_path
from pipelines.archive.archive import read_runs
from pipelines.archive.known_copies import KnownCopy, read_known_copies
from pipelines.copies.check import verify_copy
from pipelines.copies.opened import make_warehouse_of_copy, opened_copy
from pipelines.copies.places import add_copy, open_place, remove_copy, syncing
from pipelines.copies.state import CopyHead
from pipelines.copies.sync import sync_copy
from pipelines.disk import failpoints
from pipelines.disk.layout import Layout
from pipelines.drill.drill import DrillRequest, drill
from pipelines.restore.restore import RestoreRequest, restore
from pipelines.run.extraction import Request
from pipelines.run.pipeline import run_job
from pipelines.verify.verify import check
from pipelines.warehouse.opened import open_warehouse
from tests.archives import HOME, Archive
from tests.copies.copying import QUIET, codes_of, contents, copied, moved, prepared, sync, verified
from tests.logical_checksum import logical_checksums
from tests.repairing import errors_in, mended
from tests.trees import tree_of


def test_a_copy_has_the_files_of_the_archive_under_their_own_paths(archive: Archive, place: Path) -> None:
    copied(archive, place)
    assert contents(place) == contents(archive.layout.root)
    assert not any(path.suffix == ".duckdb" for path in place.rglob("*"))
    assert verified(archive).findings == []
    assert codes_of_archive(archive.layout) == set()


def codes_of_archive(layout: Layout) -> set[str]:
    return {finding.code for finding in check(layout, Level.DEFAULT)}


def test_a_removed_place_is_forgotten_and_its_files_stay(archive: Archive, place: Path) -> None:
    copied(archive, place)
    whole = contents(place)
    remove_copy(archive.layout, str(place))
    assert read_known_copies(archive.layout) == []
    assert contents(place) == whole
    known = add_copy(archive.layout, str(place))
    assert known == KnownCopy(str(place), known.added_at)
    again = sync(archive)
    assert (again.files, again.findings) == (0, [])


def test_a_second_sync_copies_nothing_and_one_after_a_run_what_is_new(waiting: Archive, tmp_path: Path) -> None:
    archive = moved(waiting, tmp_path)
    before = contents(tmp_path / "place")
    new = sync(archive)
    assert new.runs == 1
    after = contents(tmp_path / "place")
    assert after == contents(archive.layout.root)
    copied = {path for path, held in after.items() if before.get(path) != held}
    assert new.files == len(copied) < len(after)
    again = sync(archive)
    assert (again.files, again.size, again.runs) == (0, 0, 0)


def into_a_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/hostname")


def into_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGES: Sequence[tuple[str, str, Callable[[Path], object]]] = [
    ("store/home=small/*/*.parquet", "C102", lambda path: path.write_bytes(flipped(path))),
    ("tables/manifest/*/*/*.parquet", "C101", lambda path: path.unlink()),
    ("tables/entries/*/*/*.parquet", "C102", lambda path: path.write_bytes(b"")),
    ("tables/pieces/*/*/*.parquet", "C102", lambda path: os.truncate(path, 100)),
    ("store/imported/*.parquet", "C102", lambda path: path.write_bytes(flipped(path))),
    ("runs/*/run.json", "C102", lambda path: path.write_bytes(flipped(path))),
    ("runs/*/run.json", "C111", lambda path: path.unlink()),
    ("runs/*/report.json", "C102", lambda path: path.write_bytes(flipped(path))),
    ("runs/*/manifest-sha256.txt", "C101", lambda path: path.unlink()),
    ("archive.json", "C102", lambda path: path.write_bytes(flipped(path))),
    ("homes.json", "C101", lambda path: path.unlink()),
    ("settings.toml", "C102", lambda path: path.write_bytes(flipped(path))),
    ("head.json", "C102", lambda path: path.write_bytes(b"")),
    ("copy.json", "C102", lambda path: path.write_bytes(flipped(path))),
    ("store/home=small/*/*.parquet", "C102", into_a_link),
    ("store/home=small/*/*.parquet", "C102", into_a_pipe),
]


def flipped(path: Path) -> bytes:
    held = bytearray(path.read_bytes())
    held[len(held) // 2] ^= 1
    return bytes(held)


def test_what_is_damaged_at_the_other_end_is_found_never_brought_back_and_replaced(
    archive: Archive, place: Path
) -> None:
    copied(archive, place)
    before = contents(archive.layout.root)
    for pattern, code, harm in DAMAGES:
        harm(min(place.glob(pattern)))
        assert code in codes_of(verified(archive)), pattern
        healed = sync(archive)
        assert contents(archive.layout.root) == before, pattern
        assert contents(place) == before, pattern
        assert healed.healed or pattern == "copy.json", pattern
    assert verified(archive).findings == []


def test_a_damaged_file_of_the_archive_replaces_nothing(archive: Archive, place: Path) -> None:
    copied(archive, place)
    whole = contents(place)
    part = min(archive.layout.root.glob("store/home=small/*/*.parquet"))
    report = min(archive.layout.root.glob("runs/*/report.json"))
    for path in (part, report):
        path.write_bytes(flipped(path))
    result = sync(archive)
    assert contents(place) == whole
    assert codes_of(result) == ["C108"]
    assert result.exit_code is ExitCode.FIXITY
    assert verified(archive).findings == []
    assert errors_in(mended(archive, place).findings) == []
    assert sync(archive).findings == []


def test_of_a_run_with_a_damaged_file_the_copy_has_all_before_it(archive: Archive, place: Path) -> None:
    first, second = archive.runs
    part = archive.layout.root / second.phases[0].parts[0].path
    held = part.read_bytes()
    part.write_bytes(flipped(part))
    add_copy(archive.layout, str(place))
    result = sync(archive)
    assert "C108" in codes_of(result)
    assert result.exit_code is ExitCode.FIXITY
    assert [one.run_id for one in read_runs(Layout(place))] == [first.run_id]
    (known,) = read_known_copies(archive.layout)
    assert known.synced_at is None
    assert known.problem is not None
    part.write_bytes(held)
    assert sync(archive).findings == []
    assert contents(place) == contents(archive.layout.root)


def test_what_the_archive_has_lost_stays_in_the_copy_and_is_named(archive: Archive, place: Path) -> None:
    copied(archive, place)
    last, root = archive.last, archive.layout.root
    for path in [*root.rglob(f"*{last.run_id}"), *root.rglob("head.json")]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert "R307" in codes_of_archive(archive.layout)
    whole = contents(place)
    assert codes_of(verified(archive)) == ["C105"]
    result = sync(archive)
    assert codes_of(result) == ["C105"]
    assert result.exit_code is ExitCode.FIXITY
    assert {path: whole[path] for path in whole if path != "head.json"}.items() <= contents(place).items()
    assert errors_in(mended(archive, place).findings) == []
    assert sync(archive).findings == []


def test_an_older_version_of_a_commit_record_replaces_no_newer_one(archive: Archive, place: Path) -> None:
    copied(archive, place)
    whole = contents(place)

    def older(record: RunRecord) -> None:
        record.phases.pop()
        record.revision -= 1

    archive.edit(older)
    assert codes_of(sync(archive)) == ["C106"]
    assert contents(place) == whole
    assert errors_in(mended(archive, place).findings) == []
    assert sync(archive).findings == []


def test_an_archive_and_a_copy_that_went_different_ways_are_kept_apart(archive: Archive, place: Path) -> None:
    copied(archive, place)
    other = Archive(archive.home, Layout(place))
    run_id = f"{archive.last.run_id[:-6]}abcdef"
    shutil.rmtree(place / "runs" / other.last.run_id)
    (place / "runs" / run_id).mkdir()
    other.save(replace(archive.last, run_id=run_id, phases=[]))
    whole = contents(place)
    with pytest.raises(FixityError, match="where the archive has run"):
        sync(archive)
    assert contents(place) == whole


def test_what_was_erased_is_erased_in_the_copy(waiting: Archive, tmp_path: Path) -> None:
    archive, place = moved(waiting, tmp_path), tmp_path / "place"
    assert has_text(place, "it broke")
    assert codes_of(verified(archive)) == ["C109", "C110"]
    assert sync(archive).removed > 0
    assert contents(place) == contents(archive.layout.root)
    assert not has_text(place, "it broke")
    assert verified(archive).findings == []


def has_text(place: Path, text: str) -> bool:
    with opened_copy(str(place)) as layout:
        restore(layout, RestoreRequest(layout.root.parent / "out", expired=True))
        return any(text.encode() in path.read_bytes() for path in (layout.root.parent / "out").rglob("*.txt"))


def test_an_archive_that_was_put_back_to_before_an_erasure_does_not_undo_it_in_the_copy(
    waiting: Archive, made: Archive, tmp_path: Path
) -> None:
    archive, place = moved(waiting, tmp_path), tmp_path / "place"
    sync(archive)
    (known,) = read_known_copies(archive.layout)
    whole = contents(place)
    with pytest.raises(FixityError, match="put back to an earlier state"):
        sync_copy(made.copy(tmp_path / "backup").layout, known, QUIET)
    assert contents(place) == whole


def test_everything_comes_back_from_the_copy_alone_when_the_disk_is_lost(
    archive: Archive, place: Path, tmp_path: Path
) -> None:
    copied(archive, place)
    restore(archive.layout, RestoreRequest(tmp_path / "original", expired=True, links=True))
    with open_warehouse(archive.layout) as connection:
        expected = logical_checksums(connection)
    before = tree_of(place)
    shutil.rmtree(archive.layout.root)
    with opened_copy(str(place)) as layout:
        restored = restore(layout, RestoreRequest(tmp_path / "restored", expired=True, links=True))
        assert restored.findings == []
        assert make_warehouse_of_copy(layout) == []
        with open_warehouse(layout) as connection:
            assert logical_checksums(connection) == expected
        assert drill(layout, DrillRequest()).holds
    assert tree_of(tmp_path / "restored") == tree_of(tmp_path / "original")
    assert tree_of(place) == before
    assert verify_copy(Layout(tmp_path / "none"), None, open_place(str(place)), QUIET).findings == []
    # The copy is a data directory too: it only has no second copies, no warehouse and no .gitignore yet.
    assert {one.code for one in check(Layout(place), Level.QUICK)} == {"R301", "W101", "F113"}


def test_a_foreign_file_at_the_place_is_named_and_left_alone(archive: Archive, place: Path) -> None:
    copied(archive, place)
    for name in ("holiday.jpg", "store/home=small/odd.parquet", "runs/notes.txt", "\udcff.txt"):
        (place / name).write_bytes(b"not ours")
    found = verified(archive)
    assert codes_of(found) == ["C103"]
    assert len(found.findings) == 4
    assert sync(archive).removed == 0
    assert (place / "holiday.jpg").read_bytes() == b"not ours"
    assert not (archive.layout.root / "holiday.jpg").exists()
    for finding in found.findings:
        (place / raw_path(finding.address).decode("utf-8", "surrogateescape")).unlink()
    assert verified(archive).findings == []


def test_a_link_in_a_copy_is_never_followed(archive: Archive, place: Path, tmp_path: Path) -> None:
    copied(archive, place)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.move(place / "store", elsewhere / "store")
    (place / "store").symlink_to(elsewhere / "store")
    before = tree_of(elsewhere)
    with pytest.raises(DataDirectoryError, match="a link is in the way"):
        sync(archive)
    assert "C103" in codes_of(verified(archive))
    assert tree_of(elsewhere) == before


def test_a_record_at_the_copy_that_leads_elsewhere_is_not_followed(archive: Archive, place: Path) -> None:
    copied(archive, place)
    stranger = Archive(archive.home, Layout(place))

    def lead_away(record: RunRecord) -> None:
        phase: PhaseRecord = record.phases[0]
        phase.parts[0] = replace(phase.parts[0], path="../../../etc/passwd")

    stranger.edit(lead_away)
    with pytest.raises(FixityError, match="etc/passwd"), opened_copy(str(place)):
        pass


def test_a_disk_that_is_not_there_gets_no_new_copy(archive: Archive, place: Path) -> None:
    copied(archive, place)
    place.rename(place.with_name("away"))
    with pytest.raises(DataDirectoryError, match="cannot be reached"):
        sync_copy(archive.layout, read_known_copies(archive.layout)[0], QUIET)
    place.mkdir()  # the mount point
    with pytest.raises(DataDirectoryError, match="its disk is not there"):
        sync(archive)
    assert list(place.iterdir()) == []
    (known,) = read_known_copies(archive.layout)
    assert known.problem is not None


def test_a_copy_that_was_put_back_to_an_earlier_state_is_noticed_and_brought_up_to_date(
    waiting: Archive, tmp_path: Path
) -> None:
    archive, place = moved(waiting, tmp_path), tmp_path / "place"
    shutil.copytree(place, tmp_path / "earlier")
    sync(archive)
    sync(archive)
    shutil.rmtree(place)
    (tmp_path / "earlier").rename(place)
    assert "C107" in codes_of(verified(archive))
    assert codes_of(sync(archive)) == ["C107"]
    assert contents(place) == contents(archive.layout.root)
    assert sync(archive).findings == []


def test_a_place_in_a_home_in_the_data_directory_or_around_them_is_refused(made: Archive) -> None:
    around = made.layout.root.parent
    (around / "file").write_bytes(b"")
    before = tree_of(around)
    for where in ("data", "data/below", "home", "home/copy", ".", "file"):
        with pytest.raises(ConfigurationError):
            add_copy(made.layout, str(around / where))
    assert tree_of(around) == before


def test_a_place_with_other_files_or_of_another_archive_is_refused(archive: Archive, place: Path) -> None:
    place.mkdir(parents=True)
    (place / "photo.jpg").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="is not empty"):
        add_copy(archive.layout, str(place))
    (place / "copy.json").write_bytes(CopyHead("0123456789abcdef").to_bytes())
    with pytest.raises(ConfigurationError, match="another archive"):
        add_copy(archive.layout, str(place))


def test_two_syncs_do_not_work_at_once(archive: Archive, place: Path) -> None:
    add_copy(archive.layout, str(place))
    with syncing(archive.layout), pytest.raises(LockedError):
        sync(archive)
    assert sync(archive).findings == []


def test_a_sync_during_a_run_copies_what_is_committed_and_the_next_one_the_rest(archive: Archive, place: Path) -> None:
    add_copy(archive.layout, str(place))
    seen: list[int] = []

    class Meanwhile(Observer):
        def phase_committed(self, record: PhaseRecord) -> None:
            assert sync(archive).findings == []
            seen.append(len(read_runs(Layout(place))[-1].phases))
            assert verified(archive).findings == []

    (archive.home / "newest.md").write_text("# newest\n")
    run_job(archive.layout, Request([(HOME, archive.home)], phases=(1, 2, 8)), Meanwhile())
    assert seen == [1, 2, 3]
    assert sync(archive).findings == []
    assert contents(place) == contents(archive.layout.root)


def test_a_full_disk_is_named_and_the_next_sync_goes_on(archive: Archive, place: Path) -> None:
    add_copy(archive.layout, str(place))
    failpoints.arm("copy-file:before-fsync", 9, "enospc")
    try:
        with pytest.raises(DiskFullError, match=str(place)):
            sync(archive)
    finally:
        failpoints.arm(None)
    assert list(place.rglob(".*.tmp")) == []
    assert sync(archive).files < len(contents(archive.layout.root))
    assert verified(archive).findings == []


@pytest.fixture(scope="module")
def waiting(made: Archive, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return prepared(made, tmp_path_factory.mktemp("waiting"))
