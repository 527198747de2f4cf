"""How the data directory is named on a command line, under which names the command is called, and its completion."""

import json
import sys
from pathlib import Path

import pytest

from tests.command_line import Kept, call, start


def test_the_data_directory_may_be_named_before_the_command(kept: Kept) -> None:
    after = call("status", "--json", "--data", kept.data)
    before = call("--data", kept.data, "status", "--json")
    shown = [json.loads(one.out) for one in (before, after)]
    for one in shown:
        del one["growth"]["free_bytes"]
    assert (before.code, shown[0]) == (after.code, shown[1])
    assert str(kept.data) in before.out


def test_the_one_named_after_the_command_counts_where_both_are(kept: Kept, tmp_path: Path) -> None:
    assert call("--data", tmp_path / "none", "status", "--data", kept.data).code == 0
    assert call("--data", kept.data, "status", "--data", tmp_path / "none").code == 2


def test_the_next_command_is_shown_with_the_data_directory_and_the_name_that_were_used(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    (kept.home / "plans" / "new.md").write_text("new")
    try:
        usual = call("--data", kept.data, "status")
        monkeypatch.setattr(sys, "argv", ["/usr/local/bin/claude-extract"])
        other = call("--data", kept.data, "status")
        help_text = call("status", "--help")
    finally:
        (kept.home / "plans" / "new.md").unlink()
    assert usual.lines[-1] == f"next: extract run --data {kept.data}"
    assert other.lines[-1] == f"next: claude-extract run --data {kept.data}"
    assert help_text.lines[0].startswith("Usage: claude-extract status")


def test_a_shell_is_offered_the_commands_that_begin_as_typed() -> None:
    asked = {"_EXTRACT_COMPLETE": "complete_bash", "COMP_WORDS": "extract st", "COMP_CWORD": "1"}
    assert start(env=asked).lines == ["status"]


def test_completion_is_installed_below_the_home_directory_alone(tmp_path: Path) -> None:
    # Otherwise the shell is found among the parents of the process, and the tests may have none.
    named = {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = start("--install-completion", "bash", env=named)
    assert done.code == 0
    assert "complete_bash" in (tmp_path / ".bash_completions" / "extract.sh").read_text()
