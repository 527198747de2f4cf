"""Each code of a finding is provoked by its damage, and a healthy archive has none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from models.finding import Level
from models.findings import all_kinds
from pipelines.verify.subset import Subset
from pipelines.verify.verify import CHECKS, check
from tests.archives import Archive, make_archive
from tests.damages import DAMAGES, level_of
from tests.sampled import WHOLE

VERIFIED = tuple(kind.code for kind in all_kinds() if isinstance(kind.level, Level))
"""The codes that a verification looks for."""

BY_QUERY = sorted({check.kind.code for check in CHECKS} | {code for code in VERIFIED if code.startswith("W")})
"""Those that DuckDB finds, and those of the warehouse."""

ON_EVERY_DUCKDB = BY_QUERY if WHOLE else BY_QUERY[::3]
"""Those to find on every supported DuckDB, too: each query runs on all of them in another test."""

SAID_OF_EVERY_ARCHIVE = {
    Level.QUICK: set(),
    Level.DEFAULT: set(),
    Level.DEEP: {"D107"},
    Level.SOURCE: {"H102", "H109"},
}


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return make_archive(tmp_path_factory.mktemp("healthy"))


@pytest.fixture
def archive(healthy: Archive, tmp_path: Path) -> Iterator[Archive]:
    copy = healthy.copy(tmp_path)
    with copy.held:
        yield copy


def codes_of(archive: Archive, level: Level, subset: Subset | None = None) -> set[str]:
    homes = [(name, archive.home) for name in archive.names]
    return {finding.code for finding in check(archive.layout, level, subset or Subset(), homes)}


@pytest.mark.duckdb
@pytest.mark.parametrize("level", Level)
def test_a_healthy_archive_has_no_finding(healthy: Archive, level: Level) -> None:
    assert codes_of(healthy, level) == SAID_OF_EVERY_ARCHIVE[level]


def test_every_code_has_a_damage_that_provokes_it() -> None:
    assert sorted(DAMAGES) == sorted(VERIFIED)
    assert len(VERIFIED) >= 60


@pytest.mark.parametrize(
    "code", [pytest.param(code, marks=[pytest.mark.duckdb] if code in ON_EVERY_DUCKDB else []) for code in VERIFIED]
)
def test_a_damage_is_found_under_its_code(code: str, archive: Archive) -> None:
    DAMAGES[code](archive)
    assert code in codes_of(archive, level_of(code), Subset(50, seed=1) if code == "D108" else None)
