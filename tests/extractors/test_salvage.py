"""Salvage recovers whole records from damaged lines and names the kind of the rest."""

import json
import math
import re
from pathlib import Path

import orjson
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from extractors.reading.contract import Malformed
from extractors.reading.json_repair import MAX_DEPTH, REPAIR_DEPTH
from extractors.reading.salvage import PartKind, SalvagedPart, parse_line, salvage, salvage_document
from models.json import JsonObject, JsonValue
from models.reject import RejectCode
from tests.support import extract, rows

RECORD, REJECT, PADDING = PartKind.RECORD, PartKind.REJECT, PartKind.PADDING

USER: JsonObject = {
    "parentUuid": None,
    "sessionId": "s1",
    "type": "user",
    "message": {"role": "user", "content": [{"type": "text", "text": 'say "{" and "}{" \\ é \U0001f600'}]},
    "uuid": "u1",
    "timestamp": "2026-01-01T00:00:00.000Z",
}
ASSISTANT: JsonObject = {
    "type": "assistant",
    "message": {"id": "m1", "type": "message", "content": [], "usage": {"output_tokens": 1}},
    "uuid": "u2",
    "sessionId": "s1",
}
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
PROMPT: JsonObject = {"display": "fix {it}", "pastedContents": {}, "timestamp": 1767225600000, "project": "/p"}
RECORDS = [USER, ASSISTANT, SNAPSHOT, PROMPT]


def dump(value: JsonValue) -> bytes:
    return orjson.dumps(value)


def values(parts: list[SalvagedPart]) -> list[JsonObject | None]:
    return [part.value for part in parts if part.kind is RECORD]


def kinds(parts: list[SalvagedPart]) -> list[str]:
    return [str(part.code or part.kind) for part in parts]


def assert_tiles(line: bytes, parts: list[SalvagedPart]) -> None:
    """The parts cover the line without gap or overlap, none is empty, and each kind holds what belongs to it."""
    ends = [0] + [part.end for part in parts]
    assert [part.start for part in parts] == ends[:-1]
    assert ends[-1] == len(line)
    for part in parts:
        assert part.start < part.end
        assert (part.value is not None) == (part.kind is RECORD)
        assert (part.code is not None) == (part.kind is REJECT) == bool(part.detail)
        assert part.kind is not PADDING or not line[part.start : part.end].removeprefix(b"\xef\xbb\xbf").strip(
            b" \t\r\n\0"
        )


def assert_not_invented(line: bytes, parts: list[SalvagedPart]) -> None:
    """Each record is what a parser of its own gives for exactly its bytes, and unflagged ones are what orjson gives."""

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
def test_objects_spliced_without_a_line_end_are_all_won_whatever_they_are(
    splices: list[tuple[JsonObject, bytes]],
) -> None:
    line = b"".join(dump(record) + gap for record, gap in splices) + b"\n"
    parts = salvage(line)
    assert_tiles(line, parts)
    assert values(parts) == [record for record, _ in splices]
    assert REJECT not in {part.kind for part in parts}


