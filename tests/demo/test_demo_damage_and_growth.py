"""Sample homes: the planted damages, and the weeks by which a home grows."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from pipelines.demo.demo import DemoSummary, Oddity, grow_home, make_home
from tests.demo.sample_homes import TRANSCRIPT, files, good_records, transcripts, tree_digest, walk

PREDICATES: dict[str, Callable[[bytes, bytes], bool]] = {
    "torn_tail": lambda span, data: data.endswith(span) and span.startswith(b"{") and not span.endswith(b"}\n"),
    "tail_fragment": lambda span, _: not span.startswith(b"{") and span.endswith(b"}"),
    "two_records": lambda span, _: b"}{" in span,
    "truncated_then_record": lambda span, _: span.startswith(b"{") and span.endswith(b"}"),
    "nul_run": lambda span, _: span.startswith(b"\x00" * 100) and isinstance(orjson.loads(span.lstrip(b"\0")), dict),
    "lone_surrogate": lambda span, _: b'\\ud83d"' in span,
    "invalid_utf8": lambda span, _: b"\xff\xfe" in span,
    "control_character": lambda span, _: b"\x07" in span,
    "not_a_number": lambda span, _: b":NaN" in span,
    "big_integer": lambda span, _: re.search(rb":\d{30}", span) is not None,
    "deep_nesting": lambda span, _: b"[" * 1100 in span,
    "not_an_object": lambda span, _: isinstance(orjson.loads(span), list),
    "no_type": lambda span, _: "type" not in orjson.loads(span),
    "duplicate_key": lambda span, _: span.count(b'"@hole@":') == 2,
    "carriage_return": lambda span, _: span.endswith(b"}\r"),
    "byte_order_mark": lambda span, data: data.startswith(span) and span == b"\xef\xbb\xbf",
    "invalid_json": lambda span, data: span == data,
}
PARSEABLE = {"big_integer", "no_type", "duplicate_key", "carriage_return", "not_an_object"}


def is_parseable(data: bytes) -> bool:
    """Tell whether orjson takes these bytes."""
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return False
    return True


@pytest.mark.parametrize("code", PREDICATES)
def test_each_planted_damage_is_where_the_summary_says(tiny: DemoSummary, made: DemoSummary, code: str) -> None:
    for summary in (tiny, made):
        planted = [oddity for oddity in summary.oddities if oddity.code == code]
        assert planted
        for oddity in planted:
            data = (summary.root / oddity.path).read_bytes()
            span = data[oddity.offset : oddity.offset + oddity.length]
            assert PREDICATES[code](span, data), oddity
            if not oddity.path.startswith("debug/") and code != "byte_order_mark":
                assert is_parseable(span) == (code in PARSEABLE)
                assert oddity.offset == 0 or data[oddity.offset - 1 : oddity.offset] in (b"\n", b"\xbf")


def test_a_few_transcripts_are_torn_at_the_end(made: DemoSummary) -> None:
    torn = {
        path for path, data in files(made.root).items() if TRANSCRIPT.fullmatch(path) and data[-1:] not in (b"", b"\n")
    }
    assert torn == {oddity.path for oddity in made.oddities if oddity.code == "torn_tail"}
    assert len(torn) == 3


def bad_lines(root: Path, oddities: tuple[Oddity, ...]) -> list[tuple[str, int]]:
    """Return the path and the offset of every line that is no typed record and was not planted."""
    planted = {(oddity.path, oddity.offset) for oddity in oddities if oddity.code in PREDICATES}
    found = []
    for path, lines in transcripts(root).items():
        offset = 0
        for line in lines:
            is_good = is_parseable(line) and isinstance(orjson.loads(line), dict) and "type" in orjson.loads(line)
            if not is_good and (path, offset) not in planted:
                found.append((path, offset))
            offset += len(line) + 1
    return found


def test_every_line_that_was_not_damaged_is_a_record(made: DemoSummary, tiny: DemoSummary) -> None:
    assert bad_lines(made.root, made.oddities) == []
    assert bad_lines(tiny.root, tiny.oddities) == []


def test_without_damages_every_record_and_every_json_file_parses(tmp_path: Path) -> None:
    summary = make_home(tmp_path / "home", mb=0.3, broken=False)
    assert not {oddity.code for oddity in summary.oddities} & PREDICATES.keys()
    assert bad_lines(summary.root, ()) == []
    for path, data in files(summary.root).items():
        if path.endswith(".json") and not path.startswith("telemetry/"):
            assert is_parseable(data), path
        if path.startswith("debug/"):
            data.decode()


def test_the_other_oddities_are_there_too(made: DemoSummary) -> None:
    codes = {oddity.code for oddity in made.oddities}
    assert codes >= {"fork", "same_session_twice", "no_messages", "orphan_subagent", "foreign_tree", "look_alike"}
    assert codes >= {"debug_preamble", "debug_crlf", "unknown_type", "unknown_field"}
    assert codes & {"dangling_link", "latest_copy"}
    for oddity in made.oddities:
        assert os.path.lexists(made.root / oddity.path)
    by_code = {oddity.code: oddity for oddity in made.oddities}
    for code, text in (("unknown_type", b"orbit-marker"), ("unknown_field", b"quantumHint"), ("debug_crlf", b"\r\n")):
        oddity = by_code[code]
        data = (made.root / oddity.path).read_bytes()
        assert text in data[oddity.offset : oddity.offset + oddity.length]


def test_where_links_are_not_allowed_latest_is_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("a required privilege is not held by the client")

    monkeypatch.setattr(os, "symlink", refuse)
    summary = make_home(tmp_path / "home", mb=0.3)
    latest = summary.root / "debug/latest"
    assert not latest.is_symlink()
    newest = max((summary.root / "debug").glob("*.txt"), key=lambda path: path.stat().st_mtime_ns)
    assert latest.read_bytes() == newest.read_bytes()


@pytest.fixture
def grown(tmp_path: Path, made: DemoSummary) -> Path:
    """A copy of a home, times and links included."""
    return Path(shutil.copytree(made.root, tmp_path / "grown", symlinks=True))


def test_a_week_depends_on_the_seed_and_the_home_alone(tmp_path: Path, grown: Path) -> None:
    other = Path(shutil.copytree(grown, tmp_path / "other", symlinks=True))
    third = Path(shutil.copytree(grown, tmp_path / "third", symlinks=True))
    first, second = grow_home(grown, seed=3, fraction=0.02), grow_home(other, seed=3, fraction=0.02)
    assert first == second
    assert tree_digest(grown) == tree_digest(other)
    grow_home(third, seed=4, fraction=0.02)
    assert tree_digest(grown) != tree_digest(third)


def test_a_week_only_appends_whole_lines_to_what_is_append_only(grown: Path) -> None:
    before = files(grown)
    growth = grow_home(grown, seed=1)
    after = files(grown)
    for path in before.keys() & after.keys():
        if path == "history.jsonl" or path.startswith("debug/") or TRANSCRIPT.fullmatch(path):
            assert after[path].startswith(before[path])
            assert after[path] == before[path] or after[path].endswith(b"\n")
        elif path.startswith(("file-history/", "paste-cache/", "projects/")):
            assert after[path] == before[path]
    changed = {path for path in before.keys() & after.keys() if before[path] != after[path]}
    assert changed == {*growth.appended, *growth.rewritten} & changed
    assert {"history.jsonl", "settings.json", "stats-cache.json"} <= changed
    assert sum(path.startswith("projects/") for path in growth.appended) == 3
    assert sum(path.startswith("debug/") for path in growth.appended) == 2
    assert sum(path.startswith("todos/") for path in growth.rewritten) == 2


def test_a_week_brings_new_sessions_and_sweeps_old_ones(grown: Path) -> None:
    before, times = files(grown), {path: path.stat().st_mtime_ns for path in walk(grown) if path.is_file()}
    growth = grow_home(grown, seed=1)
    after = files(grown)
    assert set(growth.added) == after.keys() - before.keys()
    assert set(growth.deleted) == before.keys() - after.keys()
    assert any(TRANSCRIPT.fullmatch(path) for path in growth.added)
    swept = [path for path in growth.deleted if TRANSCRIPT.fullmatch(path)]
    assert swept
    mains = [time for path, time in times.items() if TRANSCRIPT.fullmatch(path.relative_to(grown).as_posix())]
    assert min(times[grown / path] for path in swept) == min(mains)
    assert max(len(data) for data in after.values()) < 40_000_000
    assert (
        0.005 < (sum(map(len, after.values())) - sum(map(len, before.values()))) / sum(map(len, before.values())) < 0.2
    )


def test_weeks_follow_one_another(grown: Path, made: DemoSummary) -> None:
    for week in range(3):
        growth = grow_home(grown, seed=week)
        assert growth.added
        assert growth.deleted
    records = good_records(grown)
    assert all(
        record.get("type")
        for found in records.values()
        for record in found
        if "uuid" in record and "note" not in record
    )


def test_a_week_sweeps_a_directory_with_all_that_is_in_it(grown: Path) -> None:
    swept = grown / "file-history" / "0a1b2c3d-1111-4222-8333-444455556666"
    swept.mkdir()
    for version in (1, 2):
        path = swept / f"0123456789abcdef@v{version}"
        path.write_text("old\n")
        os.utime(path, (1_500_000_000, 1_500_000_000))
    growth = grow_home(grown, seed=1)
    assert sum(path.startswith(f"file-history/{swept.name}/") for path in growth.deleted) == 2
    assert not swept.exists()


def test_only_a_sample_home_is_grown(tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").write_text("{}\n")
    for marker in ("", "[]", '{"made_by": "somebody"}'):
        if marker:
            (tmp_path / "demo-home.json").write_text(marker)
        before = tree_digest(tmp_path)
        with pytest.raises(ValueError, match="not a sample home"):
            grow_home(tmp_path, seed=1)
        assert tree_digest(tmp_path) == before


def test_a_home_can_grow_for_longer_than_it_keeps_anything(tmp_path: Path) -> None:
    make_home(tmp_path / "home", mb=0.05, seed=2)
    for week in range(60):
        assert grow_home(tmp_path / "home", seed=week, fraction=0.01).added
