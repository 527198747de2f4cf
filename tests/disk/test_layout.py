"""The default place of the data directory, and the files that every data directory gets."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.disk.default_place import checkout_of
from pipelines.disk.layout import Layout
from pipelines.verify.verify import check
from tests.support import extract, fixture_homes

DECLARATION = '[project]\nname = "claude-code-warehouse"\n'
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the user's data directory is named by XDG_DATA_HOME")


def make_checkout(place: Path) -> Path:
    """Make the files by which a checkout of this project is recognised, with a folder in it; return the folder."""
    folder = place / "notebooks" / "mine"
    folder.mkdir(parents=True)
    (place / "pyproject.toml").write_text(DECLARATION, encoding="utf-8")
    return folder


@linux_only
def test_outside_a_checkout_the_data_directory_is_the_same_wherever_the_command_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    found = set()
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        found.add(Layout.of(None).root)
    assert found == {tmp_path / "share" / "claude-code-warehouse"}
    assert not (tmp_path / "share").exists()


def test_in_a_checkout_the_data_directory_is_its_own_from_any_folder_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (make_checkout(tmp_path / "clone"), tmp_path / "clone"):
        monkeypatch.chdir(place)
        assert Layout.of(None).root == tmp_path / "clone" / "data"


@pytest.mark.parametrize("declaration", ['[project]\nname = "another"\n', "[project", "project = 1\n", "\xff"])
def test_a_project_that_is_another_or_cannot_be_read_is_no_checkout(tmp_path: Path, declaration: str) -> None:
    (tmp_path / "pyproject.toml").write_text(declaration, encoding="latin-1")
    assert checkout_of(tmp_path) is None


def test_the_option_wins_over_the_variable_and_the_variable_over_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(make_checkout(tmp_path))
    monkeypatch.setenv("EXTRACT_DATA", str(tmp_path / "variable"))
    assert Layout.of(None).root == tmp_path / "variable"
    assert Layout.of(tmp_path / "option").root == tmp_path / "option"


def test_git_sees_nothing_of_a_data_directory_and_verify_takes_its_file_for_ours(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    extract(tmp_path / "archive", fixture_homes()[0])
    seen = subprocess.run(
        ["git", "-C", str(tmp_path), "status", "--porcelain", "--untracked-files=all"], check=True, capture_output=True
    )
    assert seen.stdout == b""
    assert (tmp_path / "archive" / ".gitignore").read_text(encoding="ascii") == "*\n"
    findings = check(Layout(tmp_path / "archive"))
    assert [one for one in findings if one.address == ".gitignore"] == []
    (tmp_path / "archive" / ".gitignore").chmod(0o644)
    (loose,) = [one for one in check(Layout(tmp_path / "archive")) if one.address == ".gitignore"]
    assert loose.kind.code == "F102"


def test_a_gitignore_that_lets_git_in_is_written_again(tmp_path: Path) -> None:
    Layout(tmp_path).ignore_file.write_text("*\n!notes.md\n", encoding="utf-8")
    Layout(tmp_path).prepare()
    assert Layout(tmp_path).ignore_file.read_text(encoding="utf-8") == "*\n"
