"""A path whose kind changes: its old generation expires, is reported, and is restored beside the new one."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from extractors.reading.registry import PHASES
from models.errors import ExitCode
from models.finding import Severity
from models.manifest import FileState
from pipelines.archive.archive import read_runs
from pipelines.archive.homes import HomeName
from pipelines.archive.listing import list_files
from pipelines.archive.manifests import read_manifest
from pipelines.archive.selection import Selection
from pipelines.disk.layout import Layout
from pipelines.disk.settings import Settings
from pipelines.drill.drill import DrillRequest, drill
from pipelines.restore.generations import Names
from pipelines.restore.restore import RestoreRequest, RestoreResult, restore
from pipelines.run.snapshot import take_snapshots
from pipelines.verify.verify import check
from tests.support import extract, warehouse_of
from tests.trees import parts_of

SESSION = "3fd192e1-4608-4d4e-a084-ebefc26337f3"
PROJECT = "projects/-home-mira-loom"
TRANSCRIPT = b'{"type":"user","uuid":"a","parentUuid":null,"message":{"role":"user","content":"hello"}}\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    (home / PROJECT).mkdir(parents=True)
    (home / PROJECT / f"{SESSION}.jsonl").write_bytes(TRANSCRIPT)
    (home / "notes.md").write_bytes(b"one")
    return home


def remove(path: Path) -> None:
    for each in sorted(path.rglob("*"), reverse=True):
        each.rmdir() if each.is_dir() and not each.is_symlink() else each.unlink()
    path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def states(data: Path, phase: int, path: str) -> dict[str, FileState]:
    """Return the rows of the newest manifest of a phase that name a path, by kind."""
    newest = [part for part in parts_of(data, "manifest") if part.name == f"phase-{phase}.parquet"]
    return {state.entry_type: state for part in newest for state in read_manifest(part) if state.path == path}


def given_back(data: Path, target: Path, *, expired: bool = True) -> RestoreResult:
    return restore(Layout(data), RestoreRequest(target, expired=expired, links=True))


def to_link(path: Path) -> None:
    path.symlink_to("/elsewhere")


def to_file(path: Path) -> None:
    path.write_bytes(b"a file now")


@pytest.mark.parametrize("replace", [to_link, to_file])
def test_a_directory_that_something_replaced_expires_and_is_given_back_beside_it(
    home: Path, tmp_path: Path, replace: Callable[[Path], None]
) -> None:
    data = tmp_path / "data"
    extract(data, home)
    remove(home / PROJECT)
    replace(home / PROJECT)
    extract(data, home)
    transcript = states(data, 7, f"{PROJECT}/{SESSION}.jsonl")["file"]
    assert (transcript.outcome, transcript.change) == ("expired", "vanished")
    assert states(data, 7, PROJECT)["directory"].outcome == "expired"
    made = given_back(data, tmp_path / "target")
    assert (made.findings, made.exit_code) == ([], ExitCode.VERIFIED)
    beside = tmp_path / "target" / f"{PROJECT}.expired-directory"
    assert (beside / f"{SESSION}.jsonl").read_bytes() == TRANSCRIPT
    assert made.plan.renamed == {PROJECT: "-home-mira-loom.expired-directory"}
    assert os.path.lexists(tmp_path / "target" / PROJECT)
    assert drill(Layout(data), DrillRequest()).findings == []
    assert [one for one in check(Layout(data)) if one.severity == Severity.ERROR] == []


def test_a_file_that_a_directory_replaced_expires_and_is_given_back_beside_it(home: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    extract(data, home)
    remove(home / "notes.md")
    (home / "notes.md").mkdir()
    (home / "notes.md" / "two.md").write_bytes(b"two")
    extract(data, home)
    assert states(data, 8, "notes.md")["file"].outcome == "expired"
    made = given_back(data, tmp_path / "target")
    assert made.findings == []
    assert (tmp_path / "target" / "notes.md" / "two.md").read_bytes() == b"two"
    assert (tmp_path / "target" / "notes.md.expired-file").read_bytes() == b"one"
    assert drill(Layout(data), DrillRequest()).findings == []
    with warehouse_of(data) as connection:
        found = connection.execute("SELECT state FROM files WHERE path = 'notes.md' AND entry_type = 'file'").fetchall()
    assert found == [("expired",)]


def test_what_a_link_replaced_stays_expired_when_the_link_is_gone_and_is_read_anew_when_it_is_back(
    home: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    extract(data, home)
    remove(home / "notes.md")
    (home / "notes.md").symlink_to("/elsewhere")
    extract(data, home)
    extract(data, home)
    (home / "notes.md").unlink()
    extract(data, home)
    found = states(data, 8, "notes.md")
    assert {kind: state.outcome for kind, state in found.items()} == {"file": "expired", "link": "expired"}
    made = given_back(data, tmp_path / "target")
    assert made.findings == []
    assert (tmp_path / "target" / "notes.md").read_bytes() == b"one"
    assert os.readlink(tmp_path / "target" / "notes.md.expired-link") == "/elsewhere"
    (home / "notes.md").write_bytes(b"other")
    extract(data, home)
    found = states(data, 8, "notes.md")
    assert (found["file"].outcome, found["file"].generation, found["link"].outcome) == ("intact", 2, "expired")


def test_without_expired_only_what_took_the_place_is_given_back(home: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    extract(data, home)
    remove(home / PROJECT)
    (home / PROJECT).write_bytes(b"a file now")
    extract(data, home)
    made = given_back(data, tmp_path / "target", expired=False)
    assert (made.plan.renamed, made.plan.expired_count) == ({}, 1)
    assert sorted(os.listdir(tmp_path / "target" / "projects")) == ["-home-mira-loom"]


def test_both_kinds_of_a_path_are_listed_with_their_own_contents(home: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    extract(data, home)
    remove(home / "notes.md")
    (home / "notes.md").symlink_to("/elsewhere")
    extract(data, home)
    listed = list_files(Layout(data), Selection(files=["notes.md"])).files
    assert [(str(each.archived.availability), len(each.versions)) for each in listed] == [("expired", 1), ("link", 0)]


def test_slices_of_one_value_pass_a_path_of_three_kinds(home: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    extract(data, home)
    for replace in (to_link, Path.mkdir, to_file):
        remove(home / "notes.md")
        replace(home / "notes.md")
        extract(data, home)
    assert sorted(states(data, 8, "notes.md")) == ["directory", "file", "link"]
    layout = Layout(data)
    runs = read_runs(layout)
    (snapshot,) = take_snapshots(layout, [HomeName("home", home)], runs, Settings(), tuple(PHASES))
    snapshot.at_a_time = 1
    slices = list(snapshot.slices(8))
    assert [item.path for part in slices for item in part.items].count("notes.md") == 1
    absent = [one.state.entry_type for part in slices for one in part.absent if one.state.path == "notes.md"]
    assert sorted(absent) == ["directory", "link"]


def state(kind: str, *, is_present: bool) -> FileState:
    outcome = "intact" if is_present else "expired"
    return FileState("h", "r", 8, "other", "x", b"x", kind, "archive", "rule", "none", outcome, "none", 0, 0, 0, 0, 0)


def test_a_name_beside_that_is_taken_is_not_taken_again() -> None:
    states = [
        ((b"x",), state("link", is_present=True)),
        ((b"x",), state("file", is_present=False)),
        ((b"x.expired-file",), state("file", is_present=True)),
    ]
    names = Names(states)
    assert [names.of(*one) for one in states] == [(b"x",), (b"x.expired-file-2",), (b"x.expired-file",)]


def test_two_kinds_that_are_both_there_make_no_way_for_one_another() -> None:
    states = [((b"x",), state("link", is_present=True)), ((b"x", b"y"), state("file", is_present=True))]
    assert Names(states).renamed() == {}
