"""A restore that is killed, interrupted or out of space leaves nothing that looks complete."""

import os
import signal
import sys
from pathlib import Path

import pytest

from models.errors import ConfigurationError, ExitCode
from pipelines.disk import failpoints
from tests.command_line import Ran, call
from tests.crash_driver import in_child
from tests.restore.restoring import given_back
from tests.support import extract
from tests.trees import tree_of

if sys.platform != "win32":
    import resource

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links, permissions and signals are those of POSIX")


def run_restore(
    data: Path, target: Path, *arguments: str, fails: tuple[str, int, str] | None = None, limit: int = 0
) -> Ran:
    """Restore in a forked process: `fails` is the fail point at which it ends, the number of the passing and the way,
    `limit` the most bytes that it may write to a file.
    """
    said = target.parent / f"{target.name}.err"

    def work() -> int:
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        failpoints.arm(*fails or (None,))
        ran = call("restore", "--data", data, "--to", target, *arguments)
        said.write_text(ran.err)
        return ran.code

    code = in_child(work)
    return Ran(code, b"", said.read_text() if said.exists() else "")


def points(data: Path, tmp_path: Path) -> list[str]:
    """Return every fail point that a restore passes, in order; repeated as often as it is passed."""
    log = tmp_path / "points"
    failpoints.arm(None, log=str(log))
    try:
        assert call("restore", "--data", data, "--to", tmp_path / "unharmed").code == 0
    finally:
        failpoints.arm(None)
    return [line for line in log.read_text().splitlines() if line.startswith("restore:")]


def test_killed_anywhere_it_leaves_nothing_that_looks_complete(home: Path, data: Path, tmp_path: Path) -> None:
    passed = points(data, tmp_path)
    found = list(dict.fromkeys(passed))
    assert len(found) >= 9
    last = ("restore:before-place", passed.count("restore:before-place"))
    for number, (point, passing) in enumerate([*((point, 1) for point in found), last]):
        target = tmp_path / f"killed {number}"
        done = run_restore(data, target, fails=(point, passing, "kill"))
        assert done.code == -signal.SIGKILL, point
        names = os.listdir(target)
        marks = [name for name in names if name.startswith("INCOMPLETE-RESTORE-")]
        assert len(marks) == 1, point
        if "move" not in point and "end" not in point:
            assert names == marks, point
        with pytest.raises(ConfigurationError, match="stopped"):
            given_back(data, target)


def test_on_a_full_disk_it_ends_cleanly_and_leaves_nothing_half_done(data: Path, tmp_path: Path) -> None:
    for number, point in enumerate(dict.fromkeys(points(data, tmp_path))):
        target = tmp_path / f"full {number}"
        done = run_restore(data, target, fails=(point, 1, "enospc"))
        assert done.code == ExitCode.DISK, (point, done.err)
        assert "is full" in done.err
        assert "Traceback" not in done.err
        if "move" in point or "end" in point:
            assert any(name.startswith("INCOMPLETE") for name in os.listdir(target)), point
        else:
            assert not target.exists(), point


@pytest.mark.parametrize("point", ["restore:before-write@3", "restore:after-fsync@1", "restore:before-place@3"])
def test_in_a_home_on_a_full_disk_what_was_added_is_whole(home: Path, data: Path, tmp_path: Path, point: str) -> None:
    target = tmp_path / ".claude"
    target.mkdir()
    name, _, passing = point.partition("@")
    done = run_restore(data, target, "--into-home", fails=(name, int(passing), "enospc"))
    assert done.code == ExitCode.DISK, done.err
    assert not any(name.startswith("INCOMPLETE") for name in os.listdir(target))
    written = {path: entry for path, entry in tree_of(target).items() if entry.kind == "file"}
    assert len(written) == (2 if "place" in point else 0)
    assert all(tree_of(home)[path] == entry for path, entry in written.items())


def test_a_file_that_the_system_takes_only_in_part_ends_it_too(home: Path, tmp_path: Path, target: Path) -> None:
    (home / "notes" / "large.bin").write_bytes(os.urandom(300_000))
    extract(tmp_path / "data", home)
    done = run_restore(tmp_path / "data", target, limit=100_000)
    assert done.code == ExitCode.DISK, done.err
    assert not target.exists()


def test_an_interrupted_restore_removes_what_it_began(
    data: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(descriptor: int, data: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", interrupt)
        with pytest.raises(KeyboardInterrupt):
            given_back(data, target)
    assert not target.exists()
