"""Output fits the terminal and cannot harm it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from models.amounts import count, duration, listed, moment, plural, size
from models.text import safe
from pipelines.cli.console import Heading, fit, lay_out

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)


@given(st.lists(st.lists(ANY_TEXT, min_size=4, max_size=4), max_size=6), st.integers(40, 120))
def test_no_line_of_a_table_is_wider_than_the_terminal_or_obeyed_by_it(rows: list[list[str]], width: int) -> None:
    headings = [Heading(name) for name in "abc"] + [Heading("d", "sentence")]
    lines = lay_out(headings, rows, width)
    assert len(lines) >= len(rows) + 1
    for line in lines:
        assert cell_len(line) <= width
        assert safe(line) == line


@given(st.lists(st.integers(1, 200), min_size=1, max_size=6), st.integers(60, 200))
def test_columns_are_cut_only_when_they_must_be_and_the_widest_first(natural: list[int], width: int) -> None:
    widths = fit(natural, [False] * len(natural), width)
    room = width - 2 * (len(natural) - 1)
    assert sum(widths) <= max(room, 6 * len(natural))
    assert all(cut <= whole for cut, whole in zip(widths, natural, strict=True))
    if sum(natural) <= room:
        assert widths == natural
    uncut = [whole for cut, whole in zip(widths, natural, strict=True) if cut == whole]
    assert max(uncut, default=0) <= max(widths)


def test_numbers_are_never_cut() -> None:
    lines = lay_out([Heading("text"), Heading("n", "number")], [["x" * 100, "123,456,789"]], 30)
    assert lines[1].endswith("123,456,789")
    assert len(lines[1]) == 30


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (999_950, "1.0 MB"), (12_345_678, "12.3 MB"),
     (5 * 10**9, "5.0 GB"), (2 * 10**15, "2,000.0 TB")],
)  # fmt: skip
def test_sizes_are_in_units_of_a_thousand(number: int, shown: str) -> None:
    assert size(number) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "1 min 00 s"), (3725, "1 h 02 min")]
)
def test_durations_are_short(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_words_follow_numbers() -> None:
    assert (count(1234567), plural(1, "file"), plural(2000, "entry", "entries")) == (
        "1,234,567",
        "1 file",
        "2,000 entries",
    )
    assert listed({"intact": 3, "corrupt": 0}) == "3 intact"
    assert listed({}) == "none"
    assert moment("2026-01-02T03:04:05.678+01:00") == "2026-01-02 02:04 UTC"
    assert moment(None) == "-"
