"""A file that its owner changes while it is read: read again, or reported as unreadable, never a mixture."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.history import parse_prompt
from extractors.home.found import Stat
from extractors.home.home import Home
from extractors.reading.contract import Columns, Entry, Reading, shape
from extractors.reading.extract import _until_written, extract_file
from extractors.reading.task import FileResult, FileTask, Limits
from models.reject import RejectCode
from models.schema import Row

SHAPE = shape("history.jsonl", Reading.JSONL, parse_prompt)


def prompts(generation: int, count: int = 3) -> bytes:
    """Return lines of one generation, all as long as those of any other."""
    line = b'{"display":"%04d","pastedContents":{},"timestamp":1768724500000,"project":"/p"}\n' % generation
    return line * count


class Meddler:
    """A sink that calls `meddle` once for each attempt, at its first row, and keeps what it gets by file."""

    def __init__(self, meddle: Callable[[int], None]) -> None:
        self.meddle = meddle
        self.rows: dict[int, list[Row]] = {}

    def entry(self, file_id: int, offset: int, length: int, kind: str, rows: Sequence[Row] = ()) -> None:
        if rows and file_id not in self.rows:
            self.meddle(len(self.rows) + 1)
        if rows:
            self.rows.setdefault(file_id, []).extend(rows)

    def piece(self, file_id: int, offset: int, data: bytes) -> bool:
        return True

    def erased(self, file_id: int, offset: int, length: int) -> None: ...
    def block(self, columns: Columns, file_id: int, offsets: Sequence[int], lengths: Sequence[int]) -> None: ...
    def reject(self, source: str, code: RejectCode, detail: str, file_id: int, offset: int, length: int) -> None: ...
    def repair(self, source: str, flag: str, file_id: int, offset: int, length: int) -> None: ...
    def said(self, entry: Entry, source: str, file_id: int, offset: int, length: int) -> None: ...
    def drift(
        self, what: str, name: str, source: str, version: str, file_id: int, offset: int, length: int
    ) -> None: ...


def read(home: Path, meddle: Callable[[int], None]) -> tuple[FileResult, Meddler]:
    """Read history.jsonl while `meddle` is at work."""
    with Home(home) as opened:
        found = next(found for found in opened.walk() if found.path == b"history.jsonl")
        task = FileTask("home", found.path, "history", 0, 1, 0, found.stat.size, found.stat.mtime_ns)
        sink = Meddler(meddle)
        return extract_file(opened, task, SHAPE, sink, Limits()), sink


def overwrite(path: Path, content: bytes, *, same_times: bool = False) -> None:
    """Write over a file in place, and where asked set its time of modification back."""
    before = path.stat()
    with path.open("r+b", buffering=0) as file:
        file.write(content)
    if same_times:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_file_that_changed_once_in_place_is_read_again_and_its_first_reading_is_void(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(prompts(1))
    result, sink = read(tmp_path, lambda attempt: overwrite(path, prompts(2)) if attempt == 1 else None)
    assert result.error is None
    assert (result.generation, len(result.void)) == (2, 1)
    assert [("0002" in row, "0001" in row) for row in sink.rows[result.file_id]] == [(True, False)] * 3


def test_a_file_that_changes_at_each_read_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(prompts(1))
    result, sink = read(tmp_path, lambda attempt: overwrite(path, prompts(attempt + 1)))
    assert result.error == "history.jsonl: changed in place each time it was read"
    assert {one.file_id for one in result.void} == set(sink.rows)
    assert len(result.void) == 3


def test_what_was_appended_meanwhile_is_no_change_of_what_was_read(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(prompts(1))

    def append(attempt: int) -> None:
        with path.open("ab") as file:
            file.write(prompts(1))

    result, _ = read(tmp_path, append)
    assert (result.error, result.void, result.size) == (None, [], len(prompts(1)))


AHEAD_NS = 10**9 * 86_400 * 300
"""Nanoseconds of the better part of a year."""


@pytest.mark.skipif(os.name == "nt", reason="Windows does not say when a file was changed last but by what one can set")
def test_a_change_of_a_file_that_is_dated_ahead_of_the_clock_is_found_though_its_date_is_set_back(
    tmp_path: Path,
) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(prompts(1))
    os.utime(path, ns=(0, time.time_ns() + AHEAD_NS))
    result, sink = read(
        tmp_path, lambda attempt: overwrite(path, prompts(2), same_times=True) if attempt == 1 else None
    )
    assert result.error is None
    assert (result.generation, len(result.void)) == (2, 1)
    assert [("0002" in row, "0001" in row) for row in sink.rows[result.file_id]] == [(True, False)] * 3


MOMENTS = st.integers(min_value=0, max_value=10**19)


@given(MOMENTS, MOMENTS, MOMENTS)
def test_a_file_is_waited_for_as_long_as_a_write_may_last_and_no_longer(now: int, modified: int, changed: int) -> None:
    assert 0 <= _until_written(Stat(0, modified, changed, 0, 0), now) <= 0.05


@given(MOMENTS, st.integers(min_value=-(10**8), max_value=10**9), MOMENTS)
def test_a_write_that_has_just_begun_is_waited_for_whatever_date_was_set(now: int, later: int, dated: int) -> None:
    begun = now + later
    left = min(0.05, max(0.0, 0.05 + later / 1e9))
    assert _until_written(Stat(0, begun, begun, 0, 0), now) == pytest.approx(left, abs=1e-6)
    assert _until_written(Stat(0, dated, begun, 0, 0), now) >= left - 1e-6


@given(MOMENTS, st.integers(min_value=3 * 10**9), MOMENTS)
def test_a_clock_that_was_set_back_lets_no_file_be_waited_for(now: int, ahead: int, dated: int) -> None:
    assert _until_written(Stat(0, now + ahead, now + ahead, 0, 0), now) == 0
    assert _until_written(Stat(0, dated, now + ahead, 0, 0), now) == 0


@given(MOMENTS, st.integers(min_value=10**8), st.integers(min_value=10**8))
def test_a_file_that_nobody_has_touched_for_long_is_not_waited_for_whatever_its_date(
    now: int, long_ago: int, ahead: int
) -> None:
    untouched = now - long_ago
    assert _until_written(Stat(0, now + 2_000_000_001 + ahead, untouched, 0, 0), now) == 0
    assert _until_written(Stat(0, untouched, untouched, 0, 0), now) == 0
