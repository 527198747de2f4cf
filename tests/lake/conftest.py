"""Fixtures of the tests of lakes: two machines that share one."""

import shutil
from pathlib import Path

import pytest

from pipelines.disk.layout import Layout
from pipelines.run.extraction import Request
from pipelines.run.pipeline import run_job
from tests.lake.machines import (
    QUIET,
    make_machine,
    rejoin,
)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two machines that have pushed to a lake and pulled from it; a third archive has read both homes: only read."""
    place = tmp_path_factory.mktemp("lake")
    ada, bob = make_machine(place, "ada"), make_machine(place, "bob")
    for one in (ada, bob):
        one.join(str(place / "lake"))
        one.push()
    for one in (ada, bob):
        assert one.pull().findings == []
    run_job(Layout(place / "both"), Request([("ada", ada.home), ("bob", bob.home)]), QUIET)
    return place


@pytest.fixture
def place(shared: Path, tmp_path: Path) -> Path:
    """A copy of the two machines and their lake."""
    shutil.copytree(shared, tmp_path / "copy", symlinks=True)
    rejoin(tmp_path / "copy")
    return tmp_path / "copy"
