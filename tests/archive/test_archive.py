"""The records of the archive about itself: its own and the copy of it, the homes, the commit records."""

import os
import shutil
from pathlib import Path

import pytest

from models.errors import FixityError, LockedError, StoreError
from pipelines.archive.archive import Archive, is_being_written, writing
from pipelines.archive.homes import known_homes
from pipelines.archive.store import StoreReader
from pipelines.archive.sweep import sweep
from pipelines.disk.layout import Layout
from tests.support import extract, rows

LINE = b'{"display":"do it","pastedContents":{},"timestamp":1768724500000,"project":"/p","sessionId":"s"}\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "history.jsonl").write_bytes(LINE)
    return tmp_path / "home"


def flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def test_an_archive_that_lost_its_record_takes_the_copy_and_keeps_its_seed(home: Path, tmp_path: Path) -> None:
    extract(tmp_path / "data", home)
    layout = Layout(tmp_path / "data")
    seed = Archive.open(layout).seed
    layout.archive_file.unlink()
    extract(tmp_path / "data", home)
    assert Archive.open(layout).seed == seed
    layout.archive_copy.unlink()
    extract(tmp_path / "data", home)
    assert layout.archive_copy.read_bytes() == layout.archive_file.read_bytes()


def test_an_archive_that_lost_its_record_and_the_copy_is_given_no_other_seed(home: Path, tmp_path: Path) -> None:
    extract(tmp_path / "data", home)
    layout = Layout(tmp_path / "data")
    layout.archive_file.unlink()
    layout.archive_copy.unlink()
    with pytest.raises(StoreError, match="its copy are gone"):
        extract(tmp_path / "data", home)


@pytest.mark.parametrize("name", ["archive.json", "homes.json", "run.json", "head.json"])
def test_a_damaged_record_is_put_back_and_named(name: str, home: Path, tmp_path: Path) -> None:
    extract(tmp_path / "data", home)
    paths = [path for path in (tmp_path / "data").rglob(name) if path.parent.name != "store"]
    (path,) = (path for path in paths if "copies" not in path.parts)
    flip(path, 20)
    run = extract(tmp_path / "data", home)
    found = [(one.path, one.mended, one.problem.split(",")[0]) for one in run.damage]
    assert found == [(path.relative_to(tmp_path / "data").as_posix(), True, "was changed or damaged")]
    assert extract(tmp_path / "data", home).damage == []


@pytest.mark.parametrize("name", ["archive.json", "run.json"])
def test_a_record_that_is_damaged_in_both_copies_is_refused_by_whoever_reads(
    name: str, home: Path, tmp_path: Path
) -> None:
    extract(tmp_path / "data", home)
    for path in (tmp_path / "data").rglob(name):
        flip(path, 20)
    with pytest.raises(FixityError, match=name):
        StoreReader.open(Layout(tmp_path / "data"))


def test_a_run_that_died_before_its_first_commit_has_damaged_nothing(home: Path, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data")
    Archive.open_or_make(layout)
    layout.archive_file.unlink()
    assert extract(tmp_path / "data", home).damage == []
    assert extract(tmp_path / "data", home).damage == []


def test_homes_are_known_from_the_commit_records_when_their_file_is_gone(home: Path, tmp_path: Path) -> None:
    extract(tmp_path / "data", home)
    layout = Layout(tmp_path / "data")
    known = known_homes(layout)
    layout.homes_file.unlink()
    assert known_homes(layout) == known == {"home": str(home)}
    extract(tmp_path / "data", home)
    assert layout.homes_file.exists()


def test_a_run_whose_commit_record_was_lost_is_not_swept(home: Path, tmp_path: Path) -> None:
    run = extract(tmp_path / "data", home)
    layout = Layout(tmp_path / "data")
    kept = rows(tmp_path / "data", "prompts")
    record = layout.commit_record(run.run_id)
    (layout.run(run.run_id) / "report.md").write_text("# report\n", encoding="utf-8")
    saved = record.read_bytes()
    record.unlink()
    layout.copy_of(record).unlink()
    run = extract(tmp_path / "data", home)
    assert [(one.path, one.mended) for one in run.damage] == [(layout.relative(record), False)]
    assert run.epoch == 2
    record.write_bytes(saved)
    assert rows(tmp_path / "data", "prompts")[:1] == kept


def test_what_a_dead_run_left_is_swept(home: Path, tmp_path: Path) -> None:
    run = extract(tmp_path / "data", home)
    layout = Layout(tmp_path / "data")
    shutil.copytree(layout.run(run.run_id), layout.runs / "20200101T000000Z-000000")
    for path in (layout.runs / "20200101T000000Z-000000").iterdir():
        path.rename(path.with_name(f".{path.name}.tmp"))
    (layout.staging / "20200101T000000Z-000000").mkdir()
    (part,) = (layout.tables / "prompts").rglob("*.parquet")
    shutil.copy(part, part.with_name("phase-1-9.parquet"))
    assert sweep(layout) == 3
    assert sweep(layout) == 0


def test_one_can_ask_whether_somebody_writes_without_stopping_him(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data")
    assert not is_being_written(layout)
    with writing(layout, "one"):
        assert is_being_written(layout)
        with pytest.raises(LockedError, match=f"pid {os.getpid()}, run one"), writing(layout, "two"):
            pass
    assert not is_being_written(layout)


def test_a_quick_sweep_lists_only_directories_that_changed_after_the_record_of_their_run(
    home: Path, tmp_path: Path
) -> None:
    run = extract(tmp_path / "data", home)
    layout = Layout(tmp_path / "data")
    record = layout.commit_record(run.run_id)
    left = layout.part_directory("prompts", next(iter(run.homes)), run.run_id) / "phase-1-e2.parquet"
    left.write_bytes(b"left by a command that was killed")
    later = left.parent.stat().st_mtime_ns + 10**9
    os.utime(record, ns=(later, later))
    assert sweep(layout, is_quick=True) == 0
    os.utime(record, ns=(later - 2 * 10**9,) * 2)
    assert sweep(layout, is_quick=True) == 1
    assert not left.exists()
    left.write_bytes(b"left by a command that was killed")
    os.utime(record, ns=(later, later))
    assert sweep(layout) == 1
