"""The dashboard as a file and as a server: its content, and that the browser runs only the page's own scripts."""

import base64
import hashlib
import http.client
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from models.json import JsonObject
from pipelines.dashboard.cubes import read_cubes
from pipelines.dashboard.page import page_of
from pipelines.dashboard.serve import DashboardServer
from tests.command_line import HOSTILE, ROOT, Kept, call
from tests.dashboard.warehouses import small_warehouse

pytestmark = pytest.mark.duckdb

NASTY = f"</script><script>alert(1)</script><img src=x onerror=alert(2)>\u2028\u2029 {HOSTILE}"


class _Reader(HTMLParser):
    """Collects tags, attributes, and the text of each script."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.scripts: list[tuple[str | None, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "script":
            self.scripts.append((dict(attrs).get("type"), ""))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] == "script" and self.scripts:
            kind, text = self.scripts[-1]
            self.scripts[-1] = (kind, text + data)

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")


def read_page(page: str) -> _Reader:
    """Parse a page."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader


def data_of(page: str) -> JsonObject:
    """Return the data of a page."""
    (text,) = [text for kind, text in read_page(page).scripts if kind == "application/json"]
    made: JsonObject = json.loads(text)
    return made


def test_each_cube_sums_what_the_views_say() -> None:
    with small_warehouse(zone="Europe/Berlin") as connection:
        made = read_cubes(connection)
    assert made.missing == {}
    usage, prompts, tools, runs = (made.cubes[name] for name in ("usage", "prompts", "tools", "runs"))
    assert (sum(map(int, map(str, usage["output"]))), usage["cache_write"]) == (137, [23, 0, 0])
    assert (usage["unpriced"], usage["unreliable"]) == ([0, 0, 1], [0, 1, 0])
    assert (prompts["hour"], prompts["count"]) == ([23, 0, 9], [1, 1, 1])
    assert [made.texts["tool"][int(str(place))] for place in tools["tool"]] == ["Bash", "Read", "Read"]
    assert (tools["count"], tools["failed"], tools["denied"]) == ([2, 1, 1], [1, 0, 0], [1, 0, 0])
    assert (runs["bytes_new"], runs["unknown"], runs["changed"], runs["corrupt"]) == (
        [5100, 70],
        [2, 0],
        [0, 1],
        [0, 1],
    )
    assert made.cubes["context"]["band"] == [10]
    assert (made.texts["kind"], made.cubes["errors"]["count"]) == (["tool_failed", "retry"], [1, 1])
    assert made.cubes["recovered"]["count"] == [12]
    assert made.texts["homes"] == [["work"], ["mac"], ["mac", "work"]]


def test_days_and_hours_are_those_of_the_time_zone() -> None:
    days = {}
    for zone in ("UTC", "Europe/Berlin"):
        with small_warehouse(zone=zone) as connection:
            days[zone] = read_cubes(connection).cubes["prompts"]["day"]
    assert days == {"UTC": [20484, 20484, 20487], "Europe/Berlin": [20484, 20485, 20487]}


def test_a_view_that_the_warehouse_lacks_is_named_and_all_else_is_there() -> None:
    with small_warehouse() as connection:
        connection.execute("DROP TABLE context_windows; ALTER TABLE tool_calls DROP COLUMN was_denied")
        made = read_cubes(connection)
    assert made.missing == {"context": ["context_windows"], "tools": ["tool_calls"]}
    assert {"sessions", "usage", "prompts", "subagents", "runs"} <= made.cubes.keys()


def test_the_page_runs_its_own_scripts_alone_and_loads_nothing() -> None:
    with small_warehouse(NASTY) as connection:
        page = page_of(connection)
    reader = read_page(page)
    policy = next(value for name, value in reader.attributes if name == "content" and value and "default-src" in value)
    digests = [
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for kind, text in reader.scripts if not kind
    ]
    assert len(digests) == 5
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert all(f"'sha256-{digest}'" in policy for digest in digests)
    assert "unsafe-eval" not in policy
    assert not {"img", "link", "iframe", "object", "embed", "base", "audio", "video"} & set(reader.tags)
    for name, value in reader.attributes:
        assert name not in ("src", "href", "srcset", "action", "style"), (name, value)
        assert not name.startswith("on")


