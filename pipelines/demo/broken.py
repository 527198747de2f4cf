"""Damages found in real homes: torn and spliced lines, NUL runs, bytes and numbers that JSON parsers refuse."""

from collections.abc import Sequence

import orjson

from pipelines.demo.home import DemoHome
from pipelines.demo.rng import Rng
from pipelines.demo.times import DAY_MS
from pipelines.demo.transcript import Record, Transcript
from pipelines.demo.tree import Tree

_HOLE = "@hole@"
_DEPTH = 1100
MIN_LINES = 10
"""The number of lines that a transcript needs, so that several damages find lines that do not touch."""

_DESCRIPTIONS = {
    "tail_fragment": "the end of an overwritten record is alone on a line",
    "two_records": "two records on one line, without a line feed between them",
    "truncated_then_record": "a record is cut off and the next one begins in its place",
    "nul_run": "a run of NUL bytes before a good record",
    "lone_surrogate": "the escape of half a surrogate pair in a string",
    "invalid_utf8": "bytes that are not valid UTF-8 in a string",
    "control_character": "a raw control character in a string",
    "not_a_number": "NaN in place of a number",
    "big_integer": "an integer of more than 64 bits",
    "deep_nesting": f"{_DEPTH} nested arrays",
    "not_an_object": "a JSON value that is not an object",
    "no_type": "an object without a type",
    "duplicate_key": "the same key twice in one object",
    "carriage_return": "a line that ends in CRLF",
    "byte_order_mark": "a byte order mark at the start of the file",
    "torn_tail": "the last line is cut off and has no line feed",
}
_FILLED = {
    "lone_surrogate": ('"@hole@"', b'"half a smile \\ud83d"'),
    "invalid_utf8": ('"@hole@"', b'"caf\xe9 \xff\xfe \xc3("'),
    "control_character": ('"@hole@"', b'"bell \x07 escape \x1b[0m"'),
    "not_a_number": ('"@hole@"', b"NaN"),
    "big_integer": ('"@hole@"', b"123456789012345678901234567890"),
    "deep_nesting": ('"@hole@"', b"[" * _DEPTH + b"]" * _DEPTH),
    "duplicate_key": ('"@hole@"', b'"first","@hole@":1,"@hole@":2'),
}

# The damages of each scene, by its version. The oldest version and the sessions that are copied elsewhere have none:
# their records are read again to write the copies.
DAMAGES_BY_VERSION = {
    "1.0.98": ("carriage_return", "not_an_object"),
    "2.0.21": ("byte_order_mark", "no_type"),
    "2.0.76": ("torn_tail",),
    "2.1.12": ("tail_fragment", "two_records"),
    "2.1.27": ("nul_run",),
    "2.1.39": ("truncated_then_record", "invalid_utf8"),
    "2.1.44": ("not_a_number",),
    "2.1.59": ("lone_surrogate", "control_character"),
    "2.1.70": ("torn_tail",),
    "2.1.138": ("big_integer", "torn_tail"),
    "2.1.158": ("deep_nesting",),
    "2.1.222": ("duplicate_key",),
}


def damage(tree: Tree, path: str, transcript: Transcript, codes: Sequence[str]) -> bytes:
    """Return the bytes of a transcript with the damages of `codes`; note each one's offset and length in `tree`."""
    rng, lines = transcript.rng, transcript.lines
    placed: dict[str, bytes] = {}
    for code in codes:
        if code not in ("byte_order_mark", "torn_tail"):
            placed[code] = _insert(rng, transcript, code, list(placed.values()))
    head = b"\xef\xbb\xbf" if "byte_order_mark" in codes else b""
    torn = _cut(rng, lines[-1]) if "torn_tail" in codes else b""
    data = head + transcript.data() + torn
    for code, line in placed.items():
        before = next(index for index, other in enumerate(lines) if other is line)
        _plant(tree, code, path, len(head) + sum(len(other) + 1 for other in lines[:before]), len(line))
    if head:
        _plant(tree, "byte_order_mark", path, 0, len(head))
    if torn:
        _plant(tree, "torn_tail", path, len(data) - len(torn), len(torn))
    return data


def _plant(tree: Tree, code: str, path: str, offset: int, length: int) -> None:
    tree.plant(code, path, _DESCRIPTIONS[code], offset, length)


def _cut(rng: Rng, line: bytes) -> bytes:
    """Return the beginning of a line, cut off at a random byte."""
    return line[: rng.between(len(line) // 3, len(line) - 2)]


def _free_place(rng: Rng, lines: list[bytes], taken: list[bytes]) -> int:
    """Return the index of a line that is undamaged and followed by an undamaged one."""
    used = {id(line) for line in taken}
    return rng.pick([n for n in range(1, len(lines) - 1) if not used & {id(lines[n]), id(lines[n + 1])}])


def _insert(rng: Rng, transcript: Transcript, code: str, taken: list[bytes]) -> bytes:
    """Insert one damaged line at a free place; return it without its line feed."""
    lines = transcript.lines
    place = _free_place(rng, lines, taken)
    match code:
        case "tail_fragment":
            line = lines[place][-rng.between(7, 40) :]
        case "two_records":
            line = lines[place] + lines.pop(place + 1)
            lines.pop(place)
        case "truncated_then_record":
            line = _cut(rng, lines[place]) + lines.pop(place + 1)
            lines.pop(place)
        case "nul_run":
            line = b"\x00" * rng.between(200, 3000) + lines.pop(place)
        case "not_an_object":
            line = b'["a record",null,1]'
        case "no_type":
            line = orjson.dumps({"uuid": rng.uuid(), "sessionId": transcript.session, "note": "no type"})
        case "carriage_return":
            line = lines.pop(place) + b"\r"
        case _:
            line = _fill(transcript, code)
    lines.insert(place, line)
    return line


def _fill(transcript: Transcript, code: str) -> bytes:
    """Return a valid record in which one value is replaced by bytes that a JSON parser refuses or changes."""
    hole, bad = _FILLED[code]
    message: Record = {"role": "user", "content": [{"type": "text", "text": "a record with something wrong in it"}]}
    transcript.chain({"type": "user", "message": message}, {"toolUseResult": {"stdout": _HOLE, "stderr": ""}})
    return transcript.lines.pop().replace(hole.encode(), bad)


def write_broken_lists(home: DemoHome, rng: Rng) -> None:
    """Write a todo list that is cut off, and a file of scheduled tasks with unescaped quotes."""
    session, ms = rng.uuid(), home.now - 250 * DAY_MS
    path, data = f"todos/{session}-agent-{session}.json", b'[\n  {"content": "half an item", "status": "pen'
    home.tree.write(path, data, ms, mode=0o644)
    home.tree.plant("invalid_json", path, "a todo list that was cut off", 0, len(data))
    path, data = (
        "scheduled_tasks.json",
        b'{"tasks":[{"id":"9f1c0a2b","cron":"0 9 * * 1","prompt":"say "hello" to all"}]}',
    )
    home.tree.write(path, data, ms, mode=0o644)
    home.tree.plant("invalid_json", path, "JSON with quotes that were not escaped", 0, len(data))
