"""A manifest as it is written and read back, and the text for `sha256sum -c` that is made of it."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.manifest import FileState, Outcome
from models.tables import MANIFEST
from pipelines.archive.manifests import read_digests, read_manifest
from tests.support import extract, rows, write_part

_TEXTS = st.text(max_size=8)
_NUMBERS = st.integers(0, 2**62)
_DIGESTS = st.none() | st.binary(min_size=16, max_size=16)
_STATES = st.builds(
    FileState,
    **dict.fromkeys(["home_id", "run_id", "source", "path", "treatment", "rule", "change", "check_made"], _TEXTS),
    **dict.fromkeys(["phase", "size", "ctime_ns", "mode", "inode"], _NUMBERS),
    **dict.fromkeys(["file_id", "generation", "watermark"], st.none() | _NUMBERS),
    **dict.fromkeys(["detail", "first_run_id"], st.none() | _TEXTS),
    mtime_ns=st.integers(-(10**18), 4 * 10**18),
    path_bytes=st.binary(max_size=8),
    entry_type=st.sampled_from(["file", "directory", "link"]),
    outcome=st.sampled_from([str(outcome) for outcome in Outcome]),
    link_target=st.none() | st.binary(max_size=8),
    sha256=st.none() | st.just("0" * 64),
    content_xxh3=_DIGESTS,
    prefix_xxh3=_DIGESTS,
    erased_spans=st.none() | st.just("[]"),
    atime_kept=st.none() | st.booleans(),
)


def _written(directory: str, states: Sequence[FileState]) -> Path:
    path = Path(directory) / "manifest" / "part.parquet"
    write_part(path, MANIFEST, [state.row() for state in states])
    return path


@given(st.lists(_STATES, max_size=4))
def test_a_manifest_is_read_back_as_it_was(states: list[FileState]) -> None:
    with TemporaryDirectory() as directory:
        assert read_manifest(_written(directory, states)) == states


@given(_STATES)
def test_a_row_has_each_value_in_its_own_column(state: FileState) -> None:
    row = dict(zip([column.name for column in MANIFEST.columns], state.row(), strict=True))
    assert row == {name: getattr(state, name) for name in row}
    since_1970 = state.modified_at - datetime(1970, 1, 1, tzinfo=UTC)
    assert since_1970 // timedelta(microseconds=1) == state.mtime_ns // 1000


@given(st.lists(_STATES, max_size=6))
def test_the_text_names_each_whole_file_that_is_in_the_home_and_was_digested(states: list[FileState]) -> None:
    named = [
        (state.path_bytes, state.sha256)
        for state in states
        if state.entry_type == "file" and state.is_present and state.sha256 is not None and state.erased_spans is None
    ]
    with TemporaryDirectory() as directory:
        assert list(read_digests(_written(directory, states))) == named


def test_what_an_older_manifest_did_not_write_is_unknown(tmp_path: Path) -> None:
    times = (1, 2, 3, 4, 5)
    state = FileState(
        *("h", "r", 1, "history", "p", b"p", "file", "extract", "rule", "new", "intact", "sha256"),
        *times,
        sha256="0" * 64,
        atime_kept=True,
    )
    path = _written(str(tmp_path), [state])
    table = pq.read_table(path, partitioning=None)
    pq.write_table(table.drop_columns(["erased_spans"]), path)
    assert read_manifest(path) == [state]
    assert list(read_digests(path)) == [(b"p", "0" * 64)]


def test_a_file_dated_after_the_year_2262_is_read_once_and_kept(tmp_path: Path) -> None:
    home, late = tmp_path / "home", 1 << 63
    home.mkdir()
    (home / "notes.md").write_text("from the future")
    os.utime(home / "notes.md", ns=(late, late))
    if (home / "notes.md").stat().st_mtime_ns < late:
        pytest.skip("the file system keeps no such time")
    for reads in (1, 0):
        (counts,) = (one for phase in extract(tmp_path / "data", home).phases for one in phase.sources.values())
        assert (counts.files_found, counts.files_read) == (1, reads)
    assert {row["mtime_ns"] for row in rows(tmp_path / "data", "manifest")} == {late - 1}
