"""Restore: files come back byte for byte, with times and modes, as of any run; and no others."""

import os
import random
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from extractors.reading.registry import PHASES, Classifier
from models.errors import ConfigurationError, ExitCode
from models.observer import Observer
from models.run import RunRecord
from models.text import printable_path
from pipelines.archive.selection import Selection
from pipelines.archive.session_paths import session_ids
from pipelines.demo.demo import grow_home, make_home
from pipelines.disk.layout import Layout
from pipelines.disk.tree_target import PathTarget
from pipelines.restore.restore import RestoreRequest, RestoreResult, restore
from pipelines.upkeep.rollback import plan_rollback, roll_back
from tests.support import extract, fixture_homes
from tests.trees import Tree, below, kept_of, tree_of, without_links

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links and permissions are those of POSIX")

WEEKS = 4


@dataclass(frozen=True)
class Week:
    """A home as it stood when a run was made over it."""

    run: RunRecord
    tree: Tree


@dataclass(frozen=True)
class History:
    """A home that grew for some weeks, with a run in each; the home as it is now, and the archive."""

    home: Path
    data: Path
    weeks: Sequence[Week]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    base = tmp_path_factory.mktemp("history")
    home, data = base / "home", base / "data"
    make_home(home, mb=1.2, seed=7)
    weeks = []
    for number in range(WEEKS):
        if number:
            grow_home(home, seed=number, fraction=0.05)
            _live_on(home, number)
        weeks.append(Week(extract(data, home), kept_of(tree_of(home))))
    return History(home, data, weeks)


def _live_on(home: Path, number: int) -> None:
    """Change a sample home as its weeks do not: modes change, types of entries change, files come back."""
    plan = min((home / "plans").iterdir())
    plan.chmod(0o400 if number % 2 else 0o644)
    empty = home / "session-env" / f"00000000-0000-4000-8000-00000000000{number}"
    empty.mkdir(mode=0o700)
    os.utime(empty, ns=(1_780_000_000_123_456_000 + number, 1_780_000_000_123_456_000 + number))
    turned = home / "downloads"
    if number % 2:
        shutil.rmtree(turned, ignore_errors=True)
        turned.write_bytes(b"a file now")
    else:
        turned.unlink()
        turned.mkdir()
        (turned / "below").write_bytes(b"a directory now")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "restored"


def give_back(
    data: Path, target: Path, *, as_of: str | None = None, **what: Sequence[str] | str | None
) -> RestoreResult:
    """Restore with links, and expect nothing to go wrong."""
    made = restore(Layout(data), RestoreRequest(target, Selection(**what), as_of, links=True))  # type: ignore[arg-type]
    assert made.findings == []
    assert made.exit_code == ExitCode.VERIFIED
    return made


@pytest.mark.parametrize("home", fixture_homes(), ids=lambda home: home.name)
def test_every_fixture_home_comes_back_as_it_was(home: Path, tmp_path: Path, target: Path) -> None:
    before = tree_of(home)
    extract(tmp_path / "data", home)
    made = give_back(tmp_path / "data", target)
    assert tree_of(target) == kept_of(before)
    assert made.written.files == sum(item.kind == "file" for item in kept_of(before).values())


def test_the_way_of_windows_gives_the_same(history: History, target: Path) -> None:
    made = restore(Layout(history.data), RestoreRequest(target, links=True), opening=PathTarget.at)
    assert made.findings == []
    assert tree_of(target) == history.weeks[-1].tree
    shutil.rmtree(target / "projects")
    (target / "history.jsonl").write_bytes(b"mine")
    added = restore(Layout(history.data), RestoreRequest(target, links=True, into_home=True), opening=PathTarget.at)
    assert added.findings == []
    assert added.written.other == 1
    restored = tree_of(target)
    assert {path for path, item in history.weeks[-1].tree.items() if restored.get(path) != item} == {b"history.jsonl"}


