"""Erased content is recognised by its digests in every encoding, and is passed over when a reader meets it again."""

import hmac
import json
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xxhash import xxh3_128

from extractors.debug import SOURCE as DEBUG
from extractors.history import parse_prompt
from extractors.home.home import Home
from extractors.reading.contract import Columns, Entry, Reading, Shape, shape
from extractors.reading.erasure import Span, Tombstones, readings, without
from extractors.reading.extract import digest_file, extract_file
from extractors.reading.task import FileResult, FileTask, Limits
from models.erased import Erased
from models.reject import RejectCode
from models.schema import Row

KEY = b"k" * 32
SESSION = "3fd192e1-4608-4d4e-a084-ebefc26337f3"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=40)
JSONL = shape("history.jsonl", Reading.JSONL, parse_prompt)
LOG = DEBUG.shapes[0]
DOCUMENT = shape("a.txt", Reading.DOCUMENT, lambda entry: iter(()))
OPAQUE = shape("a.bin", Reading.OPAQUE, lambda entry: iter(()))


def of_text(*texts: str) -> Tombstones:
    """Return tombstones of texts."""
    key = Tombstones(KEY)
    return Tombstones(KEY, needles=[key.of_text(text.encode()) for text in texts])


@settings(max_examples=60)
@given(TEXTS, TEXTS, TEXTS, st.integers(0, 3), st.booleans())
def test_a_text_is_found_in_json_within_json(before: str, text: str, after: str, levels: int, ascii_only: bool) -> None:
    written = before + text + after
    for _ in range(levels):
        written = json.dumps(written, ensure_ascii=ascii_only)
    assert of_text(text).holds(written.encode())


@settings(max_examples=60)
@given(TEXTS, st.sampled_from(["utf-16-le", "utf-16-be", "utf-16"]), st.booleans())
def test_a_text_is_found_in_utf_16(text: str, codec: str, shifted: bool) -> None:
    assert of_text(text).holds(b"\0" * (1 + shifted) + ("ascii " + text).encode(codec))


@settings(max_examples=100)
@given(st.lists(TEXTS, min_size=1, max_size=5), st.binary(max_size=200))
def test_nothing_else_is_found(texts: list[str], data: bytes) -> None:
    expected = any(text.encode() in reading for text in texts for reading in readings(data))
    assert of_text(*texts).holds(data) == expected


def test_what_is_kept_of_a_text_is_no_content() -> None:
    needle = Tombstones(KEY).of_text(b"correct horse battery staple")
    assert (needle.length, len(needle.hint), set(needle.hint)) == (28, 16, {48, 49})
    assert needle.digest == hmac.digest(KEY, b"text\0correct horse battery staple", "sha256")
    assert not Tombstones(b"other", needles=[needle]).holds(b"correct horse battery staple")


def test_an_id_is_found_in_text_and_path_and_a_path_covers_all_below() -> None:
    key = Tombstones(KEY)
    stones = Tombstones(KEY, ids=[key.of_id(SESSION.encode())], paths=[key.of_path(b"projects/-p")])
    assert stones.holds(f'{{"sessionId":"{SESSION}"}}'.encode())
    assert stones.holds_path(f"todos/{SESSION}-agent-{SESSION}.json".encode())
    assert stones.holds_path(b"projects/-p")
    assert stones.holds_path(b"projects/-p/x/y.jsonl")
    assert not stones.holds_path(b"projects/-p-2/x.jsonl")
    assert not stones.holds_path(f"todos/{SESSION[:-1]}0.json".encode())
    assert stones.name_of(b"projects/-p") != stones.name_of(b"projects/-p/x")


def test_an_entry_is_recognised_in_its_own_file_alone() -> None:
    key = Tombstones(KEY)
    stones = Tombstones(KEY, entries=[key.of_entry(b"a.jsonl", b"yes\n")])
    assert stones.holds_entry(b"a.jsonl", b"yes\n")
    assert not stones.holds_entry(b"b.jsonl", b"yes\n")
    assert stones.holds_long_entry(b"a.jsonl", [b"ye", b"s\n"])
    assert not stones.holds_long_entry(b"a.jsonl", [b"yes", b"\n\n"])


def test_a_text_across_the_chunks_of_a_long_entry_is_found() -> None:
    data = b"x" * 300_000 + b"correct horse" + b"y" * 300_000
    stones = of_text("correct horse")
    for size in (7, 299_999, 300_005, 1 << 20):
        if size < 100:
            chunks = [data[299_900:][at : at + size] for at in range(0, 400, size)]
        else:
            chunks = [data[at : at + size] for at in range(0, len(data), size)]
        assert stones.holds_long_entry(b"a", chunks)


