"""__store.db: the rows of each odd database of 0.2.x, and that SQLite never gets a path of a home."""

import sqlite3
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.reading.contract import Malformed
from extractors.reading.database import read_tables
from extractors.store_db import parts
from tests.support import FIXTURES, extract, rows

STORE = FIXTURES / "store_db" / "__store.db"
SESSION = "0a1b2c3d-9999-4222-8333-444455556666"


def database(*statements: str, page_size: int = 512) -> bytes:
    with sqlite3.connect(":memory:") as connection:
        connection.execute(f"PRAGMA page_size = {page_size}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        return bytes(connection.serialize())


def test_messages_are_the_records_that_a_transcript_would_have(tmp_path: Path) -> None:
    home = FIXTURES / "store_db"
    extract(tmp_path / "data", home)
    records = {row["uuid"]: row for row in rows(tmp_path / "data", "records") if row["uuid"]}
    asked, answered = records["u1"], records["a1"]
    assert (asked["session_id"], asked["cwd"], asked["is_human_prompt"]) == (SESSION, "/home/mira/loom", True)
    assert (answered["model"], answered["cost_usd"], answered["duration_ms"]) == (
        "claude-3-7-sonnet-20250219",
        0.01,
        900,
    )
    assert (answered["parent_uuid"], answered["output_tokens"], answered["api_message_id"]) == ("u1", 9, "msg_1")
    assert records["u2"]["is_human_prompt"] is False
    assert records["lone"]["record_type"] == "user"
    assert {row["title"]: row["session_id"] for row in rows(tmp_path / "data", "titles")} == {
        "Red thread found": SESSION
    }
    assert rows(tmp_path / "data", "rejects") == []
    assert sorted(path.name for path in home.iterdir()) == ["__store.db"]


def test_a_table_that_nobody_knows_is_drift_and_kept(tmp_path: Path) -> None:
    extract(tmp_path / "data", FIXTURES / "store_db")
    assert "store.threads" in {row["name"] for row in rows(tmp_path / "data", "drift")}
    (record,) = [row for row in rows(tmp_path / "data", "records") if row["record_type"] == "store.threads"]
    assert record["body"] == '{"id":1,"colour":"red","knot":{"omitted_bytes":2}}'


def test_the_place_of_a_record_holds_its_bytes() -> None:
    data = STORE.read_bytes()
    found = {str(part.value.get("uuid")): data[part.start : part.end] for part in parts(data)}
    assert b"Which thread is red?" in found["u1"]
    assert b"toolu_1" in found["a1"]


@pytest.mark.parametrize("page_size", [512, 1024, 4096, 65536])
def test_rows_of_many_pages_are_each_in_their_place(page_size: int) -> None:
    values = ", ".join(f"({number * 7 - 50}, '{'x' * (number * 13 % 900)}-{number}')" for number in range(300))
    data = database(
        "CREATE TABLE t(k INTEGER PRIMARY KEY, v TEXT)", f"INSERT INTO t VALUES {values}", page_size=page_size
    )
    found = read_tables(data)["t"]
    assert [row.value["k"] for row in found] == [number * 7 - 50 for number in range(300)]
    for number, row in enumerate(found):
        text = f"{'x' * (number * 13 % 900)}-{number}".encode()
        assert data[row.start : row.end].endswith(text) or len(text) > page_size - 45
    places = sorted((row.start, row.end) for row in found)
    assert all(first[1] <= second[0] for first, second in pairwise(places))


@pytest.mark.parametrize("data", [b"", b"no database", b"SQLite format 3\0", b"SQLite format 3\0" + b"\xff" * 900])
def test_what_is_no_database_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed, match="not_sqlite"):
        read_tables(data)


def test_views_and_virtual_tables_are_not_run() -> None:
    data = database("CREATE VIEW base_messages AS SELECT abs(-9223372036854775808)", "CREATE TABLE t(v)")
    assert read_tables(data) == {"t": []}


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8703), st.integers(0, 255)), min_size=1, max_size=12))
def test_a_damaged_database_gives_records_in_their_order_or_is_refused(flips: list[tuple[int, int]]) -> None:
    data = bytearray(STORE.read_bytes())
    for place, value in flips:
        data[place] = value
    try:
        found = list(parts(bytes(data)))
    except Malformed:
        return
    assert [one.start for one in found] == sorted(one.start for one in found)
    assert all(0 <= one.start < one.end <= len(data) for one in found)
