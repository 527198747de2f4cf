"""A restore that is killed, interrupted or out of space leaves nothing that looks complete."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from models.errors import ConfigurationError, ExitCode
from tests.restore.restoring import given_back
from tests.support import extract
from tests.trees import tree_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links, permissions and signals are those of POSIX")
ROOT = Path(__file__).resolve().parents[2]


def run_restore(data: Path, target: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    program = "import sys; from pipelines.cli.app import main; sys.argv[0] = 'extract'; main()"
    if limit := env.pop("LIMIT", ""):
        program = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); {program}"
    return subprocess.run(
        [sys.executable, "-c", program, "restore", "--data", str(data), "--to", str(target), *arguments],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )


def points(data: Path, tmp_path: Path) -> list[str]:
    """Return every fail point that a restore passes, in order; repeated as often as it is passed."""
    log = tmp_path / "points"
    assert run_restore(data, tmp_path / "unharmed", EXTRACT_FAIL_LOG=str(log)).returncode == 0
    return [line for line in log.read_text().splitlines() if line.startswith("restore:")]


def test_killed_anywhere_it_leaves_nothing_that_looks_complete(home: Path, data: Path, tmp_path: Path) -> None:
    passed = points(data, tmp_path)
    found = list(dict.fromkeys(passed))
    assert len(found) >= 9
    for number, point in enumerate([*found, f"restore:before-place@{passed.count('restore:before-place')}"]):
        target = tmp_path / f"killed {number}"
        done = run_restore(data, target, EXTRACT_FAIL_AT=f"{point}=kill")
        assert done.returncode == -signal.SIGKILL, point
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
        done = run_restore(data, target, EXTRACT_FAIL_AT=f"{point}=enospc")
        assert done.returncode == ExitCode.DISK, (point, done.stderr)
        assert "is full" in done.stderr
        assert "Traceback" not in done.stderr
        if "move" in point or "end" in point:
            assert any(name.startswith("INCOMPLETE") for name in os.listdir(target)), point
        else:
            assert not target.exists(), point


@pytest.mark.parametrize("point", ["restore:before-write@3", "restore:after-fsync", "restore:before-place@3"])
def test_in_a_home_on_a_full_disk_what_was_added_is_whole(home: Path, data: Path, tmp_path: Path, point: str) -> None:
    target = tmp_path / ".claude"
    target.mkdir()
    done = run_restore(data, target, "--into-home", EXTRACT_FAIL_AT=f"{point}=enospc")
    assert done.returncode == ExitCode.DISK, done.stderr
    assert not any(name.startswith("INCOMPLETE") for name in os.listdir(target))
    written = {path: entry for path, entry in tree_of(target).items() if entry.kind == "file"}
    assert len(written) == (2 if "place" in point else 0)
    assert all(tree_of(home)[path] == entry for path, entry in written.items())


def test_a_file_that_the_system_takes_only_in_part_ends_it_too(home: Path, tmp_path: Path, target: Path) -> None:
    (home / "notes" / "large.bin").write_bytes(os.urandom(300_000))
    extract(tmp_path / "data", home)
    done = run_restore(tmp_path / "data", target, LIMIT="100000")
    assert done.returncode == ExitCode.DISK, done.stderr
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
