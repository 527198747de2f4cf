"""Restore refuses: paths that lead elsewhere, places that are homes, names that meet, bytes that are not right; and
stopped anywhere it leaves nothing that looks complete.
"""

import os
import shutil
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from models.errors import ConfigurationError, DiskFullError, ExitCode
from models.finding import Finding, Kind
from models.findings import restore as codes
from models.manifest import FileState
from pipelines.archive.archive import read_runs
from pipelines.archive.selection import Selection
from pipelines.disk.layout import Layout
from pipelines.disk.tree_target import DescriptorTarget, TreeTarget
from pipelines.restore.place import check_room
from pipelines.restore.plan import colliding_paths
from pipelines.restore.restore import RestoreRequest, RestoreResult, restore
from tests.restore.restoring import PROMPT, given_back
from tests.support import extract
from tests.trees import commit_again, forge, kept_of, parts_of, tree_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links, permissions and signals are those of POSIX")


def kinds(made: RestoreResult) -> set[Kind]:
    return {finding.kind for finding in made.findings}


def path_of(finding: Finding) -> str:
    """Return the path below its home, or below the data directory, that a finding is about."""
    return finding.address.partition(":")[2] or finding.address


FORGED = (
    b"../evil",
    b"/etc/evil",
    b"notes/../../evil",
    b"notes/./evil",
    b"notes//evil",
    b"",
    b".",
    b"..",
    b"notes/",
    b"evil\0",
    b"../data/runs/evil",
)


@pytest.mark.parametrize("path", FORGED)
@pytest.mark.parametrize("entry_type", ["file", "directory", "link"])
def test_a_forged_path_is_refused_and_the_rest_comes_back(
    home: Path, data: Path, target: Path, path: bytes, entry_type: str
) -> None:
    def change(state: FileState) -> None:
        if state.path == "notes/one.md":
            state.path_bytes, state.path = path, "forged"
            if entry_type != "file":
                state.entry_type, state.treatment, state.rule = entry_type, "inventory", entry_type
                state.link_target = b"/"

    forge(data, change)
    before = tree_of(target.parent)
    made = given_back(data, target)
    assert [(finding.kind, path_of(finding)) for finding in made.findings] == [(codes.UNSAFE_PATH, "forged")]
    assert made.exit_code == ExitCode.FIXITY
    expected = {name: entry for name, entry in tree_of(home).items() if name != b"notes/one.md"}
    assert tree_of(target) == expected
    shutil.rmtree(target)
    assert tree_of(target.parent) == before


@pytest.mark.parametrize("home_id", ["../evil", "..", "/evil", "a/b", ""])
def test_a_forged_name_of_a_home_is_refused(data: Path, target: Path, home_id: str) -> None:
    def change(state: FileState) -> None:
        if state.path == "notes/one.md":
            state.home_id = home_id

    forge(data, change)
    made = given_back(data, target)
    assert kinds(made) == {codes.UNSAFE_PATH}
    assert not list(target.parent.rglob("evil"))


def test_a_file_below_what_is_a_file_is_refused(data: Path, target: Path) -> None:
    def change(state: FileState) -> None:
        if state.path == "notes":
            state.path_bytes, state.path = b"gone", "gone"
        if state.path == "notes/one.md":
            state.path_bytes, state.path = b"notes", "notes"

    forge(data, change)
    made = given_back(data, target)
    assert kinds(made) == {codes.PATH_CONFLICT}
    assert (target / "notes").read_bytes() == b"one"
    assert {path_of(finding) for finding in made.findings} == {
        "notes/two.md", "notes/deep", "notes/deep/three.md", "notes/link",
    }  # fmt: skip


def test_a_link_is_made_last_and_nothing_is_written_through_it(data: Path, target: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def change(state: FileState) -> None:
        if state.path == "notes/deep":
            state.entry_type, state.rule, state.link_target = "link", "link", os.fsencode(elsewhere)

    forge(data, change)
    made = given_back(data, target)
    assert os.listdir(elsewhere) == []
    assert kinds(made) == {codes.PATH_CONFLICT}
    assert os.readlink(target / "notes" / "deep") == str(elsewhere)


@pytest.mark.parametrize("place", ["home", "home/below", "home/new/below", "data", "data/staging/below", ".", "full"])
def test_no_place_that_holds_anything_is_restored_to(home: Path, tmp_path: Path, place: str) -> None:
    data = tmp_path / "data"
    extract(data, home)  # of this home, not of the one that it is a copy of
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_bytes(b"mine")
    (home / "below").mkdir()
    before = tree_of(tmp_path)
    with pytest.raises(ConfigurationError):
        given_back(data, tmp_path / place)
    assert tree_of(tmp_path) == before


@pytest.mark.parametrize("name", [".claude", "home", "configured", "above/.claude/below", "link"])
def test_what_is_or_looks_like_a_home_is_not_restored_to_even_when_it_is_empty(
    home: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    extract(data, home)  # of this home, not of the one that it is a copy of
    shutil.rmtree(home)
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "configured"))
    (tmp_path / "link").symlink_to(home)
    for is_made in (False, True):
        if is_made and name != "link":
            (tmp_path / name).mkdir(parents=True)
        with pytest.raises(ConfigurationError, match="home"):
            given_back(data, tmp_path / name)
    assert not home.exists() or os.listdir(home) == []


