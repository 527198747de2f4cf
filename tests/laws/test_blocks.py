"""Reading many entries at a time gives the same rows as reading them one by one."""

from datetime import UTC, datetime
from itertools import accumulate, chain
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from extractors.home.home import Home
from extractors.reading.contract import Block, Entry, Shape
from extractors.reading.cutting import Cut, Span, cut_blocks, cut_events, cut_line_blocks, cut_lines
from extractors.reading.erasure import Tombstones
from extractors.reading.extract import extract_file
from extractors.reading.registry import sources
from extractors.reading.task import FileTask, Limits
from tests.support import sink_in

SHAPES = [shape for source in sources().values() for shape in source.shapes if shape.parse_block is not None]
PIECES = (
    *(b"2026-01-23T16:46:29.603Z [DEBUG] ", b"2026-02-30T16:46:29.603Z [INFO] ", b"2026-01-23T16:46:29.603Z [TRACE] "),
    *(b"[ERROR] ", b"[WARN]\r\n", b"[DEBUG]\n", b"[DEBUG] [hooks]\n", b"[DEBUG] [hooks] ran\r\n", b"[INFO] [a]:\n"),
    *(b'[INFO] MCP server "x": up\n', b"[ERROR] TypeError: no\n    at f (x.js:1)\n", b"[DEBUG] Streaming\n"),
    *(
        b"[DEBUG] a: b: c\n",
        b"word: \n",
        b"word: more\n",
        b"\n",
        b"\r\n",
        b"\0",
        b"\xef\xbb\xbf",
        b"\xff",
        b"text\n",
        b"]",
    ),
    *("\u2192 \u2028\x85".encode(), b"x" * 40),
)
logs = st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join)


def cut_as_blocks(chunks: list[bytes], limit: int, header: bytes | None) -> list[Span]:
    """Cut into blocks, and the rest one by one, as the reader does: events, or without `header` lines."""
    spans: list[Span] = []
    given, start = iter(chunks), 0
    blocks = cut_line_blocks(given, limit) if header is None else cut_blocks(given, limit, header)
    while True:
        try:
            data, starts, lengths = next(blocks)
        except StopIteration as end:
            rest: bytes = end.value
            left = chain((rest,) if rest else (), given)
            return spans + list(
                cut_lines(left, start, limit) if header is None else cut_events(left, start, limit, header)
            )
        assert starts[0] == 0
        assert starts[-1] + lengths[-1] == len(data)
        for begin, length in zip(starts, lengths, strict=True):
            spans.append((start + begin, data[begin : begin + length], Cut.WHOLE))
        start += len(data)


@given(logs, st.lists(st.integers(1, 60), min_size=1), st.sampled_from((30, 1000)))
def test_blocks_hold_the_events_and_lines_that_are_cut_one_by_one(data: bytes, sizes: list[int], limit: int) -> None:
    chunks, start = [], 0
    for size in sizes:
        chunks.append(data[start : start + size])
        start += size
    chunks = [chunk for chunk in (*chunks, data[start:]) if chunk]
    header = SHAPES[0].header or b""
    one_by_one = list(cut_events(chunks, 0, limit, header))
    assert whole(cut_as_blocks(chunks, limit, header)) == whole(one_by_one)
    assert whole(cut_as_blocks(chunks, limit, None)) == whole(list(cut_lines(chunks, 0, limit)))


def whole(spans: list[Span]) -> list[tuple[int, bytes, Cut]]:
    """Join the fragments of an entry: how many there are depends on the chunks."""
    joined: list[Span] = []
    for offset, data, cut in spans:
        if joined and joined[-1][2] is Cut.FRAGMENT:
            begin, before, _ = joined.pop()
            offset, data = begin, before + data
        joined.append((offset, data, cut))
    return joined


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.pattern)
@given(logs)
def test_a_parser_of_blocks_says_what_the_parser_of_entries_says(shape: Shape, data: bytes) -> None:
    assert shape.parse_block is not None
    events = [span for span in cut_events([data], 0, 1000, shape.header or b"") if span[2] is Cut.WHOLE]
    names = {"session_id": "s"}
    assume(events)
    starts = [0, *accumulate(len(span[1]) for span in events)]
    block = Block(names, b"".join(span[1] for span in events), starts[:-1])
    columns = shape.parse_block(block)
    if columns is None:
        return
    entries = [Entry(names, span[1]) for span in events]
    assert list(zip(*([one.as_py() for one in array] for array in columns.arrays), strict=True)) == [
        tuple(value.replace(tzinfo=None) if isinstance(value, datetime) else value for value in row)
        for entry in entries
        for row in shape.parse(entry)
    ]
    assert not any(entry.said or entry.odd or entry.flags or entry.unknown_type for entry in entries)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.pattern)