@given(records(), st.lists(records(), min_size=1, max_size=3), st.sampled_from([b"", b" ", b"\0\0"]), st.data())
def test_records_after_a_torn_one_are_won_and_nothing_of_the_torn_one_is(
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
def test_a_record_before_a_torn_one_is_won(whole: JsonObject, torn: JsonObject, data: st.DataObject) -> None:
    head = dump(torn)
    head = head[: data.draw(st.integers(1, len(head) - 1))]
    parts = salvage(dump(whole) + head)
    assert values(parts) == [whole]
    assert kinds(parts) == ["record", "truncated_record"]


@given(records(), records(), st.data())
def test_a_record_written_into_the_middle_of_another_is_won(
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
def test_a_tail_that_stands_alone_gives_no_record_at_any_cut(record: JsonObject) -> None:
    text = dump(record)
    for cut in range(1, len(text) - 1):
        [part] = salvage(text[cut:] + b"\n")
        assert part.kind is REJECT
    assert kinds(salvage(b'xt","text":"b"}]},"uuid":"u","sessionId":"s"}\n')) == ["truncated_record"]


def test_a_message_inside_a_torn_progress_record_is_not_taken_for_a_record() -> None:
    within = b'{"type":"user","message":{"role":"user","content":"x"},"uuid":"u","timestamp":"2026-01-01T00:00:00Z"}'
    head = b'{"sessionId":"s","type":"progress","data":{"message":' + within
    assert kinds(salvage(head + b"\n")) == ["truncated_record"]
    assert values(salvage(head + dump(USER))) == [USER]


def test_two_records_without_a_line_end_between_are_two_records() -> None:
    first, second = dump(USER), dump(PROMPT)
    assert salvage(first + second + b"\n") == [
        SalvagedPart(0, len(first), RECORD, USER),
        SalvagedPart(len(first), len(first + second) + 1, RECORD, PROMPT),
    ]
    assert kinds(salvage(first + b"  " + second)) == ["record", "padding", "record"]


def test_a_run_of_nul_before_a_record_is_padding() -> None:
    line = b"\0" * 700 + dump(USER) + b"\n"
    assert salvage(line) == [SalvagedPart(0, 700, PADDING), SalvagedPart(700, len(line), RECORD, USER)]


def test_a_run_of_nul_after_a_torn_record_is_padding() -> None:
    line = dump(USER)[:50] + b"\0" * 9 + dump(ASSISTANT)
    assert kinds(salvage(line)) == ["truncated_record", "padding", "record"]


@pytest.mark.parametrize("line", [b"\n", b"  \t\r\n", b"\0\0\0", b"\0\0\n", b" \0 \n", b" "])
def test_a_blank_line_is_one_padding(line: bytes) -> None:
    assert salvage(line) == [SalvagedPart(0, len(line), PADDING)]


def test_an_empty_line_has_no_parts() -> None:
    assert salvage(b"") == []


def test_garbage_after_a_record_does_not_spoil_it() -> None:
    line = dump(USER) + b" oops\n"
    parts = salvage(line)
    assert values(parts) == [USER]
    assert kinds(parts) == ["record", "not_json"]
    assert parts[1].end == len(line)


def test_a_byte_order_mark_is_padding_at_the_start_of_a_file_only() -> None:
    line = b"\xef\xbb\xbf" + dump(USER) + b"\r\n"
    assert salvage(line, at_file_start=True) == [
        SalvagedPart(0, 3, PADDING),
        SalvagedPart(3, len(line), RECORD, USER, flags=("bom",)),
    ]
    assert kinds(salvage(line)) == ["not_json", "record"]


def test_a_line_end_of_windows_belongs_to_the_record() -> None:
    line = b'{"a":NaN}\r\n'
    assert salvage(line) == [SalvagedPart(0, len(line), RECORD, {"a": None}, flags=("non_finite_number",))]


@pytest.mark.parametrize(
    ("text", "value", "flag"),
    [
        (rb'"\ud83d"', "\ufffd", "lone_surrogate"),
        (rb'"a\uDE00b"', "a\ufffdb", "lone_surrogate"),
        (rb'"\ude00\ud83d"', "\ufffd\ufffd", "lone_surrogate"),
        (rb'"\ud83d\ud83d\ude00"', "\ufffd\U0001f600", "lone_surrogate"),
        (rb'["\\\ud83d", "\\ud83d"]', ["\\\ufffd", "\\ud83d"], "lone_surrogate"),
        (b"NaN", None, "non_finite_number"),
        (b"-Infinity", None, "non_finite_number"),
        (b"1e999", None, "non_finite_number"),
        (b"1" * 5000, None, "non_finite_number"),
        (b"18446744073709551616", 2**64, "big_integer"),
        (b"-9223372036854775809", -(2**63) - 1, "big_integer"),
        (b"1" + b"0" * 40, 10**40, "big_integer"),
        (b'"a\tb"', "a\tb", "control_character"),
        (b'"a\0b"', "a\0b", "control_character"),
    ],
)
def test_a_repair_is_made_and_named(text: bytes, value: JsonValue, flag: str) -> None:
    whole: JsonObject = {"type": "user", "sessionId": "s", "x": value}
    damaged = b'{"type":"user","sessionId":"s","x":' + text + b"}"
    assert salvage(damaged) == [SalvagedPart(0, len(damaged), RECORD, whole, flags=(flag,))]
    spliced = salvage(b'{"type":"ass' + damaged + damaged)
    assert values(spliced) == [whole, whole]
    assert {part.flags for part in spliced[1:]} == {(flag,)}


def test_of_duplicate_keys_the_last_counts_on_a_line_of_its_own() -> None:
    line = b'{"type":"user","type":"system"}\n'
    assert salvage(line) == [SalvagedPart(0, len(line), RECORD, {"type": "system"}, flags=("duplicate_key",))]
    assert parse_line(line) == {"type": "system"}


def test_a_head_and_another_records_tail_that_make_an_object_are_no_record() -> None:
    head = b'{"type":"user","sessionId":"s","message":{"role":"user","content":"torn he'
    tail = b're"},"sessionId":"t","uuid":"u"}'
    assert salvage(b"oops" + head + tail)[0].kind is REJECT
    assert kinds(salvage(b'{"display":"torn he' + b're","timestamp":1}],"sessionId":"t"}')) == ["truncated_record"]
    assert kinds(salvage(b'{"parentUuid":null,"content":[{"role":"us' + b'er","type":"x","sessionId":"t"}')) == [
        "truncated_record"
    ]


@pytest.mark.parametrize("number", [2**63, 2**64 - 1, -(2**63), -0.0, 1e308, 5e-324])
def test_numbers_within_64_bits_need_no_repair(number: float) -> None:
    assert salvage(dump({"x": number})) == [SalvagedPart(0, len(dump({"x": number})), RECORD, {"x": number})]


@pytest.mark.parametrize("text", [b"\xff", b"\x80abc", b"\xc0\xaf", b"\xed\xa0\xbd", b"\xf4\x90\x80\x80"])
def test_a_record_with_bytes_that_are_not_utf8_is_rejected_whole_and_its_neighbours_are_won(text: bytes) -> None:
    damaged = b'{"type":"user","sessionId":"s","message":{"content":[{"type":"text","text":"' + text + b'"}]}}'
    assert kinds(salvage(damaged + b"\n")) == ["not_utf8"]
    parts = salvage(dump(USER) + damaged + dump(PROMPT))
    assert values(parts) == [USER, PROMPT]
    assert kinds(parts) == ["record", "not_utf8", "record"]


def test_a_record_torn_within_a_character_is_torn_and_not_foreign_to_utf8() -> None:
    text = dump(USER)
    cut = text.index("é".encode()) + 1
    assert kinds(salvage(text[:cut] + dump(PROMPT))) == ["truncated_record", "record"]
    assert kinds(salvage(text[cut:])) == ["truncated_record"]


@pytest.mark.parametrize(
    "line", [b"42", b"null\n", b'"text"', b"[]", b'[{"type":"user","sessionId":"s"},{"type":"user","sessionId":"s"}]']
)
def test_json_that_is_no_object_is_rejected_as_such(line: bytes) -> None:
    assert parse_line(line) is None
    assert kinds(salvage(line)) == ["not_an_object"]


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"user","sessionId":"s",}',
        b'{"type":"user",/*c*/"sessionId":"s"}',
        b'{"a":{"type":"user"},} // c',
        b"{'a':1}",
        b"oops",
    ],
)
def test_what_is_not_json_is_not_made_json(line: bytes) -> None:
    assert kinds(salvage(line)) == ["not_json"]


