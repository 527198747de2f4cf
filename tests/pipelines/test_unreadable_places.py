"""What the system refuses to show for a while: it spoils no run, and is known again when it comes back."""

import os
from pathlib import Path

import pytest

from extractors._platform import is_root
from extractors._registry import Classifier
from extractors._source import UNKNOWN, Found
from pipelines.archive import read_runs
from pipelines.inventory import Item, take_snapshot
from pipelines.layout import Layout
from pipelines.manifest import FileState
from pipelines.warehouse import check_warehouse
from tests.support import extract, rows, warehouse_of

SESSION = "3fd192e1-4608-4d4e-a084-ebefc26337f3"


def _last(item: Item, outcome: str) -> FileState:
    found, stat = item.found, item.found.stat
    times = stat.size, stat.mtime_ns, stat.ctime_ns, stat.mode, stat.inode
    placed = "history", item.path, found.path, found.kind, "extract", ""
    state = FileState("h", "r", 1, *placed, "new", outcome, "xxh3", *times)
    state.file_id, state.generation = 1, 1
    return state


@pytest.mark.parametrize(("path", "kind"), [(b"session-env/" + SESSION.encode(), "directory"), (b"notes.md", "file")])
def test_what_the_walk_could_not_look_at_is_not_read(path: bytes, kind: str) -> None:
    place = Classifier().place(path.decode(), kind)
    item = Item(Found(path, kind, UNKNOWN, None, "EACCES"), path.decode(), place)  # type: ignore[arg-type]
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


@pytest.mark.duckdb
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