@pytest.mark.parametrize("number", range(WEEKS))
def test_a_home_is_restored_as_of_each_week(history: History, target: Path, number: int) -> None:
    week = history.weeks[number]
    give_back(history.data, target, as_of=week.run.run_id)
    assert tree_of(target) == week.tree
    assert any(item.kind == "directory" and not below_of(week.tree, path) for path, item in week.tree.items())


def below_of(tree: Tree, path: bytes) -> list[bytes]:
    return [each for each in tree if each.startswith(path + b"/")]


def test_the_weeks_differ_in_every_way_that_a_restore_must_tell_apart(history: History) -> None:
    first, last = history.weeks[0].tree, history.weeks[-1].tree
    assert first.keys() - last.keys()
    assert last.keys() - first.keys()
    assert any(first[path].held != last[path].held for path in first.keys() & last.keys())
    assert any(first[path].mode != last[path].mode for path in first.keys() & last.keys())
    assert {tree[b"downloads"].kind for tree in (last, history.weeks[2].tree)} == {"file", "directory"}


def a_point(history: History, target: Path, choice: random.Random) -> None:
    """Restore something as of some week and compare it with the home of that week."""
    week = choice.choice(history.weeks)
    tree = week.tree
    kind = choice.choice(("all", "phase", "file", "directory"))
    selection = Selection()
    expected: Tree = dict(tree)
    if kind == "phase":
        phase = choice.choice(sorted(PHASES))
        selection, expected = Selection(phases=[phase]), of_phase(tree, phase)
    elif kind != "all":
        path = choice.choice([path for path, item in tree.items() if item.kind == kind])
        selection, expected = Selection(files=[printable_path(path)]), below(tree, path)
    request = RestoreRequest(target, selection, week.run.run_id, links=True, expired=False)
    made = restore(Layout(history.data), request)
    assert made.findings == []
    assert (tree_of(target) if target.exists() else {}) == expected, (kind, selection, week.run.run_id)


def of_phase(tree: Tree, phase: int) -> Tree:
    classifier = Classifier()
    own = [path for path, item in tree.items() if classifier.place(printable_path(path), item.kind).phase == phase]
    wanted = set(own)
    for path in own:
        while path := path.rpartition(b"/")[0]:
            wanted.add(path)
    return {path: tree[path] for path in wanted}


@pytest.mark.parametrize("seed", range(12))
def test_any_path_is_restored_as_of_any_run(history: History, target: Path, seed: int) -> None:
    a_point(history, target, random.Random(seed))


@pytest.mark.soak
def test_a_thousand_random_points_are_restored_as_of_their_runs(history: History, tmp_path: Path) -> None:
    points, seed = int(os.environ.get("SOAK_POINTS", "1000")), random.randrange(1 << 32)
    for number in range(points):
        target = tmp_path / "restored"
        try:
            a_point(history, target, random.Random(f"{seed} {number}"))
        except AssertionError as error:
            raise AssertionError(f"random.Random('{seed} {number}')") from error
        shutil.rmtree(target, ignore_errors=True)
    print(f"did: {points:,} points, seed {seed}")


def test_without_links_everything_but_them_comes_back_and_they_are_counted(history: History, target: Path) -> None:
    made = restore(Layout(history.data), RestoreRequest(target))
    tree = history.weeks[-1].tree
    assert tree_of(target) == without_links(tree)
    assert made.plan.reasons()["link"] == len(tree) - len(without_links(tree)) > 0  # type: ignore[index]
    assert made.exit_code == ExitCode.VERIFIED


def test_what_was_withheld_or_only_listed_is_named_as_not_restorable(history: History, target: Path) -> None:
    made = restore(Layout(history.data), RestoreRequest(target))
    left = {(known.state.path, str(known.availability)) for known in made.plan.left_out}
    assert (".credentials.json", "withheld") in left
    assert any(path.startswith("plugins/cache/") and why == "listed" for path, why in left)
    assert not (target / ".credentials.json").exists()
    assert not (target / "plugins" / "cache").exists()


def expired_session(history: History) -> str:
    """Return a session whose transcript was in the first week and is gone in the last."""
    gone = history.weeks[0].tree.keys() - history.weeks[-1].tree.keys()
    return next(iter(sorted(session_ids(printable_path(path) for path in gone if path.startswith(b"projects/")))))


