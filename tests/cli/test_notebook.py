"""`extract notebook`: its messages before it starts JupyterLab, which is not in the lock."""

from pathlib import Path

from models.errors import ExitCode
from tests.command_line import Kept, call


def test_it_says_what_is_missing(kept: Kept, tmp_path: Path) -> None:
    without = call("notebook", "--data", tmp_path / "none")
    assert (without.code, without.out) == (ExitCode.USAGE, "")
    assert "extract run" in without.err
    ran = call("notebook", tmp_path / "nowhere", "--data", kept.data)
    assert (ran.code, ran.out) == (ExitCode.USAGE, "")
    assert "[lab]" in ran.err or "no directory" in ran.err
