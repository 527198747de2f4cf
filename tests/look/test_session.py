"""`extract session`: a conversation to be read, of which a terminal obeys nothing."""

import io
import json
import os
import re
import sys
from pathlib import Path

import pytest
from rich.console import Console

from models.errors import ExitCode
from models.text import safe
from pipelines.cli.transcript import draw
from pipelines.look.conversation import Kind, Turn, Utterance
from tests.command_line import Ran, call
from tests.look.story import HOSTILE, LOST, TIDY

pytestmark = pytest.mark.duckdb

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
"""The escape sequences that Rich writes: colours and weights."""


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal in which no line of the story is broken, and no pager."""
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("PAGER", "cat")
    monkeypatch.setenv("TZ", "UTC")


def _read(story_data: Path, which: str, *options: str) -> Ran:
    ran = call("session", which, *options, "--data", story_data)
    assert (ran.code, ran.err) == (0, ""), ran.err
    return ran


def test_a_conversation_is_in_order(story_data: Path) -> None:
    lines = [line.strip() for line in _read(story_data, TIDY).lines]
    said = [
        "fix the total in cart.py",
        "∴ thought, 10 tokens: The sum leaves out the tax.",
        "I look at cart.py first.",
        "✓ Read  /work/shop/cart.py  2 lines, 1 min 00 s",
        "✓ Edit  /work/shop/cart.py  1 line, 1 min 00 s, 100 tokens",
        "-    return 1",
        "+    return 1 + tax",
        "✗ Bash  pytest -q  2 failed, 1 min 00 s, 100 tokens",
        "The total has the tax now.",
        "and undo it all",
        "Undone.",
        "now write the release notes for v2",
        "Written.",
    ]
    places = [lines.index(line) for line in said]
    assert places[2:] == sorted(places[2:])
    assert lines.count("fix the total in cart.py") == 2  # the title, and the prompt
    assert f"claude --resume {TIDY}" in lines


def test_what_was_rewound_is_marked(story_data: Path) -> None:
    lines = _read(story_data, TIDY).lines
    assert lines[lines.index("and undo it all") - 1].endswith("(rewound)")
    assert not lines[lines.index("now write the release notes for v2") - 1].endswith("(rewound)")


def test_a_subagent_is_indented_with_what_it_says(story_data: Path) -> None:
    lines = _read(story_data, TIDY).lines
    assert any(line.startswith("↳ ") for line in lines)
    assert any(line.startswith("    ✓ Grep  tax  1 line") for line in lines)
    assert "    in rates.py" in lines


def test_full_opens_everything_and_prompts_shows_prompts_alone(story_data: Path) -> None:
    full = _read(story_data, TIDY, "--full").lines
    assert "      return 1" in full
    assert any('"command": "pytest -q"' in line for line in full)
    prompts = _read(story_data, TIDY, "--prompts").lines
    assert "and undo it all" in prompts
    assert not any("cart.py first" in line or "✓" in line for line in prompts)


def test_json_has_every_row_of_the_view(story_data: Path) -> None:
    rows = json.loads(_read(story_data, TIDY, "--json").out)
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    assert {row["kind"] for row in rows} >= {"prompt", "answer", "thinking", "call"}


def test_a_session_is_named_by_the_beginning_of_its_id_or_as_the_last(story_data: Path) -> None:
    assert _read(story_data, TIDY[:4]).out == _read(story_data, TIDY).out
    assert _read(story_data, "last").out == _read(story_data, TIDY).out
    assert call("session", "999", "--data", story_data).code == ExitCode.USAGE
    assert "no session begins with '999'" in call("session", "999", "--data", story_data).err
    several = call("session", "", "--data", story_data)
    assert several.code == ExitCode.USAGE
    assert TIDY in several.err


def test_a_session_without_a_transcript_shows_its_prompts(story_data: Path) -> None:
    lines = _read(story_data, LOST).lines
    assert "how do herons sleep" in lines
    assert any("No run ever read a transcript of it" in line for line in lines)


@pytest.mark.parametrize("options", [(), ("--full",), ("--prompts",), ("--json",)])
@pytest.mark.parametrize("width", ["40", "80", "200"])
def test_a_hostile_session_is_obeyed_by_nothing(
    story_data: Path, options: tuple[str, ...], width: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    piped = _read(story_data, HOSTILE, *options)
    assert "owned" in piped.out
    assert safe(piped.out, keep_newlines=True) == piped.out
    shown = call("session", HOSTILE, *options, "--data", story_data, show="terminal")
    plain = COLOURS.sub("", shown.out)
    assert safe(plain, keep_newlines=True) == plain


@pytest.mark.parametrize("kind", ["prompt", "answer", "summary", "call"])
def test_nothing_of_a_text_is_cut_where_signs_are_escaped_or_look_like_html(kind: Kind) -> None:
    text = f"{'words ' * 5}\u200d\u200d\u202e <Button> end\r\n"
    out = io.StringIO()
    said = Utterance(kind, "claude", None, text, tool_input="{}", result=text)
    draw(Console(file=out, width=40), [Turn(said)], is_full=True)
    assert "".join(out.getvalue().split()).endswith(r"words\u200d\u200d\u202e<Button>end")


@pytest.mark.skipif(os.name == "nt", reason="the pager is a program of POSIX")
def test_a_pager_gets_it_all_and_may_be_closed_early(
    story_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    got = tmp_path / "got"
    script = f"import sys; open({str(got)!r}, 'w').write(sys.stdin.read())"
    monkeypatch.setenv("PAGER", f'{sys.executable} -c "{script}"')
    ran = call("session", TIDY, "--data", story_data, show="terminal")
    assert (ran.code, ran.out) == (0, "")
    assert "Written." in got.read_text(encoding="utf-8")
    monkeypatch.setenv("PAGER", "true")
    assert call("session", TIDY, "--full", "--data", story_data, show="terminal").code == 0
    monkeypatch.setenv("PAGER", "no-such-pager")
    assert "Written." in call("session", TIDY, "--data", story_data, show="terminal").out
    monkeypatch.setenv("PAGER", "true")
    assert "Written." in call("session", TIDY, "--no-pager", "--data", story_data, show="terminal").out


def test_blocks_are_those_of_the_view(story_data: Path) -> None:
    ours = json.loads(call("usage", "--by", "block", "--json", "--data", story_data).out)
    query = (
        "SELECT strftime(started_at::TIMESTAMP, '%Y-%m-%d %H:%M') AS block, output_tokens FROM usage_blocks ORDER BY 1"
    )
    theirs = json.loads(call("sql", query, "--json", "--data", story_data).out)
    assert [(row["block"], row["output_tokens"]) for row in ours] == [
        (row["block"], row["output_tokens"]) for row in theirs
    ]
