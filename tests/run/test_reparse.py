"""A reparse reads from the store every file that an older parser read, and changes nothing else."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from extractors.reading import registry
from extractors.reading.contract import Entry, Source
from extractors.reading.fields import Malformed
from models.manifest import FileState
from models.reject import RejectCode
from models.schema import Row
from pipelines.archive.archive import read_runs
from pipelines.archive.store import StoreReader
from pipelines.disk.layout import Layout
from pipelines.run.reparse import outdated_sources
from pipelines.warehouse.opened import open_warehouse
from tests.command_line import call
from tests.logical_checksum import checksums_of
from tests.sampled import sampled
from tests.support import FIXTURES

TODO = "todos/70b5946c-cf80-4c4c-a6b8-dfae3c81dddb-agent-70b5946c-cf80-4c4c-a6b8-dfae3c81dddb.json"


def refuse(_entry: Entry) -> Iterator[Row]:
    raise Malformed(RejectCode.WRONG_TYPE, "an older parser did not understand it")


@pytest.fixture
def change_parser(monkeypatch: pytest.MonkeyPatch) -> Iterator["Changer"]:
    """Gives a function that replaces a source's parser; the original one is put back at the end."""
    held = dict(registry.sources())
    yield Changer(monkeypatch, held)
    monkeypatch.undo()
    registry.parser_digests.cache_clear()


class Changer:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, held: dict[str, Source]) -> None:
        self._monkeypatch, self._held = monkeypatch, held

    def older(self, name: str, *, refuses: bool = False) -> None:
        source = self._held[name]
        shapes = tuple(replace(shape, parse=refuse) if refuses else shape for shape in source.shapes)
        self._put(name, replace(source, version=0, shapes=shapes))

    def now(self, name: str) -> None:
        self._put(name, self._held[name])

    def _put(self, name: str, source: Source) -> None:
        self._monkeypatch.setitem(registry.sources(), name, source)
        registry.parser_digests.cache_clear()


def run(home: Path, data: Path) -> None:
    ran = call("run", "--home", f"h={home}", "--data", data)
    assert ran.code in (0, 4), ran.err


def ask(data: Path, sql: str) -> list[tuple[object, ...]]:
    with open_warehouse(Layout(data)) as connection:
        return connection.execute(sql).fetchall()


def make_home(place: Path) -> Path:
    home = place / "home"
    (home / "todos").mkdir(parents=True)
    (home / TODO).write_text('[{"content":"buy","status":"pending","activeForm":"buying"}]')
    (home / "notes.md").write_text("notes\n")
    return home


def test_rows_of_files_that_are_gone_come_from_a_better_parser(tmp_path: Path, change_parser: Changer) -> None:
    home, data = make_home(tmp_path), tmp_path / "data"
    change_parser.older("todos", refuses=True)
    run(home, data)
    assert ask(data, "SELECT count(*) FROM todos") == [(0,)]
    (home / TODO).unlink()
    run(home, data)
    change_parser.now("todos")
    run(home, data)
    assert ask(data, "SELECT todo_text, status FROM todos") == [("buy", "pending")]
    assert ask(data, "SELECT count(*) FROM rejects") == [(0,)]
    ((state,),) = ask(data, "SELECT state FROM files WHERE path LIKE 'todos/%'")
    assert state == "expired"
    reparsed = read_runs(Layout(data))[-1].reparsed["todos"]
    assert (reparsed.files, reparsed.rows_before, reparsed.files_left) == (1, 0, 0)
    assert reparsed.rows_after > 0


def test_a_parser_that_did_not_change_has_nothing_parsed_again(tmp_path: Path) -> None:
    home, data = make_home(tmp_path), tmp_path / "data"
    run(home, data)
    run(home, data)
    assert [each.kind for each in read_runs(Layout(data))] == ["run", "run"]
    assert call("reparse", "--data", data).out == "nothing to do: the current parsers made all rows\n"


@pytest.mark.slow
@sampled(
    "name", ["typical", "projects__odd_records", "whole_files__damaged"], suite=["typical", "whole_files__damaged"]
)
def test_parsing_again_with_the_same_parsers_changes_no_value(name: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    run(FIXTURES / name, data)
    before = checksums_of(data)
    everything = [argument for source in registry.sources() for argument in ("--source", source)]
    ran = call("reparse", "--data", data, *everything)
    assert ran.code == 0, ran.err
    assert checksums_of(data) == before
    verified = call("verify", "--deep", "--data", data)
    assert verified.code == 0, verified.out
    run(FIXTURES / name, data)
    assert checksums_of(data) == before


def test_a_file_in_part_erased_keeps_its_rows(tmp_path: Path) -> None:
    home, data = make_home(tmp_path), tmp_path / "data"
    (home / "history.jsonl").write_text(
        '{"display":"keep this","pastedContents":{},"timestamp":1760000000000,"project":"/p"}\n'
        '{"display":"a word that goes away","pastedContents":{},"timestamp":1760000001000,"project":"/p"}\n'
    )
    run(home, data)
    assert call("forget", "--text", "a word that goes away", "--yes", "--data", data).code == 0
    ran = call("reparse", "--source", "history", "--data", data)
    assert ran.code == 0, ran.err
    assert "left" in ran.out
    assert ask(data, "SELECT prompt FROM prompts") == [("keep this",)]


def test_a_rollback_to_before_has_it_parsed_again(tmp_path: Path, change_parser: Changer) -> None:
    home, data = make_home(tmp_path), tmp_path / "data"
    change_parser.older("todos", refuses=True)
    run(home, data)
    (first,) = read_runs(Layout(data))
    change_parser.now("todos")
    assert call("reparse", "--data", data).code == 0
    assert outdated_sources(read_runs(Layout(data))) == []
    assert call("rollback", first.run_id, "--yes", "--data", data).code == 0
    assert outdated_sources(read_runs(Layout(data))) == ["todos"]
    run(home, data)
    assert ask(data, "SELECT todo_text FROM todos") == [("buy",)]


def test_bytes_and_addresses_stay_what_they_were(tmp_path: Path) -> None:
    data = tmp_path / "data"
    run(FIXTURES / "typical", data)

    def kept() -> dict[str, tuple[int, bytes]]:
        store = StoreReader.open(Layout(data))

        def content(state: FileState) -> bytes:
            assert state.file_id is not None
            return b"".join(block or b"" for _, block in store.blocks(state.file_id))

        return {
            state.path: (state.file_id, content(state))
            for state in store.files()
            if state.file_id is not None and state.entry_type == "file"
        }

    before = kept()
    assert call("reparse", "--source", "projects", "--source", "history", "--data", data).code == 0
    assert kept() == before
