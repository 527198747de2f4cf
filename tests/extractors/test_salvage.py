"""Salvage recovers whole records from damaged lines and names the kind of the rest."""

import json
import math
import re

import orjson
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from extractors.reading.salvage import SalvagedPart, parse_line, salvage
from models.json import JsonObject
from models.reject import RejectCode
from tests.extractors.salvaging import (
    ASSISTANT,
    PROMPT,
    RECORD,
    REJECT,
    USER,
    assert_tiles,
    dump,
    kinds,
    values,
)

SNAPSHOT: JsonObject = {
    "type": "file-history-snapshot",
    "messageId": "u1",
    "snapshot": {
        "messageId": "u1",
        "trackedFileBackups": {"a.py": {"version": 1}},
        "timestamp": "2026-01-01T00:00:00Z",
    },
    "isSnapshotUpdate": False,
}
RECORDS = [USER, ASSISTANT, SNAPSHOT, PROMPT]


def assert_not_invented(line: bytes, parts: list[SalvagedPart]) -> None:
    """Each record is the result of a parser of its own for exactly its bytes; unflagged ones are also the result of
    orjson.
    """

    def number(digits: str) -> float | int | None:
        value = float(digits)
        return None if math.isinf(value) else int(digits) if re.fullmatch(r"-?\d+", digits) else value

    for part in parts:
        if part.kind is RECORD:
            text = line[part.start : part.end].decode()
            read = json.loads(text, strict=False, parse_constant=lambda _: None, parse_int=number, parse_float=number)
            made = json.dumps(read).encode()
            lone = re.compile(rb"\\ud[89ab]..\\ud[c-f]..|(\\ud[89a-f]..)")
            assert part.value == json.loads(lone.sub(lambda found: rb"\ufffd" if found[1] else found[0], made))
            assert part.flags or part.value == orjson.loads(text)


# Texts that look like the seams of records, to lead a search for them astray.
SEAMS = [
    "{",
    "}",
    '{"',
    '"}',
    "}{",
    '{"type":',
    '","',
    "[",
    "]",
    ",",
    ":",
    "\\",
    "\0",
    " ",
    "é",
    "\U0001f600",
    "\u2028",
    "1",
]
texts = st.lists(st.sampled_from(SEAMS) | st.characters(exclude_categories=["Cs"]), max_size=6).map("".join)
inner_keys = st.sampled_from(["type", "uuid", "timestamp", "content", "text", "id"]) | texts
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(inner_keys, inner, max_size=3),
    max_leaves=8,
)
names = texts.filter(lambda text: not text.startswith("}"))


@st.composite
def records(draw: st.DrawFn) -> JsonObject:
    """A record: a field that records begin with, then two that only records have together, among fields of any kind.

    No field's name begins with `}`: after `{"a":"` such a record's beginning, `{"}`, makes another whole object.
    """
    known = draw(
        st.sampled_from([("type", "sessionId"), ("type", "messageId"), ("type", "leafUuid"), ("display", "timestamp")])
    )
    first = draw(st.sampled_from(["parentUuid", known[0]]))
    fields = draw(st.dictionaries(st.sampled_from(["message", "data", "cwd", "slug"]) | names, json_values, max_size=4))
    fields |= {name: draw(texts) for name in (first, *known)}
    return {first: fields[first]} | {name: fields[name] for name in draw(st.permutations(list(fields)))}


hostile_lines = st.lists(
    st.sampled_from(
        [*(seam.encode() for seam in SEAMS), b'{"type":"x","sessionId":"s"}', b"null", b"\xff", b"\\u", b"\\ud83d"]
    )
    | st.binary(max_size=4),
    max_size=20,
).map(b"".join)


@given(hostile_lines, st.booleans())
@example(b"", False)
@example(b"\xef\xbb\xbf\n", True)
def test_whatever_a_line_holds_its_parts_tile_it_and_nothing_is_invented(line: bytes, at_file_start: bool) -> None:
    parts = salvage(line, at_file_start=at_file_start)
    assert_tiles(line, parts)
    assert_not_invented(line, parts)


@given(st.binary(max_size=200))
def test_a_line_that_the_fast_path_reads_is_one_record_of_the_same_value(garbage: bytes) -> None:
    for line in (garbage, b'{"k":' + dump(garbage.hex()) + b"}\r\n"):
        value = parse_line(line)
        if value is not None:
            assert salvage(line) == [SalvagedPart(0, len(line), RECORD, value)]


@given(records())
def test_a_whole_record_is_read_alike_by_both_paths(record: JsonObject) -> None:
    line = b" " + dump(record) + b" \r\n"
    assert parse_line(line) == record
    assert salvage(line) == [SalvagedPart(0, len(line), RECORD, record)]


