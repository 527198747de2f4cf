"""Laws and cases of showing hostile text."""

import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.text import printable_path, raw_path, safe, safe_json

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates included
HOSTILE_CODES = [
    *range(0x20),
    *range(0x7F, 0xA0),
    0x00AD,
    0x061C,
    *range(0x200B, 0x2010),
    *range(0x2028, 0x202F),
    *range(0x2060, 0x2070),
    0xD800,
    0xDFFF,
    0xFEFF,
    *range(0xE0000, 0xE0080),
    0xE0100,
]


def unprintable(path: str) -> bytes:
    """The inverse of ``printable_path``, written from its docstring and not from its code."""

    def raw(match: re.Match[str]) -> str:
        if match["kind"] == "\\":
            return "\\"
        code = int(match["number"], 16)
        return chr(code if code < 0x80 or match["kind"] != "x" else 0xDC00 + code)

    numbers = r"(?<=x)[0-9a-f]{2}|(?<=u)[0-9a-f]{4}|(?<=U)[0-9a-f]{8}|(?<=\\)"
    plain = re.sub(rf"\\(?P<kind>[xuU\\])(?P<number>{numbers})", raw, path)
    return plain.encode("utf-8", "surrogateescape")


@given(ANY_TEXT, st.booleans())
def test_safe_text_is_the_same_when_made_safe_again(text: str, keep: bool) -> None:
    once = safe(text, keep_newlines=keep)
    assert safe(once, keep_newlines=keep) == once


@given(ANY_TEXT, st.booleans())
def test_safe_text_can_always_be_written_as_utf8(text: str, keep: bool) -> None:
    safe(text, keep_newlines=keep).encode()


@given(ANY_TEXT)
def test_safe_text_is_one_line_without_control_characters(text: str) -> None:
    shown = safe(text)
    assert len(shown.splitlines()) <= 1
    assert not any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in shown)


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=30))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    invisible_letters = "\u115f\u1160\u3164\uffa0"
    if not set(text) & set(invisible_letters):
        assert safe(text) == text


@pytest.mark.parametrize("code", HOSTILE_CODES, ids=hex)
def test_a_hostile_character_is_shown_as_its_number(code: int) -> None:
    shown = safe(f"a{chr(code)}b")
    assert shown.isascii()
    assert shown.isprintable()
    assert int(shown[3:-1], 16) == code


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2Jgone", r"\x1b[2Jgone"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b31m", r"\u009b31m"),
        ("user\u202egnp.exe", r"user\u202egnp.exe"),
        ("pass\u200bword", r"pass\u200bword"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud83d", r"\ud83d"),
        ("100 %\rrm", r"100 %\x0drm"),
        ("two\nlines", r"two\x0alines"),
    ],
)
def test_known_attacks_are_disarmed(hostile: str, shown: str) -> None:
    assert safe(hostile) == shown


def test_newlines_and_tabs_are_kept_on_request_but_carriage_returns_never() -> None:
    assert safe("a\n\tb\r\n", keep_newlines=True) == "a\n\tb\\x0d\n"


def test_emoji_presentation_is_left_alone() -> None:
    assert safe("done \u2714\ufe0f") == "done \u2714\ufe0f"


@given(st.binary())
def test_from_the_printable_path_one_comes_back_to_its_bytes(path: bytes) -> None:
    assert unprintable(printable_path(path)) == path


@given(ANY_TEXT.map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_paths_of_strange_characters_come_back_too(path: bytes) -> None:
    assert unprintable(printable_path(path)) == path


@given(st.binary())
def test_a_printable_path_is_safe_text(path: bytes) -> None:
    shown = printable_path(path)
    assert safe(shown) == shown


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (b"projects/-home-me/a.jsonl", "projects/-home-me/a.jsonl"),
        ("projects/été".encode(), "projects/été"),
        (b"caf\xe9", r"caf\xe9"),
        (b"a\nb", r"a\x0ab"),
        (b"\x1b[31m", r"\x1b[31m"),
        (b"\xc2\x85", r"\u0085"),
        (b"\x85", r"\x85"),
        (b"a\\x1b", r"a\\x1b"),
        ("\u202egpj".encode(), r"\u202egpj"),
        (b"\xed\xa0\x80", r"\xed\xa0\x80"),
    ],
)
def test_paths_are_shown_like_this(path: bytes, shown: str) -> None:
    assert printable_path(path) == shown


@given(st.binary(max_size=60))
def test_a_path_is_found_again_by_its_form_for_people(path: bytes) -> None:
    assert raw_path(printable_path(path)) == path


@given(ANY_TEXT)
def test_text_that_is_no_form_of_a_path_still_gives_bytes(text: str) -> None:
    raw_path(text.encode("utf-8", "replace").decode())


@given(st.recursive(ANY_TEXT, lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner)))
def test_safe_json_means_the_same_and_is_safe(value: object) -> None:
    for indent in (None, 2):
        made = safe_json(json.dumps(value, ensure_ascii=False, indent=indent))
        assert safe(made, keep_newlines=True) == made
        assert json.loads(made) == value
