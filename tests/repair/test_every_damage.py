"""Every kind of file, damaged in every way, is found, is mended from a copy and from the home alone, and a run works
despite it; the advice of every finding leads to an archive that verifies; and a repair may be killed at every point.

The suite tries a few of them in `test_repair.py` and here; the soak as many as SOAK_DAMAGES, SOAK_ADVICE and
SOAK_REPAIR_KILLS say; with SOAK_DAMAGES_LIKE those whose file and way match this expression.
"""

import os
import re
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from models.errors import ExtractError
from models.finding import KINDS
from pipelines.disk import failpoints
from pipelines.verify.verify import check
from tests.advice import ELSEWHERE, NOT_FOLLOWED, advised, follow, is_nothing, is_report
from tests.archives import Archive
from tests.crash_driver import in_child
from tests.repairing import (
    Undamaged,
    cases,
    errors_in,
    is_as,
    lost_in_the_home,
    make_undamaged,
    mended,
    run_goes_on,
    sums_of,
)

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def small(made_archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return made_archive.copy(tmp_path_factory.mktemp("small"))


def test_every_kind_of_finding_has_an_advice_that_a_test_follows_or_a_reason_why_none_can() -> None:
    followed = advised()
    ways = [followed, ELSEWHERE, NOT_FOLLOWED, filter(is_report, KINDS), filter(is_nothing, KINDS)]
    counted = Counter(code for codes in ways for code in codes)
    assert sorted(KINDS.keys() - counted.keys()) == []
    assert sorted(counted.keys() - KINDS.keys()) == []
    assert {code for code, number in counted.items() if number > 1} <= NOT_FOLLOWED.keys()
    for test in ELSEWHERE.values():
        file, _, name = test.partition("::")
        assert f"def {name}(" in (TESTS / file).read_text(encoding="utf-8"), test


@pytest.mark.parametrize("code", ["F113", "P103", "W103"])
def test_an_advice_that_is_followed_leads_to_a_sound_archive(code: str, small: Archive, tmp_path: Path) -> None:
    assert code in advised()
    assert follow(small.copy(tmp_path), code) == []


@pytest.mark.soak
def test_every_advice_that_is_followed_leads_to_a_sound_archive(small: Archive, tmp_path: Path) -> None:
    codes = advised()[: int(os.environ.get("SOAK_ADVICE", "1000"))]
    left = {code: found for code in codes if (found := follow(small.copy(tmp_path / code), code))}
    print(f"did: the advice of {len(codes)} kinds of findings, {len(left)} left errors")
    assert left == {}


@pytest.mark.soak
def test_every_kind_of_file_damaged_in_every_way_is_found_and_mended(tmp_path: Path) -> None:
    whole = make_undamaged(tmp_path / "whole")
    like = re.compile(os.environ.get("SOAK_DAMAGES_LIKE", ""))
    chosen = [case for case in cases(whole) if like.search(" ".join(case))]
    Random(5).shuffle(chosen)
    wanted = int(os.environ.get("SOAK_DAMAGES", "1000"))
    done: Counter[str] = Counter()
    wrong: list[str] = []
    for number, (name, way) in enumerate(chosen[:wanted]):
        problems = tried(whole, tmp_path / str(number), name, way, done)
        wrong += [f"{name} {way}: {problem}" for problem in problems]
        print(f"{number + 1}: {name} {way}: {problems or 'ok'}", flush=True)
    figures = ", ".join(f"{done[what]} {what}" for what in (*STAGES, "without effect"))
    print(f"did: {len(chosen[:wanted])} damages: {figures}; {len(wrong)} wrong")
    assert wrong == []


def tried(whole: Undamaged, place: Path, name: str, way: str, done: Counter[str]) -> list[str]:
    """Return the failures after one damage: it was not found, or not mended, or a run did not work despite it."""
    problems: list[str] = []
    for stage, judge in STAGES.items():
        archive = whole.damaged(place / stage, name, way)
        if archive is None:
            done["without effect"] += 1
            return []
        try:
            found = judge(archive, whole, place)
        except (ExtractError, OSError, ValueError, KeyError) as error:
            found = [f"{type(error).__name__}: {error}"]
        done[stage] += not found
        problems += [f"{stage}: {one}" for one in found]
    shutil.rmtree(place)
    return problems


def is_found(archive: Archive, whole: Undamaged, place: Path) -> list[str]:
    """Verify the damaged archive."""
    return [] if check(archive.layout) else ["nothing is found"]


def is_mended_from_a_copy(archive: Archive, whole: Undamaged, place: Path) -> list[str]:
    """Repair it from an undamaged one, which it then equals."""
    made = mended(archive, whole.archive.layout.root)
    return [*errors_in(made.findings), *is_as(archive, whole, place, deep=True)]


def is_mended_from_the_home(archive: Archive, whole: Undamaged, place: Path) -> list[str]:
    """Repair it from its home alone: it then gives back all that the home has."""
    made = mended(archive)
    return [*errors_in(made.findings), *(f"{one} is not whole" for one in lost_in_the_home(archive, place / "back"))]


STAGES: dict[str, Callable[[Archive, Undamaged, Path], list[str]]] = {
    "found": is_found,
    "mended from a copy": is_mended_from_a_copy,
    "mended from the home": is_mended_from_the_home,
    "run over": lambda archive, _whole, _place: run_goes_on(archive),
}
"""The checks made for each damage, each in a copy of its own with this damage."""


@pytest.mark.soak
def test_a_repair_that_is_killed_at_any_point_is_finished_by_the_next(tmp_path: Path) -> None:
    whole = make_undamaged(tmp_path / "whole")

    def damaged(place: Path) -> Archive:
        archive = whole.archive.copy(place)
        for pattern in (
            "store/home=*/run=*/phase-1-0",
            "tables/entries/*/run=*/phase-8-0",
            "tables/pieces/*/*/phase-8-0",
        ):
            min(archive.layout.root.glob(f"{pattern}.parquet")).write_bytes(b"other")
        return archive

    log = tmp_path / "points"
    failpoints.arm(None, log=str(log))
    expected = [(one.code, one.address) for one in mended(damaged(tmp_path / "first")).losses]
    failpoints.arm(None)
    passed = Counter(log.read_text().split())
    points = [(name, number) for name, count in sorted(passed.items()) for number in {1, (count + 1) // 2, count}]
    Random(7).shuffle(points)
    chosen = points[: int(os.environ.get("SOAK_REPAIR_KILLS", "1000"))]
    wrong = []
    for number, (name, passing) in enumerate(chosen):
        archive = damaged(tmp_path / f"k{number}")

        def dies(archive: Archive = archive, name: str = name, passing: int = passing) -> int:
            failpoints.arm(name, passing, "kill")
            mended(archive)
            return 0

        code = in_child(dies)
        made = mended(archive)
        is_right = code in (0, -signal.SIGKILL) and not errors_in(made.findings) and sums_of(archive) == whole.sums
        if not is_right or [(one.code, one.address) for one in made.losses] != expected:
            wrong.append(f"{name}@{passing}: {code} {errors_in(made.findings)}")
    print(f"did: {len(chosen)} kills at {len({name for name, _ in chosen})} points, {len(wrong)} not made good")
    assert wrong == []