def test_an_expired_session_comes_back_with_all_that_belonged_to_it(history: History, target: Path) -> None:
    session = expired_session(history)
    made = give_back(history.data, target, session=session[:13])
    own = {path: item for path, item in history.weeks[0].tree.items() if session.encode() in path}
    restored = tree_of(target)
    assert made.chosen.session_id == session
    assert own.keys() <= restored.keys()
    for path, item in own.items():
        if path not in history.weeks[-1].tree and item.kind == "file":
            assert restored[path] == item


def test_expired_files_of_a_home_come_back_when_asked_for(history: History, target: Path) -> None:
    layout = Layout(history.data)
    without = restore(layout, RestoreRequest(target, dry_run=True))
    everything = restore(layout, RestoreRequest(target, expired=True))
    restored = tree_of(target)
    ever = {path: item for week in history.weeks for path, item in without_links(week.tree).items()}
    lost = {path for path, item in ever.items() if path not in restored and item.kind == "file"}
    assert lost == {b"downloads/below"}  # its directory is a file now, and it is given back beside that
    assert restored[b"downloads.expired-directory/below"] == ever[b"downloads/below"]
    assert without.plan.expired_count == everything.written.files - len(without.plan.files) > 0


def test_several_homes_get_a_directory_each(history: History, tmp_path: Path, target: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(history.home, other, symlinks=True)
    data = tmp_path / "data"
    extract(data, history.home, other)
    give_back(data, target)
    tree = kept_of(tree_of(history.home))
    assert tree_of(target / "home") == tree
    assert tree_of(target / "other") == kept_of(tree_of(other))
    assert sorted(os.listdir(target)) == ["home", "other"]
    give_back(data, tmp_path / "one", homes=["other"])
    give_back(data, tmp_path / "two", homes=[str(other)])
    assert tree_of(tmp_path / "one") == tree_of(tmp_path / "two") == tree


def test_a_date_means_the_last_run_by_then(history: History, target: Path) -> None:
    week = history.weeks[1]
    made = give_back(history.data, target, as_of=week.run.started_at)
    assert made.chosen.run.run_id == week.run.run_id
    assert tree_of(target) == week.tree


def test_a_dry_run_writes_nothing_and_counts_the_same(history: History, target: Path) -> None:
    dry = restore(Layout(history.data), RestoreRequest(target, links=True, dry_run=True))
    assert not target.exists()
    wet = give_back(history.data, target)
    counted = ("files", "bytes", "directories", "links", "not_restorable")
    assert {name: dry.to_json()[name] for name in counted} == {name: wet.to_json()[name] for name in counted}


def test_what_is_restored_lies_in_a_directory_of_its_owner_alone(history: History, target: Path) -> None:
    give_back(history.data, target)
    assert target.stat().st_mode & 0o777 == 0o700


def test_an_empty_directory_is_filled_and_nothing_else_is_left_in_it(history: History, target: Path) -> None:
    target.mkdir(mode=0o755)
    give_back(history.data, target)
    assert tree_of(target) == history.weeks[-1].tree
    assert target.stat().st_mode & 0o777 == 0o755


def test_the_archive_is_not_changed_by_a_restore(history: History, target: Path) -> None:
    before = tree_of(history.data)
    give_back(history.data, target)
    assert tree_of(history.data) == before


HOSTILE = (
    b"\xff\xfe not utf-8",
    b"new\nline",
    b"\x1b[31mred\x1b]0;t\x07",
    b"quote'\"`$(x)",
    b"-rf",
    b"*?[a]",
    b"n" * 255,
    "\u202e\u200b.txt".encode(),
    b"back\\slash",
    b" lead and trail ",
    b"...",
    b"INCOMPLETE-RESTORE-",
    "e\u0301".encode(),
    "\xe9".encode(),
    b"CON",
    b"Case",
    b"case",
)


@pytest.fixture
def hostile_home(tmp_path: Path) -> Path:
    home = tmp_path / "hostile"
    for name in HOSTILE:
        place = os.path.join(os.fsencode(home), b"odd", name)
        os.makedirs(place)
        for inner in HOSTILE:
            with open(os.path.join(place, inner), "wb") as file:
                file.write(inner * 3)
        os.symlink(b"../\xff\n", os.path.join(place, b"link"))
    return home


def test_hostile_names_come_back_as_they_were(hostile_home: Path, tmp_path: Path, target: Path) -> None:
    before = tree_of(hostile_home)
    extract(tmp_path / "data", hostile_home)
    give_back(tmp_path / "data", target)
    assert tree_of(target) == before


def test_a_hostile_name_is_asked_for_in_the_form_that_is_shown(
    hostile_home: Path, tmp_path: Path, target: Path
) -> None:
    extract(tmp_path / "data", hostile_home)
    wanted = [b"odd/%s/%s" % (name, name) for name in HOSTILE]
    give_back(tmp_path / "data", target, files=[printable_path(path) for path in wanted])
    assert tree_of(target) == below(tree_of(hostile_home), *wanted)


def test_odd_times_and_modes_come_back(tmp_path: Path, target: Path) -> None:
    home = tmp_path / "home"
    (home / "deep" / "er").mkdir(parents=True)
    for number, (mode, mtime) in enumerate(
        [(0o000, 1), (0o400, -86_400_000_000_001), (0o777, 4_102_444_800_999_999_999), (0o4755, 0)]
    ):
        file = home / "deep" / "er" / f"{number}"
        file.write_bytes(b"%d" % number)
        os.utime(file, ns=(mtime, mtime))
        file.chmod(mode)
    (home / "deep" / "er").chmod(0o500)
    (home / "deep").chmod(0o111 if os.geteuid() == 0 else 0o500)
    before = tree_of(home)
    extract(tmp_path / "data", home)
    give_back(tmp_path / "data", target)
    restored = tree_of(target)
    plain = before[b"deep/er/3"]
    assert plain.mode == 0o4755
    assert restored == {**before, b"deep/er/3": plain._replace(mode=0o755)}, "what gives rights is not given back"


def test_nothing_meant_is_a_mistake_of_the_caller_and_nothing_is_made(history: History, target: Path) -> None:
    for selection in (
        Selection(homes=["elsewhere"]),
        Selection(session="ffffffff-ffff-4fff-8fff-ffffffffffff"),
        Selection(session="00"),
        Selection(files=["projects/nothing"]),
        Selection(files=[""]),
    ):
        with pytest.raises(ConfigurationError):
            restore(Layout(history.data), RestoreRequest(target, selection))
    for as_of in ("2020-01-01", "yesterday", "2", ""):
        with pytest.raises(ConfigurationError):
            restore(Layout(history.data), RestoreRequest(target, as_of=as_of))
    assert not target.exists()


def test_what_a_rollback_undid_comes_back_when_its_run_is_named(tmp_path: Path, target: Path) -> None:
    home, layout = tmp_path / "home", Layout(tmp_path / "data")
    home.mkdir()
    runs, trees = [], []
    for number in range(3):
        (home / "notes.md").write_bytes(b"%d" % number)
        runs.append(extract(layout.root, home))
        trees.append(tree_of(home))
    roll_back(layout, plan_rollback(layout, runs[0].run_id), Observer())
    (home / "notes.md").write_bytes(b"after")
    runs.append(extract(layout.root, home))
    trees.append(tree_of(home))
    for number, run in enumerate(runs):
        place = tmp_path / f"as of {number}"
        if number in (1, 2):
            with pytest.raises(ConfigurationError, match="undone by a rollback"):
                restore(layout, RestoreRequest(place, as_of=run.run_id))
        assert restore(layout, RestoreRequest(place, as_of=run.run_id, undone=True)).findings == []
        assert tree_of(place) == trees[number]
    give_back(layout.root, target)
    assert tree_of(target) == trees[-1]
    dated = restore(layout, RestoreRequest(tmp_path / "new", as_of=runs[2].started_at, dry_run=True))
    assert dated.chosen.run.run_id == runs[0].run_id, "a date means a run that counts now"
