"""On a disk that fills up a run ends in one clear line, nothing half done; with more room the next one makes good."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.demo.demo import make_home
from tests.sampled import WHOLE

ROOT = Path(__file__).parent.parent.parent
SIZES = int(os.environ.get("SOAK_DISKS", "2"))
"""How many sizes of a disk; a soak asks for more."""
IN_NAMESPACE = ("unshare", "--map-root-user", "--mount")


def why_not(place: Path) -> str | None:
    """Return why no disk can be mounted here, None when one can."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return "needs `unshare`, which only Linux has"
    script = 'mount -t tmpfs -o size=64k none "$0"'
    done = subprocess.run([*IN_NAMESPACE, "sh", "-c", script, str(place)], capture_output=True, text=True, check=False)
    return f"this system lets nobody mount a disk of a set size: {done.stderr.strip()}" if done.returncode else None


@pytest.mark.slow
def test_a_run_on_a_disk_of_any_size_ends_clearly_and_with_more_room_comes_to_the_same(tmp_path: Path) -> None:
    place = tmp_path / "tried"
    place.mkdir()
    if reason := why_not(place):
        pytest.skip(reason)
    results = tmp_path / "results.json"
    driver = (sys.executable, "-m", "tests.disk_driver", str(tmp_path / "work"), str(SIZES), str(results))
    done = subprocess.run([*IN_NAMESPACE, *driver], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    unharmed, *tried = json.loads(results.read_text())
    assert unharmed["first"] == 4, unharmed
    for one in tried:
        assert one["first"] in (0, 4, 12), one
        errors = [line for line in one["said"] if not line.startswith("ALERT disk")]
        assert len(errors) == 1, one
        assert one["first"] != 12 or errors[0].startswith("extract: the disk of the data directory"), one
        assert one["whole"] == 0, one
        assert one["again"] in (0, 4), one
        assert one["looked"] == 0, one
        assert (one["sums"], one["findings"], one["left"]) == (unharmed["sums"], [], []), one
    full = sum(one["first"] == 12 for one in tried)
    print(f"did: {len(tried)} sizes up to {tried[-1]['size'] >> 10} KiB, {full} of them full")
    assert 0 < full < len(tried)


SMALL_DISKS = """
for size in $5; do
    mount -t tmpfs -o size=${size}k none "$1"
    "$2" -m pipelines run --home "demo=$3" --data "$1/data" >/dev/null 2>"$4/$size.err"
    echo $? >"$4/$size.code"
    umount "$1"
done
"""


@pytest.mark.sampled
@pytest.mark.slow
def test_a_disk_that_is_full_within_the_reading_is_one_line_and_no_death_by_signal(tmp_path: Path) -> None:
    place, printed = tmp_path / "disk", tmp_path / "printed"
    place.mkdir()
    printed.mkdir()
    if reason := why_not(place):
        pytest.skip(reason)
    make_home(tmp_path / "home", mb=1)
    sizes = (300, 1000, 2000, 3500) if WHOLE else (1000, 3500)
    script = ("bash", "-c", SMALL_DISKS, "bash", str(place), sys.executable, str(tmp_path / "home"), str(printed))
    subprocess.run([*IN_NAMESPACE, *script, " ".join(map(str, sizes))], cwd=ROOT, check=True)
    codes = {path.stem: int(path.read_text()) for path in printed.glob("*.code")}
    assert len(codes) == len(sizes)
    for size, code in codes.items():
        lines = (printed / f"{size}.err").read_text().splitlines()
        assert (code, len(lines)) == (12, 1), (size, code, lines)
