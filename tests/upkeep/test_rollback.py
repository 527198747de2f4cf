"""Rollback: the state as of a run is the current one again, nothing is deleted, and everything else follows."""

import json
import os
import shutil
import signal
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import ConfigurationError, ExitCode
from models.observer import Observer
from models.run import RunRecord, in_effect
from pipelines.archive.archive import Archive, committed_parts, read_all_runs, read_runs
from pipelines.archive.store import StoreReader
from pipelines.disk.layout import Layout
from pipelines.run.extraction import Request
from pipelines.run.pipeline import run_job
from pipelines.upkeep.rollback import plan_rollback, roll_back
from tests.command_line import call, make_home, prompt, start
from tests.logical_checksum import checksums_of

RECORDS = st.lists(st.integers(0, 20), max_size=12)


def records(rollbacks: list[int]) -> list[RunRecord]:
    """Return a history: for each number an ordinary run, or (from 10 on) a rollback to the run of that place."""
    made: list[RunRecord] = []
    for number in rollbacks:
        epoch = len(made) + 1
        record = RunRecord(f"r{epoch}", epoch, "complete", "", None, "", False, {})
        if number >= 10 and made:
            record.kind, record.back_to = "rollback", made[number % len(made)].run_id
        made.append(record)
    return made


@settings(max_examples=150)
@given(RECORDS)
def test_a_rollback_makes_count_what_counted_then(history: list[int]) -> None:
    runs = records(history)
    for number, run in enumerate(runs):
        then = [one.run_id for one in in_effect(runs, run.run_id)]
        assert then == [one.run_id for one in in_effect(runs[: number + 1])]
        assert then[-1] == run.run_id
        if run.kind == "rollback":
            assert then[:-1] == [one.run_id for one in in_effect(runs, run.back_to)]
        else:
            assert then[:-1] == ([one.run_id for one in in_effect(runs[:number])])


def work(data: Path, home: Path) -> RunRecord:
    """Do a whole run."""
    return run_job(Layout(data), Request([("mine", home)]), Observer()).run


def back(data: Path, run: str) -> RunRecord:
    """Roll back to a run."""
    return roll_back(Layout(data), plan_rollback(Layout(data), run), Observer())


