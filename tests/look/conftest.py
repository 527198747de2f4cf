"""One archive of the made-up home, which the tests of this room only read."""

from pathlib import Path

import pytest

from tests.command_line import call
from tests.look.story import write_story


@pytest.fixture(scope="package")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of a run over the story."""
    base = tmp_path_factory.mktemp("story")
    ran = call("run", "--home", f"mine={write_story(base / 'home')}", "--data", base / "data")
    assert (ran.code, ran.err) == (0, ""), ran.err
    return base / "data"