def test_regular_events_are_parsed_as_a_block(shape: Shape) -> None:
    events = [b"2026-01-23T16:46:29.603Z [DEBUG] [a] b\n", b"[ERROR] \xe2\x86\x92\n  more\n"]
    assert shape.parse_block is not None
    columns = shape.parse_block(Block({}, b"".join(events), [0, len(events[0])]))
    assert columns is not None
    assert [one.as_py() for one in columns.arrays[0]] == [datetime(2026, 1, 23, 16, 46, 29, 603000), None]  # noqa: DTZ001


def staged(home: Path, into: Path, tombstones: Tombstones | None, limits: Limits | None = None) -> dict[str, pa.Table]:
    """Read the one file of a home and return the tables that it gave."""
    sink = sink_in(into)
    (file,) = (path for path in home.rglob("*") if path.is_file())
    path = file.relative_to(home).as_posix()
    modified_ns = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1e9)
    source, number, shape = next(
        (source.name, number, shape)
        for source in sources().values()
        for number, shape in enumerate(source.shapes)
        if shape.names_in(path) and shape.is_append_only
    )
    task = FileTask("h", path.encode(), source, number, 1, 0, file.stat().st_size, modified_ns)
    with Home(home) as opened:
        result = extract_file(opened, task, shape, sink, limits or Limits(), tombstones)
    assert result.error is None
    return {part.table: pq.read_table(part.path, partitioning=None) for part in sink.close()}


def test_a_long_log_gives_the_same_rows_spans_and_pieces_either_way(tmp_path: Path) -> None:
    chance = Random(7)
    events = [b"[DEBUG] first\n"]
    for number in range(60_000):
        events.append(b"2026-01-23T16:46:29.603Z [DEBUG] [render] %d %s\n" % (number, b"y" * chance.randrange(60)))
        if number % 9_000 == 8_999:
            events.append(chance.choice(PIECES) + b"\n")
    (tmp_path / "home/debug").mkdir(parents=True)
    (tmp_path / "home/debug/a.txt").write_bytes(b"".join(events))
    many = staged(tmp_path / "home", tmp_path / "many", None)
    one_by_one = staged(tmp_path / "home", tmp_path / "one", Tombstones(b"key"))
    assert many.keys() == one_by_one.keys()
    assert many["entries"].num_rows >= 60_000
    for name, table in many.items():
        assert table.equals(one_by_one[name]), name


def test_a_long_transcript_gives_the_same_rows_spans_and_pieces_either_way(tmp_path: Path) -> None:
    chance = Random(7)
    lines = [b"\xef\xbb\xbf"]
    for number in range(4_000):
        text = b"y" * chance.choice((chance.randrange(60), chance.randrange(5_000)))
        lines.append(b'{"type":"user","message":{"content":"%d %s"}}\n' % (number, text))
        if number % 90 == 89:
            lines.append(
                chance.choice((b"\n", b'{"type"', b"\0\0", b"[1]\n", b"{}\n", b'{"type":"mode"}', b"x" * 90_000))
            )
    # A line that lies across chunks, one beyond the limit, and a tail.
    lines.append(b'{"type":"system","content":"%s"}\n' % (b"z" * 2_500_000))
    lines.append(b'{"type":"system","content":"%s"}\n' % (b"z" * 3_500_000))
    lines.append(b'{"type":"mode"}\n{"type":"mode"')
    (tmp_path / "home/projects/-p").mkdir(parents=True)
    (tmp_path / "home/projects/-p/a.jsonl").write_bytes(b"".join(lines))
    limits = Limits(entry_bytes=3_000_000)
    many = staged(tmp_path / "home", tmp_path / "many", None, limits)
    one_by_one = staged(tmp_path / "home", tmp_path / "one", Tombstones(b"key"), limits)
    assert many.keys() == one_by_one.keys()
    assert set(many["entries"]["entry_kind"].to_pylist()) == {"entry", "reject", "padding", "tail"}
    for name, table in many.items():
        assert table.equals(one_by_one[name]), name
