"""Importing another store: its messages count as seen, and no text is lost by that."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import ConfigurationError, ExitCode
from models.message import message_id
from models.run import RunRecord
from pipelines.archive.imported import imported_files, sound_imports
from pipelines.disk.layout import Layout
from pipelines.upkeep.hash_lists import HASH, strings_of_hashes
from pipelines.upkeep.import_store import Import, import_store
from tests.command_line import ROOT, call
from tests.support import extract, rows, warehouse_of

HASHES = [message_id(text) for text in ("one", "two", "three")]


def _home(base: Path, *prompts: str) -> Path:
    home = base / "home"
    home.mkdir(exist_ok=True)
    lines = [
        {"display": prompt, "pastedContents": {}, "timestamp": 1768724500000 + number, "project": "/p"}
        for number, prompt in enumerate(prompts)
    ]
    (home / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return home


def _read_in(base: Path, *lines: Mapping[str, object] | str, hashes: object = None) -> Import:
    messages = base / "unique_messages.jsonl"
    messages.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    other = base / "global_hashes.json"
    if hashes is not None:
        other.write_text(json.dumps(hashes))
    layout = Layout(base / "data")
    return import_store(layout, messages=messages if lines else None, hashes=other if hashes is not None else None)


def _counts(run: RunRecord) -> tuple[int, int]:
    counts = run.phases[0].sources["history"]
    return counts.messages_new, counts.messages_duplicate


def _texts(data: Path) -> list[object]:
    return sorted((row["text"] for row in rows(data, "message_texts")), key=str)


@pytest.mark.parametrize("order", ["imported before the first run", "imported between runs"])
def test_what_was_read_in_counts_as_seen_and_its_text_is_kept_when_a_home_says_it(tmp_path: Path, order: str) -> None:
    if order == "imported between runs":
        extract(tmp_path / "data", _home(tmp_path, "zero"), phases=(1,))
    _read_in(tmp_path, {"hash": message_id("one")}, {"content": "two"}, hashes=[message_id("three")])
    run = extract(tmp_path / "data", _home(tmp_path, "zero", "one", "two", "three", "four"), phases=(1,))
    assert _counts(run) == ((1, 3) if order == "imported between runs" else (2, 3))
    assert _texts(tmp_path / "data") == ["four", "one", "three", "two", "zero"]
    with warehouse_of(tmp_path / "data") as warehouse:
        printed = warehouse.execute("SELECT text, was_imported FROM messages ORDER BY text").fetchall()
    assert printed == [("four", False), ("one", True), ("three", True), ("two", True), ("zero", False)]


def test_a_text_that_was_kept_once_is_not_kept_again_by_the_next_run(tmp_path: Path) -> None:
    _read_in(tmp_path, {"content": "one"})
    extract(tmp_path / "data", _home(tmp_path, "one"), phases=(1,))
    run = extract(tmp_path / "data", _home(tmp_path, "one", "one"), phases=(1,))
    assert _counts(run) == (0, 1)
    assert _texts(tmp_path / "data") == ["one"]


def test_a_text_that_no_home_says_is_kept_with_what_was_read_in(tmp_path: Path) -> None:
    _read_in(tmp_path, {"content": "one"}, {"hash": message_id("two")})
    extract(tmp_path / "data", _home(tmp_path, "other"), phases=(1,))
    with warehouse_of(tmp_path / "data") as warehouse:
        printed = warehouse.execute("SELECT message_id, text FROM imported_messages ORDER BY text").fetchall()
    assert printed == [(message_id("one"), "one"), (message_id("two"), None)]


def test_a_run_does_not_sweep_what_was_read_in(tmp_path: Path) -> None:
    _read_in(tmp_path, {"content": "one"})
    extract(tmp_path / "data", _home(tmp_path, "other"), phases=(1,))
    assert len(imported_files(Layout(tmp_path / "data"))) == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"hash": HASHES[0], "content": "two"}, "not the SHA-256 of `content`"),
        ({"hash": "abc"}, "not a SHA-256"),
        ({"hash": 7}, "not a SHA-256"),
        ({"text": "one"}, "neither"),
        ({"content": ["one"]}, "not a text"),
        ("[1]", "not a JSON object"),
        ("{", "not a JSON object"),
        ('{"content":"\\ud83d"}', "not a JSON object"),
    ],
)
def test_a_line_that_says_nothing_or_contradicts_itself_is_refused_and_counted(
    tmp_path: Path, line: Mapping[str, object] | str, reason: str
) -> None:
    done = _read_in(tmp_path, {"content": "good"}, "", line, {"hash": HASHES[1].upper(), "content": "two"})
    assert (done.messages, done.texts, done.refused) == (2, 2, 1)
    assert done.refusals[0].startswith("unique_messages.jsonl, line 3: ")
    assert reason in done.refusals[0]


def test_a_file_of_which_nothing_can_be_taken_is_refused_whole(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="not the SHA-256"):
        _read_in(tmp_path, {"hash": "0" * 64, "content": "one"})
    assert imported_files(Layout(tmp_path / "data")) == []


def test_a_file_that_is_not_there_is_the_users_to_correct(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.jsonl cannot be read"):
        import_store(Layout(tmp_path / "data"), messages=tmp_path / "nowhere.jsonl", hashes=None)


def test_the_same_store_read_in_again_changes_nothing(tmp_path: Path) -> None:
    first = _read_in(tmp_path, {"content": "one"}, hashes=HASHES)
    again = _read_in(tmp_path, {"content": "one"}, hashes=HASHES)
    assert (first.new_files, again.new_files) == (2, 0)
    assert sorted(first.files) == sorted(again.files) == imported_files(Layout(tmp_path / "data"))


def test_what_was_read_in_and_changed_since_is_not_loaded(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data")
    (file,) = _read_in(tmp_path, {"content": "one"}).files
    held = bytearray(file.read_bytes())
    held[len(held) // 2] ^= 1
    file.write_bytes(held)
    assert sound_imports(layout) == []


@pytest.mark.parametrize(
    "shape",
    [
        HASHES,
        {name: {"first": "x", "sha256": "0" * 64, "in": ["0" * 64]} for name in HASHES},
        {str(number): name for number, name in enumerate(HASHES)},
        {"version": 1, "hashes": HASHES, "deeper": {"hashes": ["0" * 64]}},
    ],
)
def test_hashes_are_found_in_a_list_and_as_keys_or_values_of_an_object(tmp_path: Path, shape: object) -> None:
    done = _read_in(tmp_path, hashes=shape)
    (file,) = done.files
    assert pq.read_table(file).column("message_id").to_pylist() == HASHES
    assert done.refused == 0


@pytest.mark.parametrize("text", ["", "7", '"x"', "[", '{"a":["b"]', '["a"]]', '["a"] 7', '["a"}', '["abc'])
def test_what_is_no_whole_json_list_or_object_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        list(strings_of_hashes([text.encode()]))


@given(st.lists(st.one_of(st.text(max_size=8), st.integers(), st.none(), st.sampled_from(HASHES))), st.integers(1, 9))
def test_hashes_are_found_however_the_bytes_come(values: list[object], width: int) -> None:
    text = json.dumps(values).encode()
    chunks = [text[at : at + width] for at in range(0, len(text), width)]
    found = [string.decode() for string in strings_of_hashes(chunks) if HASH.fullmatch(string)]
    assert found == [value for value in values if isinstance(value, str) and value in HASHES]


def test_what_is_read_in_is_for_its_owner_alone_though_nobody_has_set_the_umask(tmp_path: Path) -> None:
    assert os.umask(0o022) == 0o022
    _read_in(tmp_path, {"content": "one"}, hashes=HASHES)
    seen = list((tmp_path / "data").rglob("*"))
    assert len(seen) > 5
    assert [path.name for path in seen if path.stat().st_mode & 0o077] == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
def test_what_is_interrupted_says_so_in_a_line_and_leaves_nothing_behind(tmp_path: Path) -> None:
    messages, data = tmp_path / "unique_messages.jsonl", tmp_path / "data"
    os.mkfifo(messages)  # its reader waits for more
    command = [sys.executable, "-m", "pipelines", "import-store", "--messages", str(messages), "--data", str(data)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with messages.open("w") as file:
        file.write('{"content":"one"}\n' * 60_001)
        file.flush()
        assert len(list((data / "staging").glob("import-*.parquet"))) == 1
        printed = call("import-store", "--messages", messages, "--data", data)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert printed.code == ExitCode.LOCKED
    assert f"pid {process.pid}, `extract import-store`, since " in printed.err
    assert (process.returncode, out) == (ExitCode.INTERRUPTED, "")
    assert err == "extract: interrupted; committed work stays, and the same command does the rest\n"
    assert list((data / "staging").iterdir()) == imported_files(Layout(data)) == []
    messages.unlink()
    assert _read_in(tmp_path, {"content": "one"}).messages == 1