def test_hostile_text_is_data_and_nothing_else() -> None:
    with small_warehouse(NASTY) as connection:
        page = page_of(connection)
    raw = page[page.index('id="data">') + len('id="data">') :].partition("</script>")[0]
    assert "<" not in raw
    assert not {"\u202e", "\u200b", "\x1b", "\u2028", "\u2029", "\x9b"} & set(raw)
    title = next(one for one in json.loads(raw)["cubes"]["sessions"]["title"] if "alert" in one)
    assert title.startswith("</script><script>alert(1)</script><img src=x onerror=alert(2)>")
    assert "innerHTML" not in "".join(text for kind, text in read_page(page).scripts[3:] if not kind)


def test_the_libraries_bear_their_licences_and_the_scripts_stay_small() -> None:
    assets = files("pipelines.dashboard") / "assets"
    licences = (assets / "LICENCES.txt").read_text(encoding="utf-8")
    for name, version in (("d3.min.js", "7.9.2"), ("plot.umd.min.js", "0.6.17")):
        assert version in (assets / name).read_text(encoding="utf-8")[:80]
        assert f"{name} " in licences
        assert version in licences
    for name in ("rows.js", "charts.js", "dashboard.js"):
        assert len((assets / name).read_text(encoding="utf-8").splitlines()) <= 400


def test_a_warehouse_has_every_view_that_the_dashboard_reads(kept: Kept, tmp_path: Path) -> None:
    call("dashboard", tmp_path / "page.html", "--data", kept.data)
    assert data_of((tmp_path / "page.html").read_text())["missing"] == {}


def test_the_command_writes_the_page_for_its_owner_alone(kept: Kept, tmp_path: Path) -> None:
    os.umask(0o022)
    page = tmp_path / "page.html"
    page.write_text("an earlier one")
    ran = call("dashboard", page, "--data", kept.data)
    assert (ran.code, ran.lines, ran.err) == (0, [f"dashboard: {page}"], "")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert data_of(page.read_text())["cubes"]
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".html" and path.name.startswith(".page")] == []


def test_the_command_says_what_is_wrong(kept: Kept, tmp_path: Path) -> None:
    assert call("dashboard", tmp_path / "page.html", "--data", tmp_path / "none").code == 2
    ran = call("dashboard", tmp_path / "absent" / "page.html", "--data", kept.data)
    assert ran.code == 2
    assert "cannot be written" in ran.err


@contextmanager
def serving(page: str) -> Iterator[DashboardServer]:
    with DashboardServer(lambda: page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def _get(server: DashboardServer, path: str, host: str | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    connection.request("GET", path, headers={} if host is None else {"Host": host})
    answer = connection.getresponse()
    made = answer.status, answer.read()
    connection.close()
    return made


def test_the_server_gives_the_page_under_its_secret_address_on_loopback_alone() -> None:
    with serving("<p>page") as server:
        assert server.server_address[0] == "127.0.0.1"
        assert _get(server, server.path) == (200, b"<p>page")
        assert _get(server, "/")[0] == 404
        assert _get(server, server.path + "x")[0] == 404
        assert _get(server, server.path, host=f"evil.example:{server.server_port}")[0] == 403
        assert len(server.path) > 20


def test_the_command_serves_until_it_is_interrupted_and_that_is_no_failure(kept: Kept) -> None:
    command = [sys.executable, "-m", "pipelines", "dashboard", "--serve", "--data", str(kept.data)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        address = urlsplit(process.stdout.readline().removeprefix("dashboard: ").strip())
        connection = http.client.HTTPConnection(address.netloc, timeout=60)
        connection.request("GET", address.path)
        assert data_of(connection.getresponse().read().decode())["missing"] == {}
        connection.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert process.stderr.read() == ""
