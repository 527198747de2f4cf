"""A run that reads nothing still shows its other findings in the warehouse."""

import json
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from models.errors import LoadError
from models.observer import Observer
from pipelines.archive.archive import write_record
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


def test_a_warehouse_of_another_version_is_named_and_the_next_run_builds_it_again(
    tmp_path: Path,
) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    home.mkdir()
    (home / "notes.md").write_text("# notes\n")
    run = _run(data, home).run
    assert run.warehouse is not None
    with duckdb.connect(str(data / run.warehouse.path)) as connection:
        connection.execute("ALTER TABLE runs RENAME COLUMN machine TO of_another_version")
    with pytest.raises(LoadError, match="another version of the program"):
        _ask(data, "SELECT 1")
    run.warehouse = replace(run.warehouse, edition="older")
    write_record(Layout(data), run, "commit")
    again = _run(data, home).run
    assert again.warehouse is not None
    assert again.warehouse.path != run.warehouse.path
    assert _ask(data, "SELECT count(*) FROM runs") == [(2,)]