def test_records_joined_by_commas_are_won_but_for_the_one_that_may_be_the_head_of_a_torn_one() -> None:
    parts = salvage(dump(USER) + b"," + dump(PROMPT) + b", " + dump(ASSISTANT))
    assert values(parts) == [ASSISTANT]
    assert parts[0].kind is REJECT


def test_an_object_after_garbage_must_look_like_a_record() -> None:
    assert kinds(salvage(b'oops {"a":1}')) == ["not_json"]
    assert kinds(salvage(b'{"a":1} oops')) == ["not_json"]
    assert kinds(salvage(b'oops {"type":"new-in-the-next-version"}')) == ["not_json", "record"]


def nested(depth: int, inmost: bytes) -> bytes:
    return b'{"x":' + b"[" * (depth - 1) + inmost + b"]" * (depth - 1) + b"}"


@pytest.mark.parametrize(
    ("depth", "inmost", "expected"),
    [
        (MAX_DEPTH, b"1", "record"),
        (MAX_DEPTH + 1, b"1", "too_deep"),
        (100_000, b"1", "too_deep"),
        (REPAIR_DEPTH, b"NaN", "record"),
        (REPAIR_DEPTH + 1, b"NaN", "too_deep"),
    ],
)
def test_nesting_is_read_to_a_fixed_depth(depth: int, inmost: bytes, expected: str) -> None:
    assert kinds(salvage(nested(depth, inmost))) == [expected]