def test_a_file_is_no_place_to_restore_to(data: Path, target: Path) -> None:
    target.write_bytes(b"mine")
    with pytest.raises(ConfigurationError, match="not a directory"):
        given_back(data, target)
    assert target.read_bytes() == b"mine"


def test_into_a_home_only_what_is_missing_is_added(home: Path, data: Path) -> None:
    whole = tree_of(home)
    (home / "notes" / "one.md").write_bytes(b"changed since")
    (home / "notes" / "two.md").unlink()
    shutil.rmtree(home / "notes" / "deep")
    (home / "notes" / "link").unlink()
    (home / "notes").chmod(0o700)
    before = tree_of(home)
    made = given_back(data, home, into_home=True)
    after = tree_of(home)
    added = {b"notes/two.md", b"notes/deep", b"notes/deep/three.md", b"notes/link"}
    assert after.keys() - before.keys() == added
    assert {path: after[path] for path in added} == {path: whole[path] for path in added}
    for path in before.keys() - {b"notes"}:
        assert after[path] == before[path]
    assert after[b"notes"].mode == 0o700
    assert (made.written.files, made.written.same, made.written.other, made.links) == (2, 3, 1, 1)
    assert made.findings == []


def test_into_a_home_that_is_gone_all_of_it_comes_back(home: Path, data: Path) -> None:
    whole = tree_of(home)
    shutil.rmtree(home)
    assert given_back(data, home, into_home=True).findings == []
    assert tree_of(home) == whole


