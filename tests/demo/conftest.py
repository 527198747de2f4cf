"""Two sample homes, made once for all tests of the room: tests must not change them."""

import pytest

from pipelines.demo.demo import DemoSummary, make_home


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> DemoSummary:
    return make_home(tmp_path_factory.mktemp("home") / "claude", mb=4, seed=7)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> DemoSummary:
    return make_home(tmp_path_factory.mktemp("tiny") / "claude", mb=0.3, seed=2)
