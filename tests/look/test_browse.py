"""`extract browse`: driven without a terminal by Textual's pilot, and once in a real one."""

import asyncio
import base64
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from shlex import quote

import pexpect
import pytest
from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from models.errors import ExitCode
from models.text import safe
from pipelines.cli.browser.app import DARK, LIGHT, Browser, turn_of_place
from pipelines.cli.browser.dialogs import FilterDialog
from pipelines.cli.browser.reader import Reader
from pipelines.cli.browser.session_list import SessionList
from pipelines.cli.browser.source import BrowserSource, ListEntry
from pipelines.cli.conversations import resume_line
from pipelines.disk.layout import Layout
from pipelines.look.conversation import Turn, Utterance
from pipelines.look.filters import Filters
from tests.command_line import ROOT, call
from tests.look.story import EVIL, HOSTILE, TIDY

Steps = Callable[[Pilot[None], Browser], Awaitable[None]]


@pytest.fixture(autouse=True)
def _local_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")


def _drive(story_data: Path, steps: Steps, *, size: tuple[int, int] = (80, 24), theme: str = DARK) -> Browser:
    """Start the browser, take the steps, and end it."""
    browser = Browser(BrowserSource(Layout(story_data), None), Filters(), theme, pause=0)

    async def run() -> None:
        async with browser.run_test(size=size, notifications=True) as pilot:
            await _settled(pilot)
            await steps(pilot, browser)

    asyncio.run(run())
    return browser


async def _settled(pilot: Pilot[None]) -> None:
    """Wait until every message is handled and no query runs."""
    for _ in range(3):
        await pilot.pause()
        await pilot.app.workers.wait_for_complete()


async def _press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await _settled(pilot)


def _screen(browser: App[None]) -> str:
    """Return the text on the screen."""
    return "\n".join(strip.text for strip in browser.screen._compositor.render_strips())


@pytest.mark.parametrize(("size", "theme"), [((80, 24), DARK), ((200, 50), LIGHT)])
def test_a_session_is_chosen_read_opened_and_looked_at_as_written(
    story_data: Path, size: tuple[int, int], theme: str
) -> None:
    async def steps(pilot: Pilot[None], browser: Browser) -> None:
        assert "3 sessions" in _screen(browser)
        assert "❯ you 09:00" in _screen(browser)
        assert "claude --resume" in _screen(browser)
        await _press(pilot, "enter", "n", "n")
        assert "(rewound)" in _screen(browser)
        await _press(pilot, "n", "r")
        shown = _screen(browser)
        assert "mine:projects/-work-shop/" in shown
        assert '"content": "now write the release notes for v2"' in shown
        await _press(pilot, "escape", "p", "p", "e")
        assert browser.query_one(Reader).turn() is not None
        await _press(pilot, "question_mark")
        assert "copy the line that resumes the session" in _screen(browser)
        await _press(pilot, "escape", "z")
        assert not browser.query_one(SessionList).display

    _drive(story_data, steps, size=size, theme=theme)


def test_a_search_goes_to_the_hit_and_escape_leaves_it(story_data: Path) -> None:
    async def steps(pilot: Pilot[None], browser: Browser) -> None:
        await _press(pilot, "slash", *"rates.py", "enter")
        assert "1 hit: rates.py" in _screen(browser)
        turn = browser.query_one(Reader).turn()
        assert turn is not None
        assert "rates.py" in f"{turn.utterance.text}{turn.utterance.result}"
        await _press(pilot, "escape")
        assert "3 sessions" in _screen(browser)
        await _press(pilot, "slash", "minus", "x", "enter")
        assert "name at least one word" in _screen(browser)

    _drive(story_data, steps)


def test_filters_are_applied_and_refused_in_their_window(story_data: Path) -> None:
    async def steps(pilot: Pilot[None], browser: Browser) -> None:
        await _press(pilot, "f", *"evil", "tab", *"soon", "enter")
        assert isinstance(browser.screen, FilterDialog)
        assert "'soon' is no date" in _screen(browser)
        await _press(pilot, *["backspace"] * 4, "enter")
        assert "1 session" in _screen(browser)
        assert browser.query_one(SessionList).entries[0].session_id == HOSTILE

    _drive(story_data, steps)


def test_the_mouse_chooses_a_session_and_the_line_that_resumes_it_is_copied_and_shown(story_data: Path) -> None:
    async def steps(pilot: Pilot[None], browser: Browser) -> None:
        await pilot.click(SessionList, offset=(5, 5))
        await _settled(pilot)
        assert browser.query_one(SessionList).cursor == 2
        await _press(pilot, "c")
        assert "cannot resume it" in _screen(browser)
        await pilot.click(SessionList, offset=(5, 1))
        await _settled(pilot)
        await _press(pilot, "c")
        assert browser.clipboard == f"cd /work/shop && claude --resume {TIDY}"
        assert "This line resumes the session" in _screen(browser)

    _drive(story_data, steps)


