"""Every byte that was read has an address: spans tile each file, pieces give it back, and entries balance; for every
fixture home.
"""

from collections import defaultdict
from hashlib import sha256
from pathlib import Path

import pytest
from xxhash import xxh3_128

from extractors.home.home import Home
from models.identity import file_id
from models.manifest import FileState
from models.run import RunRecord
from pipelines.archive.archive import Archive
from pipelines.archive.manifests import read_manifest
from pipelines.disk.layout import Layout
from tests.support import extract, fixture_homes, rows


@pytest.fixture(scope="module", params=fixture_homes(), ids=lambda home: home.name)
def extracted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, RunRecord]:
    home: Path = request.param
    data = tmp_path_factory.mktemp("data")
    return home, data, extract(data, home)


def manifest(data: Path, run: RunRecord) -> list[FileState]:
    parts = [part for phase in run.phases for part in phase.parts if part.table == "manifest"]
    return [state for part in parts for state in read_manifest(data / part.path)]


def kept(data: Path, run: RunRecord) -> list[FileState]:
    return [state for state in manifest(data, run) if state.file_id is not None and state.entry_type == "file"]


def test_everything_in_the_home_is_in_the_manifest_once(extracted: tuple[Path, Path, RunRecord]) -> None:
    home, data, run = extracted
    with Home(home) as opened:
        found = sorted(item.path for item in opened.walk())
    assert sorted(state.path_bytes for state in manifest(data, run)) == found


def test_the_spans_of_each_file_tile_it(extracted: tuple[Path, Path, RunRecord]) -> None:
    _, data, run = extracted
    spans: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for row in rows(data, "entries"):
        spans[row["file_id"]].append((row["byte_offset"], row["byte_length"]))  # type: ignore[index,arg-type]
    for state in kept(data, run):
        position = 0
        for offset, length in sorted(spans[state.file_id or 0]):
            assert offset == position, state.path
            position += length
        assert position == state.size, state.path


def test_the_pieces_of_each_file_give_it_back_byte_for_byte(extracted: tuple[Path, Path, RunRecord]) -> None:
    home, data, run = extracted
    store = {row["digest"]: row["content"] for row in rows(data, "store")}
    pieces: dict[int, dict[int, bytes]] = defaultdict(dict)
    for row in rows(data, "pieces"):
        pieces[row["file_id"]][row["byte_offset"]] = store[row["digest"]]  # type: ignore[index,assignment]
    for state in kept(data, run):
        made = b"".join(content for _, content in sorted(pieces[state.file_id or 0].items()))
        assert made == (home / state.path).read_bytes(), state.path
        assert sha256(made).hexdigest() == state.sha256


def test_the_store_holds_each_piece_once_under_its_own_digest(extracted: tuple[Path, Path, RunRecord]) -> None:
    _, data, _ = extracted
    seed = Archive.open(Layout(data)).seed
    held = rows(data, "store")
    assert len({row["digest"] for row in held}) == len(held)
    for row in held:
        assert xxh3_128(row["content"], seed=seed).digest() == row["digest"]  # type: ignore[arg-type]


def test_entries_that_gave_rows_and_rejects_make_up_the_entries_read(extracted: tuple[Path, Path, RunRecord]) -> None:
    _, data, run = extracted
    for row in rows(data, "extractions"):
        assert row["entry_count"] == row["entries_with_rows"] + row["reject_count"]  # type: ignore[operator]
    for phase in run.phases:
        for counts in phase.sources.values():
            assert counts.entries == counts.entries_with_rows + counts.rejects


def test_every_row_points_at_a_file_of_the_manifest_and_a_span_of_it(extracted: tuple[Path, Path, RunRecord]) -> None:
    _, data, run = extracted
    spans = {(row["file_id"], row["byte_offset"], row["byte_length"]) for row in rows(data, "entries")}
    tables = {part.table for phase in run.phases for part in phase.parts} - {"pieces", "store", "entries"}
    for table in tables:
        for row in rows(data, table):
            if "byte_offset" in row and table != "drift":
                assert (row["file_id"], row["byte_offset"], row["byte_length"]) in spans, table


def test_every_message_that_was_seen_is_kept_under_the_digest_of_its_text(
    extracted: tuple[Path, Path, RunRecord],
) -> None:
    _, data, _ = extracted
    texts = {row["message_id"]: row["text"] for row in rows(data, "message_texts")}
    for message_id, text in texts.items():
        assert sha256(str(text).encode()).hexdigest() == message_id
    assert {row["message_id"] for row in rows(data, "occurrences")} == set(texts)


def test_a_file_has_the_same_id_in_every_archive(extracted: tuple[Path, Path, RunRecord]) -> None:
    _, data, run = extracted
    for state in kept(data, run):
        assert state.file_id == file_id(state.home_id, state.path_bytes, 1)
