"""`extract gc`: frees files that no run in effect refers to, not a day too early, and can be killed at any point."""

import json
import shutil
import signal
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from models.errors import ExitCode
from models.observer import Observer
from pipelines.archive.archive import committed_parts, read_all_runs, read_runs, write_record
from pipelines.disk.layout import Layout
from pipelines.run.extraction import Request
from pipelines.run.pipeline import run_job
from pipelines.upkeep.garbage import find_garbage, free
from pipelines.upkeep.rollback import plan_rollback, roll_back
from tests.command_line import call, make_home, prompt, start
from tests.logical_checksum import checksums_of

TABLES = ["tables", "store", "runs", "warehouse", "staging"]


def work(data: Path, home: Path) -> str:
    """Do a whole run; returns its id."""
    return run_job(Layout(data), Request([("mine", home)]), Observer()).run.run_id


def back(data: Path, run: str) -> str:
    """Roll back to a run."""
    return roll_back(Layout(data), plan_rollback(Layout(data), run), Observer()).run_id


def make_older(data: Path, hours: float) -> None:
    """Let all that was done have been done earlier."""
    for run in read_all_runs(Layout(data)):
        for name in ("started_at", "finished_at"):
            said = getattr(run, name)
            setattr(run, name, said and (datetime.fromisoformat(said) - timedelta(hours=hours)).isoformat())
        write_record(Layout(data), run, "test")


def files_below(data: Path) -> set[str]:
    """Return every file that is there."""
    return {str(path.relative_to(data)) for name in TABLES for path in (data / name).rglob("*") if path.is_file()}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data directory."""
    return tmp_path / "data"


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home and its archive with an undone run, and nothing done since; tests take a copy of both."""
    base = tmp_path_factory.mktemp("archived")
    home, data = make_home(base / "home"), base / "data"
    first = work(data, home)
    (home / "plans" / "a-plan.md").write_bytes(b"# Another plan\n")
    work(data, home)
    back(data, first)
    return base


@pytest.fixture
def undone(archived: Path, data: Path, home: Path) -> str:
    """That archive is the data directory, and its home the home; the id of the undone run."""
    return copied(archived, data, home)


