"""Erasure of sessions in homes made for one test: nothing of them is left, and content that others refer to stays."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from models.finding import Severity
from pipelines.disk.layout import Layout
from pipelines.verify.verify import verify
from pipelines.warehouse.opened import open_warehouse
from tests.command_line import call, make_home
from tests.forgetting import (
    ONE,
    TWO,
    compact,
    erase,
    prompt,
    put,
    record,
    work,
)
from tests.logical_checksum import checksums_of
from tests.support import FIXTURES

STORE_SESSION = "0a1b2c3d-9999-4222-8333-444455556666"


def test_a_session_that_was_forgotten_is_as_one_that_never_was(tmp_path: Path) -> None:
    for name in ("with", "never"):
        lines = [prompt("anderes Projekt", 20, TWO, "/q"), *([prompt("first", 1)] if name == "with" else [])]
        put(tmp_path / name, "history.jsonl", "".join(lines))
        put(tmp_path / name, f"projects/-q/{TWO}.jsonl", record("both say this", 1, TWO, "/q"))
        put(tmp_path / name, f"todos/{TWO}-agent-{TWO}.json", '[{"content":"do","status":"pending","id":"1"}]')
        (tmp_path / name / "projects" / "-p").mkdir()
    put(tmp_path / "with", f"projects/-p/{ONE}.jsonl", record("both say this", 1) + record("one says this", 2))
    put(tmp_path / "with", f"debug/{ONE}.txt", "2026-01-23T16:46:29.314Z [DEBUG] first\n")
    put(tmp_path / "with", f"file-history/{ONE}/0123456789abcdef@v1", "print('hello')\n")
    for name in ("with", "never"):
        work(tmp_path / f"{name}-data", tmp_path / name)
    erase(tmp_path / "with-data", "session", ONE)
    work(tmp_path / "with-data", tmp_path / "with")
    never, forgotten = checksums_of(tmp_path / "never-data"), checksums_of(tmp_path / "with-data")
    assert {name for name in never if never[name] != forgotten[name]} == {"files", "entries"}


def test_a_session_of_a_database_is_gone_and_stays_out_when_the_database_changes(tmp_path: Path) -> None:
    home, data = tmp_path / "store", tmp_path / "data"
    shutil.copytree(FIXTURES / "store_db", home)
    work(data, home)
    layout = Layout(data)
    erase(data, "session", STORE_SESSION)
    assert [one for one in verify(layout).findings if one.severity == Severity.ERROR] == []
    with closing(sqlite3.connect(home / "__store.db")) as connection:
        connection.execute("INSERT INTO threads VALUES (2, 'blue', NULL)")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    work(data, home, full=True)
    assert [one for one in verify(layout).findings if one.severity == Severity.ERROR] == []
    with open_warehouse(layout) as connection:
        assert connection.execute("SELECT count(*) FROM messages WHERE text LIKE 'Which thread%'").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM records WHERE session_id IS NOT NULL").fetchone() == (0,)


def test_what_would_go_is_shown_safely(tmp_path: Path) -> None:
    data = tmp_path / "data"
    work(data, make_home(tmp_path / "home"))
    ran = call("forget", "--text", "named oddly", "--data", data, show="terminal")
    assert "mine:odd/\\x1b[31m\\xff\\x0aname" in ran.out
    assert not {"\x1b", "\x9b", "\u202e"}.intersection(ran.out.replace("\x1b[1m", "").replace("\x1b[0m", ""))


def test_a_paste_that_another_session_refers_to_stays(tmp_path: Path) -> None:
    def pasted(session: str, number: int) -> str:
        pastes = {"1": {"id": 1, "type": "text", "contentHash": f"{number:016x}"}}
        fields = {"display": "[Pasted text #1 +9 lines]", "pastedContents": pastes, "timestamp": 1768724500000 + number}
        return compact({**fields, "project": "/p", "sessionId": session}) + "\n"

    home, data = tmp_path / "home", tmp_path / "data"
    put(home, "history.jsonl", pasted(ONE, 1) + pasted(ONE, 2) + pasted(TWO, 2))
    for number in (1, 2):
        put(home, f"paste-cache/{number:016x}.txt", f"pasted {number}\n")
    put(home, f"projects/-p/{ONE}.jsonl", record("text", 1))
    work(data, home)
    planned = erase(data, "session", ONE)
    assert {path for _, path in planned.found.paths if path.startswith(b"paste")} == {
        b"paste-cache/0000000000000001.txt"
    }