def files_below(data: Path) -> set[str]:
    """Return every committed part and record that is there."""
    return {
        str(path.relative_to(data))
        for base in ("store", "tables", "runs")
        for path in (data / base).rglob("*")
        if path.is_file()
    }


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data directory."""
    return tmp_path / "data"


@dataclass(frozen=True)
class Grown:
    """A home and its archive of two runs, a plan edited between them; and the rows of the warehouse after each."""

    home: Path
    data: Path
    first: str
    second: str
    then: dict[str, tuple[int, int]]
    now: dict[str, tuple[int, int]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Grown:
    """Made once."""
    base = tmp_path_factory.mktemp("grown")
    home, data = make_home(base / "home"), base / "data"
    first = work(data, home)
    then = checksums_of(data)
    (home / "plans" / "a-plan.md").write_bytes(b"# Another plan\n")
    second = work(data, home)
    return Grown(home, data, first.run_id, second.run_id, then, checksums_of(data))


@pytest.fixture
def grown(made: Grown, tmp_path: Path) -> Grown:
    """A copy of both for a test."""
    home, data = tmp_path / "grown-home", tmp_path / "grown"
    shutil.copytree(made.home, home, symlinks=True)
    shutil.copytree(made.data, data, symlinks=True)
    return replace(made, home=home, data=data)


def test_the_state_as_of_a_run_is_the_current_one_again_and_nothing_is_deleted(data: Path, home: Path) -> None:
    first = work(data, home)
    then = checksums_of(data)
    with (home / "history.jsonl").open("ab") as file:
        file.write(prompt("three", 4))
    second = work(data, home)
    now, before = checksums_of(data), files_below(data)
    assert now != then
    made = back(data, first.run_id)
    assert (made.kind, made.back_to, made.status) == ("rollback", first.run_id, "complete")
    assert checksums_of(data) == then
    assert [run.run_id for run in read_runs(Layout(data))] == [first.run_id, made.run_id]
    assert before <= files_below(data)
    # The files of undone runs stay through later runs, too.
    work(data, home)
    assert before <= files_below(data)
    assert second.run_id in [run.run_id for run in read_all_runs(Layout(data))]


def test_an_undone_run_can_be_brought_back(grown: Grown) -> None:
    data = grown.data
    undoing = back(data, grown.first)
    back(data, grown.second)
    assert checksums_of(data) == grown.now
    back(data, undoing.run_id)
    assert [run.run_id for run in read_runs(Layout(data)) if run.kind == "run"] == [grown.first]


def test_a_run_after_a_rollback_reads_again_from_the_older_watermarks(data: Path, home: Path) -> None:
    first = work(data, home)
    with (home / "history.jsonl").open("ab") as file:
        file.write(prompt("three", 4))
    second = work(data, home)
    now = checksums_of(data)
    back(data, first.run_id)
    third = work(data, home)
    assert checksums_of(data) == now
    read_before, read_again = (
        next(phase.sources["history"].bytes_read for phase in run.phases if phase.phase == 1) for run in (second, third)
    )
    assert read_again == read_before > 0


def test_what_an_undone_run_stored_is_stored_again_so_that_it_can_go(data: Path, home: Path) -> None:
    """The pieces of the runs that count hold everything that their recipes name, whatever undone runs keep."""
    first = work(data, home)
    text = b"never seen before\n" * 100
    (home / "plans" / "b-plan.md").write_bytes(text)
    with (home / "history.jsonl").open("ab") as file:
        file.write(prompt("three", 4))
    second = work(data, home)
    back(data, first.run_id)
    third = work(data, home)
    layout = Layout(data)
    # The undone run's parts are taken away altogether, as `extract gc` does in time.
    for part in (part for phase in second.phases for part in phase.parts):
        (data / part.path).unlink()
    reader = StoreReader(layout, Archive.open(layout).runs(), Archive.open(layout).seed)
    for state in reader.files():
        if state.file_id is not None and state.entry_type == "file":
            given_back = b"".join(reader.read_range(state.file_id, 0, state.size))
            assert given_back == (home / os.fsdecode(state.path_bytes)).read_bytes()
    assert committed_parts([third], "message_texts")


def test_files_are_given_back_as_of_runs_that_count(grown: Grown, tmp_path: Path) -> None:
    data = grown.data
    made = back(data, grown.first)
    for number, as_of in enumerate(([], ["--as-of", grown.first], ["--as-of", made.run_id])):
        target = tmp_path / f"restored-{number}"
        ran = call("restore", "--to", target, "--file", "plans/a-plan.md", *as_of, "--data", data)
        assert ran.code == 0, ran.err
        assert (target / "plans" / "a-plan.md").read_bytes() == b"# A plan\n"
    ran = call("restore", "--to", tmp_path / "no", "--as-of", grown.second, "--data", data)
    assert ran.code == ExitCode.USAGE


def test_the_report_is_that_of_the_newest_run_that_counts(grown: Grown) -> None:
    data = grown.data
    back(data, grown.first)
    assert grown.first in call("report", "--path", "--data", data).out
    assert grown.second in call("report", grown.second, "--path", "--data", data).out
    assert call("status", "--data", data).code == 0


def test_a_rollback_to_the_current_state_changes_nothing(data: Path, home: Path) -> None:
    work(data, home)
    last = work(data, home)
    before = files_below(data)
    ran = call("rollback", last.run_id, "--yes", "--data", data)
    assert (ran.code, ran.err) == (0, "")
    assert "is already the current one" in ran.out
    assert files_below(data) == before


def test_nothing_is_changed_before_it_is_confirmed(grown: Grown) -> None:
    data = grown.data
    before = files_below(data)
    ran = call("rollback", grown.first, "--data", data)
    assert ran.code == ExitCode.USAGE
    assert "give --yes" in ran.err
    assert grown.second in ran.out
    shown = call("rollback", grown.first, "--json", "--data", data)
    assert shown.code == 0
    document = json.loads(shown.out)
    assert document["done"] is False
    assert [run["run_id"] for run in document["undone"]] == [grown.second]
    assert files_below(data) == before
    done = json.loads(call("rollback", grown.first, "--json", "--yes", "--data", data).out)
    assert done["done"] is True
    assert done["run_id"] == read_runs(Layout(data))[-1].run_id


@pytest.mark.parametrize("text", ["20", "nothing", ""])
def test_a_run_that_is_none_or_several_is_refused(text: str, grown: Grown) -> None:
    ran = call("rollback", text, "--yes", "--data", grown.data)
    assert ran.code == ExitCode.USAGE
    assert "runs begin with 20" in ran.err if text == "20" else "there is no run" in ran.err


def test_a_rollback_is_refused_when_another_run_came_in_between(grown: Grown) -> None:
    planned = plan_rollback(Layout(grown.data), grown.first)
    work(grown.data, grown.home)
    with pytest.raises(ConfigurationError, match="same command again"):
        roll_back(Layout(grown.data), planned, Observer())


POINTS = (
    "commit-copy:before-write@2",
    "rollback:before-commit",
    "rollback:after-commit",
    "publish:before-link",
    "rollback:before-completion",
)


WAYS = ("kill", "raise", "enospc")
EVERY_WAY = [(point, kind) for point in POINTS for kind in WAYS]
SOME = list(zip(POINTS, ("kill", *WAYS), strict=False))
"""Those of the suite; the soak has all of them."""


@pytest.mark.parametrize(
    ("point", "kind"),
    [*SOME, *(pytest.param(*one, marks=pytest.mark.soak) for one in EVERY_WAY if one not in SOME)],
)
def test_a_rollback_that_died_anywhere_is_made_whole_by_the_next_start(
    point: str, kind: str, grown: Grown, tmp_path: Path
) -> None:
    data = grown.data
    ran = start("rollback", grown.first, "--yes", "--data", data, env={"EXTRACT_FAIL_AT": f"{point}={kind}"})
    assert ran.code == {"kill": -signal.SIGKILL, "raise": 1, "enospc": ExitCode.DISK}[kind]
    shutil.copytree(data, tmp_path / "other", symlinks=True)
    # Either the same command again …
    assert call("rollback", grown.first, "--yes", "--data", data).code == 0
    assert checksums_of(data) == grown.then
    assert all(run.status == "complete" for run in read_runs(Layout(data)))
    assert call("verify", "--data", data).code == 0
    # … or a run, which reads the undone files again.
    work(tmp_path / "other", grown.home)
    assert checksums_of(tmp_path / "other") == grown.now


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="a descriptor tells its path in /proc only")
@pytest.mark.parametrize("doing", ["a run", "a rollback"])
def test_the_name_of_a_new_run_is_on_the_disk_before_anything_says_that_it_is_committed(
    doing: str, data: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = work(data, home)
    forced, fsync = [], os.fsync

    def noted(descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        forced.append((path, {one.name for one in Layout(data).runs.iterdir()}, path.with_name("run.json").exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    made = work(data, home) if doing == "a run" else back(data, first.run_id)
    monkeypatch.undo()
    named = [number for number, (path, names, _) in enumerate(forced) if path == data / "runs" and made.run_id in names]
    committed = [number for number, (path, _, there) in enumerate(forced) if path.parent.name == made.run_id and there]
    assert named
    assert committed
    assert named[0] < committed[0]
