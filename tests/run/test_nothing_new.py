"""A run that reads nothing still shows in the warehouse whatever else it found."""

import json
from pathlib import Path

from models.observer import Observer
from pipelines.disk.layout import Layout
from pipelines.run.extraction import Request
from pipelines.run.pipeline import RunResult, run_job
from pipelines.upkeep.import_store import import_store
from pipelines.warehouse.opened import open_warehouse


def _run(data: Path, home: Path) -> RunResult:
    return run_job(Layout(data), Request([(None, home)]), Observer())


def _ask(data: Path, query: str) -> list[tuple[object, ...]]:
    with open_warehouse(Layout(data)) as connection:
        return connection.execute(query).fetchall()


def test_an_unchanged_home_keeps_the_warehouse_and_a_new_secret_or_import_does_not(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    home.mkdir()
    (home / "notes.md").write_text("# notes\n")
    first = _run(data, home).run.warehouse
    assert _run(data, home).run.warehouse == first

    (home / ".env").write_text("A=1\n")
    second = _run(data, home).run.warehouse
    assert second != first
    assert _ask(data, "SELECT outcome FROM inventory WHERE path = '.env'") == [("withheld",)]

    hashes, messages = tmp_path / "hashes.json", tmp_path / "messages.jsonl"
    messages.write_text(json.dumps({"content": "hello"}) + "\n")
    hashes.write_text(json.dumps(["2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"]))
    import_store(Layout(data), messages=None, hashes=hashes)
    _run(data, home)
    assert _ask(data, "SELECT text FROM imported_messages") == [(None,)]
    import_store(Layout(data), messages=messages, hashes=None)
    _run(data, home)
    assert _ask(data, "SELECT text FROM imported_messages") == [("hello",)]
