"""`extract search`: the hits, and the life of the index."""

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from models.errors import ExitCode
from models.text import safe
from pipelines.disk.layout import Layout
from pipelines.disk.lock import writing
from pipelines.look.filters import Filters
from pipelines.look.search import SearchQuery, expression_of, search, snippet
from pipelines.look.search_index import EVENT, FILE, INPUT, MESSAGE, current_index, hits
from pipelines.warehouse.given_rows import as_rows, given_rows
from pipelines.warehouse.opened import open_warehouse
from tests.command_line import call
from tests.look.story import EVIL, HOSTILE, LOST, TIDY, write_story

pytestmark = pytest.mark.duckdb


def _found(story_data: Path, *words: str) -> list[tuple[str, str]]:
    ran = call("search", *words, "--json", "--data", story_data)
    assert ran.code == 0, ran.err
    return [(hit["session_id"], hit["kind"]) for hit in json.loads(ran.out)]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("release", "notes"), [(TIDY, "prompt")]),
        (("notes release",), []),
        (("release notes",), [(TIDY, "prompt")]),
        (("RELEASE",), [(TIDY, "prompt")]),
        (("relea*",), [(TIDY, "prompt")]),
        (("relea",), []),
        (("release", "-v2"), []),
        (("release", "-nothing", "-the"), []),
        (("release", "-nothing"), [(TIDY, "prompt")]),
        (("rates.py", "--kind", "result"), [(TIDY, "result")]),
        (("rates.py:3",), [(TIDY, "result")]),
        (("old_string",), [(TIDY, "input")]),
        (("leaves out", "--kind", "thinking"), [(TIDY, "thinking")]),
        (("herons",), [(LOST, "prompt")]),
        (("herons", "--project", "shop"), [(LOST, "prompt")]),
        (("herons", "--project", "evil"), []),
        (("herons", "--since", "2026-03-03"), []),
        (("herons", "--home", "other"), []),
        (("ax now", "--literal"), [(TIDY, "answer")]),
        (("AX now", "--literal"), []),
        (("owned", "--kind", "prompt"), [(HOSTILE, "prompt")]),
        (("NEAR(",), []),
        (("AND",), [(TIDY, "prompt")]),
        (("'; DROP TABLE documents; --",), []),
    ],
)
def test_words_are_found_in_their_place(story_data: Path, words: tuple[str, ...], found: list[tuple[str, str]]) -> None:
    hits = _found(story_data, *words)
    assert [hit for hit in hits if hit in found] == found
    assert found or hits == []


def test_a_session_is_one_hit_unless_each_is_asked_for(story_data: Path) -> None:
    assert len(_found(story_data, "tax")) == 1
    assert len(_found(story_data, "tax", "--each")) > 3
    assert len(_found(story_data, "tax", "--each", "--limit", "2")) == 2


@pytest.mark.parametrize("words", ["the", "rates.py", "a*", "herons"])
def test_the_first_hits_are_those_of_a_search_for_all(story_data: Path, words: str) -> None:
    layout = Layout(story_data)
    every, first = (search(layout, SearchQuery(words, Filters(), limit=limit)) for limit in (0, 2))
    assert every
    assert first == every[:2]


def test_of_a_common_word_messages_are_ranked_before_inputs_and_events(story_data: Path) -> None:
    layout = Layout(story_data)
    with open_warehouse(layout) as warehouse, closing(current_index(layout, warehouse)) as index:
        every = hits(index, "r*", 100, (MESSAGE, INPUT, FILE, EVENT))
        some = hits(index, "r*", 100, (MESSAGE, INPUT, FILE, EVENT), among=3)
        inputs = hits(index, "r*", 100, (INPUT,))
    numbers = sorted((number for number, *_ in every), reverse=True)
    assert {document for _, document, *_ in every} > {MESSAGE}
    assert sorted((number for number, *_ in some), reverse=True) == numbers[:3]
    assert [document for _, document, *_ in sorted(every, reverse=True)] == sorted(row[1] for row in every)
    assert inputs == [row for row in every if row[1] == INPUT]


