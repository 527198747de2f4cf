"""Cuts the bytes read from a file into pieces: spans of whole entries. The store has each distinct piece once."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from extractors.reading.digests import Digests
from extractors.reading.task import FileResult, Sink

_LARGEST_PIECE: Final = 1 << 20
_SMALLEST_PIECE: Final = 1 << 16


class PieceCutter:
    """Collects the bytes of entries until they make a piece, and hands each piece to a sink and to the file's digests.

    `result` has the file, the offset of the first byte, and the count of pieces.
    """

    def __init__(self, sink: Sink, digests: Digests, result: FileResult) -> None:
        self.sink = sink
        self.digests = digests
        self.result = result
        self.held: list[bytes] = []
        self.held_size = 0
        self.piece_offset = result.from_offset

    def hold(self, data: bytes) -> None:
        """Add an entry's bytes to the current piece, and end the piece at a place that depends only on the content, so
        that equal runs of entries in two files give equal pieces, which the store has once.
        """
        self.held.append(data)
        self.held_size += len(data)
        if self.held_size >= _SMALLEST_PIECE and (len(data) % 8 == 0 or self.held_size >= _LARGEST_PIECE):
            self.cut_piece()

    def cut_piece(self) -> None:
        """Hand the held bytes to the sink as pieces, and to the digests."""
        if not self.held_size:
            return
        data = self.held[0] if len(self.held) == 1 else b"".join(self.held)
        self.held.clear()
        self.held_size = 0
        self.digests.feed(data)
        for start in range(0, len(data), _LARGEST_PIECE * 4):
            piece = data[start : start + _LARGEST_PIECE * 4]
            self.result.piece_count += 1
            if self.sink.piece(self.result.file_id, self.piece_offset, piece):
                self.result.new_piece_bytes += len(piece)
            self.piece_offset += len(piece)

    def hold_block(self, data: bytes, starts: Sequence[int], lengths: Sequence[int]) -> None:
        """Do the same as `hold` for each entry of a block; the entries tile `data`."""
        begin = number = 0
        while True:
            # A piece has a minimum size, so no earlier entry can end it.
            enough = begin + _SMALLEST_PIECE - self.held_size
            number = max(number, bisect_left(starts, enough) - 1)
            while number < len(starts):
                end = starts[number] + lengths[number]
                size = self.held_size + end - begin
                if size >= _SMALLEST_PIECE and (lengths[number] % 8 == 0 or size >= _LARGEST_PIECE):
                    break
                number += 1
            else:
                break
            self.held.append(data[begin:end])
            self.held_size = size
            self.cut_piece()
            begin = end
            number += 1
        if begin < len(data):
            self.held.append(data[begin:])
            self.held_size += len(data) - begin

    def hold_long(self, data: bytes) -> None:
        """Hand a part of an entry longer than the limit to the sink at once, so that it is not held in memory."""
        self.held.append(data)
        self.held_size += len(data)
        self.cut_piece()