@st.composite
def files_with_spans(draw: st.DrawFn) -> tuple[bytes, list[Span], list[int]]:
    """Return bytes, spans in them in order that do not overlap, and places at which to cut the bytes into chunks."""
    data = draw(st.binary(min_size=1, max_size=60))
    places = sorted(draw(st.sets(st.integers(0, len(data)), max_size=8)))
    spans = [(start, end - start) for start, end in zip(places[::2], places[1::2], strict=False)]
    return data, spans, sorted(draw(st.sets(st.integers(1, len(data)), max_size=6)))


@settings(max_examples=150)
@given(files_with_spans())
def test_digests_of_a_file_with_erased_spans_do_not_depend_on_how_it_is_read(
    given_file: tuple[bytes, list[Span], list[int]],
) -> None:
    data, spans, cuts = given_file
    stones = Tombstones(KEY)
    chunks = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    parts = list(without(chunks, [Erased(*span, b"") for span in spans], stones))
    kept, at = b"", 0
    for offset, length in spans:
        kept, at = kept + data[at:offset], offset + length
    kept += data[at:]
    assert b"".join(part for part, is_seal in parts if not is_seal) == kept
    assert [part for part, is_seal in parts if is_seal] == [stones.seal(data[o : o + n]) for o, n in spans]


