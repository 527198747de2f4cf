"""A sync of a copy that is killed or loses power leaves a sound copy, and the next one ends it."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from models.errors import (
    ExitCode,
)
from models.finding import Severity
from pipelines.copies.check import verify_copy
from pipelines.copies.opened import opened_copy
from pipelines.copies.places import open_place
from pipelines.disk import failpoints
from pipelines.disk.layout import Layout
from pipelines.restore.restore import RestoreRequest, restore
from tests.archives import Archive
from tests.copies.copying import QUIET, contents, moved, prepared, sync, verified
from tests.crash_driver import in_child
from tests.power_loss import Disk

STEPS = int(os.environ.get("SOAK_COPY_STEPS", "0"))
"""At how many steps a soak stops a sync, spread evenly over all of them; 0: at the sample of the suite."""
SAMPLE = (
    "copy-file:before-rename",
    "copy:tombstones",
    "copy:record",
    "copy-file:removed",
)
"""Where the suite stops a sync."""


@pytest.fixture(scope="module")
def waiting(made: Archive, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return prepared(made, tmp_path_factory.mktemp("waiting"))


@pytest.fixture(scope="module")
def steps(waiting: Archive, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The named points that a sync passes, in order."""
    work = tmp_path_factory.mktemp("steps")
    archive = moved(waiting, work / "one")
    failpoints.arm(None, log=str(work / "log"))
    try:
        assert sync(archive).findings == []
    finally:
        failpoints.arm(None)
    return (work / "log").read_text().split()


def chosen(steps: list[str]) -> list[tuple[str, int]]:
    """Return the steps to stop at; in the suite each at its last but one passing."""
    if STEPS:
        numbers = sorted({number * len(steps) // STEPS for number in range(STEPS)})
        return [(steps[number], steps[: number + 1].count(steps[number])) for number in numbers]
    return [(name, max(1, steps.count(name) - 1)) for name in SAMPLE]


def is_sound(place: Path) -> bool:
    """Whether a copy is the archive as it was after some run: its records are whole, and all that they list."""
    with opened_copy(str(place)) as layout:
        result = restore(layout, RestoreRequest(layout.root.parent / "out", expired=True))
    found = verify_copy(Layout(place.parent / "none"), None, open_place(str(place)), QUIET)
    return not result.findings and not [one for one in found.findings if one.severity is Severity.ERROR]


def test_a_sync_that_is_killed_anywhere_leaves_a_sound_copy_and_the_next_one_ends_it(
    waiting: Archive, steps: list[str], tmp_path: Path
) -> None:
    assert len(set(steps)) >= 15
    for number, (point, passing) in enumerate(chosen(steps)):
        work = tmp_path / str(number)
        archive = moved(waiting, work)

        def die(archive: Archive = archive, point: str = point, passing: int = passing) -> int:
            failpoints.arm(point, passing, "kill")
            sync(archive)
            return 0

        assert in_child(die) == -signal.SIGKILL, point
        assert is_sound(work / "place"), point
        assert sync(archive).exit_code is ExitCode.VERIFIED, point
        assert contents(work / "place") == contents(archive.layout.root), point
        assert [one.code for one in verified(archive).findings] == [], point
        shutil.rmtree(work)
        print(f"{number + 1}: {point}@{passing}", flush=True)
    print(f"did: {len(chosen(steps))} kills of {len(steps)} possible")


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the model asks /proc for the path of a descriptor")
def test_after_a_power_loss_a_copy_is_sound_and_the_next_sync_ends_it(
    waiting: Archive, steps: list[str], tmp_path: Path
) -> None:
    for number, (point, passing) in enumerate(chosen(steps)):
        work = tmp_path / str(number)
        archive = moved(waiting, work)
        disk = Disk(work / "place")
        failpoints.arm(point, passing, "raise")
        try:
            with disk.recording(), pytest.raises(failpoints.FailPointError):
                sync(archive)
        finally:
            failpoints.arm(None)
        disk.after_power_loss(work / "after")
        shutil.rmtree(work / "place")
        (work / "after").rename(work / "place")
        assert is_sound(work / "place"), point
        assert sync(archive).exit_code is ExitCode.VERIFIED, point
        assert contents(work / "place") == contents(archive.layout.root), point
        assert [one.code for one in verified(archive).findings] == [], point
        shutil.rmtree(work)
        print(f"{number + 1}: {point}@{passing}", flush=True)
    print(f"did: {len(chosen(steps))} power losses of {len(steps)} possible")
