"""The home of the tests of the drill."""

from pathlib import Path

import pytest

from tests.drilling import DIRECTORY, SESSION, WHOLE, write


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    write(home / "projects" / DIRECTORY / f"{SESSION}.jsonl", WHOLE)
    write(home / "notes" / "one.md", b"one")
    (home / "session-env" / SESSION).mkdir(parents=True)
    return home
