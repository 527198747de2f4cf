"""The indexes of stored digests: an index with a digest of new bytes would make a run lose them."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import FixityError
from models.run import RunRecord
from pipelines.archive.archive import read_runs
from pipelines.disk.layout import Layout
from pipelines.run.digest_indexes import prepare_indexes
from pipelines.run.digest_sets import WIDTH, KnownDigests, extend_known_digests, write_known_digests
from tests.support import extract, rows

DIGESTS = st.sets(st.binary(min_size=WIDTH, max_size=WIDTH), max_size=50)
LINE = b'{"display":"do %d","pastedContents":{},"timestamp":1768724500000,"project":"/p","sessionId":"s"}\n'


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("indexes") / "some.idx"


@settings(max_examples=40)
@given(DIGESTS, DIGESTS)
def test_an_index_knows_what_was_written_and_nothing_else(place: Path, written: set[bytes], others: set[bytes]) -> None:
    write_known_digests(place, [*written, *written])
    known = KnownDigests(place)
    assert {digest for digest in written | others if digest in known} == written
    known.close()


@settings(max_examples=40)
@given(DIGESTS, st.data())
def test_an_index_with_a_flipped_bit_is_refused(place: Path, written: set[bytes], data: st.DataObject) -> None:
    write_known_digests(place, sorted(written))
    raw = bytearray(place.read_bytes())
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    place.write_bytes(raw)
    with pytest.raises(FixityError, match="is damaged"):
        KnownDigests(place)


CLOSE = st.sets(st.binary(min_size=2, max_size=2).map(lambda end: bytes(WIDTH - 2) + end), max_size=50)


@settings(max_examples=60)
@given(st.one_of(DIGESTS, CLOSE), st.one_of(DIGESTS, CLOSE))
def test_an_extended_index_is_the_index_of_both(place: Path, earlier: set[bytes], later: set[bytes]) -> None:
    write_known_digests(place, sorted(earlier))
    extended, anew = place.with_name("extended.idx"), place.with_name("anew.idx")
    extend_known_digests(place, extended, [*later, *later])
    write_known_digests(anew, earlier | later)
    assert extended.read_bytes() == anew.read_bytes()


@settings(max_examples=20)
@given(DIGESTS, st.data())
def test_an_index_that_is_damaged_is_not_extended(place: Path, earlier: set[bytes], data: st.DataObject) -> None:
    write_known_digests(place, sorted(earlier))
    raw = bytearray(place.read_bytes())
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    place.write_bytes(raw)
    with pytest.raises(FixityError, match="is damaged"):
        extend_known_digests(place, place.with_name("extended.idx"), [])


@pytest.mark.parametrize("size", [0, 1, 262_148, 262_163])
def test_an_index_that_was_cut_short_is_refused(size: int, place: Path) -> None:
    write_known_digests(place, [bytes(WIDTH)])
    place.write_bytes(place.read_bytes()[:size])
    with pytest.raises(FixityError, match="is damaged"):
        KnownDigests(place)


def test_a_damaged_index_is_made_again_and_no_new_bytes_are_lost(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    home.mkdir()
    (home / "history.jsonl").write_bytes(LINE % 1)
    extract(data, home)
    extract(data, home)  # the indexes now have the digests that the first run committed
    # The digests of the second prompt's piece and message, put into the index before the prompt is read.
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.md").write_bytes(LINE % 2)
    for index in (data / "cache").glob("*.idx"):
        raw = bytearray(index.read_bytes())
        raw[-WIDTH - 1] ^= 1
        index.write_bytes(raw)
    before = len(rows(data, "store"))
    extract(data, home, tmp_path / "other")
    extract(data, home, tmp_path / "other")
    assert len(rows(data, "store")) == before + 1
    assert all(KnownDigests(index) for index in (data / "cache").glob("*.idx"))


def test_an_index_is_named_by_what_it_is_made_of(tmp_path: Path) -> None:
    home, layout = tmp_path / "home", Layout(tmp_path / "data")
    home.mkdir()
    (home / "history.jsonl").write_bytes(LINE % 1)
    extract(layout.root, home)
    runs = read_runs(layout)
    first = prepare_indexes(layout, runs, "r1", 0, 0)
    (part,) = [part for phase in runs[0].phases for part in phase.parts if part.table == "store"]
    for phase in runs[0].phases:
        phase.parts = [one for one in phase.parts if one is not part]
    second = prepare_indexes(layout, runs, "r2", 0, 0)
    assert second.pieces != first.pieces
    assert second.messages == first.messages


def test_the_index_of_the_first_parts_is_extended_and_no_part_of_it_is_read_again(tmp_path: Path) -> None:
    home, layout = tmp_path / "home", Layout(tmp_path / "data")
    home.mkdir()
    for number in range(3):
        (home / "history.jsonl").write_bytes(b"".join(LINE % one for one in range(number + 1)))
        extract(layout.root, home)
    runs = read_runs(layout)
    kept = {path.name: path.read_bytes() for path in layout.cache.iterdir()}  # with the digests of two runs
    for index in layout.cache.iterdir():
        index.unlink()
    anew = {path.name: path.read_bytes() for path in _indexes(layout, runs, "anew")}
    for name, raw in kept.items():
        (layout.cache / name).write_bytes(raw)
    first = [part for run in runs[:2] for phase in run.phases for part in phase.parts]
    for part in first:
        (layout.root / part.path).rename(layout.root / f"{part.path}.away")
    extended = {path.name: path.read_bytes() for path in _indexes(layout, runs, "extended")}
    assert extended == anew
    assert extended != kept


def _indexes(layout: Layout, runs: list[RunRecord], name: str) -> list[Path]:
    made = prepare_indexes(layout, runs, name, 0, 0)
    return [made.pieces, made.messages, made.imported]
