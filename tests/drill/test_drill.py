"""The drill: it holds when everything comes back, it tells what the home itself lacked, and it fails when it must."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from models.errors import ConfigurationError, ExitCode, LockedError
from models.finding import Finding, Kind
from models.findings import restore as codes
from models.json import JsonObject
from models.manifest import FileState
from models.seal import unsealed
from pipelines.archive.archive import read_runs, writing
from pipelines.archive.session_paths import encoded_directory
from pipelines.demo.demo import grow_home, make_home
from pipelines.disk.layout import Layout
from pipelines.drill.drill import DrillRequest, drill
from pipelines.drill.result import DrillResult
from pipelines.drill.resume import ArchivedPaths, ResumeVerdict, SessionCheck, check_session, is_session
from pipelines.drill.text import drill_text
from tests.support import extract, fixture_homes
from tests.trees import commit_again, forge, parts_of, tree_of

SESSION = "3fd192e1-4608-4d4e-a084-ebefc26337f3"
CWD = "/home/mira/über-projekt"
DIRECTORY = "-home-mira--ber-projekt"


def record(uuid: str, parent: str | None, **more: object) -> bytes:
    made = {"type": "user", "uuid": uuid, "parentUuid": parent, "isSidechain": False, "cwd": CWD, "sessionId": SESSION}
    return orjson.dumps({**made, **more}) + b"\n"


WHOLE = record("a", None) + record("b", "a", type="assistant") + record("c", "b")


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    write(home / "projects" / DIRECTORY / f"{SESSION}.jsonl", WHOLE)
    write(home / "notes" / "one.md", b"one")
    (home / "session-env" / SESSION).mkdir(parents=True)
    return home


def drilled(tmp_path: Path, *homes: Path, as_of: str | None = None) -> DrillResult:
    """Extract homes and drill."""
    extract(tmp_path / "data", *homes)
    return drill(Layout(tmp_path / "data"), DrillRequest(as_of=as_of))


def kinds(made: DrillResult) -> set[Kind]:
    return {finding.kind for finding in made.findings}


def path_of(finding: Finding) -> str:
    """Return the path below its home, or below the data directory, that a finding is about."""
    return finding.address.partition(":")[2] or finding.address


@pytest.mark.parametrize("home", fixture_homes(), ids=lambda home: home.name)
def test_it_holds_for_every_fixture_home(home: Path, tmp_path: Path) -> None:
    made = drilled(tmp_path, home)
    assert made.findings == []
    assert (made.holds, made.exit_code) == (True, ExitCode.VERIFIED)
    assert made.homes[0].source.outcomes.keys() == {"intact"}


def test_it_holds_for_a_sample_home_that_grew_and_nothing_is_left_of_it(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    make_home(home, mb=1, seed=5)
    first = extract(data, home)
    grow_home(home, seed=1)
    extract(data, home)
    grow_home(home, seed=2)
    source, before = tree_of(home), tree_of(data)
    made = drill(Layout(data), DrillRequest())
    one = made.homes[0]
    assert made.findings == []
    assert one.restored.right["file"] == one.expected_files > 0
    assert {"intact", "appended", "modified", "missing"} <= one.source.outcomes.keys()
    assert one.expired_files > 0
    assert {ResumeVerdict.WHOLE, ResumeVerdict.EMPTY} <= one.verdicts().keys()
    assert one.gaps()["lines that do not parse"] > 0
    assert tree_of(home) == source
    assert made.record is not None
    added = {os.fsencode(path.relative_to(data)) for path in (made.record, made.record.with_suffix(".txt"))}
    assert tree_of(data).keys() - before.keys() - {b"writer.lock", b"checks.json"} == added
    assert drill(Layout(data), DrillRequest(as_of=first.run_id)).holds


def test_its_record_says_what_was_found_and_for_people_too(home: Path, tmp_path: Path) -> None:
    made = drilled(tmp_path, home)
    assert made.record is not None
    printed = json.loads(unsealed(made.record.read_bytes(), ".json"))
    text = unsealed(made.record.with_suffix(".txt").read_bytes(), ".txt").decode()
    assert printed == made.to_json()
    assert printed["holds"] is True
    assert printed["homes"][0]["sessions"][0]["verdict"] == "whole"
    assert text == drill_text(made)
    assert "PASSED" in text
    assert made.record.stat().st_mode & 0o777 == 0o600


def test_its_text_fits_eighty_columns_and_no_terminal_obeys_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    make_home(home, mb=1, seed=5)
    write(home / "\x1b[31mred\n.md", b"x")
    extract(tmp_path / "data", home)
    harm(parts_of(tmp_path / "data", "store"))
    text = drill_text(drill(Layout(tmp_path / "data"), DrillRequest()))
    assert "FAILED" in text
    assert "\x1b" not in text
    shown = [line for line in text.splitlines() if "/" not in line]
    assert len(shown) > 50
    assert max(map(len, shown)) <= 80


def harm(parts: Sequence[Path]) -> None:
    for part in parts:
        part.unlink()


def test_lost_bytes_make_it_fail_and_name_the_file(home: Path, tmp_path: Path) -> None:
    extract(tmp_path / "data", home)
    harm(parts_of(tmp_path / "data", "store"))
    made = drill(Layout(tmp_path / "data"), DrillRequest())
    assert (made.holds, made.exit_code) == (False, ExitCode.FIXITY)
    assert codes.BYTES_LOST in kinds(made)
    assert "notes/one.md" in {path_of(finding) for finding in made.findings}
    assert made.homes[0].sessions[0].verdict == ResumeVerdict.BROKEN
    assert "FAILED" in drill_text(made)


def test_changes_of_the_source_are_reported_and_no_failure(home: Path, tmp_path: Path) -> None:
    for name in ("grown", "changed", "gone"):
        write(home / "notes" / name, b"before")
    extract(tmp_path / "data", home)
    with (home / "notes" / "grown").open("ab") as file:
        file.write(b"more")
    (home / "notes" / "changed").write_bytes(b"AFTER!")
    (home / "notes" / "gone").unlink()
    made = drill(Layout(tmp_path / "data"), DrillRequest())
    assert made.holds
    assert made.homes[0].source.outcomes == {"intact": 2, "appended": 1, "modified": 1, "missing": 1}
    text = drill_text(made)
    assert all(printed in text for printed in ("2 the same", "1 grown since", "1 changed since", "1 gone since"))


def test_a_missing_home_is_named(home: Path, tmp_path: Path) -> None:
    extract(tmp_path / "data", home)
    shutil.move(home, tmp_path / "moved")
    made = drill(Layout(tmp_path / "data"), DrillRequest())
    assert made.holds
    assert made.homes[0].source.problem == "not here now"
    assert "not here now" in drill_text(made)


@pytest.mark.parametrize("young", [True, False])
def test_content_that_differs_though_nothing_says_so_makes_it_fail(home: Path, tmp_path: Path, young: bool) -> None:
    def change(state: FileState) -> None:
        if state.path == "notes/one.md":
            stat = (home / "notes" / "one.md").stat()
            state.mtime_ns, state.ctime_ns = stat.st_mtime_ns, stat.st_ctime_ns

    layout = Layout(tmp_path / "data")
    extract(layout.root, home)
    (home / "notes" / "one.md").write_bytes(b"ONE")
    forge(layout.root, change)
    if not young:  # times of just before a run prove nothing: a write may have been under way
        run = read_runs(layout)[-1]
        run.started_at = "2099-01-01T00:00:00+00:00"
        commit_again(layout, run)
    made = drill(layout, DrillRequest())
    assert kinds(made) == (set() if young else {codes.SOURCE_DIFFERS})
    assert made.exit_code == (ExitCode.VERIFIED if young else ExitCode.FIXITY)


@pytest.mark.parametrize("change", ["content", "mode", "time", "gone", "kind", "more"])
def test_what_was_restored_is_looked_at_once_more_by_itself(home: Path, tmp_path: Path, change: str) -> None:
    from extractors.home.home import Home
    from models.observer import Observer
    from pipelines.drill.compare import compare_restored
    from pipelines.restore.restore import RestoreRequest, restore

    extract(tmp_path / "data", home)
    target = tmp_path / "restored"
    made = restore(Layout(tmp_path / "data"), RestoreRequest(target))
    expected = {item.state.path_bytes: item.state for item in made.plan.files}
    expected |= {state.path_bytes: state for state in made.plan.directories.values() if state is not None}
    assert compare_restored("home", target, expected, set(), Observer()).findings == []
    file = target / "notes" / "one.md"
    wanted = {
        "content": codes.CONTENT_DIFFERS,
        "mode": codes.MODE_DIFFERS,
        "time": codes.TIME_DIFFERS,
        "gone": codes.NOT_THERE,
        "kind": codes.NOT_THERE,
        "more": codes.UNEXPECTED,
    }[change]
    result, above = file.stat(), file.parent.stat()
    if change == "content":
        file.write_bytes(b"ONE")
        os.utime(file, ns=(result.st_mtime_ns, result.st_mtime_ns))
    elif change == "mode":
        file.chmod(0o640)
    elif change == "time":
        os.utime(file, ns=(1, result.st_mtime_ns + 1))
    elif change == "more":
        (file.parent / "more").write_bytes(b"")
    else:
        file.unlink()
    if change == "kind":
        file.mkdir()
    os.utime(file.parent, ns=(above.st_mtime_ns, above.st_mtime_ns))
    found = compare_restored("home", target, expected, set(), Observer()).findings
    assert [finding.kind for finding in found] == [wanted]
    with Home(target) as opened:
        assert opened.root == target


def check(home: Path, tmp_path: Path, lost: Sequence[bytes] = ()) -> SessionCheck:
    """Check the one session of a directory that stands for a restored home."""
    from extractors.home.home import Home

    paths = [os.fsencode(path.relative_to(home)) for path in home.rglob("*")]
    with Home(home) as opened:
        return check_session(
            "home", opened, f"projects/{DIRECTORY}/{SESSION}.jsonl".encode(), ArchivedPaths(paths, set(lost))
        )


def transcript(home: Path, content: bytes) -> None:
    write(home / "projects" / DIRECTORY / f"{SESSION}.jsonl", content)


def test_a_session_whose_chain_reaches_its_beginning_resumes_whole(home: Path, tmp_path: Path) -> None:
    made = check(home, tmp_path)
    assert (made.verdict, made.chain, made.messages, made.lines) == (ResumeVerdict.WHOLE, 3, 3, 3)
    assert made.directory_name == "right"
    assert made.gaps == {}


CHAINS = {
    "a parent that is missing": (record("a", "gone") + record("b", "a"), ResumeVerdict.CUT, 2),
    "an old branch without its parent": (
        record("x", "gone") + record("a", None) + record("b", "a"),
        ResumeVerdict.WITH_GAPS,
        2,
    ),
    "a compaction": (
        record("a", None)
        + record("s", None, type="system", subtype="compact_boundary", logicalParentUuid="a")
        + record("b", "s", isCompactSummary=True),
        ResumeVerdict.WHOLE,
        2,
    ),
    "a sidechain that begins elsewhere": (
        record("a", None) + record("x", "elsewhere", isSidechain=True),
        ResumeVerdict.WHOLE,
        1,
    ),
    "records of other types on the way": (
        record("a", None) + record("p", "a", type="progress") + record("b", "p"),
        ResumeVerdict.WHOLE,
        3,
    ),
    "a parent that comes after": (record("b", "a") + record("a", None) + record("c", "b"), ResumeVerdict.WHOLE, 3),
    "a circle": (record("a", "b") + record("b", "a"), ResumeVerdict.CUT, 2),
    "no message": (b'{"type":"summary","summary":"s","leafUuid":"x"}\n', ResumeVerdict.EMPTY, 0),
    "nothing": (b"", ResumeVerdict.EMPTY, 0),
    "a line that does not parse": (record("a", None) + b'{"type":"us\n' + record("b", "a"), ResumeVerdict.WITH_GAPS, 2),
    "a line that is no object": (record("a", None) + b"42\n" + record("b", "a"), ResumeVerdict.WITH_GAPS, 2),
    "a lone surrogate": (
        record("a", None) + b'{"uuid":"b","parentUuid":"a","type":"user","x":"\\ud83d"}\n',
        ResumeVerdict.WHOLE,
        2,
    ),
    "no line end": (WHOLE.rstrip(b"\n"), ResumeVerdict.WHOLE, 3),
    "blank lines": (record("a", None) + b"\n\r\n" + record("b", "a"), ResumeVerdict.WHOLE, 2),
}


@pytest.mark.parametrize("case", CHAINS)
def test_the_chain_is_followed_as_claude_code_would(home: Path, tmp_path: Path, case: str) -> None:
    content, verdict, chain = CHAINS[case]
    transcript(home, content)
    made = check(home, tmp_path)
    assert (made.verdict, made.chain) == (verdict, chain)
    assert made.findings == []


REFERENCES: dict[str, tuple[JsonObject, str]] = {
    "file versions": (
        {
            "type": "file-history-snapshot",
            "snapshot": {"trackedFileBackups": {"f": {"backupFileName": "0123456789abcdef@v1"}}},
        },
        f"file-history/{SESSION}/0123456789abcdef@v1",
    ),
    "tool results": (
        {
            "toolUseResult": {
                "persistedOutputPath": f"C:\\u\\.claude\\projects\\{DIRECTORY}\\{SESSION}\\tool-results\\x.txt"
            }
        },
        f"projects/{DIRECTORY}/{SESSION}/tool-results/x.txt",
    ),
    "subagents": (
        {"toolUseResult": {"agentId": "abc1234"}},
        f"projects/{DIRECTORY}/{SESSION}/subagents/agent-abc1234.jsonl",
    ),
}


@pytest.mark.parametrize("what", REFERENCES)
def test_what_a_session_refers_to_is_there_lost_or_was_missing_already(home: Path, tmp_path: Path, what: str) -> None:
    fields, path = REFERENCES[what]
    transcript(home, WHOLE + record("d", "c", **fields))
    missing = check(home, tmp_path)
    assert (missing.verdict, missing.gaps) == (ResumeVerdict.WITH_GAPS, {f"{what} that are missing": 1})
    write(home / path, record("x", None))
    there = check(home, tmp_path)
    assert (there.verdict, there.references, there.findings) == (ResumeVerdict.WHOLE, 1, [])
    lost = check(home, tmp_path, [path.encode()])
    assert lost.verdict == ResumeVerdict.BROKEN
    assert [(finding.kind, path_of(finding)) for finding in lost.findings] == [(codes.REFERENCE_LOST, path)]


def test_lines_of_subagents_are_looked_at_too(home: Path, tmp_path: Path) -> None:
    write(home / "projects" / DIRECTORY / SESSION / "subagents" / "agent-abc1234.jsonl", record("x", None) + b"torn\n")
    assert check(home, tmp_path).gaps == {"lines that do not parse": 1}


@pytest.mark.parametrize(
    ("cwd", "directory"),
    [
        ("/home/u/code", "-home-u-code"),
        ("C:\\Users\\x", "C--Users-x"),
        ("/Users/u/Desktop/项目", "-Users-u-Desktop---"),
        ("/a/\U0001f600", "-a---"),
        ("/a_b.c", "-a-b-c"),
        ("/ü", "--"),
    ],
)
def test_the_directory_of_a_project_is_named_by_claude_codes_rule(cwd: str, directory: str) -> None:
    assert encoded_directory(cwd) == directory


@pytest.mark.parametrize(
    ("directory", "cwd", "printed"),
    [
        (DIRECTORY, CWD, "right"),
        ("my-own-name", CWD, "other"),
        ("-" + "a" * 199 + "-x1y2z3", "/" + "a" * 300, "cut"),
        ("-" + "b" * 199 + "-x1y2z3", "/" + "a" * 300, "other"),
        (DIRECTORY, None, "unknown"),
    ],
)
def test_the_name_of_a_directory_is_compared_with_the_rule(
    home: Path, tmp_path: Path, directory: str, cwd: str | None, printed: str
) -> None:
    write(home / "projects" / directory / f"{SESSION}.jsonl", record("a", None, cwd=cwd))
    made = drilled(tmp_path, home)
    assert made.holds
    path = f"projects/{directory}/{SESSION}.jsonl"
    assert [one.directory_name for one in made.homes[0].sessions if one.path == path] == [printed]


def test_only_a_sessions_own_transcript_is_one() -> None:
    assert is_session(f"projects/-p/{SESSION}.jsonl".encode())
    for other in ("projects/-p/agent-abc.jsonl", f"projects/-p/{SESSION}/subagents/agent-a.jsonl", "history.jsonl"):
        assert not is_session(other.encode())


def test_several_homes_are_drilled_each_for_itself_and_one_alone_when_named(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(home, other)
    write(other / "notes" / "two.md", b"two")
    made = drilled(tmp_path, home, other)
    assert [(one.home_id, one.expected_files) for one in made.homes] == [("home", 2), ("other", 3)]
    assert made.holds
    alone = drill(Layout(tmp_path / "data"), DrillRequest(homes=["other"]))
    assert [(one.home_id, one.expected_files) for one in alone.homes] == [("other", 3)]


def test_another_place_is_left_as_it_was_found(home: Path, tmp_path: Path) -> None:
    extract(tmp_path / "data", home)
    (tmp_path / "there").mkdir()
    assert drill(Layout(tmp_path / "data"), DrillRequest(target=tmp_path / "there")).holds
    assert os.listdir(tmp_path / "there") == []
    assert drill(Layout(tmp_path / "data"), DrillRequest(target=tmp_path / "new")).holds
    assert not (tmp_path / "new").exists()
    with pytest.raises(ConfigurationError):
        drill(Layout(tmp_path / "data"), DrillRequest(target=home / "below"))


def test_directories_that_nobody_may_write_to_are_removed_again(home: Path, tmp_path: Path) -> None:
    (home / "notes").chmod(0o500)
    made = drilled(tmp_path, home)
    (home / "notes").chmod(0o700)
    assert made.holds
    assert os.listdir(tmp_path / "data" / "staging") == []


def test_it_waits_for_nobody_who_writes(home: Path, tmp_path: Path) -> None:
    extract(tmp_path / "data", home)
    with writing(Layout(tmp_path / "data"), "a run"), pytest.raises(LockedError):
        drill(Layout(tmp_path / "data"), DrillRequest())
    with writing(Layout(tmp_path / "data"), "a run"):
        assert drill(Layout(tmp_path / "data"), DrillRequest(target=tmp_path / "there")).holds