def test_a_record_beside_one_that_is_nested_too_deeply_is_won() -> None:
    parts = salvage(nested(5000, b"1") + dump(USER) + nested(5000, b"1"))
    assert kinds(parts) == ["too_deep", "record", "too_deep"]
    assert values(parts) == [USER]


@pytest.mark.parametrize(
    "seed",
    [
        b'{"',
        b"[",
        b'{"a":',
        b'{"type":1,',
        b'x{"type":1}',
        b'x{"text":1}',
        b"[{},",
        b"{}",
        b'"',
        b"\\",
        b'\\"',
        b"\0",
        b"\xff",
        b'"\\ud83d',
        b'{"type":"x","a":"',
    ],
)
def test_a_hostile_line_that_repeats_itself_is_tiled(seed: bytes) -> None:
    line = seed * (250_000 // len(seed)) + b"\n"
    assert_tiles(line, salvage(line))


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":1,"x":{' * 15_000 + b"}" * 15_000,
        b'{"type":{"x":' * 500 + b"1e" + b"}" * 1000 + b" " * 250_000,
        b'{"type":' * 1000 + b'"' + b"x" * 250_000 + b'"' + b"}x" * 1000,
        b'{"a":' + b"1" * 250_000 + b"}",
        b'{"a":"' + b"\\ud83d" * 40_000 + b'"}',
        b" " * 250_000 + b"x",
        b"}" * 250_000 + b'{"type":"x"}',
    ],
    ids=["objects", "error in depth", "errors around", "digits", "surrogates", "blanks", "ends"],
)
def test_a_hostile_line_that_leads_far_is_tiled(line: bytes) -> None:
    assert_tiles(line, salvage(line))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", RejectCode.NOT_JSON),
        (b"{,}", RejectCode.NOT_JSON),
        (b'"\xff"', RejectCode.NOT_UTF8),
        (b"[" * 2000, RejectCode.TOO_DEEP),
    ],
)
def test_a_document_that_cannot_be_read_is_malformed_with_its_code(data: bytes, code: RejectCode) -> None:
    with pytest.raises(Malformed) as caught:
        salvage_document(data)
    assert caught.value.code is code


def test_a_document_is_read_with_the_same_repairs() -> None:
    repairs = ("bom", "lone_surrogate", "non_finite_number")
    assert salvage_document(b"\xef\xbb\xbf" + rb' ["\ud83d", NaN] ') == (["\ufffd", None], repairs)
    assert salvage_document(b"[1]\n") == ([1], ())


def test_the_repairs_of_a_whole_document_are_told_as_those_of_a_line_are(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "stats-cache.json").write_bytes(
        b"\xef\xbb\xbf" + rb'{"version": 3, "lastComputedDate": "\ud83d", "x": NaN}'
    )
    (home / "history.jsonl").write_bytes(b'{"display": "\\ud83d", "timestamp": 1768724500000}\n')
    extract(tmp_path / "data", home)
    told = {(str(row["source"]), str(row["flag"])) for row in rows(tmp_path / "data", "repairs")}
    document = {("stats-cache", flag) for flag in ("bom", "lone_surrogate", "non_finite_number")}
    assert told == {("history", "lone_surrogate"), *document}