def test_into_a_home_no_link_is_followed(home: Path, data: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.move(home / "notes", elsewhere)
    (home / "notes").symlink_to(elsewhere)
    shutil.rmtree(elsewhere / "deep")
    before = tree_of(elsewhere)
    made = given_back(data, home, into_home=True)
    assert kinds(made) == {codes.LINK_IN_THE_WAY}
    assert made.exit_code == ExitCode.INCOMPLETE
    assert tree_of(elsewhere) == before


def test_into_a_home_goes_one_home_at_a_time_and_into_nothing_else(home: Path, data: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(home, other, symlinks=True)
    extract(data, other)
    with pytest.raises(ConfigurationError, match="one home"):
        given_back(data, home, into_home=True)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_bytes(b"mine")
    with pytest.raises(ConfigurationError, match="not a home"):
        given_back(data, tmp_path / "full", into_home=True)


class FoldingTarget(DescriptorTarget):
    """A directory of a file system that ignores case and how accents are written, made of one that does not."""

    __slots__ = ()

    def _there(self, name: bytes) -> bytes:
        def fold(each: bytes) -> str:
            return unicodedata.normalize("NFC", each.decode(errors="surrogateescape")).casefold()

        names = (os.fsencode(entry.name) for entry in self.scan())
        return next((each for each in names if fold(each) == fold(name)), name)

    def directory(self, name: bytes) -> "FoldingTarget":
        return FoldingTarget(super().directory(self._there(name))._descriptor)

    def stat(self, name: bytes) -> os.stat_result:
        return super().stat(self._there(name))

    def make_directory(self, name: bytes) -> None:
        super().make_directory(self._there(name))

    def adopt(self, source: TreeTarget, source_name: bytes, name: bytes) -> None:
        super().adopt(source, source_name, self._there(name))


SPELLINGS = [b"Case", b"case", "\xe9".encode(), "e\u0301".encode(), b"alone"]


def spelled(home: Path) -> None:
    for name in SPELLINGS:
        place = os.path.join(os.fsencode(home), b"trees", name)
        os.makedirs(place)
        for path in (os.path.join(place, b"inner"), os.path.join(os.fsencode(home), b"trees", b"f" + name)):
            with open(path, "wb") as file:
                file.write(name)


def test_names_that_meet_are_refused_and_never_merged(home: Path, tmp_path: Path, target: Path) -> None:
    spelled(home)
    data = tmp_path / "data"
    extract(data, home)
    request = RestoreRequest(target, Selection(files=["trees"]))
    made = restore(Layout(data), request, opening=FoldingTarget.at)
    assert kinds(made) == {codes.NAME_COLLISION}
    assert made.exit_code == ExitCode.INCOMPLETE
    assert {path_of(finding) for finding in made.findings} == {"trees/case", "trees/fcase", "trees/\xe9", "trees/f\xe9"}
    kept = [b"Case", "e\u0301".encode(), b"alone"]
    restored = tree_of(target)
    assert restored.keys() == {b"trees", *(b"trees/" + n for n in kept), *(b"trees/f" + n for n in kept),
                               *(b"trees/" + n + b"/inner" for n in kept)}  # fmt: skip
    for name in kept:
        assert (target / "trees" / os.fsdecode(name) / "inner").read_bytes() == name


def test_into_a_home_a_name_that_meets_another_is_refused(home: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    extract(data, home)
    (home / "notes").rename(home / "NOTES")
    (home / "stats-cache.json").rename(home / "Stats-cache.json")
    before = tree_of(home)
    request = RestoreRequest(home, into_home=True)
    made = restore(Layout(data), request, opening=FoldingTarget.at)
    assert {path_of(finding) for finding in made.findings} == {"notes", "stats-cache.json"}
    assert kinds(made) == {codes.NAME_COLLISION}
    assert tree_of(home) == before


def test_names_that_would_meet_are_found_without_writing() -> None:
    paths = [
        (b"a", b"Case"),
        (b"a", b"case", b"x"),
        (b"b", b"case"),
        ("\xe9".encode(),),
        ("e\u0301".encode(),),
        (b"c",),
    ]
    assert colliding_paths(paths) == [[("e\u0301".encode(),), ("\xe9".encode(),)], [(b"a", b"Case"), (b"a", b"case")]]


def lose(path: Path) -> None:
    path.unlink()


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0x10
    path.chmod(0o600)
    path.write_bytes(content)


@pytest.mark.parametrize("harm", [lose, flip])
@pytest.mark.parametrize("table", ["store", "pieces", "extractions", "manifest"])
def test_damage_of_one_run_does_not_keep_back_what_others_hold(
    home: Path, target: Path, tmp_path: Path, harm: Callable[[Path], None], table: str
) -> None:
    data = tmp_path / "data"
    extract(data, home)  # of this home, not of the one that it is a copy of
    before = kept_of(tree_of(home))
    (home / "notes" / "one.md").write_bytes(b"another one")
    (home / "notes" / "four.md").write_bytes(b"four")
    with (home / "history.jsonl").open("ab") as file:
        file.write(PROMPT)
    extract(data, home)
    now = kept_of(tree_of(home))
    for part in parts_of(data, table):
        harm(part)
    made = given_back(data, target)
    # A manifest has a second copy, so that nothing is lost with one of them.
    is_lost = table != "manifest"
    assert made.exit_code == (ExitCode.FIXITY if is_lost else ExitCode.VERIFIED)
    assert (codes.ARCHIVE_DAMAGED in kinds(made)) == is_lost
    restored = {path: entry for path, entry in tree_of(target).items() if entry.kind == "file"}
    unharmed = {path for path in before if before[path].kind == "file" and before[path] == now[path]}
    assert unharmed <= restored.keys()
    for path, entry in restored.items():
        assert entry in (before.get(path), now.get(path)), path
    printed = {path_of(finding) for finding in made.findings}
    for path in now.keys() - restored.keys():
        assert now[path].kind != "file" or path.decode() in printed


def test_a_file_whose_digest_differs_is_not_written(home: Path, data: Path, target: Path) -> None:
    def change(state: FileState) -> None:
        if state.path == "notes/one.md":
            state.sha256 = "0" * 64

    forge(data, change)
    made = given_back(data, target)
    assert [(finding.kind, path_of(finding)) for finding in made.findings] == [(codes.DIGEST_DIFFERS, "notes/one.md")]
    assert tree_of(target).keys() == tree_of(home).keys() - {b"notes/one.md"}
    assert b"one" not in [path.read_bytes() for path in target.rglob("*") if path.is_file()]


def test_bytes_that_no_part_has_are_named_file_by_file(home: Path, data: Path, target: Path) -> None:
    run = read_runs(Layout(data))[-1]
    for phase in run.phases:
        if phase.phase == 8:
            phase.parts = [part for part in phase.parts if part.table != "store"]
    commit_again(Layout(data), run)
    made = given_back(data, target)
    assert kinds(made) == {codes.BYTES_LOST}
    assert (target / "history.jsonl").read_bytes() == PROMPT
    lost = {"notes/one.md", "notes/two.md", "notes/deep/three.md", "stats-cache.json"}
    assert {path_of(finding) for finding in made.findings} == lost


def test_a_commit_record_damaged_in_both_copies_does_not_keep_back_what_other_runs_hold(
    home: Path, target: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    extract(data, home)  # of this home, not of the one that it is a copy of
    before = tree_of(home)
    (home / "notes" / "four.md").write_bytes(b"four")
    second = extract(data, home)
    record = Layout(data).commit_record(second.run_id)
    flip(record)
    flip(Layout(data).copy_of(record))
    made = given_back(data, target)
    assert kinds(made) == {codes.ARCHIVE_DAMAGED}
    assert made.exit_code == ExitCode.FIXITY
    restored = tree_of(target)
    assert restored == before


def test_where_there_is_too_little_room_nothing_is_begun(target: Path) -> None:
    with pytest.raises(DiskFullError, match="nothing was written"):
        check_room(target / "not" / "there", 1 << 62, 1)
    check_room(target, 1, 1)
