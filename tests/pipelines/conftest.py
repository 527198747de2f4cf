"""A home with hostile content, and an archive of it, made once."""

from pathlib import Path

import pytest

from tests.command_line import Kept, call, make_home


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """The home, and an archive of it that tests only read."""
    base = tmp_path_factory.mktemp("kept")
    home = make_home(base / "home")
    ran = call("run", "--home", f"mine={home}", "--data", base / "data")
    assert (ran.code, ran.err) == (0, "")
    return Kept(home, base / "data")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home of the test's own."""
    return make_home(tmp_path / "home")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of the user's, no home of theirs."""
    for name in ("CLAUDE_CONFIG_DIR", "EXTRACT_DATA", "EXTRACT_DEBUG", "COLUMNS", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "nobody"))
