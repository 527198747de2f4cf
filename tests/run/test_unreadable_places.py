"""Paths that are unreadable for a while spoil no run, and are recognised when they are readable again."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from extractors.home.found import UNKNOWN, Found
from extractors.reading.registry import Classifier
from models.errors import ExitCode
from models.manifest import FileState
from models.observer import Observer
from models.run import RunRecord
from pipelines.archive.archive import read_runs, writing
from pipelines.archive.store import StoreReader
from pipelines.disk.layout import Layout
from pipelines.run.extraction import Request, RunInProgress, begin_run
from pipelines.run.inventory import Inventory, InventoryItem, take_snapshot
from pipelines.run.pipeline import exit_code_of, load_run
from pipelines.verify.verify import check
from pipelines.warehouse.opened import open_warehouse
from pipelines.warehouse.publish import check_warehouse
from tests.crash_driver import SESSION, write_home
from tests.sampled import sampled
from tests.support import extract, is_root, rows, warehouse_of


def _last(item: InventoryItem, outcome: str) -> FileState:
    found, stat = item.found, item.found.stat
    times = stat.size, stat.mtime_ns, stat.ctime_ns, stat.mode, stat.inode
    placed = "history", item.path, found.path, found.kind, "extract", ""
    state = FileState("h", "r", 1, *placed, "new", outcome, "xxh3", *times)
    state.file_id, state.generation = 1, 1
    return state


@pytest.mark.parametrize(("path", "kind"), [(b"session-env/" + SESSION.encode(), "directory"), (b"notes.md", "file")])
def test_what_the_walk_could_not_look_at_is_not_read(path: bytes, kind: str) -> None:
    place = Classifier().place(path.decode(), kind)
    item = InventoryItem(Found(path, kind, UNKNOWN, None, "EACCES"), place)  # type: ignore[arg-type]
    assert item.is_read
    assert not item.is_due(is_full=True)


@pytest.mark.parametrize(("outcome", "is_due"), [("intact", False), ("missing", True), ("unreadable", True)])
def test_a_file_that_was_not_read_to_the_end_is_read_though_its_times_are_the_same(
    tmp_path: Path, outcome: str, is_due: bool
) -> None:
    (tmp_path / "history.jsonl").write_bytes(b"{}\n")
    (item,) = take_snapshot(tmp_path, Classifier())
    item.last = _last(item, outcome)
    assert item.is_due(is_full=False) is is_due


def test_directories_and_links_give_no_second_row_when_everything_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "home" / "session-env" / SESSION).mkdir(parents=True)
    (tmp_path / "home" / "debug").mkdir()
    (tmp_path / "home" / "debug" / "latest").symlink_to("nowhere.txt")
    for is_full in (False, True, True):
        extract(tmp_path / "data", tmp_path / "home", is_full=is_full)
    assert len(rows(tmp_path / "data", "session_env_directories")) == 1
    assert len(rows(tmp_path / "data", "debug_latest")) == 1


@pytest.mark.skipif(is_root(), reason="nothing is refused to root")
def test_a_directory_that_cannot_be_listed_spoils_no_warehouse_and_is_the_same_when_it_can_be_again(
    tmp_path: Path,
) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    closed = home / "session-env" / SESSION
    closed.mkdir(parents=True)
    for mode in (0o000, 0o700, 0o000, 0o700):
        os.chmod(closed, mode)
        extract(data, home)
        with warehouse_of(data):
            check_warehouse(data / "test.duckdb", read_runs(Layout(data)))
    assert len(rows(data, "session_env_directories")) == 1


def hide(run: RunInProgress, path: bytes) -> None:
    """Change a snapshot as if a directory could not be listed: root can list every directory."""
    (snapshot,) = run.snapshots
    seen = [item for item in snapshot.inventory if not item.found.path.startswith(path + b"/")]
    assert len(seen) < len(snapshot.inventory)
    hidden = (replace(item.found, error="EACCES") if item.found.path == path else item.found for item in seen)
    inventory = Inventory(zip(hidden, (item.place for item in seen), strict=True))
    run.snapshots[:] = [replace(snapshot, inventory=inventory)]


def run_hiding(data: Path, home: Path, path: bytes | None = None) -> RunRecord:
    """Do a whole run; `path` is a directory that cannot be listed."""
    layout = Layout(data)
    with writing(layout, "test"):
        run = begin_run(layout, Request([("home", home)]), Observer())
        if path is not None:
            hide(run, path)
        for home_id, phase in run.phases_due:
            run.do(home_id, phase)
        record = run.end_extraction()
        load_run(layout, record, run.earlier, Observer())
    return record


def states_of(data: Path, run: RunRecord) -> dict[str, FileState]:
    return {state.path: state for state in StoreReader.open(Layout(data)).files(run.run_id)}


@sampled("closed", ["debug", "projects"], suite=["debug"])
def test_what_lies_below_a_directory_that_cannot_be_listed_is_unreadable_and_kept_and_has_not_expired(
    tmp_path: Path, closed: str
) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    write_home(home, grown=False)
    (home / "projects" / "-p" / "notes.md").write_text("of another phase than its directory")
    (home / "projects" / "-p" / "api.key").write_text("withheld")
    first = states_of(data, run_hiding(data, home))
    gone = home / "debug" / f"{SESSION}.txt"
    hidden = run_hiding(data, home, closed.encode())
    states = states_of(data, hidden)
    below = {path for path in states if path.startswith(closed + "/")}
    assert below
    for path, was in first.items():
        now = states[path]
        digests = now.file_id, now.sha256, now.size, now.mtime_ns, now.watermark
        assert digests == (was.file_id, was.sha256, was.size, was.mtime_ns, was.watermark), path
        if path in below:
            assert now.outcome == ("withheld" if path.endswith(".key") else "unreadable")
            assert now.is_present
            assert closed in (now.detail or "")
        elif path != closed:
            assert now.outcome == was.outcome, path
    with open_warehouse(Layout(data)) as connection:
        assert connection.execute("SELECT DISTINCT state FROM files").fetchall() == [("present",)]
    assert exit_code_of(hidden) == ExitCode.INCOMPLETE
    assert [one for one in check(Layout(data)) if one.severity != "information"] == []
    if closed == "debug":
        gone.unlink()
    again = states_of(data, run_hiding(data, home))
    for path, was in first.items():
        expected = "expired" if closed == "debug" and path == f"debug/{gone.name}" else was.outcome
        assert (again[path].outcome, again[path].file_id) == (expected, was.file_id), path
    assert len(rows(data, "prompts")) == 5
    assert [one for one in check(Layout(data)) if one.severity != "information"] == []


def test_a_file_that_is_refused_keeps_the_size_and_times_that_its_digest_is_of(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    home.mkdir()
    (home / "notes.md").write_text("short")
    before = states_of(data, run_hiding(data, home))["notes.md"]
    (home / "notes.md").write_text("much longer by now")
    layout = Layout(data)
    with writing(layout, "test"):
        run = begin_run(layout, Request([("home", home)]), Observer())
        (home / "notes.md").unlink()
        (home / "notes.md").symlink_to("elsewhere")
        for home_id, phase in run.phases_due:
            run.do(home_id, phase)
        record = run.end_extraction()
        load_run(layout, record, run.earlier, Observer())
    state = states_of(data, record)["notes.md"]
    assert state.outcome == "unreadable"
    kept = (state.size, state.mtime_ns, state.ctime_ns, state.sha256)
    assert kept == (before.size, before.mtime_ns, before.ctime_ns, before.sha256)