def test_a_search_imports_no_arrow_and_no_numpy() -> None:
    script = "import sys, pipelines.cli.commands.search; print(sorted({'pyarrow', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_rows_reach_a_query_as_they_are() -> None:
    columns = {"a": "BIGINT", "b": "VARCHAR", "c": "DOUBLE"}
    rows = [(-(2**63), """it's "quoted" \\ 漢字 🦔""", 0.1), (2**63 - 1, "", -1e-300), (None, None, None)]
    with duckdb.connect() as connection:
        assert connection.execute(given_rows(columns), [as_rows(columns, rows)]).fetchall() == rows
        assert connection.execute(given_rows(columns), [as_rows(columns, [])]).fetchall() == []


@pytest.mark.parametrize("words", ["-nothing", '"', "***", "()", "--kind=x y"])
def test_what_names_no_word_is_refused(story_data: Path, words: str) -> None:
    assert call("search", words, "--data", story_data).code == ExitCode.USAGE


def test_nothing_of_a_hit_is_obeyed(story_data: Path) -> None:
    for words in (("owned",), ("owned", "--each", "--limit", "0"), ("red", "--literal")):
        ran = call("search", *words, "--data", story_data)
        assert (ran.code, ran.err) == (0, "")
        assert "owned" in ran.out
        assert safe(ran.out, keep_newlines=True) == ran.out
        machine = call("search", *words, "--json", "--data", story_data)
        assert safe(machine.out, keep_newlines=True) == machine.out


def test_texts_without_spaces_are_found_by_any_piece() -> None:
    assert expression_of("整理 代码") == '("整 理" AND "代 码")'
    assert expression_of('a "b c" -d e*') == '("a" AND "b c" AND "e" *) NOT ("d")'
    assert snippet("x" * 200 + " here it is " + "y" * 200, ["here it"]).count("…") == 2
    assert snippet("İ" * 50 + "tok", ["tok"]).endswith("tok")
    assert snippet("git log" + "x" * 200 + "a git commit of it", ["git-commit"]).endswith("a git commit of it")


def test_the_index_grows_with_runs_is_verified_and_is_forgotten(tmp_path: Path) -> None:
    home, data = write_story(tmp_path / "home"), tmp_path / "data"
    layout = Layout(data)
    assert call("run", "--home", f"mine={home}", "--data", data).code == 0
    assert _found(data, "kingfisher") == []
    (first,) = layout.search_indexes()
    with (home / "history.jsonl").open("a", encoding="utf-8") as file:
        line = {"display": "the kingfisher is secret", "timestamp": 1772500000000, "project": "/p", "sessionId": LOST}
        file.write(json.dumps(line) + "\n")
    assert call("run", "--home", f"mine={home}", "--data", data).code == 0
    with writing(layout, "test"):
        assert _found(data, "kingfisher") == []  # while another process writes, the search uses the old index
    assert _found(data, "kingfisher") == [(LOST, "prompt")]
    (second,) = layout.search_indexes()
    assert second != first
    assert call("verify", "--data", data).code == 0
    held = bytearray(second.read_bytes())
    held[len(held) // 2] ^= 1
    second.chmod(0o600)
    second.write_bytes(held)
    assert "F111" in call("verify", "--data", data).out
    assert _found(data, "kingfisher") == [(LOST, "prompt")]  # a damaged one is made anew
    assert call("forget", "--text", "the kingfisher is secret", "--yes", "--data", data).code == 0
    assert layout.search_indexes() == []
    assert _found(data, "kingfisher") == []
    assert call("verify", "--data", data).code == 0


def test_a_rollback_takes_its_words_out_of_the_index(tmp_path: Path) -> None:
    home, data = write_story(tmp_path / "home"), tmp_path / "data"
    call("run", "--home", f"mine={home}", "--data", data)
    (run,) = json.loads(call("sql", "SELECT run_id FROM runs", "--json", "--data", data).out)
    with (home / "history.jsonl").open("a", encoding="utf-8") as file:
        line = {"display": "a kingfisher", "timestamp": 1772500000000, "project": "/p", "sessionId": LOST}
        file.write(json.dumps(line) + "\n")
    call("run", "--home", f"mine={home}", "--data", data)
    assert _found(data, "kingfisher") == [(LOST, "prompt")]
    assert call("rollback", run["run_id"], "--yes", "--data", data).code == 0
    assert _found(data, "kingfisher") == []


def test_evil_is_hostile() -> None:
    assert safe(EVIL) != EVIL
