"""Does runs on disks of several sizes that fill up. Run as `python -m tests.disk_driver WORK COUNT RESULTS.json` in a
private mount namespace (`unshare --map-root-user --mount`), which permits mounting; each run is in a forked process.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from pipelines.archive.archive import read_all_runs
from pipelines.cli.app import main as command_line
from pipelines.disk.layout import Layout
from pipelines.warehouse.load import verify_parts
from tests.crash_driver import in_child, look, write_home
from tests.imported import import_all

ENOUGH = 256 << 20
"""Size in bytes of a disk that no run fills."""


def mount(place: Path, size: int, *, again: bool = False) -> None:
    """Mount a disk in memory (tmpfs) of `size` bytes; with `again`, change a mounted one to that size."""
    options = f"{'remount,' if again else ''}size={size},mode=700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(place)], check=True)


def run_command(home: Path, data: Path, said: Path) -> int:
    """Do `extract run` with its standard error in the file `said`, and return its exit code."""
    sys.stderr.flush()
    os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.argv = ["extract", "run", "--home", f"home={home}", "--data", str(data), "--quiet"]
    try:
        command_line()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def check_committed(data: Path) -> int:
    """Digest all files in the commit records; returns 0 if all of them exist and match."""
    layout = Layout(data)
    parts = [part for run in read_all_runs(layout) for phase in run.phases for part in phase.parts]
    verify_parts(layout, parts)
    return 0


def do_size(work: Path, place: Path, size: int) -> dict[str, object]:
    """Run on a disk of one size, make it larger, run again, and return the results."""
    home, data, said = work / "home", place / "data", work / "said"
    mount(place, size)
    first = in_child(lambda: run_command(home, data, said))
    used = os.statvfs(place)
    lines = said.read_text().splitlines()
    whole = in_child(lambda: check_committed(data))
    mount(place, ENOUGH, again=True)
    again = in_child(lambda: run_command(home, data, said))
    looked = in_child(lambda: look(data, work / "look.json"))
    made = json.loads((work / "look.json").read_text()) if looked == 0 else {}
    subprocess.run(["umount", str(place)], check=True)
    return {
        "size": size,
        "used": (used.f_blocks - used.f_bfree) * used.f_frsize,
        "first": first,
        "said": lines,
        "whole": whole,
        "again": again,
        "said_again": said.read_text().splitlines(),
        "looked": looked,
        **made,
    }


def main(work: Path, count: int, results: Path) -> None:
    """Run on a large disk, then on `count` smaller ones: the largest is 1.5 times the space used on the first, most are
    far smaller.
    """
    place = work / "disk"
    place.mkdir(parents=True)
    write_home(work / "home", grown=True)
    import_all()
    unharmed = do_size(work, place, ENOUGH)
    used = int(str(unharmed["used"]))
    sizes = [max(8192, int(used * 1.5 * (number / count) ** 2)) for number in range(1, count + 1)]
    results.write_text(json.dumps([unharmed, *(do_size(work, place, size) for size in sizes)]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
