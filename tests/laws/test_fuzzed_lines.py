"""Fuzzed lines through the readers: spans tile the bytes, nothing good is lost or invented, nothing crashes."""

import os
import random

import orjson

from extractors.reading.cutting import Cut, cut_lines
from extractors.reading.salvage import PartKind, parse_line, salvage

LINES = int(os.environ.get("SOAK_LINES", "40000"))
"""How many lines; a soak asks for more."""


def record(chance: random.Random, number: int) -> bytes:
    """Return a whole record with its number in it."""
    text = "".join(chance.choice('ab{}[]",:\\ \u00e9\u2028\n') for _ in range(chance.randrange(12)))
    fields = {"type": "user", "uuid": f"u-{number}", "sessionId": "s", "message": {"role": "user", "content": text}}
    return orjson.dumps(fields)


def damage(chance: random.Random, number: int) -> tuple[bytes, list[str]]:
    """Return a damaged line and the uuids of the records that are whole in it."""
    one, two = record(chance, number), record(chance, number + 1_000_000)
    first, second = f"u-{number}", f"u-{number + 1_000_000}"
    match chance.randrange(7):
        case 0:
            return one + b"\n", [first]
        case 1:
            return one + two + b"\n", [first, second]
        case 2:
            return b"\0" * chance.randrange(1, 40) + one + b"\n", [first]
        case 3:
            return one[: chance.randrange(2, len(one) - 1)] + two + b"\n", [second]
        case 4:
            return bytes(chance.randrange(256) for _ in range(chance.randrange(60))).replace(b"\n", b" ") + b"\n", []
        case 5:
            flipped = bytearray(one)
            flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
            return bytes(flipped).replace(b"\n", b" ") + b"\n", []
        case _:
            return one[: chance.randrange(len(one))] + b"\n", []


def test_fuzzed_lines_are_tiled_and_no_good_record_is_lost_or_invented() -> None:
    chance = random.Random(20261121)
    for number in range(LINES):
        line, whole = damage(chance, number)
        value = parse_line(line)
        found = [] if value is None else [value]
        if value is None:
            parts = salvage(line)
            position = 0
            for part in parts:
                assert part.start == position, line
                position = part.end
            assert position == len(line), line
            found = [part.value for part in parts if part.kind is PartKind.RECORD and part.value is not None]
        uuids = [one.get("uuid") for one in found]
        for uuid in whole:
            assert uuid in uuids, line
        assert len(found) <= max(2, len(whole)), line
    print(f"did: {LINES:,} lines")


def test_streams_cut_at_any_place_give_the_same_lines() -> None:
    chance = random.Random(7)
    for number in range(max(200, LINES // 500)):
        stream = (
            b"".join(damage(chance, number * 10 + n)[0] for n in range(chance.randrange(8))) + b"tail"[: number % 5]
        )
        chunks, at = [], 0
        while at < len(stream):
            size = chance.randrange(1, 200)
            chunks.append(stream[at : at + size])
            at += size
        spans = list(cut_lines(iter(chunks), 100, 1 << 20))
        assert b"".join(data for _, data, _ in spans) == stream
        lines = [line + b"\n" for line in stream.split(b"\n")[:-1]]
        assert [data for _, data, cut in spans if cut is Cut.WHOLE] == lines
        limited = list(cut_lines(iter(chunks), 100, 64))
        assert b"".join(data for _, data, _ in limited) == stream
        offset = 100
        for start, data, _ in limited:
            assert start == offset
            offset += len(data)
