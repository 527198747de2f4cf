"""Search by meaning: the tokenizer, the vectors and their life, and the hits."""

import json
from importlib import import_module
from pathlib import Path
from shutil import copyfile, copytree

import pytest

from models.errors import ConfigurationError
from models.observer import Observer
from models.text import safe
from pipelines.archive.vectors import delete_vectors_of_erased_texts
from pipelines.disk.layout import Layout
from pipelines.disk.platform import link_or_copy
from pipelines.look.filters import Filters
from pipelines.look.search import Hit, SearchQuery
from pipelines.semantic.embed import Embedded, embed
from pipelines.semantic.nearest import SemanticIndex, fused
from pipelines.semantic.store import read_vectors
from pipelines.semantic.wordpiece import LONGEST, tokens
from tests.command_line import call, start
from tests.look.story import HOSTILE, LOST, TIDY


@pytest.fixture(scope="module")
def embedded(story_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A copy of the story's archive whose texts all have vectors."""
    data = tmp_path_factory.mktemp("embedded") / "data"
    copytree(story_data, data, symlinks=True)
    assert (ran := start("embed", "--data", data)).code == 0, ran.err
    return Layout(data)


@pytest.fixture
def own(embedded: Layout, tmp_path: Path) -> Layout:
    """A copy of it that a test may change."""
    copytree(embedded.root, tmp_path / "data", symlinks=True)
    return Layout(tmp_path / "data")


def _near(layout: Layout, words: str, **filters: str) -> list[Hit]:
    return SemanticIndex(layout).nearest(SearchQuery(words, Filters(**filters)))


def test_the_tokenizer_gives_the_numbers_of_the_reference() -> None:
    # Made with the package `tokenizers` 0.22 from the tokenizer.json of all-MiniLM-L6-v2.
    cases = json.loads((Path(__file__).parent / "wordpiece.json").read_text(encoding="utf-8"))
    assert len(cases) > 20
    for text, numbers in cases:
        assert tokens(text) == numbers, text
    assert len(tokens("word " * 10_000)) == LONGEST


@pytest.mark.parametrize(
    ("words", "session"),
    [("when do birds rest at night", LOST), ("the sum of the shopping basket is wrong", TIDY)],
)
def test_a_text_is_found_by_its_meaning_in_other_words(embedded: Layout, words: str, session: str) -> None:
    first, *_ = _near(embedded, words)
    assert first.session_id == session
    words_alone = json.loads(call("search", words, "--json", "--data", embedded.root).out)
    assert words_alone == []
    both = json.loads(call("search", words, "--semantic", "--json", "--data", embedded.root).out)
    assert both[0]["session_id"] == session
    assert both[0]["address"] == first.address


def test_filters_hold_for_meaning_too(embedded: Layout) -> None:
    assert {hit.session_id for hit in _near(embedded, "birds", project="evil")} <= {HOSTILE}
    assert LOST not in {hit.session_id for hit in _near(embedded, "birds", since="2026-03-03")}
    with pytest.raises(ConfigurationError, match="give the words"):
        _near(embedded, "  ")


def test_embedding_goes_on_where_it_stopped_and_does_nothing_twice(own: Layout) -> None:
    for path in own.vector_files():
        path.unlink()
    wanted = embed(own, Observer(), 3).wanted
    assert wanted > 5
    assert len(read_vectors(own).keys) == 3
    assert embed(own, Observer()) == Embedded(wanted - 3, wanted, wanted)
    assert embed(own, Observer()) == Embedded(0, wanted, wanted)
    assert len(set(read_vectors(own).keys)) == wanted


def test_what_was_embedded_of_a_warehouse_that_was_replaced_meanwhile_is_not_written(own: Layout) -> None:
    for path in own.vector_files():
        path.unlink()

    class Replacing(Observer):
        def step_begins(self, name: str, size: int | None = None) -> None:
            other = own.warehouse_of("20990101T000000Z-aaaaaa")
            copyfile(own.warehouse.resolve(), other)
            link_or_copy(f"{own.warehouses.name}/{other.name}", own.warehouse)

    assert embed(own, Replacing()).made == 0
    assert own.vector_files() == []


def test_forget_deletes_the_vectors_of_what_it_erases_alone_and_an_erased_text_gets_none_again(own: Layout) -> None:
    before = set(read_vectors(own).keys)
    ran = call("forget", "--session", LOST, "--yes", "--data", own.root)
    assert ran.code == 0, ran.err
    stayed = set(read_vectors(own).keys)
    made = embed(own, Observer())
    after = set(read_vectors(own).keys)
    titles = {key for key in before if key.startswith("title:")}
    assert (len(stayed), made.made) == (len(after - titles), len(after & titles))
    assert stayed <= after < before
    assert LOST not in {hit.session_id for hit in _near(own, "when do birds rest at night")}


def test_forget_deletes_all_vectors_where_it_cannot_be_told_whose_they_are(own: Layout) -> None:
    (path,) = own.vector_files()
    path.write_bytes(path.read_bytes() + b"\0")
    delete_vectors_of_erased_texts(own)
    assert own.vector_files() == []
    with pytest.raises(ConfigurationError, match="extract embed"):
        _near(own, "birds")


def test_verify_finds_a_damaged_file_of_vectors_and_embed_replaces_it(own: Layout) -> None:
    (path,) = own.vector_files()
    assert path.name not in call("verify", "--data", own.root).out
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    assert path.name in call("verify", "--data", own.root).out
    assert read_vectors(own).keys == []
    assert embed(own, Observer()).made > 0


def test_the_sessions_like_a_session_are_listed_without_itself(embedded: Layout) -> None:
    rows = json.loads(call("similar", TIDY, "--json", "--data", embedded.root).out)
    assert {row["session_id"] for row in rows} == {HOSTILE, LOST}
    assert all(-1 <= row["likeness"] < 1 for row in rows)
    assert [bool(row["address"]) for row in rows] == [row["session_id"] != LOST for row in rows]
    assert rows == sorted(rows, key=lambda row: -row["likeness"])


def test_hostile_text_cannot_reach_the_terminal(embedded: Layout) -> None:
    for words in (["similar", TIDY], ["search", "owned red", "--semantic"]):
        ran = call(*words, "--data", embedded.root, show="terminal")
        assert ran.code == 0
        assert "\x1b]0;" not in ran.out
        assert "\u202e" not in ran.out
        assert "owned" in safe(ran.out)


def test_without_vectors_or_without_the_extra_the_command_says_what_to_do(
    story_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = call("search", "birds", "--semantic", "--data", story_data)
    assert (ran.code, "extract embed" in ran.err) == (2, True)

    def without_it(name: str) -> object:
        if name.endswith("similar"):
            raise ModuleNotFoundError("No module named 'onnxruntime'", name="onnxruntime")
        return import_module(name)

    monkeypatch.setattr("pipelines.cli.loader.import_module", without_it)
    ran = call("similar", TIDY, "--data", story_data)
    assert (ran.code, "claude-code-warehouse[semantic]" in ran.err) == (2, True)


def test_what_is_near_the_top_of_both_lists_comes_first() -> None:
    def hit(name: str, address: str = "a") -> Hit:
        return Hit("prompt", "h", name, None, None, None, "", address, 0, 0, 0)

    words = [hit("one"), hit("both"), hit("three")]
    near = [hit("four"), hit("both", "b"), hit("one")]
    assert [one.session_id for one in fused(words, near, each=False)] == ["one", "both", "four", "three"]
    assert len(fused(words, near, each=True)) == 2
    assert fused([], [], each=True) == []
