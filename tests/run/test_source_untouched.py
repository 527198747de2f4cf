"""A home is as it was: whole runs over a frozen one, a read-only mount, without write permission, and under a watch of
the kernel.
"""

import ctypes
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import call
from tests.support import FIXTURES

ROOT = Path(__file__).parent.parent.parent
PAST = 1_600_000_000
IN_MODIFY, IN_ATTRIB, IN_CLOSE_WRITE, IN_MOVED_FROM, IN_MOVED_TO = 0x2, 0x4, 0x8, 0x40, 0x80
IN_CREATE, IN_DELETE, IN_DELETE_SELF, IN_MOVE_SELF, IN_NONBLOCK = 0x100, 0x200, 0x400, 0x800, 0o4000
ANY_CHANGE = (
    IN_MODIFY
    | IN_ATTRIB
    | IN_CLOSE_WRITE
    | IN_MOVED_FROM
    | IN_MOVED_TO
    | IN_CREATE
    | IN_DELETE
    | IN_DELETE_SELF
    | IN_MOVE_SELF
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="watches by means of Linux")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with files of every source and damaged ones."""
    home = tmp_path_factory.mktemp("source") / "home"
    for name in ("whole_files__damaged", "typical"):
        shutil.copytree(FIXTURES / name, home, symlinks=True, dirs_exist_ok=True)
    return home


def freeze(home: Path) -> list[str]:
    """Set every access time far back, so that any reader would move it, and return every path."""
    paths = [os.fspath(home)]
    for directory, directories, names in os.walk(home):
        paths += [os.path.join(directory, name) for name in (*directories, *names)]
    for path in paths:
        if not os.path.islink(path):
            os.utime(path, ns=(PAST * 10**9, os.lstat(path).st_mtime_ns))
    return paths


def state_of(paths: list[str]) -> dict[str, tuple[int, ...]]:
    """Return the fields of `lstat` for each path, without the access times of links, which no reader can keep."""
    states: dict[str, tuple[int, ...]] = {}
    for path in paths:
        s = os.lstat(path)
        atime = 0 if os.path.islink(path) else s.st_atime_ns
        states[path] = (s.st_mode, s.st_size, s.st_mtime_ns, s.st_ctime_ns, atime, s.st_ino, s.st_nlink, s.st_uid)
    return states


def run(home: Path, data: Path, *before: str) -> subprocess.CompletedProcess[str]:
    """Run the command line over a home, behind the words of another command where there are any."""
    command = [*before, sys.executable, "-m", "pipelines", "run", "--home", str(home), "--data", str(data), "--json"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


class Watch:
    """The kernel's own account (inotify) of every change below a directory."""

    def __init__(self, root: Path) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._libc.inotify_init1(IN_NONBLOCK)
        assert self._descriptor >= 0
        for directory, _, _ in os.walk(root):
            assert self._libc.inotify_add_watch(self._descriptor, os.fsencode(directory), ANY_CHANGE) >= 0

    def changes(self) -> list[int]:
        """Return the masks of the changes so far."""
        masks: list[int] = []
        while True:
            try:
                data = os.read(self._descriptor, 1 << 16)
            except BlockingIOError:
                return masks
            at = 0
            while at < len(data):
                _, mask, _, length = struct.unpack_from("iIII", data, at)
                masks.append(mask)
                at += 16 + length


def test_runs_over_a_frozen_home_change_nothing_not_even_an_access_time_and_the_kernel_sees_no_change(
    home: Path, tmp_path: Path
) -> None:
    watch = Watch(home)
    paths = freeze(home)
    before = state_of(paths)
    assert watch.changes() != []
    assert run(home, tmp_path / "data").returncode == 4
    words = ("run", "--home", home, "--data", tmp_path / "data")
    assert call(*words).code == 4  # files in quarantine stay there
    assert call(*words, "--full").code == 4
    assert watch.changes() == []
    assert state_of(paths) == before
    assert freeze(home) == paths
    os.utime(home / "history.jsonl", ns=(PAST * 10**9, os.stat(home / "history.jsonl").st_mtime_ns))
    assert watch.changes() != [], "the watch itself does not see changes"


def test_a_home_on_a_read_only_mount_is_read_as_any_other(home: Path, tmp_path: Path) -> None:
    script = f'mount --bind "{home}" "{home}" && mount -o remount,ro,bind "{home}" && ! touch "{home}/x" && exec "$@"'
    done = run(home, tmp_path / "data", "unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh")
    assert done.returncode == 4, done.stderr


def test_a_user_who_may_not_write_in_the_home_can_run_over_it(home: Path, tmp_path: Path) -> None:
    """As root the user is changed in a child that has done a run already, since others may not reach this Python, and
    libraries import as late as they can.
    """
    script = """
import os, sys
from pathlib import Path
from pipelines.run.pipeline import run_job
from pipelines.disk.layout import Layout
from models.observer import Observer
from pipelines.run.extraction import Request
other, home, data = map(Path, sys.argv[1:])
if os.geteuid() == 0:
    run_job(Layout(other.with_name("data-of-root")), Request([("home", other)]), Observer())
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    (home / "x").write_text("x")
    sys.exit("the home can be written")
except PermissionError:
    pass
sys.exit(int(run_job(Layout(data), Request([("home", home)]), Observer()).exit_code))
"""
    place = tmp_path / "place"
    place.mkdir()
    for parent in (place, *place.parents):
        if os.stat(parent).st_uid == os.geteuid() and parent != Path("/"):
            parent.chmod(0o777 if parent == place else os.stat(parent).st_mode | 0o555)
    copy = place / "home"
    subprocess.run(["cp", "-a", str(home), str(copy)], check=True)
    subprocess.run(["chmod", "-R", "a+rX,a-w", str(copy)], check=True)
    paths = freeze(copy)
    before = state_of(paths)
    done = subprocess.run(
        [sys.executable, "-c", script, str(home), str(copy), str(place / "data")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4, done.stderr
    assert {path: s[:4] for path, s in state_of(paths).items()} == {path: s[:4] for path, s in before.items()}
    subprocess.run(["chmod", "-R", "u+w", str(copy)], check=True)
