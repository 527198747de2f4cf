"""Fixtures of all tests: isolates them from the homes, settings and state of the user who runs the suite."""

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.absent import say_what_is_absent

# Set at import, before any module of the project, or Prefect, reads the environment.
_SURROUNDINGS = Path(tempfile.mkdtemp(prefix="extract-tests-")).resolve()
_PLACES = {
    "HOME": "home",
    "USERPROFILE": "home",
    "APPDATA": "home/app-data",
    "LOCALAPPDATA": "home/local-app-data",
    "XDG_CACHE_HOME": "home/cache",
    "XDG_CONFIG_HOME": "home/config",
    "XDG_DATA_HOME": "home/share",
    "XDG_STATE_HOME": "home/state",
    "CLAUDE_CONFIG_DIR": "claude",
    "PREFECT_HOME": "prefect",
}
for _name in [name for name in os.environ if name.startswith(("EXTRACT_", "PREFECT_"))]:
    del os.environ[_name]
for _name, _place in _PLACES.items():
    (_SURROUNDINGS / _place).mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ[_name] = str(_SURROUNDINGS / _place)
os.environ |= {
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
}

# The background job of a shell ignores Ctrl-C, and with it every process that it starts: tests send it to some.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

say_what_is_absent()

from models.errors import ExitCode  # noqa: E402
from tests.archives import Archive, make_archive  # noqa: E402
from tests.command_line import Kept, call, make_home  # noqa: E402 (it imports the project, which reads the above)
from tests.look.story import write_story  # noqa: E402
from tests.planted import write_planted  # noqa: E402

# No deadline: other work on the machine must not fail a test.
settings.register_profile("own", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "own")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--update-golden`."""
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files; read the diff")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse `--update-golden` in CI: the diff would go unread."""
    if config.getoption("--update-golden") and os.environ.get("CI"):
        raise pytest.UsageError("golden files are rewritten by a person, never in CI")


def pytest_collection() -> None:
    """Collect no garbage while the tests are collected: the modules and 4,000 tests live to the end anyway."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Exempt them from the garbage collections that begin now."""
    gc.enable()
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Remove the temporary environment of the tests."""
    shutil.rmtree(_SURROUNDINGS, ignore_errors=True)


@pytest.fixture(scope="session")
def update_golden(pytestconfig: pytest.Config) -> bool:
    """Whether to rewrite golden files instead of comparing with them."""
    return bool(pytestconfig.getoption("--update-golden"))


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_left_in_the_home_of_claude_code() -> Iterator[None]:
    """Fail if a test has written to the directory that would be Claude Code's home."""
    yield
    written = [path for place in ("claude", "home/.claude") for path in (_SURROUNDINGS / place).rglob("*")]
    assert written == []


@pytest.fixture(autouse=True)
def _the_umask_stays_with_the_test() -> Iterator[None]:
    """Restore the umask, which a run restricts for its process."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """The home of `command_line.make_home` and an archive of it, which tests must not change."""
    base = tmp_path_factory.mktemp("kept")
    home = make_home(base / "home")
    ran = call("run", "--home", f"mine={home}", "--data", base / "data")
    assert (ran.code, ran.err) == (0, "")
    return Kept(home, base / "data")


@pytest.fixture(scope="session")
def made_archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """The archive of `archives.make_archive`, which tests must not change: they take copies."""
    return make_archive(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="session")
def story_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of a run over the story, which tests must not change."""
    base = tmp_path_factory.mktemp("story")
    ran = call("run", "--home", f"mine={write_story(base / 'home')}", "--data", base / "data")
    assert (ran.code, ran.err) == (0, ""), ran.err
    return base / "data"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that only this test uses."""
    return make_home(tmp_path / "home")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Remove the user's environment variables and point HOME to an empty directory."""
    for name in ("CLAUDE_CONFIG_DIR", "EXTRACT_DATA", "EXTRACT_DEBUG", "COLUMNS", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "nobody"))


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of a run over the home of `tests.planted`: only read."""
    base = tmp_path_factory.mktemp("planted")
    ran = call("run", "--home", f"mine={write_planted(base / 'home' / 'janedoe')}", "--data", base / "data")
    assert ran.code == ExitCode.REJECTS, ran.err
    return base / "data"
