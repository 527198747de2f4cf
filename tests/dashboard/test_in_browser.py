"""The dashboard in a real browser: it draws, filters, prints nothing to the console, and holds ten thousand sessions.

Skipped, with a word, where there is no Chromium.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pipelines.dashboard.page import page_of, page_with
from tests.browser import CHROMIUM, browse
from tests.dashboard.warehouses import large_data, small_warehouse

CHARTS = ("activity", "rhythm", "models", "projects", "tools", "context", "errors", "subagents", "recovered", "growth")
NASTY = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"><b>bold</b>"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")]


class Seen(HTMLParser):
    """A page as the browser made it: the text of each element with an id, and the ids of those with a drawing."""

    def __init__(self, dom: str) -> None:
        super().__init__()
        self.texts: dict[str, str] = {}
        self.drawn: set[str] = set()
        self.tags: list[str] = []
        self._open: list[tuple[str, str | None]] = []
        self.feed(dom)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag in ("meta", "input", "img", "link", "br"):
            return
        self._open.append((tag, dict(attrs).get("id")))
        if tag in ("rect", "path", "circle"):
            self.drawn |= set(self._ids())

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        for name in self._ids():
            self.texts[name] = f"{self.texts.get(name, '')} {data}"

    def _ids(self) -> Iterator[str]:
        return (name for _, name in self._open if name is not None)

    def tile(self, name: str) -> str:
        """Return the figure of a tile."""
        found = re.search(rf"{name}\s+(\S+)", self.texts["tiles"])
        assert found is not None, self.texts["tiles"]
        return found[1]


def look(page: str, tmp_path: Path, address: str = "", *, width: int = 1400) -> Seen:
    """Open a page in the browser and return its visible content. Fails if the page prints to the console."""
    file = tmp_path / "page.html"
    file.write_text(page, encoding="utf-8")
    dom, console = browse(f"{file.as_uri()}{address}", ["--dump-dom"], width=width)
    assert console == []
    return Seen(dom)


@pytest.fixture(scope="module")
def page() -> str:
    with small_warehouse(NASTY) as connection:
        return page_of(connection)


def test_every_chart_is_drawn_and_hostile_text_is_shown_as_text(page: str, tmp_path: Path) -> None:
    seen = look(page, tmp_path)
    assert set(CHARTS) <= seen.drawn
    assert (seen.tile("sessions"), seen.tile("prompts"), seen.tile("tool calls")) == ("2", "3", "4")
    assert (seen.tile("output tokens"), seen.tile("cost at list price")) == ("137", "$1.50")
    assert "2026-02-08" in seen.texts["runs"]
    assert NASTY in seen.texts["sessions"]
    assert "owned" not in seen.texts["span"]
    assert not {"img", "b"} & set(seen.tags)


@pytest.mark.parametrize(
    ("address", "sessions", "prompts", "output"),
    [
        ("#project=%2Fwork%2Ftide", "1", "2", "130"),
        ("#home=work", "1", "1", "7"),
        ("#model=claude-opus-5", "1", "2", "100"),
        ("#from=2026-02-01&to=2026-02-28", "1", "1", "7"),
    ],
)
def test_a_filter_is_of_all_charts_at_once(
    page: str, tmp_path: Path, address: str, sessions: str, prompts: str, output: str
) -> None:
    seen = look(page, tmp_path, address)
    assert (seen.tile("sessions"), seen.tile("prompts"), seen.tile("output tokens")) == (sessions, prompts, output)
    assert f"{sessions} sessions" in seen.texts["found"]


def test_a_page_without_data_says_so(tmp_path: Path) -> None:
    with small_warehouse() as connection:
        for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
            connection.execute(f"DELETE FROM {table}")
        seen = look(page_of(connection), tmp_path, width=500)
    assert "Nothing with a date yet." in seen.texts["span"]
    assert not set(CHARTS) & seen.drawn


def test_ten_thousand_sessions_are_drawn(tmp_path: Path) -> None:
    seen = look(page_with(large_data(10_000)), tmp_path)
    assert {"activity", "rhythm", "models", "projects", "tools", "recovered"} <= seen.drawn
    assert seen.tile("sessions") == "10k"
    assert "50 shown" in seen.texts["found"]