@given(
    st.lists(
        st.tuples(st.dictionaries(texts, json_values, max_size=3), st.sampled_from([b"", b"  ", b"\0\0", b" \0\t"])),
        min_size=1,
    )
)
def test_objects_spliced_without_a_line_end_are_all_salvaged(
    splices: list[tuple[JsonObject, bytes]],
) -> None:
    line = b"".join(dump(record) + gap for record, gap in splices) + b"\n"
    parts = salvage(line)
    assert_tiles(line, parts)
    assert values(parts) == [record for record, _ in splices]
    assert REJECT not in {part.kind for part in parts}


@given(records(), st.lists(records(), min_size=1, max_size=3), st.sampled_from([b"", b" ", b"\0\0"]), st.data())
def test_records_after_a_torn_one_are_salvaged_and_nothing_of_the_torn_one(
    torn: JsonObject, whole: list[JsonObject], gap: bytes, data: st.DataObject
) -> None:
    head = dump(torn)
    head = head[: data.draw(st.integers(1, len(head) - 1))]
    line = head + gap + b"".join(map(dump, whole)) + b"\n"
    parts = salvage(line)
    assert_tiles(line, parts)
    assert values(parts) == whole
    assert parts[0].code is RejectCode.TRUNCATED_RECORD
    assert parts[0].end in (len(head), len(head + gap))


@given(records(), records(), st.data())
def test_a_record_before_a_torn_one_is_salvaged(whole: JsonObject, torn: JsonObject, data: st.DataObject) -> None:
    head = dump(torn)
    head = head[: data.draw(st.integers(1, len(head) - 1))]
    parts = salvage(dump(whole) + head)
    assert values(parts) == [whole]
    assert kinds(parts) == ["record", "truncated_record"]


@given(records(), records(), st.data())
def test_a_record_written_into_the_middle_of_another_is_salvaged(
    outer: JsonObject, inner: JsonObject, data: st.DataObject
) -> None:
    text = dump(outer)
    at = data.draw(st.integers(1, len(text) - 1))
    assume(not (text[at - 1] in b":[," and text[at] in b",]}"))
    line = text[:at] + dump(inner) + text[at:]
    assume(parse_line(line) is None)
    parts = salvage(line)
    assert_tiles(line, parts)
    assert values(parts) == [inner]


@given(records(), st.data())
def test_nothing_is_made_of_the_tail_of_an_overwritten_record(record: JsonObject, data: st.DataObject) -> None:
    text = dump(record)
    tail = text[data.draw(st.integers(1, len(text) - 1)) :]
    assume(parse_line(tail) is None)
    assert values(salvage(tail + b"\n")) == []


@given(st.lists(st.text(st.characters() | st.characters(categories=["Cs"])), min_size=1))
def test_lone_surrogates_become_replacement_characters_in_keys_and_texts(strings: list[str]) -> None:
    def shown(text: str) -> str:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    line = json.dumps({"k": strings, **{f"{text}.": [text] for text in strings}}).encode()
    [part] = salvage(line)
    assert part.value == {
        "k": [shown(text) for text in strings],
        **{f"{shown(text)}.": [shown(text)] for text in strings},
    }
    dump(part.value)
    assert ("lone_surrogate" in part.flags) == (parse_line(line) is None)


@pytest.mark.parametrize("whole", RECORDS)
@pytest.mark.parametrize("torn", RECORDS)
def test_a_record_torn_at_any_byte_leaves_the_next_one_whole(torn: JsonObject, whole: JsonObject) -> None:
    text = dump(torn)
    for cut in range(1, len(text)):
        line = text[:cut] + dump(whole) + b"\n"
        assert salvage(line) == [
            SalvagedPart(0, cut, REJECT, code=RejectCode.TRUNCATED_RECORD, detail="the end of the record is missing"),
            SalvagedPart(cut, len(line), RECORD, whole),
        ]


@pytest.mark.parametrize("record", RECORDS)
def test_a_torn_last_line_gives_no_record_at_any_cut(record: JsonObject) -> None:
    text = dump(record)
    for cut in range(1, len(text)):
        assert kinds(salvage(text[:cut])) == ["truncated_record"]


@pytest.mark.parametrize("record", RECORDS)
def test_a_tail_alone_on_a_line_gives_no_record_at_any_cut(record: JsonObject) -> None:
    text = dump(record)
    for cut in range(1, len(text) - 1):
        [part] = salvage(text[cut:] + b"\n")
        assert part.kind is REJECT
    assert kinds(salvage(b'xt","text":"b"}]},"uuid":"u","sessionId":"s"}\n')) == ["truncated_record"]
