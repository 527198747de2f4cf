"""`extract show` and `extract report`: archived bytes, exact in a pipe and harmless on a terminal."""

import json
import re
from pathlib import Path

from models.text import safe
from pipelines.archive.archive import committed_parts, read_runs
from pipelines.disk.layout import Layout
from tests.command_line import SESSION, Kept, call, prompt, start


def _addresses(kept: Kept, table: str) -> list[tuple[str, str]]:
    sql = (
        "SELECT address(file_id, byte_offset, byte_length) AS address, "
        f"file_id || '@' || byte_offset || '+' || byte_length AS by_id FROM {table} ORDER BY file_id, byte_offset"
    )
    rows = json.loads(call("sql", sql, "--json", "--data", kept.data).out)
    return [(row["address"], row["by_id"]) for row in rows]


def test_every_address_of_the_warehouse_leads_to_the_bytes_of_the_home(kept: Kept) -> None:
    sql = "SELECT f.path, address(file_id, byte_offset, byte_length) AS address, byte_offset, byte_length FROM entries "
    rows = json.loads(call("sql", sql + "JOIN files f USING (file_id)", "--json", "--data", kept.data).out)
    assert len(rows) >= 7
    contents = {path.read_bytes() for path in kept.home.rglob("*") if path.is_file()}
    for row in rows:
        ran = call("show", row["address"], "--data", kept.data)
        assert ran.code == 0, (row, ran.err)
        start, end = row["byte_offset"], row["byte_offset"] + row["byte_length"]
        assert any(content[start:end] == ran.raw for content in contents), row


def test_an_entry_is_found_by_path_and_by_file_id_alike(kept: Kept) -> None:
    (first, first_by_id), (second, _), _ = _addresses(kept, "prompts")
    assert first.startswith("mine:history.jsonl@0+")
    assert call("show", first, "--data", kept.data).raw == prompt("one", 1)
    assert call("show", first_by_id, "--data", kept.data).raw == prompt("one", 1)
    assert b"\x1b]0;pwned" not in call("show", second, "--data", kept.data).raw  # JSON has escapes of its own
    assert call("show", "mine:history.jsonl", "--data", kept.data).raw == (kept.home / "history.jsonl").read_bytes()


def test_a_terminal_is_shown_nothing_that_it_would_obey_unless_raw_is_asked_for(kept: Kept) -> None:
    address = r"mine:odd/\x1b[31m\xff\x0aname\\.txt"
    assert call("show", address, "--data", kept.data).raw == b"named oddly"
    history = (kept.home / "history.jsonl").read_bytes()
    shown = call("show", "mine:history.jsonl", "--data", kept.data, show="terminal")
    assert shown.out == safe(history.decode(), keep_newlines=True) + "\n"
    assert "\u202e" not in shown.out
    raw = call("show", "mine:history.jsonl", "--raw", "--data", kept.data, show="terminal")
    assert raw.raw == history


