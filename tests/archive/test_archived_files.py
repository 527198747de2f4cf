"""Selecting from the archive: runs by id or date, sessions by their files, and each file with all its versions."""

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import orjson
import pytest

from models.errors import ConfigurationError
from models.run import RunRecord
from pipelines.archive.as_of import run_as_of
from pipelines.archive.listing import ArchivedFile, VersionPlace, list_files
from pipelines.archive.selection import Availability, Selection
from pipelines.disk.layout import Layout
from pipelines.restore.restore import RestoreRequest, restore
from tests.command_line import Kept, call
from tests.support import extract
from tests.trees import parts_of

SESSION = "3fd192e1-4608-4d4e-a084-ebefc26337f3"
OTHER = "7e0c9a51-1111-4222-8333-444455556666"
PASTE, FOREIGN_PASTE = "0123456789abcdef", "fedcba9876543210"


def line(**fields: object) -> bytes:
    return orjson.dumps(fields) + b"\n"


def record(session: str, **more: object) -> bytes:
    return line(type="user", uuid="u", parentUuid=None, sessionId=session, cwd="/p", version="2.1.40", **more)


OWN = {
    f"projects/-p/{SESSION}.jsonl": record(SESSION, slug="calm-blue-fox")
    + record(SESSION, toolUseResult={"agentId": "0a1b2c3d"})
    + record(SESSION, toolUseResult={"persistedOutputPath": f"/u/.claude/projects/-p/{OTHER}/tool-results/shared.txt"}),
    f"projects/-elsewhere/{SESSION}.jsonl": record(SESSION),
    f"projects/-p/{SESSION}/subagents/agent-abc1234.jsonl": record(SESSION, isSidechain=True),
    f"projects/-p/{SESSION}/tool-results/toolu_1.txt": b"result",
    "projects/-p/agent-0a1b2c3d.jsonl": record("unknown"),
    "projects/-p/agent-99999999.jsonl": record(SESSION),
    f"projects/-p/{OTHER}/tool-results/shared.txt": b"shared",
    f"file-history/{SESSION}/{PASTE}@v1": b"version",
    f"todos/{SESSION}-agent-{SESSION}.json": b"[]",
    f"todos/{SESSION}-agent-{OTHER}.json": b"[]",
    f"tasks/{SESSION}/1.json": b'{"id":"1","subject":"s","status":"pending"}',
    f"tasks/{SESSION}/.highwatermark": b"1",
    f"debug/{SESSION}.txt": b"2026-01-23T16:46:29.314Z [DEBUG] first\n",
    f"session-env/{SESSION}/sessionstart-hook-1.sh": b"export A=1\n",
    f"image-cache/{SESSION}/1.png": b"png",
    f"uploads/{SESSION}/a.pdf": b"pdf",
    f"telemetry/1p_failed_events.{SESSION}.{OTHER}.json": b"[]",
    f"usage-data/facets/{SESSION}.json": b"{}",
    f"jobs/{SESSION[:8]}/state.json": b"{}",
    "sessions/4711.json": orjson.dumps({"pid": 4711, "sessionId": SESSION}),
    f"paste-cache/{PASTE}.txt": b"pasted",
    "plans/calm-blue-fox.md": b"# plan",
    "plans/calm-blue-fox-agent-abc1234.md": b"# plan of a subagent",
}
FOREIGN = {
    "history.jsonl": line(
        display="a", timestamp=1, project="/p", sessionId=SESSION, pastedContents={"1": {"contentHash": PASTE}}
    )
    + line(display="b", timestamp=2, project="/p", sessionId=SESSION, pastedContents={})
    + line(
        display="c", timestamp=3, project="/p", sessionId=OTHER, pastedContents={"1": {"contentHash": FOREIGN_PASTE}}
    ),
    f"projects/-p/{OTHER}.jsonl": record(OTHER, slug="loud-red-owl"),
    f"projects/-p/{OTHER}/tool-results/own.txt": b"own",
    "projects/-p/agent-11111111.jsonl": record(OTHER),
    f"file-history/{OTHER}/{PASTE}@v1": b"version",
    f"todos/{OTHER}-agent-{SESSION}.json": b"[]",
    f"debug/{OTHER}.txt": b"2026-01-23T16:46:29.314Z [DEBUG] first\n",
    f"jobs/{OTHER[:8]}/state.json": b"{}",
    "sessions/4712.json": orjson.dumps({"pid": 4712, "sessionId": OTHER}),
    f"paste-cache/{FOREIGN_PASTE}.txt": b"pasted",
    "plans/loud-red-owl.md": b"# plan",
    "plans/calm-blue-foxes.md": b"# plan",
    "projects/-p/memory/MEMORY.md": b"memory",
    "settings.json": b"{}",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of a home with two sessions that meet in every way that two can."""
    base = tmp_path_factory.mktemp("sessions")
    for name, content in {**OWN, **FOREIGN}.items():
        path = base / "home" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    extract(base / "data", base / "home")
    return base / "data"


def listed(data: Path, **what: object) -> dict[str, ArchivedFile]:
    listing = list_files(Layout(data), Selection(**what))  # type: ignore[arg-type]
    return {each.state.path: each for each in listing.files if not each.archived.is_directory}


def test_all_that_belongs_to_a_session_is_found_and_nothing_of_another(data: Path) -> None:
    assert listed(data, session=SESSION).keys() == OWN.keys()


def test_a_session_is_restored_with_all_that_belongs_to_it(data: Path, tmp_path: Path) -> None:
    made = restore(Layout(data), RestoreRequest(tmp_path / "out", Selection(session=SESSION[:6])))
    found = {path.relative_to(tmp_path / "out").as_posix(): path for path in (tmp_path / "out").rglob("*")}
    assert {name: path.read_bytes() for name, path in found.items() if path.is_file()} == OWN
    assert made.chosen.prompt_count == 2


@pytest.mark.parametrize("given", ["3fd", "nothing", "", "agent-0a1b2c3d", "memory"])
def test_what_names_no_session_or_too_shortly_is_refused(data: Path, given: str) -> None:
    with pytest.raises(ConfigurationError, match="no session"):
        list_files(Layout(data), Selection(session=given))


def test_two_sessions_with_the_same_beginning_are_distinguished(tmp_path: Path) -> None:
    for session in (SESSION, SESSION[:-1] + "0"):
        path = tmp_path / "home" / "debug" / f"{session}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    extract(tmp_path / "data", tmp_path / "home")
    with pytest.raises(ConfigurationError, match="2 sessions begin with"):
        list_files(Layout(tmp_path / "data"), Selection(session=SESSION[:12]))


def test_phases_and_globs_narrow_down(data: Path) -> None:
    assert listed(data, phases=[2]).keys() == {f"debug/{SESSION}.txt", f"debug/{OTHER}.txt"}
    assert listed(data, globs=["plans/*"]).keys() == {path for path in {**OWN, **FOREIGN} if path.startswith("plans/")}
    assert listed(data, globs=["**/agent-*.jsonl"], phases=[7]).keys() == {
        path for path in {**OWN, **FOREIGN} if "/agent-" in path and path.endswith(".jsonl")
    }
    assert listed(data, globs=["plans"]) == {}
    assert listed(data, files=["plans"]).keys() == listed(data, globs=["plans/*"]).keys()
    assert listed(data, files=["plans/loud-red-owl.md", "settings.json"]).keys() == {
        "plans/loud-red-owl.md", "settings.json",
    }  # fmt: skip


def test_each_file_has_its_standing_and_every_content_that_was_kept_of_it(tmp_path: Path) -> None:
    home, layout = tmp_path / "home", Layout(tmp_path / "data")
    prompts = [line(display=str(number), timestamp=number, project="/p", pastedContents={}) for number in range(3)]
    home.mkdir()
    (home / "gone.md").write_bytes(b"gone")
    (home / "settings.json").write_bytes(b"{}")
    (home / "link").symlink_to("gone.md")
    (home / "empty").mkdir()
    runs = []
    for number in range(3):
        (home / "history.jsonl").write_bytes(b"".join(prompts[: number + 1]))
        (home / "stats-cache.json").write_bytes(b"%d" % min(number, 1))
        if number == 2:
            (home / "gone.md").unlink()
        runs.append(extract(layout.root, home).run_id)
    found = {each.state.path: each for each in list_files(layout, Selection()).files}
    assert {path: str(each.archived.availability) for path, each in found.items()} == {
        "empty": "present", "gone.md": "expired", "history.jsonl": "present", "link": "link",
        "settings.json": "withheld", "stats-cache.json": "present",
    }  # fmt: skip
    printed = [(one.run_id, one.place, one.generation, one.size) for one in found["history.jsonl"].versions]
    sizes = [sum(map(len, prompts[: number + 1])) for number in range(3)]
    places = (VersionPlace.EARLIER, VersionPlace.EARLIER, VersionPlace.CURRENT)
    assert printed == [(run_id, place, 1, size) for run_id, place, size in zip(runs, places, sizes, strict=True)]
    rewritten = [(one.run_id, one.place, one.generation, one.sha256) for one in found["stats-cache.json"].versions]
    assert rewritten == [
        (runs[0], VersionPlace.SUPERSEDED, 1, sha256(b"0").hexdigest()),
        (runs[1], VersionPlace.CURRENT, 2, sha256(b"1").hexdigest()),
    ]
    assert [one.place for one in found["gone.md"].versions] == [VersionPlace.CURRENT]
    assert all(found[path].versions == [] for path in ("empty", "link", "settings.json"))
    before = {each.state.path: each for each in list_files(layout, Selection(), as_of=runs[0]).files}
    assert before["gone.md"].archived.availability == Availability.PRESENT
    assert len(before["history.jsonl"].versions) == 1
    states = {each.state.path for each in list_files(layout, Selection(), availabilities=["expired", "withheld"]).files}
    assert states == {"gone.md", "settings.json"}


def test_a_damaged_manifest_is_named_and_the_rest_is_listed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "one.md").write_bytes(b"one")
    extract(tmp_path / "data", home)
    (home / "two.md").write_bytes(b"two")
    extract(tmp_path / "data", home)
    for part in parts_of(tmp_path / "data", "manifest"):
        part.unlink()
    assert [each.state.path for each in list_files(Layout(tmp_path / "data"), Selection()).files] == [
        "one.md",
        "two.md",
    ]
    shutil.rmtree(tmp_path / "data" / "copies")
    listing = list_files(Layout(tmp_path / "data"), Selection())
    assert [each.state.path for each in listing.files] == ["one.md"]
    assert len(listing.damage) == 8


def run(number: int, started: datetime, run_id: str) -> RunRecord:
    return RunRecord(run_id, number, "complete", started.isoformat(), None, "0", False, {})


START = datetime(2026, 1, 30, 22, 30, tzinfo=UTC)
RUNS = [run(number, START + timedelta(hours=number), f"2026013{number}T-{number}") for number in range(3)]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (None, 2),
        ("20260130", 0),
        ("20260131T-1", 1),
        ("2026-01-30", 1),
        ("2026-01-31", 2),
        ("2027-01-01", 2),
        ("2026-01-30T22:30", 0),
        ("2026-01-30T23:29:59", 0),
        ("2026-01-30 23:30", 1),
        ("2026-01-31T00:30+01:00", 1),
        ("2026-01-30T22:30:00Z", 0),
    ],
)
def test_a_run_is_meant_by_its_beginning_or_by_a_date(text: str | None, number: int) -> None:
    assert run_as_of(RUNS, text) is RUNS[number]


@pytest.mark.parametrize(
    "text", ["2026-01-29", "2026-01-30T22:29", "202601", "last week", "", "9999-99-99", "20260139"]
)
def test_what_means_no_run_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        run_as_of(RUNS, text)


def test_without_any_run_that_is_said() -> None:
    with pytest.raises(ConfigurationError, match="no run has been committed"):
        run_as_of([], None)


def test_the_list_fits_eighty_columns_and_no_terminal_obeys_it(kept: Kept) -> None:
    ran = call("files", "--data", kept.data, "--versions", show="terminal")
    assert ran.code == 0
    assert ran.err == ""
    plain = ran.out.replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert "\x1b" not in plain
    assert r"\x1b[31m\xff\x0aname\\.txt" in plain
    names = [row for row in plain.splitlines() if "agent" not in row]
    assert max(map(len, names)) <= 80
    assert "withheld" in plain


def test_the_list_is_one_json_document(kept: Kept) -> None:
    printed = json.loads(call("files", "--data", kept.data, "--json").out)
    found = {each["path"]: each for each in printed["files"]}
    history = (kept.home / "history.jsonl").read_bytes()
    assert found["history.jsonl"]["versions"][0]["sha256"] == sha256(history).hexdigest()
    assert found[".credentials.json"]["state"] == "withheld"
    assert printed["counts"]["withheld"] == 1


def test_a_state_that_is_none_is_refused(kept: Kept) -> None:
    ran = call("files", "--data", kept.data, "--state", "lost")
    assert (ran.code, ran.out) == (2, "")
    assert "there is no state" in ran.err


def test_a_restore_is_summarised_in_a_few_lines_or_as_json(kept: Kept, tmp_path: Path) -> None:
    ran = call("restore", "--data", kept.data, "--to", tmp_path / "one")
    assert (ran.code, ran.err) == (0, "")
    assert "5 files with" in ran.out
    assert "each read back, SHA-256 as archived" in ran.out
    assert "not restorable: 1 withheld, 1 listed" in ran.out
    printed = json.loads(call("restore", "--data", kept.data, "--to", tmp_path / "two", "--json").out)
    assert (printed["exit_code"], printed["files"], printed["findings"]) == (0, 5, [])
    assert {each["why"] for each in printed["not_restorable"]} == {"withheld", "listed"}
    odd = os.path.join(os.fsencode(tmp_path), b"one", b"odd", b"\x1b[31m\xff\nname\\.txt")
    assert Path(os.fsdecode(odd)).read_bytes() == b"named oddly"
    assert call("restore", "--data", kept.data, "--to", tmp_path / "three", "--quiet").out == ""


def test_a_refused_restore_says_why_and_ends_with_usage(kept: Kept, tmp_path: Path) -> None:
    refused: list[list[str | Path]] = [
        ["--to", kept.home],
        ["--to", kept.data / "x"],
        ["--to", tmp_path / "x", "--session", "zzzz"],
    ]
    for arguments in refused:
        ran = call("restore", "--data", kept.data, *arguments)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith("extract: ")
    assert not (tmp_path / "x").exists()
    assert call("restore", "--data", kept.data).code == 2


def test_a_drill_is_summarised_and_its_record_named(kept: Kept, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(kept.data, data, symlinks=True)
    ran = call("drill", "--data", data)
    assert (ran.code, ran.err) == (0, "")
    assert "PASSED" in ran.out
    record = Path(ran.lines[-1].removeprefix("Its record: "))
    assert json.loads(call("drill", "--data", data, "--json").out)["holds"] is True
    assert record.name.startswith("drill-")
