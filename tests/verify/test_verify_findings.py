"""Each code of a finding is provoked by its damage, and a healthy archive has none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from models.finding import Level
from models.findings import all_kinds
from pipelines.verify.subset import Subset
from pipelines.verify.verify import CHECKS, check
from tests.archives import Archive
from tests.damages import DAMAGES, level_of
from tests.sampled import WHOLE

VERIFIED = tuple(kind.code for kind in all_kinds() if isinstance(kind.level, Level))
"""The codes that a verification looks for."""

BY_QUERY = {check.kind.code for check in CHECKS} | {code for code in VERIFIED if code.startswith("W")}
"""Those that DuckDB finds, and those of the warehouse."""

TOGETHER = """
D101 D102 D103 D105 D107
D104 D106
E101 E103 E104 E105 E106 E107 E109 E110
E102 E108 E111 E112 E113 E114 E115 E116
E117 F101 F102 F103 F104 F105 F106 F107
F108 F109 F110 F111 L101 L102 L103 L104
M101 M102 M103 M104 M105 M106 M107 M108
M109 M110 M111 M113 M114 M116 N109 P105
M112 M115 P103 P107 P109 R126 R143
P106 P108 P110
R144 R222 R225 R226 R228 R302
R153 S102
S101 S105 S106 S107 T101 T102 T103 T105
S103 S104 T104 T111 T112 T113 T114 W106
W111 W113
F112 F113 L105 N201 P101 P102 P111 R101
P104 R102
R103 R105 R111
R104 R106 R112
R113 R121
R114 R122 R124 R125 R131 R132
R123 R133
R141 R151 R154
R142 R152 R201
R203 R204
R209 R210 R212 R214 R215
R207 R211 R213 R216 R217 R219 R221 R223
R218 R220 R224 R227 R301 R303 R306 W101
R304 R305 R307 W102
W104 W105 W108
W109 W114
H102 H103 H104 H107
H105 H106 H109
H110 H112
"""
"""Codes whose damages are done to one archive, since none of them hides another; all others are done alone."""

SAID_OF_EVERY_ARCHIVE = {
    Level.QUICK: set(),
    Level.DEFAULT: set(),
    Level.DEEP: {"D107"},
    Level.SOURCE: {"H102", "H109"},
}


@pytest.fixture(scope="module")
def healthy(made_archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return made_archive.copy(tmp_path_factory.mktemp("healthy"))


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


def groups() -> list[list[str]]:
    """Return all codes, in groups whose damages are done to one archive; in a soak, each is alone."""
    together = [] if WHOLE else [line.split() for line in TOGETHER.split("\n") if line]
    grouped = {code for group in together for code in group}
    return [*together, *([code] for code in VERIFIED if code not in grouped)]


@pytest.mark.sampled
@pytest.mark.parametrize(
    "codes",
    [pytest.param(one, marks=[pytest.mark.duckdb] if BY_QUERY.intersection(one) else []) for one in groups()],
    ids=" ".join,
)
def test_a_damage_is_found_under_its_code(codes: list[str], archive: Archive) -> None:
    for code in codes:
        DAMAGES[code](archive)
    (level,) = {level_of(code) for code in codes}
    assert set(codes) <= codes_of(archive, level, Subset(50, seed=1) if codes == ["D108"] else None)