def test_nothing_hostile_reaches_the_screen(story_data: Path) -> None:
    shown: list[str] = []

    async def steps(pilot: Pilot[None], browser: Browser) -> None:
        for keys in (
            ("j",),
            ("enter", "e"),
            ("n", "r"),
            ("escape", "c"),
            ("escape", "slash", *"owned", "enter"),
            ("f",),
        ):
            await _press(pilot, *keys)
            shown.append(_screen(browser))
        await _press(pilot, "escape")
        await pilot.resize_terminal(200, 50)
        browser._say(EVIL)
        await pilot.pause()
        shown.append(_screen(browser))

    _drive(story_data, steps)
    assert len(shown) == 7
    for screen in shown:
        assert safe(screen, keep_newlines=True) == screen
    assert sum("owned" in screen for screen in shown) >= 5


def test_only_what_is_visible_is_drawn() -> None:
    drawn: set[int] = set()

    class Watched(SessionList):
        def row_line(self, row: int, part: int, width: int) -> list[Segment]:
            drawn.add(row)
            return super().row_line(row, part, width)

    class Alone(App[None]):
        def compose(self) -> ComposeResult:
            yield Watched(id="sessions")

    async def run() -> None:
        app = Alone()
        async with app.run_test(size=(80, 24)) as pilot:
            entries = [ListEntry(str(number), "h", f"title {number}", "about") for number in range(50_000)]
            app.query_one(Watched).show(entries)
            await pilot.press("end")
            await pilot.pause()
            assert "title 49999" in _screen(app)

    asyncio.run(run())
    assert len(drawn) < 100


def test_a_hit_is_found_in_the_turn_whose_call_it_answers() -> None:
    places = [(1, 0, 9), (1, 10, 9), (2, 0, 9), (1, 40, 9)]
    turns = [Turn(Utterance("answer", "claude", None, place=place)) for place in places]
    assert turn_of_place(turns, 1, 12) == 1
    assert turn_of_place(turns, 1, 40) == 3
    assert turn_of_place(turns, 2, 7) == 2
    assert turn_of_place(turns, 3, 7) == 0


@pytest.mark.parametrize(
    ("directory", "line"),
    [
        ("/work/shop", "cd /work/shop && claude --resume s1"),
        ("/a b/$(c)", "cd '/a b/$(c)' && claude --resume s1"),
        ("/x\nrm -rf /", "claude --resume s1"),
        ("/x\x1b[31m", "claude --resume s1"),
        ("C:\\work", "claude --resume s1"),
    ],
)
def test_the_line_that_resumes_a_session_does_nothing_else_in_a_shell(directory: str, line: str) -> None:
    assert resume_line({"state": "present", "session_id": "s1", "project_path": directory}) == line
    assert resume_line({"state": "expired", "session_id": "s1", "project_path": directory}) is None


def test_without_a_terminal_it_says_what_prints_the_same(story_data: Path) -> None:
    ran = call("browse", "--data", story_data)
    assert (ran.code, ran.out) == (ExitCode.USAGE, "")
    assert "extract sessions" in ran.err
    assert call("browse", "--since", "soon", "--data", story_data).code == ExitCode.USAGE


def test_without_textual_it_names_the_extra(story_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("textual", "pipelines.cli.browser"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "pipelines.cli.commands.browse", raising=False)
    monkeypatch.setitem(sys.modules, "textual", None)
    ran = call("browse", "--data", story_data)
    assert (ran.code, ran.out) == (ExitCode.USAGE, "")
    assert "claude-code-warehouse[browse]" in ran.err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals")
def test_in_a_real_terminal_it_copies_a_line_and_leaves_the_terminal_as_it_was(story_data: Path) -> None:
    terminal = pexpect.spawn(
        sys.executable,
        ["-m", "pipelines", "browse", "--data", str(story_data)],
        cwd=str(ROOT),
        dimensions=(24, 80),
        env={**os.environ, "TERM": "xterm-256color", "TZ": "UTC"},
        timeout=60,
    )
    seen = b""

    def until(text: str) -> None:
        nonlocal seen
        terminal.expect_exact(text.encode())
        seen += terminal.before + text.encode()

    until("3 sessions")
    until("you 09:00")
    terminal.send("c")
    line = f"cd {quote('/work/shop')} && claude --resume {TIDY}"
    until(f"\x1b]52;c;{base64.b64encode(line.encode()).decode()}\a")
    terminal.send("\r")  # Esc and the next key could be taken for Alt and that key
    terminal.send("j")
    until("22222222-bbbb")
    terminal.send("\x03")
    terminal.expect(pexpect.EOF)
    seen += terminal.before
    terminal.close()
    assert terminal.exitstatus == 0
    assert b"\x1b[?1049l" in seen
    assert b"\x1b]0;" not in seen
    assert "\u202e".encode() not in seen
    assert b"owned" in seen
