"""Which homes a run reads without --home: those that the archive remembers, and the usual one of the machine."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.errors import ConfigurationError
from models.observer import Observer
from pipelines.archive.homes import read_homes
from pipelines.disk.layout import Layout
from pipelines.run.extraction import Request
from pipelines.run.pipeline import run_job
from pipelines.run.request import homes_to_read
from pipelines.run.usual_places import overview, usual_places, wsl_mounts
from pipelines.verify.verify import check
from tests.command_line import call, make_home


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place with the homes `mine` and `laptop`, and with an archive that knows them by that place."""
    place = tmp_path_factory.mktemp("made") / "place"
    homes = [(name, make_home(place / name)) for name in ("mine", "laptop")]
    run_job(Layout(place / "data"), Request(homes), Observer())
    return place


@pytest.fixture
def tmp_path(made: Path) -> Iterator[Path]:
    """The place itself, since the archive knows its homes by their paths; each test finds it as it was made."""
    kept = made.with_name("kept")
    if not kept.exists():
        shutil.copytree(made, kept, symlinks=True)
    (made / "data").rename(made / "kept-data")
    yield made
    shutil.rmtree(made)
    shutil.copytree(kept, made, symlinks=True)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The archive that knows both homes."""
    (tmp_path / "kept-data").rename(tmp_path / "data")
    return tmp_path / "data"


def read_by(*arguments: str | Path) -> dict[str, str]:
    """Run, and return the homes that were read."""
    homes: dict[str, str] = json.loads(call("run", *arguments, "--json").out)["homes"]
    return homes


def test_a_run_without_a_home_reads_every_home_that_was_named_before_and_the_usual_one(
    data: Path, tmp_path: Path
) -> None:
    usual = make_home(tmp_path / "nobody" / ".claude")
    expected = {"mine": str(tmp_path / "mine"), "laptop": str(tmp_path / "laptop"), "claude": str(usual)}
    assert read_by("--data", data) == expected
    assert read_by("--data", data) == expected


def test_a_home_that_is_not_found_is_named_and_makes_the_run_incomplete(data: Path, tmp_path: Path) -> None:
    (tmp_path / "laptop").rename(tmp_path / "elsewhere")
    ran = call("run", "--data", data)
    assert ran.code == 5
    assert f"not read: the home {tmp_path / 'laptop'} is not there" in ran.lines
    assert "1 home not found: laptop" in call("report", "--data", data).out
    assert "Incomplete" in call("report", "--data", data).out
    records = [json.loads(path.read_text()) for path in (data / "runs").glob("*/run.json")]
    record = max(records, key=lambda record: int(record["epoch"]))
    assert record["homes_not_found"] == {"laptop": f"the home {tmp_path / 'laptop'} is not there"}
    assert list(record["homes"]) == ["mine"]


def test_an_empty_directory_is_a_home_only_when_it_is_named(data: Path, tmp_path: Path) -> None:
    (tmp_path / "laptop").rename(tmp_path / "elsewhere")
    (tmp_path / "laptop").mkdir()
    (tmp_path / "nobody" / ".claude").mkdir(parents=True)
    assert read_by("--data", data) == {"mine": str(tmp_path / "mine")}
    assert read_by("--data", data, "--home", tmp_path / "laptop") == {"laptop": str(tmp_path / "laptop")}


def test_without_any_home_nothing_is_done_and_every_place_that_was_looked_at_is_named(tmp_path: Path) -> None:
    (tmp_path / "nobody" / ".claude").mkdir(parents=True)
    ran = call("run", "--data", tmp_path / "data")
    assert (ran.code, ran.out) == (2, "")
    assert f"{tmp_path / 'nobody' / '.claude'} is an empty directory" in ran.err
    assert not (tmp_path / "data").exists()


def test_a_home_is_named_by_its_id_once_it_is_known(data: Path, tmp_path: Path) -> None:
    assert read_by("--data", data, "--home", "laptop") == {"laptop": str(tmp_path / "laptop")}


def test_a_home_that_was_removed_is_passed_over_until_it_is_added_again(data: Path, tmp_path: Path) -> None:
    assert call("home", "remove", "laptop", "--data", data).code == 0
    assert read_by("--data", data) == {"mine": str(tmp_path / "mine")}
    assert "removed: no run reads it" in call("status", "--data", data).out
    assert [row for row in call("files", "--data", data, "--home", "laptop").lines if "history.jsonl" in row]
    assert call("home", "add", f"laptop={tmp_path / 'laptop'}", "--data", data).code == 0
    assert set(read_by("--data", data)) == {"mine", "laptop"}


def test_the_usual_home_of_the_machine_can_be_removed_too(data: Path, tmp_path: Path) -> None:
    make_home(tmp_path / "nobody" / ".claude")
    assert "claude" in read_by("--data", data)
    call("home", "remove", "claude", "--data", data)
    assert set(read_by("--data", data)) == {"mine", "laptop"}


def test_a_home_reached_by_two_paths_is_read_once_under_the_id_that_it_has(data: Path, tmp_path: Path) -> None:
    (tmp_path / "nobody").mkdir()
    (tmp_path / "nobody" / ".claude").symlink_to(tmp_path / "mine", target_is_directory=True)
    assert set(read_by("--data", data)) == {"mine", "laptop"}


def test_a_name_is_shown_and_changes_no_id(data: Path) -> None:
    assert call("home", "rename", "laptop", "The old laptop", "--data", data).code == 0
    assert call("home", "rename", "The old laptop", "The old laptop", "--data", data).code == 0
    assert call("home", "list", "--data", data).lines[0].startswith("laptop (The old laptop): ")
    assert "home laptop (The old laptop): " in call("status", "--data", data).out
    assert "laptop" in read_by("--data", data)
    assert check(Layout(data)) == []
    call("home", "rename", "laptop", "", "--data", data)
    assert read_homes(Layout(data))["laptop"].name is None


@pytest.mark.parametrize("name", ["two\nlines", "\x1b[31mred", "x" * 81])
def test_a_name_that_a_terminal_would_obey_is_refused(data: Path, name: str) -> None:
    assert call("home", "rename", "laptop", name, "--data", data).code == 2


@pytest.mark.parametrize("words", [("remove", "other"), ("rename", "other", "x")])
def test_an_unknown_home_is_refused_with_the_known_ones(data: Path, words: tuple[str, ...]) -> None:
    ran = call("home", *words, "--data", data)
    assert ran.code == 2
    assert "it knows laptop, mine" in ran.err


def test_a_home_can_be_added_before_the_first_run(home: Path, tmp_path: Path) -> None:
    assert call("home", "add", f"mine={home}", "--data", tmp_path / "data").code == 0
    (listed,) = json.loads(call("home", "list", "--data", tmp_path / "data", "--json").out)["homes"]
    assert (listed["home_id"], listed["last_run_at"], listed["problem"]) == ("mine", None, None)
    assert read_by("--data", tmp_path / "data") == {"mine": str(home)}


def test_a_directory_of_something_else_is_not_added(tmp_path: Path) -> None:
    (tmp_path / "other" / "letters").mkdir(parents=True)
    assert call("home", "add", tmp_path / "other", "--data", tmp_path / "data").code == 2
    assert not (tmp_path / "data").exists()


def test_the_sample_home_is_never_mixed_with_the_home_of_the_machine(tmp_path: Path) -> None:
    assert call("demo", "--mb", "0.2", "--data", tmp_path / "data").code == 0
    assert call("run", "--data", tmp_path / "data", "--quiet").code == 0
    make_home(tmp_path / "nobody" / ".claude")
    ran = call("run", "--data", tmp_path / "data")
    assert ran.code == 2
    assert "is the archive of the sample home" in ran.err


def test_without_a_home_dev_run_makes_the_sample_once_and_goes_on_with_it(tmp_path: Path) -> None:
    first = call("run", "--or-demo", "--data", tmp_path / "data")
    assert first.code == 0
    assert first.lines[0] == f"Sample home: {tmp_path / 'data-demo' / 'home'}"
    assert "damaged on purpose" in first.out
    second = call("run", "--or-demo", "--data", tmp_path / "data", "--json")
    assert second.code == 0
    assert list(json.loads(second.out)["homes"]) == ["demo"]


def test_dev_run_makes_no_sample_beside_a_home(home: Path, tmp_path: Path) -> None:
    make_home(tmp_path / "nobody" / ".claude")
    assert list(read_by("--or-demo", "--data", tmp_path / "data")) == ["claude"]
    assert not (tmp_path / "data-demo").exists()


def test_the_usual_places_are_found_by_their_names_alone(tmp_path: Path) -> None:
    user, mounts = tmp_path / "user", tmp_path / "mnt"
    there = [
        user / ".claude",
        user / ".claude-work",
        user / ".config" / "claude",
        user / "Library" / "Application Support" / "Claude" / "local-agent-mode-sessions",
        user / "Library" / "Application Support" / "Claude",
        mounts / "c" / "Users" / "Mira" / ".claude",
    ]
    for place in there:
        place.mkdir(parents=True, exist_ok=True)
    closed = [place for place in there if place.name != "Claude"]
    for place in closed:
        place.chmod(0o000)
    (user / ".claude.json").write_text("{}")
    found = usual_places(user, {}, mounts)
    assert [place.path for place in found] == there
    assert [place.path for place in found if place.is_next] == [user / ".claude"]
    assert [place.path for place in found if not place.is_home] == [there[4]]
    for place in closed:
        place.chmod(0o700)


def test_what_the_archive_knows_is_no_other_place(data: Path, tmp_path: Path) -> None:
    user = tmp_path / "user"
    user.mkdir()
    (user / ".claude").symlink_to(tmp_path / "mine", target_is_directory=True)
    (user / ".claude-two").mkdir()
    found = overview(Layout(data), user, {}, None)
    assert [place.path for place in found.places] == [user / ".claude-two"]
    assert [state.home.home_id for state in found.homes] == ["laptop", "mine"]


def test_drives_of_windows_are_looked_for_on_wsl_alone() -> None:
    assert wsl_mounts("5.15.153.1-microsoft-standard-WSL2") == Path("/mnt")
    assert wsl_mounts("6.8.0-45-generic") is None


def test_the_variable_may_list_a_home_that_is_not_there(tmp_path: Path, home: Path) -> None:
    listed = {"CLAUDE_CONFIG_DIR": f"{home},{tmp_path / 'gone'}"}
    found = homes_to_read(Layout(tmp_path / "data"), (), listed)
    assert list(found.homes) == [(None, home)]
    assert list(found.not_found.values()) == [f"the home {tmp_path / 'gone'} is not there"]
    with pytest.raises(ConfigurationError, match="gone is not there"):
        homes_to_read(Layout(tmp_path / "data"), (), {"CLAUDE_CONFIG_DIR": str(tmp_path / "gone")}).refuse_none()