@pytest.fixture(scope="module")
def old(archived: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with two more runs, a day and an hour ago: the undone run may go."""
    base = tmp_path_factory.mktemp("old")
    copied(archived, base / "data", base / "home")
    work_more(base / "data", base / "home", 2)
    make_older(base / "data", 25)
    return base


@pytest.fixture
def expired(old: Path, data: Path, home: Path) -> str:
    """That archive is the data directory, and its home the home; the id of the undone run."""
    return copied(old, data, home)


@pytest.fixture(scope="module")
def collectable(archived: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after more rollbacks and runs, so long ago that undone runs may be deleted."""
    base = tmp_path_factory.mktemp("collectable")
    home, data = base / "home", base / "data"
    undone = copied(archived, data, home)
    back(data, undone)
    back(data, read_all_runs(Layout(data))[0].run_id)
    work_more(data, home, 2)
    make_older(data, 25)
    shutil.copy(Layout(data).warehouse.resolve(), data / "warehouse" / "20200101T000000Z-000001.duckdb")
    return base


def copied(base: Path, data: Path, home: Path) -> str:
    """Let an archive and its home be copies of those of a base; returns the id of the second run."""
    shutil.rmtree(home, ignore_errors=True)
    for source, target in ((base / "home", home), (base / "data", data)):
        shutil.copytree(source, target, symlinks=True)
    return read_all_runs(Layout(data))[1].run_id


def work_more(data: Path, home: Path, times: int) -> None:
    """Do runs that read something each."""
    for number in range(times):
        with (home / "history.jsonl").open("ab") as file:
            file.write(prompt("more", number + 10))
        work(data, home)


@pytest.mark.parametrize(("hours", "runs"), [(23.0, 2), (25.0, 1), (23.0, 0)])
def test_an_undone_run_waits_a_day_and_two_runs(hours: float, runs: int, undone: str, data: Path, home: Path) -> None:
    work_more(data, home, runs)
    make_older(data, hours)
    found = find_garbage(Layout(data))
    assert found.runs == []
    (waiting,) = found.waiting
    assert (waiting.run_id, waiting.runs_missing, waiting.until is None) == (undone, 2 - runs, hours > 24)
    assert waiting.size > 0
    ran = call("gc", "--yes", "--data", data)
    assert ran.code == 0
    assert f"run {undone}, undone" in ran.out
    assert call("rollback", undone, "--yes", "--data", data).code == 0  # there is still a way back


def test_an_undone_run_that_is_old_enough_goes_with_all_that_it_kept(expired: str, data: Path, home: Path) -> None:
    layout = Layout(data)
    before, said = files_below(data), checksums_of(data)
    parts = [
        part.path for run in read_all_runs(layout) if run.run_id == expired for p in run.phases for part in p.parts
    ]
    ran = call("gc", "--yes", "--data", data)
    assert ran.code == 0, ran.err
    gone = before - files_below(data)
    assert set(parts) <= gone
    assert [path for path in gone if expired not in path and not path.startswith("warehouse/")] == []
    assert not any(expired in path and not path.endswith(f"{expired}/run.json") for path in files_below(data))
    assert checksums_of(data) == said
    (stub,) = [run for run in read_all_runs(layout) if run.run_id == expired]
    assert (stub.status, stub.phases) == ("removed", [])
    assert call("rollback", expired, "--yes", "--data", data).code == ExitCode.USAGE
    # All that counts is there, and the epochs still count every run.
    assert all(
        (data / part.path).exists()
        for table in ("store", "manifest")
        for part in committed_parts(read_runs(layout), table)
    )
    assert [run.epoch for run in read_all_runs(layout)] == [1, 2, 3, 4, 5]
    assert find_garbage(layout).is_nothing
    work_more(data, home, 1)


def test_what_is_restored_after_a_collection_is_what_was_there(
    expired: str, data: Path, home: Path, tmp_path: Path
) -> None:
    free(Layout(data), find_garbage(Layout(data)))
    ran = call("restore", "--to", tmp_path / "restored", "--data", data)
    assert ran.code == 0, ran.err
    for path in ("plans/a-plan.md", "history.jsonl"):
        assert (tmp_path / "restored" / path).read_bytes() == (home / path).read_bytes()


def test_a_chain_of_rollbacks_is_freed_as_one(undone: str, data: Path, home: Path) -> None:
    back(data, undone)
    first = read_all_runs(Layout(data))[0].run_id
    back(data, first)
    work_more(data, home, 2)
    make_older(data, 25)
    freed = [run.run_id for run in find_garbage(Layout(data)).runs]
    assert undone in freed
    assert len(freed) == 3  # and the two rollbacks that do not count any more
    assert call("gc", "--yes", "--data", data).code == 0
    assert [run.kind for run in read_runs(Layout(data))] == ["run", "rollback", "run", "run"]


def test_nothing_goes_before_it_is_said_and_confirmed(expired: str, data: Path, home: Path) -> None:
    before = files_below(data)
    shown = json.loads(call("gc", "--json", "--data", data).out)
    assert shown["done"] is False
    assert [run["run_id"] for run in shown["runs"]] == [expired]
    assert shown["size"] > 0
    assert call("gc", "--dry-run", "--yes", "--data", data).code == 0
    refused = call("gc", "--data", data)
    assert refused.code == ExitCode.USAGE
    assert "give --yes" in refused.err
    assert expired in refused.out
    assert files_below(data) == before
    assert json.loads(call("gc", "--json", "--yes", "--data", data).out)["done"] is True


def test_what_a_dead_run_left_goes_at_once(data: Path, home: Path) -> None:
    work(data, home)
    layout = Layout(data)
    (part,) = (layout.tables / "prompts").rglob("*.parquet")
    shutil.copy(part, part.with_name("phase-1-9.parquet"))
    (layout.staging / "dead").mkdir()
    (layout.staging / "dead" / "part").write_bytes(b"1234")
    found = find_garbage(layout)
    assert sorted(Path(one.path).name for one in found.leftovers) == ["dead", "phase-1-9.parquet"]
    assert found.size == part.stat().st_size + 4
    assert call("gc", "--yes", "--data", data).code == 0
    assert find_garbage(layout).is_nothing


def test_an_old_warehouse_goes_unless_somebody_has_it_open(data: Path, home: Path) -> None:
    work(data, home)
    layout = Layout(data)
    published = layout.warehouse.resolve()
    for name in ("20200101T000000Z-000001", "20200101T000000Z-000002", "20200101T000000Z-000003"):
        shutil.copy(published, layout.warehouses / f"{name}.duckdb")
    with duckdb.connect(str(layout.warehouses / "20200101T000000Z-000001.duckdb"), read_only=True):
        found = find_garbage(layout)
    assert found.in_use == ["warehouse/20200101T000000Z-000001.duckdb"]
    assert [one.path for one in found.warehouses] == ["warehouse/20200101T000000Z-000002.duckdb"]
    assert call("gc", "--yes", "--data", data).code == 0
    left = sorted(path.name for path in layout.warehouses.iterdir())
    assert left == ["20200101T000000Z-000003.duckdb", published.name]


POINTS = (
    "gc:before-record",
    "gc-record:before-rename",
    "gc:after-record",
    "gc:after-record@2",
    "sweep:removed",
    "sweep:removed@7",
    "gc:before-warehouse",
    "gc:done",
)


SOME = ("gc:after-record@2", "gc:before-warehouse")
"""Those of the suite; the soak has all of them."""


@pytest.mark.parametrize(
    "point", [point if point in SOME else pytest.param(point, marks=pytest.mark.soak) for point in POINTS]
)
def test_a_collection_that_is_killed_loses_nothing_and_is_finished_by_the_next_start(
    point: str, collectable: Path, data: Path, home: Path
) -> None:
    undone = copied(collectable, data, home)
    said = checksums_of(data)
    ran = start("gc", "--yes", "--data", data, env={"EXTRACT_FAIL_AT": f"{point}=kill"})
    assert ran.code == -signal.SIGKILL
    assert checksums_of(data) == said
    work(data, home)
    assert checksums_of(data) == said
    assert call("gc", "--yes", "--data", data).code == 0
    assert find_garbage(Layout(data)).is_nothing
    left = [path for path in files_below(data) if undone in path]
    assert left == [f"runs/{undone}/run.json"]
    work_more(data, home, 1)
