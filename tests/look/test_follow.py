"""`extract session --follow`: a running session is read in its home, which is neither locked nor changed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from extractors.home.home import Home
from models.errors import ConfigurationError, ExitCode
from models.json import JsonValue
from models.text import safe
from pipelines.look.conversation import Utterance
from pipelines.look.follow import Follower, find_live, unanswered
from tests.command_line import ROOT
from tests.look.story import AGENT, HOSTILE, TIDY, write_story


@pytest.fixture
def running(tmp_path: Path) -> Path:
    """A home of one's own."""
    return write_story(tmp_path / "home")


def _transcript(home: Path) -> Path:
    return home / "projects" / "-work-shop" / f"{TIDY}.jsonl"


def _append(home: Path, text: str, *, end: str = "\n") -> None:
    message: dict[str, JsonValue] = {"role": "user", "content": text}
    record = {"type": "user", "uuid": f"u-{text}", "timestamp": "2026-03-02T10:00:00Z", "message": message}
    with _transcript(home).open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + end)


def _texts(said: list[Utterance]) -> list[str]:
    return [one.text for one in said]


def test_what_is_appended_comes_once_and_only_when_its_line_is_complete(running: Path) -> None:
    transcript = find_live([running], TIDY[:6])
    with Home(running) as home:
        follower = Follower(home, transcript)
        first = unanswered(follower.new())
        assert [one.text for one in first if one.kind == "prompt" and not one.agent_id] == [
            "fix the total in cart.py",
            "and undo it all",
            "now write the release notes for v2",
        ]
        assert [(one.tool_name, one.result, one.is_error) for one in first if one.kind == "call"] == [
            ("Read", "def total():\n    return 1\n", False),
            ("Edit", "done", False),
            ("Bash", "2 failed", True),
            ("Task", "in rates.py", False),
            ("Grep", "rates.py:3", False),
        ]
        assert {one.agent_id for one in first} == {None, AGENT}
        assert follower.new() == []
        _append(running, "and now")
        assert _texts(follower.new()) == ["and now"]
        _append(running, "half", end="")
        assert follower.new() == []
        with _transcript(running).open("a", encoding="utf-8") as file:
            file.write("\nnot json\n")
        assert _texts(follower.new()) == ["half"]


def test_a_transcript_that_is_written_anew_repeats_nothing(running: Path) -> None:
    path = _transcript(running)
    with Home(running) as home:
        follower = Follower(home, find_live([running], TIDY))
        follower.new()
        held = path.read_bytes()
        path.unlink()
        path.write_bytes(held)
        _append(running, "after")
        assert _texts(follower.new()) == ["after"]
        path.write_bytes(held[: held.index(b"\n") + 1])
        assert follower.new() == []
        path.unlink()
        with pytest.raises(ConfigurationError, match="cannot be read any more"):
            follower.new()


def test_the_last_is_the_one_written_last_and_an_unknown_one_is_refused(running: Path, tmp_path: Path) -> None:
    os.utime(_transcript(running), ns=(1, 2**62))
    assert find_live([tmp_path / "nowhere", running], "last").session_id == TIDY
    with pytest.raises(ConfigurationError, match="several sessions"):
        find_live([running], "")
    with pytest.raises(ConfigurationError, match="no home has a transcript"):
        find_live([running, tmp_path], "999")
    (running / "projects" / "-evil" / "9990.jsonl").symlink_to(_transcript(running))
    with pytest.raises(ConfigurationError, match="no home has a transcript"):
        find_live([running], "9990")


def test_a_running_session_is_printed_until_ctrl_c_and_nothing_is_obeyed_or_written(
    running: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    env = {**os.environ, "CLAUDE_CONFIG_DIR": str(running)}
    command = [sys.executable, "-m", "pipelines", "session", HOSTILE[:8], "--follow", "--full", "--data", str(data)]
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        assert process.stdout is not None
        shown = ""
        while "owned" not in shown:
            shown += process.stdout.readline()
        more = {"type": "assistant", "message": {"content": [{"type": "text", "text": "here it is \x1b[31m\u202e"}]}}
        path = running / "projects" / "-evil" / f"{HOSTILE}.jsonl"
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(more) + "\n")
        while "here it is" not in shown:
            shown += process.stdout.readline()
        process.send_signal(signal.SIGINT)
        shown += process.stdout.read()
    assert process.returncode == ExitCode.INTERRUPTED
    assert safe(shown, keep_newlines=True) == shown
    assert not data.exists()
