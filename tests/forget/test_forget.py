"""Erasure: erased content is in no byte below the data directory and is not archived again; all other content stays."""

import json
import os
import shutil
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.errors import ConfigurationError, ExitCode, FixityError, StoreError
from models.observer import Observer
from pipelines.archive.archive import Archive, read_all_runs, read_runs
from pipelines.archive.store import StoreReader
from pipelines.disk.layout import Layout
from pipelines.forget.forget import ErasureTarget, forget, plan_forget, tombstones_of
from pipelines.upkeep.import_store import import_store
from pipelines.upkeep.rollback import plan_rollback, roll_back
from pipelines.warehouse.opened import open_warehouse
from tests.command_line import call
from tests.forgetting import (
    ONE,
    PLAIN,
    SECRET,
    TWO,
    compact,
    erase,
    files_of,
    holders,
    lines_of_history,
    message_id,
    prompt,
    put,
    raw,
    record,
    restored,
    values,
    verified,
    without,
    work,
)
from tests.logical_checksum import checksums_of


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two sessions in two projects, and two secrets in many places and forms; and its archive."""
    base = tmp_path_factory.mktemp("kept")
    home = base / "home"
    put(home, "history.jsonl", "".join(lines_of_history()))
    inner = compact({"result": compact({"stdout": f"key={SECRET}"})})
    one = [record(f"text {n}", n) for n in range(8)] + [record(inner, 9), record("between", 10)]
    one += [record("x", 11, ONE, "/p", **{f"field-{PLAIN}": 1}), record("end", 12)]
    put(home, f"projects/-p/{ONE}.jsonl", "".join(one) + f"broken {PLAIN}\n" + record("after", 13))
    put(home, f"projects/-p/{ONE}/subagents/agent-a1b2c3d.jsonl", record("sub", 1, isSidechain=True, agentId="a1b2c3d"))
    two = [record(f"other {n}", n, TWO, "/q") for n in range(8)]
    put(home, f"projects/-q/{TWO}.jsonl", "".join(two) + record("unfinished " + PLAIN, 30, TWO, "/q")[:-1])
    log = "2026-01-23T16:46:2{}.314Z [DEBUG] [api] {}\n    at f\n"
    events = ["start", f"env TOKEN={PLAIN}", "more", "end"]
    put(home, f"debug/{ONE}.txt", "".join(log.format(n, text) for n, text in enumerate(events)))
    put(home, f"debug/{TWO}.txt", log.format(1, "quiet") + log.format(2, "still quiet"))
    put(home, f"todos/{ONE}-agent-{ONE}.json", '[{"content":"do","status":"pending","id":"1"}]')
    put(home, f"todos/{TWO}-agent-{TWO}.json", '[{"content":"do","status":"pending","id":"1"}]')
    put(home, f"file-history/{ONE}/0123456789abcdef@v1", "print('hello')\n" * 20)
    put(home, "notes.md", f"# notes\n{PLAIN}\n")
    put(home, "utf16.txt", f"in UTF-16: {PLAIN}".encode("utf-16"))
    put(home, "quiet.md", "# nothing in it\n")
    work(base / "data", home)
    return base


@pytest.fixture
def home(tmp_path: Path, kept: Path) -> Path:
    """The home."""
    return shutil.copytree(kept / "home", tmp_path / "home")


@pytest.fixture
def data(tmp_path: Path, kept: Path) -> Path:
    """The data directory, after a run over the home."""
    return shutil.copytree(kept / "data", tmp_path / "data", symlinks=True)


@pytest.fixture(scope="module")
def without_secrets(kept: Path) -> Path:
    """The same home, and the data directory after a run and the erasure of both secrets."""
    base = kept.parent / "without-secrets"
    shutil.copytree(kept, base, symlinks=True)
    planned = [erase(base / "data", "text", text).preview.total for text in (SECRET, PLAIN)]
    assert [(total.files, total.touched_files, total.entries) for total in planned] == [(0, 2, 2), (0, 6, 7)]
    return base


@pytest.fixture
def erased(tmp_path: Path, without_secrets: Path) -> Path:
    """The data directory without the secrets."""
    return shutil.copytree(without_secrets / "data", tmp_path / "erased", symlinks=True)


def test_texts_are_gone_from_every_byte_and_all_else_stays(erased: Path, data: Path, tmp_path: Path) -> None:
    assert min(len(holders(data, text)) for text in (SECRET, PLAIN)) > 5
    assert holders(erased, SECRET, PLAIN) == []
    assert verified(erased) == ""
    before, after = (files_of(restored(one, tmp_path / f"from-{one.name}")) for one in (data, erased))
    assert after.keys() == before.keys()
    for path, content in before.items():
        if path.startswith("debug/"):  # an event goes with the lines that continue it
            events = content.split(b"2026-")[1:]
            expected = b"".join(b"2026-" + event for event in events if without(event, PLAIN) == event)
        else:  # of notes.md and utf16.txt, one entry is the whole file
            expected = without(content, SECRET, PLAIN) if path not in ("notes.md", "utf16.txt") else b""
        assert after[path] == expected, path


def test_later_runs_pass_over_what_a_home_still_holds(erased: Path, home: Path) -> None:
    said = checksums_of(erased)
    for full in (True, False):
        run = work(erased, home, full=full)
        assert checksums_of(erased) == said
    (last,) = [one for one in read_all_runs(Layout(erased)) if one.run_id == run]
    assert sum(counts.rows for phase in last.phases for counts in phase.sources.values()) == 0
    # Files go on from where they were, new copies are recognised, and another home is no way back.
    put(home, "history.jsonl", "".join(lines_of_history()) + prompt("newest", 40) + prompt(f"again {PLAIN}!", 41))
    forked = record(f"forked: {SECRET}", 1) + record("ok", 2)
    put(home, "projects/-q/0c0c0c0c-aaaa-4bbb-8ccc-1234567890ab.jsonl", forked)
    put(home, "pasted.bin", b"\0\1\2" + PLAIN.encode() + os.urandom(300_000))
    work(erased, home)
    work(erased, home, "theirs")
    assert holders(erased, SECRET, PLAIN) == []
    assert verified(erased) == ""
    with open_warehouse(Layout(erased)) as connection:
        found = connection.execute("SELECT DISTINCT generation FROM files WHERE path = 'history.jsonl'").fetchall()
        assert found == [(1,)]
        newest = connection.execute("SELECT count(*) FROM prompts WHERE prompt = 'newest' AND home_id = 'mine'")
        assert newest.fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM messages WHERE text = 'ok'").fetchone() == (1,)


def test_a_home_is_judged_by_what_stays_of_its_files(erased: Path, home: Path) -> None:
    work(erased, home)
    assert call("verify", "--source", "--data", erased).code == 0
    # The owner changes the erased line in place: the run detects that, though the archive does not have the old bytes.
    content = "".join(lines_of_history())
    put(home, "history.jsonl", content.replace("the key is", "the KEY is"))
    ran = call("verify", "--source", "--data", erased)
    assert "history.jsonl" in ran.out
    work(erased, home)
    with open_warehouse(Layout(erased)) as connection:
        found = connection.execute("SELECT generation, state FROM files WHERE path = 'history.jsonl' ORDER BY 1")
        assert found.fetchall() == [(1, "superseded"), (2, "present")]
    assert holders(erased, SECRET) == []


def test_a_session_is_gone_with_all_that_belongs_to_it(data: Path, home: Path, tmp_path: Path) -> None:
    before = files_of(restored(data, tmp_path / "before"))
    planned = erase(data, "session", ONE[:8])
    own = {path for path in before if ONE in path}
    assert {path.decode() for _, path in planned.found.paths} >= own
    assert holders(data, ONE, "text 3", "the last of them", "print('hello')", SECRET) == []
    assert verified(data) == ""
    after = files_of(restored(data, tmp_path / "after"))
    assert after.keys() == before.keys() - own
    assert after["history.jsonl"] == without(before["history.jsonl"], ONE)
    assert after[f"todos/{TWO}-agent-{TWO}.json"] == before[f"todos/{TWO}-agent-{TWO}.json"]
    assert after[f"projects/-q/{TWO}.jsonl"] == before[f"projects/-q/{TWO}.jsonl"]
    # Its files are still in the home: they are withheld, and not even named.
    run = work(data, home)
    assert holders(data, ONE, "text 3") == []
    assert verified(data) == ""
    (last,) = [one for one in read_all_runs(Layout(data)) if one.run_id == run]
    assert sum(phase.outcomes.get("withheld", 0) for phase in last.phases) >= len(own)
    put(home, f"projects/-q/{ONE}.jsonl", record("verschoben", 1))
    put(home, "quiet.md", f"resumed with claude --resume {ONE}\n")
    work(data, home)
    assert holders(data, ONE, "verschoben") == []


def test_a_project_is_gone_with_its_sessions_and_prompts(data: Path, home: Path, tmp_path: Path) -> None:
    put(home, f"projects/-q/{TWO}.jsonl", "".join(record(f"other {n}", n, TWO, "/q") for n in range(8)))
    work(data, home)
    before = files_of(restored(data, tmp_path / "before"))
    erase(data, "project", "/q")
    assert holders(data, TWO, "projects/-q", "other 3", "anderes Projekt", "quiet\n    at") == []
    assert verified(data) == ""
    after = files_of(restored(data, tmp_path / "after"))
    assert after.keys() == {path for path in before if TWO not in path}
    assert after["history.jsonl"] == without(before["history.jsonl"], '"project":"/q"'[11:], TWO)
    put(home, "projects/-q/0c0c0c0c-aaaa-4bbb-8ccc-1234567890ab.jsonl", record("a new session", 1, cwd="/q"))
    work(data, home)
    assert holders(data, TWO, "projects/-q", "a new session") == []
    for name in ("/q", "-q"):
        assert plan_forget(Layout(data), ErasureTarget("project", name)).is_nothing


def test_a_message_is_gone_from_wherever_it_was_said(data: Path, home: Path, tmp_path: Path) -> None:
    said = ("yes", "the last of them")
    ids = [message_id(data, text).encode() for text in said]
    for digest in ids:
        erase(data, "message", digest.decode()[:12])
    lines = [f'"display":{json.dumps(text)}'.encode() for text in said]
    content = files_of(restored(data, tmp_path / "after"))["history.jsonl"]
    staying = (home / "history.jsonl").read_bytes().splitlines(keepends=True)
    assert content == b"".join(line for line in staying if not any(one in line for one in lines))
    work(data, home, full=True)
    put(home, "history.jsonl", "".join(lines_of_history()) + prompt("newest", 40))
    put(home, "copies/history.jsonl", "".join(lines_of_history()))
    put(home, f"projects/-q/{ONE}.jsonl", "".join(record(f"moved {text}", 7) for text in said))
    work(data, home)
    assert [place for place, value in values(data) if any(digest in value for digest in ids)] == []
    assert holders(data, "the last of them") == []
    assert plan_forget(Layout(data), ErasureTarget("message", ids[0].decode())).is_nothing
    assert verified(data) == ""


def test_what_a_pattern_matches_is_gone_and_is_recognised_by_itself(data: Path, home: Path) -> None:
    planned = erase(data, "pattern", r"[st]ok-[a-zé]+-\d{10}")
    assert planned.preview.total.entries == 7
    assert holders(data, PLAIN) == []
    put(home, "quiet.md", f"copied: {PLAIN}\n")
    work(data, home)
    assert holders(data, PLAIN) == []
    assert verified(data) == ""


def test_what_keeps_a_text_out_is_no_content(erased: Path) -> None:
    stone = tombstones_of(Layout(erased))[1]
    assert (stone.kind, stone.entries, stone.number) == ("text", 7, 2)
    ((length, hint, _),) = stone.texts
    assert (length, len(hint)) == (len(PLAIN), 16)
    assert (stone.ids, stone.paths, stone.entry_digests) == ([], [], [])


def test_what_two_files_share_stays_with_the_one_that_stays(data: Path, home: Path, tmp_path: Path) -> None:
    shared = "".join(record(f"shared {n} " + "x" * 500, n, "9" * 8, "/r") for n in range(400))
    put(home, f"projects/-p/{ONE}/tool-results/a.txt", shared)
    put(home, "zz-copy.txt", shared)
    work(data, home)
    put(home, "zz-later.txt", shared)
    work(data, home)
    erase(data, "session", ONE)
    assert verified(data) == ""
    after = files_of(restored(data, tmp_path / "after"))
    assert after["zz-copy.txt"] == after["zz-later.txt"] == shared.encode()
    put(home, "zz-latest.txt", shared)
    before = sum(len(raw(value)) for place, value in values(data) if "/store/" in place)
    work(data, home)
    assert sum(len(raw(value)) for place, value in values(data) if "/store/" in place) - before < 10_000


def test_undone_runs_forget_too_and_can_still_be_brought_back(data: Path, home: Path, tmp_path: Path) -> None:
    layout = Layout(data)
    first = work(data, home)
    put(home, "quiet.md", f"# {PLAIN}\n")
    put(home, "other.md", "# kept\n")
    second = work(data, home)
    roll_back(layout, plan_rollback(layout, first), Observer())
    erase(data, "text", PLAIN)
    assert holders(data, PLAIN) == []
    assert verified(data) == ""
    roll_back(layout, plan_rollback(layout, second), Observer())
    after = files_of(restored(data, tmp_path / "after"))
    assert (after["quiet.md"], after["other.md"]) == (b"", b"# kept\n")


def test_an_imported_store_forgets_too(data: Path, home: Path, tmp_path: Path) -> None:
    store = tmp_path / "unique_messages.jsonl"
    store.write_text("".join(compact({"content": text}) + "\n" for text in ("kept", f"imported {PLAIN}", "first")))
    import_store(Layout(data), messages=store, hashes=None)
    erase(data, "text", PLAIN)
    assert holders(data, PLAIN) == []
    assert holders(data, "kept") != []
    assert verified(data) == ""
    erase(data, "message", message_id(data, "first"))
    assert holders(data, sha256(b"kept").hexdigest()) != []
    for known in ("not kept, first", "kept"):  # erased content is not archived again
        store.write_text("".join(compact({"content": text}) + "\n" for text in (known, f"imported {PLAIN}", "first")))
        assert import_store(Layout(data), messages=store, hashes=None).refused == 2
    assert holders(data, PLAIN) == []
    texts = [pq.read_table(path)["text"].to_pylist() for path in (data / "store" / "imported").iterdir()]
    assert sorted(texts) == [["kept"], ["not kept, first"]]
    planned = erase(data, "message", sha256(b"not kept, first").hexdigest())  # only an imported store has it
    assert (planned.found.imported, planned.preview.total.entries) == (1, 0)
    assert holders(data, "not kept, first") == []


def test_reports_and_findings_that_quoted_it_are_made_anew_or_go(data: Path) -> None:
    run = read_runs(Layout(data))[0].run_id
    report = data / "runs" / run / "report.md"
    assert PLAIN in report.read_text()  # a field that is not known bears its name
    (data / "runs" / run / "findings.json").write_text(PLAIN)
    erase(data, "text", PLAIN)
    assert PLAIN not in report.read_text()
    assert not (data / "runs" / run / "findings.json").exists()
    assert call("report", "--data", data).code == 0


def test_the_command_says_first_what_would_go_then_forgets_and_lists_it(data: Path, home: Path) -> None:
    before = files_of(data)
    ran = call("forget", "--text", PLAIN, "--data", data)
    assert ran.code == ExitCode.USAGE
    assert "give --yes" in ran.err
    assert PLAIN not in ran.out
    assert "mine:history.jsonl: 1 entry\n" in ran.out
    shown = json.loads(call("forget", "--text", PLAIN, "--json", "--data", data).out)
    assert (shown["done"], shown["entries"], shown["touched_files"]) == (False, 7, 6)
    assert shown["untouched_files"] == len(files_of(home)) - 6
    assert shown["sources"]["history"]["entries"] == shown["sources"]["history"]["rows"] == 1
    assert files_of(data) == before
    ran = call("forget", "--text", PLAIN, "--reason", "pasted by mistake", "--yes", "--data", data)
    assert (ran.code, ran.err) == (0, "")
    assert "none contains it" in ran.out
    again = call("forget", "--text", PLAIN, "--yes", "--data", data)
    assert again.code == 0
    assert "No run contains anything of it" in again.out
    assert "mistake" in call("forget", "--list", "--data", data).out
    (stone,) = json.loads(call("forget", "--list", "--json", "--data", data).out)
    assert (stone["kind"], stone["entries"]) == ("text", 7)


def test_what_the_program_may_not_rewrite_is_named(erased: Path, data: Path) -> None:
    pa_table = pa.table({"some": ["x" * 1000 + PLAIN]})
    (erased / "settings.toml").write_text(f'withhold = ["{PLAIN}"]\n')
    (erased / f"{PLAIN}.txt").write_text("")
    pq.write_table(pa_table, erased / "copied.parquet", compression="zstd")
    shutil.copy(Layout(data).warehouse.resolve(), erased / "warehouse" / "copied.duckdb")
    ran = call("forget", "--text", PLAIN, "--yes", "--json", "--data", erased)
    assert ran.code == ExitCode.UNEXPECTED
    printed = set(json.loads(ran.out)["remaining"])
    assert {f"{PLAIN}.txt: its name", "settings.toml: its bytes", "copied.parquet: column some"} <= printed
    assert "warehouse/copied.duckdb: column message of debug_events" in printed
    named = {place.split(": ")[0] for place in printed}
    held = {Path(place.split(": ")[0].split(" ")[0]) for place in holders(erased, PLAIN)}
    assert named == {str(path.relative_to(erased)) for path in held}
    assert "still contains it: " in call("forget", "--text", PLAIN, "--yes", "--data", erased).err


def test_what_means_nothing_or_too_much_is_refused(data: Path) -> None:
    for words in (
        [],
        ["--text", "abc"],
        ["--text", "kept"],
        ["--text", "mine"],
        ["--text", "abcd", "--session", ONE],
        ["--pattern", "("],
        ["--pattern", "[a-z]+_xxh3"],
        ["--pattern", "x*"],
        ["--pattern", "(?=tok)t"],
        ["--pattern", r"(tok)\1"],
        ["--message", "abc"],
        ["--message", "0" * 12],
        ["--message", "0" * 64],
        ["--project", "/nowhere"],
        ["--session", "ffff0000"],
        ["--text", PLAIN, "--reason", f"it was {PLAIN}"],
    ):
        ran = call("forget", *words, "--yes", "--data", data)
        assert ran.code == ExitCode.USAGE, (words, ran.out)
    assert tombstones_of(Layout(data)) == []


def test_it_is_refused_when_the_archive_has_changed_since_it_was_planned(data: Path, home: Path) -> None:
    layout = Layout(data)
    planned = plan_forget(layout, ErasureTarget("text", PLAIN))
    work(data, home)
    with pytest.raises(ConfigurationError, match="has changed since the preview"):
        forget(layout, planned, Observer())


def test_a_run_refuses_to_bring_back_what_it_can_no_longer_recognise(data: Path, home: Path) -> None:
    erase(data, "text", PLAIN)
    layout = Layout(data)
    file, copy = layout.tombstones_file, layout.copy_of(layout.tombstones_file)
    kept = file.read_bytes()
    copy.unlink()
    file.write_bytes(kept[:100] + b"0" + kept[101:])
    with pytest.raises(FixityError, match=r"tombstones\.json"):
        work(data, home)
    file.unlink()
    with pytest.raises(StoreError, match=r"tombstones\.json is missing"):
        work(data, home)
    copy.write_bytes(kept)
    work(data, home)
    assert file.read_bytes() == kept
    assert holders(data, PLAIN) == []


def test_an_erased_span_is_named_when_its_bytes_are_requested(erased: Path) -> None:
    ran = call("show", "mine:history.jsonl", "--data", erased)
    assert ran.code == ExitCode.INCOMPLETE
    assert "erased on request" in ran.err
    archive = Archive.open(Layout(erased))
    reader = StoreReader(archive.layout, read_runs(archive.layout), archive.seed)
    state = next(one for one in reader.files() if one.path == "history.jsonl")
    assert state.file_id is not None
    kept = b"".join(reader.read_range(state.file_id, 0, state.size, without_erased=True))
    assert len(kept) == state.size - sum(span.length for span in state.erased)
    assert len(state.erased) == 2
