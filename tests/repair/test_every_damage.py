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
from models.finding import KINDS, Level
from models.findings.advice import PROGRAM_FAULT, WHAT_OTHERS_NAME
from pipelines.archive.known_copies import KnownCopy, keep_known_copy
from pipelines.disk import failpoints
from pipelines.verify.verify import check
from tests.archives import Archive, run
from tests.command_line import call
from tests.crash_driver import in_child
from tests.damages import DAMAGES
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

TO_DO: dict[str, Callable[[Archive, Path], object]] = {
    r"copies/settings\.toml": lambda archive, _: put_settings_back(archive),
    r"^Correct the problems of the other": lambda archive, _: mended(archive),
    r"delete the log": lambda archive, path: delete_and_rebuild(archive, path),
    r"remove the entry of another kind": lambda archive, path: remove_and_run(archive, path),
    r"[Vv]erify again": lambda archive, _: archive.held.close(),
    r"`extract repair": lambda archive, _: mended(archive),
    r"`extract rebuild`": lambda archive, _: call("rebuild", "--data", archive.layout.root),
    r"the next `extract run`|next run|`extract run`": lambda archive, _: run(archive.layout, archive.home),
    r"chmod 700": lambda _, path: path.chmod(0o700),
    r"chmod 600": lambda _, path: path.chmod(0o600),
    r"chmod 400": lambda _, path: path.chmod(0o400),
    r"^Move it out of the data directory": lambda archive, path: path.rename(archive.home.parent / "moved"),
    r"^(Remove|Delete) (it|the link)": lambda _, path: path.unlink(),
}
"""How a machine follows an advice: by the first pattern that matches."""
FOR_A_PERSON = {"R206", "R151", "R227", "D108", "R154", "R153"}
"""Advice that asks for a decision, or cannot be followed from the damage alone."""


def advised() -> list[str]:
    """Return the codes whose advice a machine can follow."""
    found = []
    for code in sorted(DAMAGES):
        kind = KINDS[code]
        is_asked = kind.what_to_do != PROGRAM_FAULT and kind.level in (Level.QUICK, Level.DEFAULT)
        if is_asked and code not in FOR_A_PERSON and any(re.search(one, kind.what_to_do) for one in TO_DO):
            found.append(code)
    return found


def put_settings_back(archive: Archive) -> None:
    path = archive.layout.settings_file
    path.write_bytes(archive.layout.copy_of(path).read_bytes())
    path.chmod(0o600)


def delete_and_rebuild(archive: Archive, path: Path) -> None:
    path.unlink()
    call("rebuild", "--data", archive.layout.root)


def remove_and_run(archive: Archive, path: Path) -> None:
    path.rmdir()
    run(archive.layout, archive.home)


def lose_newest_run_of(archive: Archive, copy: Archive) -> None:
    """Delete all of the newest run, and note that a copy has it."""
    last, root = archive.last, archive.layout.root
    keep_known_copy(
        archive.layout, KnownCopy(str(copy.layout.root), last.started_at, epoch=last.epoch, run_id=last.run_id)
    )
    for path in [*root.rglob(f"*{last.run_id}"), *root.rglob("head.json")]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def follow(archive: Archive, code: str) -> list[str]:
    """Damage an archive, follow the advice of each finding of this code, and return the errors that are left, without
    those whose advice is to report them: their damage forges records that agree with it, as no disk does.
    """
    copy = archive.copy(archive.layout.root.parent / "copy") if code == "R307" else None
    if copy is not None:
        lose_newest_run_of(archive, copy)
    else:
        DAMAGES[code](archive)
    for finding in [one for one in check(archive.layout) if one.code == code]:
        step = next(do for pattern, do in TO_DO.items() if re.search(pattern, finding.what_to_do))
        if copy is not None:
            mended(archive, copy.layout.root)
        else:
            step(archive, archive.layout.root / finding.address)
    archive.held.close()
    found = check(archive.layout)
    return errors_in([one for one in found if one.what_to_do not in (PROGRAM_FAULT, WHAT_OTHERS_NAME)])


@pytest.fixture(scope="module")
def small(made_archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return made_archive.copy(tmp_path_factory.mktemp("small"))


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
