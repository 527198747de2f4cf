"""The drill passes when everything is restored, reports gaps of the home itself, and fails on each loss."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from extractors.home.home import Home
from models.errors import ConfigurationError, ExitCode, LockedError
from models.finding import Kind
from models.findings import restore as codes
from models.manifest import FileState
from models.seal import unsealed
from pipelines.archive.archive import read_runs, writing
from pipelines.demo.demo import grow_home, make_home
from pipelines.disk.layout import Layout
from pipelines.drill.drill import DrillRequest, drill
from pipelines.drill.result import DrillResult
from pipelines.drill.resume import ResumeVerdict
from pipelines.drill.text import drill_text
from tests.drilling import drilled, path_of, write
from tests.support import extract, fixture_homes
from tests.trees import commit_again, forge, parts_of, tree_of


def kinds(made: DrillResult) -> set[Kind]:
    return {finding.kind for finding in made.findings}


@pytest.mark.parametrize("home", fixture_homes(), ids=lambda home: home.name)
def test_it_holds_for_every_fixture_home(home: Path, tmp_path: Path) -> None:
    made = drilled(tmp_path, home)
    assert made.findings == []
    assert (made.holds, made.exit_code) == (True, ExitCode.VERIFIED)
    assert made.homes[0].source.outcomes.keys() == {"intact"}


def test_it_holds_for_a_sample_home_that_grew_and_nothing_is_left_of_it(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    make_home(home, mb=1, seed=5)
    first = extract(data, home)
    grow_home(home, seed=1)
    extract(data, home)
    grow_home(home, seed=2)
    source, before = tree_of(home), tree_of(data)
    made = drill(Layout(data), DrillRequest())
    one = made.homes[0]
    assert made.findings == []
    assert one.restored.right["file"] == one.expected_files > 0
    assert {"intact", "appended", "modified", "missing"} <= one.source.outcomes.keys()
    assert one.expired_files > 0
    assert {ResumeVerdict.WHOLE, ResumeVerdict.EMPTY} <= one.verdicts().keys()
    assert one.gaps()["lines that do not parse"] > 0
    assert tree_of(home) == source
    assert made.record is not None
    added = {os.fsencode(path.relative_to(data)) for path in (made.record, made.record.with_suffix(".txt"))}
    assert tree_of(data).keys() - before.keys() - {b"writer.lock", b"checks.json"} == added
    assert drill(Layout(data), DrillRequest(as_of=first.run_id)).holds


def test_its_record_says_what_was_found_and_for_people_too(home: Path, tmp_path: Path) -> None:
    made = drilled(tmp_path, home)
    assert made.record is not None
    printed = json.loads(unsealed(made.record.read_bytes(), ".json"))
    text = unsealed(made.record.with_suffix(".txt").read_bytes(), ".txt").decode()
    assert printed == made.to_json()
    assert printed["holds"] is True
    assert printed["homes"][0]["sessions"][0]["verdict"] == "whole"
    assert text == drill_text(made)
    assert "PASSED" in text
    assert made.record.stat().st_mode & 0o777 == 0o600


def test_its_text_fits_eighty_columns_and_no_terminal_obeys_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    make_home(home, mb=1, seed=5)
    write(home / "\x1b[31mred\n.md", b"x")
    extract(tmp_path / "data", home)
    harm(parts_of(tmp_path / "data", "store"))
    text = drill_text(drill(Layout(tmp_path / "data"), DrillRequest()))
    assert "FAILED" in text
    assert "\x1b" not in text
    shown = [line for line in text.splitlines() if "/" not in line]
    assert len(shown) > 50
    assert max(map(len, shown)) <= 80


def harm(parts: Sequence[Path]) -> None:
    for part in parts:
        part.unlink()


def test_lost_bytes_make_it_fail_and_name_the_file(home: Path, tmp_path: Path) -> None:
    extract(tmp_path / "data", home)
    harm(parts_of(tmp_path / "data", "store"))
    made = drill(Layout(tmp_path / "data"), DrillRequest())
    assert (made.holds, made.exit_code) == (False, ExitCode.FIXITY)
    assert codes.BYTES_LOST in kinds(made)
    assert "notes/one.md" in {path_of(finding) for finding in made.findings}
    assert made.homes[0].sessions[0].verdict == ResumeVerdict.BROKEN
    assert "FAILED" in drill_text(made)


def test_changes_of_the_source_are_reported_and_no_failure(home: Path, tmp_path: Path) -> None:
    for name in ("grown", "changed", "gone"):
        write(home / "notes" / name, b"before")
    extract(tmp_path / "data", home)
    with (home / "notes" / "grown").open("ab") as file:
        file.write(b"more")
    (home / "notes" / "changed").write_bytes(b"AFTER!")
    (home / "notes" / "gone").unlink()
    made = drill(Layout(tmp_path / "data"), DrillRequest())
    assert made.holds
    assert made.homes[0].source.outcomes == {"intact": 2, "appended": 1, "modified": 1, "missing": 1}
    text = drill_text(made)
    assert all(printed in text for printed in ("2 the same", "1 grown since", "1 changed since", "1 gone since"))


def test_a_missing_home_is_named(home: Path, tmp_path: Path) -> None:
    extract(tmp_path / "data", home)
    shutil.move(home, tmp_path / "moved")
    made = drill(Layout(tmp_path / "data"), DrillRequest())
    assert made.holds
    assert made.homes[0].source.problem == "not here now"
    assert "not here now" in drill_text(made)


@pytest.mark.parametrize("young", [True, False])
def test_content_that_differs_though_nothing_says_so_makes_it_fail(home: Path, tmp_path: Path, young: bool) -> None:
    def change(state: FileState) -> None:
        if state.path == "notes/one.md":
            stat = (home / "notes" / "one.md").stat()
            state.mtime_ns, state.ctime_ns = stat.st_mtime_ns, stat.st_ctime_ns

    layout = Layout(tmp_path / "data")
    extract(layout.root, home)
    (home / "notes" / "one.md").write_bytes(b"ONE")
    forge(layout.root, change)
    if not young:  # times of just before a run prove nothing: a write may have been under way
        run = read_runs(layout)[-1]
        run.started_at = "2099-01-01T00:00:00+00:00"
        commit_again(layout, run)
    made = drill(layout, DrillRequest())
    assert kinds(made) == (set() if young else {codes.SOURCE_DIFFERS})
    assert made.exit_code == (ExitCode.VERIFIED if young else ExitCode.FIXITY)


@pytest.mark.parametrize("change", ["content", "mode", "time", "gone", "kind", "more"])
def test_what_was_restored_is_looked_at_once_more_by_itself(home: Path, tmp_path: Path, change: str) -> None:
    from models.observer import Observer
    from pipelines.drill.compare import compare_restored
    from pipelines.restore.restore import RestoreRequest, restore

    extract(tmp_path / "data", home)
    target = tmp_path / "restored"
    made = restore(Layout(tmp_path / "data"), RestoreRequest(target))
    expected = {item.state.path_bytes: item.state for item in made.plan.files}
    expected |= {state.path_bytes: state for state in made.plan.directories.values() if state is not None}
    assert compare_restored("home", target, expected, set(), Observer()).findings == []
    file = target / "notes" / "one.md"
    wanted = {
        "content": codes.CONTENT_DIFFERS,
        "mode": codes.MODE_DIFFERS,
        "time": codes.TIME_DIFFERS,
        "gone": codes.NOT_THERE,
        "kind": codes.NOT_THERE,
        "more": codes.UNEXPECTED,
    }[change]
    result, above = file.stat(), file.parent.stat()
    if change == "content":
        file.write_bytes(b"ONE")
        os.utime(file, ns=(result.st_mtime_ns, result.st_mtime_ns))
    elif change == "mode":
        file.chmod(0o640)
    elif change == "time":
        os.utime(file, ns=(1, result.st_mtime_ns + 1))
    elif change == "more":
        (file.parent / "more").write_bytes(b"")
    else:
        file.unlink()
    if change == "kind":
        file.mkdir()
    os.utime(file.parent, ns=(above.st_mtime_ns, above.st_mtime_ns))
    found = compare_restored("home", target, expected, set(), Observer()).findings
    assert [finding.kind for finding in found] == [wanted]
    with Home(target) as opened:
        assert opened.root == target


def test_several_homes_are_drilled_each_for_itself_and_one_alone_when_named(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(home, other)
    write(other / "notes" / "two.md", b"two")
    made = drilled(tmp_path, home, other)
    assert [(one.home_id, one.expected_files) for one in made.homes] == [("home", 2), ("other", 3)]
    assert made.holds
    alone = drill(Layout(tmp_path / "data"), DrillRequest(homes=["other"]))
    assert [(one.home_id, one.expected_files) for one in alone.homes] == [("other", 3)]


def test_another_place_is_left_as_it_was_found(home: Path, tmp_path: Path) -> None:
    extract(tmp_path / "data", home)
    (tmp_path / "there").mkdir()
    assert drill(Layout(tmp_path / "data"), DrillRequest(target=tmp_path / "there")).holds
    assert os.listdir(tmp_path / "there") == []
    assert drill(Layout(tmp_path / "data"), DrillRequest(target=tmp_path / "new")).holds
    assert not (tmp_path / "new").exists()
    with pytest.raises(ConfigurationError):
        drill(Layout(tmp_path / "data"), DrillRequest(target=home / "below"))


def test_directories_that_nobody_may_write_to_are_removed_again(home: Path, tmp_path: Path) -> None:
    (home / "notes").chmod(0o500)
    made = drilled(tmp_path, home)
    (home / "notes").chmod(0o700)
    assert made.holds
    assert os.listdir(tmp_path / "data" / "staging") == []


def test_it_waits_for_nobody_who_writes(home: Path, tmp_path: Path) -> None:
    extract(tmp_path / "data", home)
    with writing(Layout(tmp_path / "data"), "a run"), pytest.raises(LockedError):
        drill(Layout(tmp_path / "data"), DrillRequest())
    with writing(Layout(tmp_path / "data"), "a run"):
        assert drill(Layout(tmp_path / "data"), DrillRequest(target=tmp_path / "there")).holds