def test_a_generation_is_part_of_the_address(home: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    call("run", "--home", f"mine={home}", "--data", data, "--quiet")
    (home / "plans" / "a-plan.md").write_bytes(b"# Another plan\n")
    call("run", "--home", f"mine={home}", "--data", data, "--quiet")
    first, second = (run.run_id for run in read_runs(Layout(data)))
    assert call("show", "mine:plans/a-plan.md@0+8", "--data", data).raw == b"# A plan"
    assert call("show", "mine:plans/a-plan.md#2", "--data", data).raw == b"# Another plan\n"
    assert call("show", "mine:plans/a-plan.md#2", "--as-of", first, "--data", data).code == 2
    assert call("show", "mine:plans/a-plan.md#2", "--as-of", second, "--data", data).code == 0


def test_what_cannot_be_shown_is_said_in_one_line(kept: Kept) -> None:
    for address, printed in (
        ("mine:.credentials.json", "never opened"),
        ("mine:plugins/cache/x/index.js", "only listed"),
        ("mine:nothing", "there is no nothing in home mine"),
        ("yours:history.jsonl", "there is no home yours; the homes are: mine"),
        ("mine:history.jsonl@0+99999", "are outside of the"),
        ("history.jsonl", "is not an address"),
        ("", "is not an address"),
        ("-12@0+1", "no bytes of file -12"),
        ("12", "no bytes of file 12"),
        (f"mine:debug/{SESSION}.txt#2", "there is no"),
        ("mine:\x1b[31m", "there is no \\x1b[31m"),
    ):
        ran = call("show", address, "--data", kept.data)
        assert (ran.code, ran.raw) == (2, b""), address
        assert printed in ran.err, address
        assert len(ran.err.splitlines()) == 1


def test_bytes_that_are_not_what_their_digest_says_are_never_shown(home: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    call("run", "--home", f"mine={home}", "--data", data, "--quiet", "--phase", "1")
    (part,) = committed_parts(read_runs(Layout(data)), "store")
    place = data / part.path
    held = bytearray(place.read_bytes())
    held[len(held) // 3] ^= 4
    place.write_bytes(held)
    ran = call("show", "mine:history.jsonl", "--data", data)
    assert (ran.code, ran.raw) == (3, b"")
    assert "extract verify" in ran.err
    place.unlink()
    assert "is gone" in call("show", "mine:history.jsonl", "--data", data).err


def test_a_report_is_printed_in_the_form_that_is_asked_for(kept: Kept) -> None:
    (run,) = read_runs(Layout(kept.data))
    place = Path(call("report", "--path", "--data", kept.data).out.strip())
    assert place == kept.data / "runs" / run.run_id / "report.md"
    assert call("report", run.run_id[:12], "--data", kept.data).out == place.read_text()
    assert json.loads(call("report", "--format", "json", "--data", kept.data).out)
    assert call("report", "--format", "html", "--data", kept.data).raw == place.with_suffix(".html").read_bytes()
    assert call("report", "2001", "--data", kept.data).code == 2
    assert call("report", "--format", "pdf", "--data", kept.data).code == 2


def test_a_report_shows_a_terminal_nothing_that_it_would_obey(kept: Kept) -> None:
    for form in ("md", "json", "html"):
        shown = call("report", "--format", form, "--data", kept.data, show="terminal").out
        assert safe(_without_styles(shown), keep_newlines=True) == _without_styles(shown)


def _without_styles(shown: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", shown)


def test_a_terminal_gets_a_formatted_report_and_a_pipe_the_markdown(kept: Kept) -> None:
    piped, shown = (call("report", "--data", kept.data, show=show).out for show in ("pipe", "terminal"))
    assert "## What was verified" in piped
    assert "\x1b[" not in piped
    assert "What was verified" in shown
    assert "##" not in shown
    assert "| ---" not in shown
    assert "sha256 of the above" not in shown


def test_open_gives_the_page_to_the_browser_and_says_where_it_is(kept: Kept, tmp_path: Path) -> None:
    seen, browser = tmp_path / "seen", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {seen}\n')
    browser.chmod(0o700)
    page = kept.data / "runs" / read_runs(Layout(kept.data))[-1].run_id / "report.html"
    ran = start("report", "--open", "--data", kept.data, env={"BROWSER": f"{browser} %s"})
    assert (ran.code, ran.out.strip(), ran.err) == (0, str(page), "")
    assert seen.read_text() == page.resolve().as_uri()
    ran = start("report", "--open", "--data", kept.data, env={"BROWSER": "/bin/false %s", "PATH": ""})
    assert (ran.code, ran.out.strip()) == (0, str(page))
    assert "No browser could be opened" in ran.err


def test_a_warehouse_is_made_again_from_what_is_kept(home: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert call("rebuild", "--data", data).code == 2
    call("run", "--home", home, "--data", data, "--quiet")
    (data / "warehouse.duckdb").unlink()
    for warehouse in (data / "warehouse").iterdir():
        warehouse.unlink()
    ran = call("rebuild", "--data", data)
    assert (ran.code, ran.err) == (0, "")
    assert call("sql", "SELECT count(*) AS n FROM prompts", "--csv", "--data", data).out == "n\n3\n"


def test_another_store_is_read_in_by_command(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_text('{"content":"one"}\n{"hash":"\x1b[31m","content":"two"}\n')
    ran = call("import-store", "--messages", tmp_path / "m.jsonl", "--data", tmp_path / "data")
    assert ran.code == 4
    assert "imported: 1 message, 1 of them with text" in ran.out
    assert "refused: m.jsonl, line 2" in ran.err
    assert "\x1b" not in ran.err
    assert call("import-store", "--data", tmp_path / "data").code == 2
    assert call("import-store", "--hashes", tmp_path / "gone.json", "--data", tmp_path / "data").code == 2
