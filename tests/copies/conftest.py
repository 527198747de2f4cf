"""The archive that is copied, and an empty place for its copy."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.archives import Archive, make_archive


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return make_archive(tmp_path_factory.mktemp("made"))


@pytest.fixture
def archive(made: Archive, tmp_path: Path) -> Iterator[Archive]:
    copy = made.copy(tmp_path / "archive")
    with copy.held:
        yield copy


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "disk" / "copy"
