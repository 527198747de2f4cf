"""Cuts a stream of bytes into lines and log events whose spans tile it. Splits on `\\n` alone and never holds more than
a limit.
"""

import re
from collections.abc import Generator, Iterable, Iterator
from enum import IntEnum
from operator import sub


class Cut(IntEnum):
    """The kind of a span."""

    WHOLE = 0
    """A complete entry, its line end included."""
    FRAGMENT = 1
    """A part of an entry longer than the limit; more parts follow."""
    LAST_FRAGMENT = 2
    """The last part of an entry longer than the limit, its line end included."""
    TAIL = 3
    """The end of the stream without a line end: an unfinished entry."""


Span = tuple[int, bytes, Cut]
"""Offset in the file, bytes, and their kind."""


def cut_lines(chunks: Iterable[bytes], offset: int, limit: int) -> Iterator[Span]:
    """Yield the lines of a stream that begins at `offset` of its file.

    A line longer than `limit` bytes is yielded as fragments of about a chunk each, the bytes after the last `\\n` as a
    tail.
    """
    held: list[bytes] = []
    held_size = 0
    is_long = False
    for chunk in chunks:
        start = 0
        end = chunk.find(b"\n") + 1
        if end and (held_size or is_long):
            line = b"".join((*held, chunk[:end]))
            held.clear()
            held_size = 0
            yield offset, line, Cut.LAST_FRAGMENT if is_long or len(line) > limit else Cut.WHOLE
            offset += len(line)
            is_long = False
            start = end
            end = chunk.find(b"\n", start) + 1
        while end:
            line = chunk[start:end]
            yield offset, line, Cut.LAST_FRAGMENT if end - start > limit else Cut.WHOLE
            offset += end - start
            start = end
            end = chunk.find(b"\n", start) + 1
        if start < len(chunk):
            held.append(chunk[start:])
            held_size += len(chunk) - start
        if held_size > limit:
            fragment = b"".join(held)
            held.clear()
            held_size = 0
            is_long = True
            yield offset, fragment, Cut.FRAGMENT
            offset += len(fragment)
    if held_size:
        yield offset, b"".join(held), Cut.TAIL


def cut_events(chunks: Iterable[bytes], offset: int, limit: int, header: bytes) -> Iterator[Span]:
    """Yield the events of a log that begins at `offset`: a line that matches `header`, with the lines that continue it.

    The last event is a tail, because a later line may continue it. An event longer than `limit` ends there, and its
    further lines are events of their own.
    """
    is_header = re.compile(header).match
    event: list[bytes] = []
    size = 0
    for start, line, cut in cut_lines(chunks, offset, limit):
        if event and (cut in (Cut.FRAGMENT, Cut.LAST_FRAGMENT) or size + len(line) > limit or is_header(line)):
            yield start - size, b"".join(event), Cut.WHOLE
            event.clear()
            size = 0
        if cut is Cut.WHOLE or cut is Cut.TAIL:
            event.append(line)
            size += len(line)
        else:
            yield start, line, cut
    if event:
        data = b"".join(event)
        yield (start + len(line)) - size, data, Cut.TAIL


def cut_blocks(
    chunks: Iterator[bytes], limit: int, header: bytes
) -> Generator[tuple[bytes, list[int], list[int]], None, bytes]:
    """Yield the events of a log that begins with a header in blocks of many: the block's bytes, the events' offsets in
    them, and their lengths.

    The events are those of `cut_events`. It stops before an event longer than `limit`, or longer than half a chunk; the
    generator returns the bytes that it took from `chunks` and did not yield.
    """
    # The match includes the rest of the line, so that the search for headers continues at the next line.
    begins = re.compile(b"(?m:^)(?:" + header + b")(?:(?<=\n)|[^\n]*)").finditer
    rest = b""
    for chunk in chunks:
        data = rest + chunk
        starts = [match.start() for match in begins(data)]
        if not starts or starts[0] or starts[-1] < len(data) // 2:
            return data
        lengths = list(map(sub, starts[1:], starts))
        if max(lengths, default=0) > limit:
            return data
        end = starts.pop()
        if starts:
            yield data[:end], starts, lengths
        rest = data[end:]
    return rest


def cut_line_blocks(chunks: Iterator[bytes], limit: int) -> Generator[tuple[bytes, list[int], list[int]], None, bytes]:
    """Yield the lines of a stream in blocks of many: the block's bytes, the lines' offsets in them, and their lengths.

    The lines are those of `cut_lines`. It stops before a line longer than `limit`; the generator returns the bytes that
    it took from `chunks` and did not yield.
    """
    held: list[bytes] = []
    held_size = 0
    for chunk in chunks:
        begin = 0
        if held_size:
            # A line across chunks is a block by itself, so that a long one is not copied again.
            begin = chunk.find(b"\n") + 1
            held.append(chunk[:begin] if begin else chunk)
            held_size += len(held[-1])
            if held_size > limit:
                return b"".join((*held, chunk[begin:] if begin else b""))
            if not begin:
                continue
            line = b"".join(held)
            held.clear()
            yield line, [0], [held_size]
        data = chunk[begin : chunk.rfind(b"\n") + 1]
        held = [chunk[begin + len(data) :]]
        held_size = len(held[0])
        starts, end = [0], data.find(b"\n") + 1
        while end:
            starts.append(end)
            end = data.find(b"\n", end) + 1
        lengths = list(map(sub, starts[1:], starts))
        if max(lengths, default=0) > limit or held_size > limit:
            return data + held[0]
        if lengths:
            yield data, starts[:-1], lengths
    return b"".join(held)
