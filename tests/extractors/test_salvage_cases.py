"""Salvage of damaged lines and documents, case by case: the parts of each and their kinds."""

from pathlib import Path

import pytest

from extractors.reading.contract import Malformed
from extractors.reading.json_repair import MAX_DEPTH, REPAIR_DEPTH
from extractors.reading.salvage import SalvagedPart, parse_line, salvage, salvage_document
from models.json import JsonObject, JsonValue
from models.reject import RejectCode
from tests.extractors.salvaging import (
    ASSISTANT,
    PADDING,
    PROMPT,
    RECORD,
    REJECT,
    USER,
    assert_tiles,
    dump,
    kinds,
    values,
)
from tests.support import extract, rows


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
def test_a_record_that_is_not_utf8_is_rejected_and_its_neighbours_are_salvaged(text: bytes) -> None:
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


def test_records_joined_by_commas_are_salvaged_but_for_a_possible_head() -> None:
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


def test_a_record_beside_one_that_is_nested_too_deeply_is_salvaged() -> None:
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


def test_the_repairs_of_a_document_are_reported_like_those_of_a_line(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "stats-cache.json").write_bytes(
        b"\xef\xbb\xbf" + rb'{"version": 3, "lastComputedDate": "\ud83d", "x": NaN}'
    )
    (home / "history.jsonl").write_bytes(b'{"display": "\\ud83d", "timestamp": 1768724500000}\n')
    extract(tmp_path / "data", home)
    printed = {(str(row["source"]), str(row["flag"])) for row in rows(tmp_path / "data", "repairs")}
    document = {("stats-cache", flag) for flag in ("bom", "lone_surrogate", "non_finite_number")}
    assert printed == {("history", "lone_surrogate"), *document}
