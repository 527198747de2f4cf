"""Files that Windows rewrote in UTF-16: parsed as text, with the addresses of their bytes."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.reading.contract import Entry, Malformed
from extractors.reading.salvage import PartKind, salvage
from extractors.reading.utf16 import Utf16, byte_order
from models.json import JsonObject
from tests.support import FIXTURES, extract, rows

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).filter(lambda text: "\n" not in text)
MARKS = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}


def lines_of(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True) if b"\n" not in data else [line + b"\n" for line in data.split(b"\n")][:-1]


@pytest.mark.parametrize("encoding", MARKS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
def test_each_line_of_a_file_in_utf16_gives_its_record(encoding: str, end: str, texts: list[str]) -> None:
    values: list[JsonObject] = [{"display": text, "timestamp": number} for number, text in enumerate(texts)]
    dumped = [json.dumps(value, ensure_ascii=False) for value in values]
    if any(b"\n" in text.encode(encoding) for text in dumped):
        return  # a character with the byte of a line end in it: the line is cut there, and rejected
    data = MARKS[encoding] + "".join(text + end for text in dumped).encode(encoding)
    found = []
    for number, line in enumerate(lines_of(data)):
        (part,) = salvage(line, at_file_start=number == 0, utf16=byte_order(data))
        assert (part.kind, part.start, part.end, part.flags) == (PartKind.RECORD, 0, len(line), ("utf16",))
        found.append(part.value)
    assert found == values


@pytest.mark.parametrize("line", [b"", b"\0", b"\0{", b'\0{"type":"mode"}\n', b"\0[\0]\0\r\0\n", b"\0\0\xd8\n"])
def test_a_line_that_is_no_record_in_utf16_is_salvaged_as_any_other(line: bytes) -> None:
    for order in Utf16:
        assert salvage(line, utf16=order) == salvage(line)


def test_a_file_that_grows_goes_on_in_its_byte_order(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    home.mkdir()
    prompts = [f'{{"display":"Fäden {number}","timestamp":{number}}}\r\n'.encode("utf-16-le") for number in range(2)]
    (home / "history.jsonl").write_bytes(b"\xff\xfe" + prompts[0])
    extract(data, home)
    with (home / "history.jsonl").open("ab") as file:
        file.write(prompts[1])
    extract(data, home)
    assert [row["prompt"] for row in rows(data, "prompts")] == ["Fäden 0", "Fäden 1"]
    assert rows(data, "rejects") == []


def test_a_document_and_a_text_in_utf16_are_read() -> None:
    (todos,) = (FIXTURES / "powershell" / "todos").iterdir()
    entry = Entry({}, todos.read_bytes())
    assert entry.json() == [{"content": "Fäden", "status": "pending", "activeForm": "x"}]
    assert entry.flags == ("utf16",)
    (plan,) = (FIXTURES / "powershell" / "plans").iterdir()
    assert Entry({}, plan.read_bytes()).text() == "# Fäden zählen\r\n"


@pytest.mark.parametrize("data", [b"\xff\xfe{", b"\xff\xfe\0\xd8", b"\xff\xfe"])
def test_a_document_that_is_no_whole_utf16_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        Entry({}, data).json()


def test_bytes_after_a_mark_of_utf16_that_are_no_text_are_no_text() -> None:
    with pytest.raises(Malformed, match="not_utf8"):
        Entry({}, b"\xff\xfe\0\0\1\0").text()