class Kept:
    """A sink that keeps what it gets."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.entries: list[tuple[int, int, str]] = []
        self.stored = b""
        self.recipe: list[tuple[int, int, bool]] = []

    def piece(self, file_id: int, offset: int, data: bytes) -> bool:
        self.stored += data
        self.recipe.append((offset, len(data), True))
        return True

    def block(self, columns: Columns, file_id: int, offsets: Sequence[int], lengths: Sequence[int]) -> None: ...

    def erased(self, file_id: int, offset: int, length: int) -> None:
        self.recipe.append((offset, length, False))

    def entry(self, file_id: int, offset: int, length: int, kind: str, rows: Sequence[Row] = ()) -> None:
        self.rows.extend(rows)
        self.entries.append((offset, length, kind))

    def reject(self, source: str, code: RejectCode, detail: str, file_id: int, offset: int, length: int) -> None: ...
    def repair(self, source: str, flag: str, file_id: int, offset: int, length: int) -> None: ...
    def said(self, entry: Entry, source: str, file_id: int, offset: int, length: int) -> None: ...
    def drift(
        self, what: str, name: str, source: str, version: str, file_id: int, offset: int, length: int
    ) -> None: ...


def read(
    home: Path, name: str, how: Shape, stones: Tombstones | None, last: FileResult | None = None, limit: int = 1 << 20
) -> tuple[FileResult, Kept]:
    """Read a file, on from where it was read last."""
    sink = Kept()
    with Home(home) as opened:
        found = next(found for found in opened.walk() if found.path == name.encode())
        start, prefix = (last.watermark, last.prefix_xxh3) if last is not None else (0, None)
        erased = tuple(one for one in last.erased if one.offset < start) if last is not None else ()
        task = FileTask(
            "home",
            found.path,
            "history",
            0,
            1,
            start,
            found.stat.size,
            found.stat.mtime_ns,
            prefix,
            erased=erased,
        )
        return extract_file(opened, task, how, sink, Limits(limit, limit), stones), sink


def line(text: str) -> bytes:
    """Return a line of history.jsonl."""
    fields = {"display": text, "pastedContents": {}, "timestamp": 1768724500000, "project": "/p"}
    return json.dumps(fields).encode() + b"\n"


def put(home: Path, name: str, data: bytes) -> None:
    """Write a file whose times are old, so that they can be relied on."""
    home.mkdir(exist_ok=True)
    (home / name).write_bytes(data)
    os.utime(home / name, ns=(10**18, 10**18))


def check(result: FileResult, kept: Kept, data: bytes, erased: list[Span], start: int = 0) -> None:
    """Check the laws of every reading: spans tile, digests match their bytes, no erased content is archived."""
    assert result.error is None
    assert result.erased == [Erased(o, n, Tombstones(KEY).seal(data[o : o + n])) for o, n in erased]
    at = start
    for offset, length, _ in kept.recipe:
        assert offset == at
        at += length
    assert at == len(data) == result.size
    at = start
    for offset, length, _ in sorted(kept.entries):
        assert offset == at
        at += length
    assert at == len(data)
    parts = list(without([data], result.erased, Tombstones(KEY)))
    assert result.sha256 == sha256(b"".join(part for part, is_seal in parts if not is_seal)).hexdigest()
    assert result.content_xxh3 == xxh3_128(b"".join(part for part, _ in parts)).digest()
    assert result.entry_count == result.entries_with_rows + result.reject_count


def test_a_line_that_was_erased_is_passed_over_and_the_others_are_read(tmp_path: Path) -> None:
    lines = [line("one"), line("the sécret\n itself"), line("two")]
    data = b"".join(lines)
    put(tmp_path / "home", "history.jsonl", data)
    result, kept = read(tmp_path / "home", "history.jsonl", JSONL, of_text("the sécret\n itself"))
    check(result, kept, data, [(len(lines[0]), len(lines[1]))])
    assert kept.stored == lines[0] + lines[2]
    assert len(kept.rows) == 2
    assert [kind for _, _, kind in kept.entries] == ["entry", "erased", "entry"]
    with Home(tmp_path / "home") as home:
        _, fast, proof = digest_file(
            home, b"history.jsonl", len(data), deep=True, erased=result.erased, tombstones=Tombstones(KEY)
        )
    assert (fast, proof) == (result.content_xxh3, result.sha256)


def test_a_file_is_read_on_behind_what_was_erased_as_long_as_that_is_still_there(tmp_path: Path) -> None:
    home, stones = tmp_path / "home", of_text("secret")
    first = line("secret") + line("one")
    put(home, "history.jsonl", first)
    read_before, _ = read(home, "history.jsonl", JSONL, stones)
    data = first + line("two") + line("secret again") + line("three")
    put(home, "history.jsonl", data)
    result, kept = read(home, "history.jsonl", JSONL, stones, read_before)
    erased = [(0, len(line("secret"))), (len(first + line("two")), len(line("secret again")))]
    check(result, kept, data, erased, start=len(first))
    assert not result.was_rewritten
    assert len(kept.rows) == 2
    # The bytes at the erased span have changed: the file was rewritten, so it is read again from its first byte.
    other = data.replace(b"secret", b"public", 1)
    put(home, "history.jsonl", other)
    result, kept = read(home, "history.jsonl", JSONL, stones, read_before)
    assert (result.was_rewritten, result.generation, result.from_offset) == (True, 2, 0)
    check(result, kept, other, erased[1:])


def test_an_unfinished_end_that_was_erased_is_not_kept_either(tmp_path: Path) -> None:
    home, stones = tmp_path / "home", of_text("secret")
    data = line("one") + line("secret")[:-1]
    put(home, "history.jsonl", data)
    result, kept = read(home, "history.jsonl", JSONL, stones)
    check(result, kept, data, [(len(line("one")), len(line("secret")) - 1)])
    assert kept.entries[-1][2] == "tail"
    assert (kept.stored, result.watermark) == (line("one"), len(line("one")))
    data += b"\n" + line("two")
    put(home, "history.jsonl", data)
    result, kept = read(home, "history.jsonl", JSONL, stones, result)
    check(result, kept, data, [(len(line("one")), len(line("secret")))], start=len(line("one")))
    assert kept.stored == line("two")


def test_an_event_of_a_log_goes_with_the_lines_that_continue_it(tmp_path: Path) -> None:
    events = [f"2026-01-23T16:46:3{n}.314Z [DEBUG] event {n}\n   more {n}\n".encode() for n in range(4)]
    put(tmp_path / "home", "a.txt", b"".join(events))
    result, kept = read(tmp_path / "home", "a.txt", LOG, of_text("more 1"))
    check(result, kept, b"".join(events), [(len(events[0]), len(events[1]))])
    assert kept.stored == events[0] + events[2] + events[3]


@pytest.mark.parametrize("at", [0, 700, 2_500_000])
@pytest.mark.parametrize("has_end", [True, False])
def test_an_entry_too_long_to_be_held_is_passed_over_whole(at: int, has_end: bool, tmp_path: Path) -> None:
    long = b"x" * at + b"the secret" + b"y" * (3_000_000 - at) + b"\n" * has_end
    data = line("one") + long + line("two") * has_end
    put(tmp_path / "home", "history.jsonl", data)
    result, kept = read(tmp_path / "home", "history.jsonl", JSONL, of_text("the secret"), limit=1000)
    check(result, kept, data, [(len(line("one")), len(long))])
    assert kept.stored == line("one") + line("two") * has_end
    # Without a tombstone the same entry is kept.
    result, kept = read(tmp_path / "home", "history.jsonl", JSONL, of_text("other"), limit=1000)
    check(result, kept, data, [])
    assert kept.stored == data


@pytest.mark.parametrize("how", [DOCUMENT, OPAQUE], ids=["document", "opaque"])
@pytest.mark.parametrize("limit", [100, 1 << 22])
def test_a_whole_file_that_was_erased_is_passed_over_whole(how: Shape, limit: int, tmp_path: Path) -> None:
    data = b"x" * 2_000_000 + b"the secret" + b"y" * 10
    put(tmp_path / "home", "a.bin", data)
    result, kept = read(tmp_path / "home", "a.bin", how, of_text("the secret"), limit=limit)
    check(result, kept, data, [(0, len(data))])
    assert (kept.stored, kept.rows) == (b"", [])
    assert result.watermark == len(data)
