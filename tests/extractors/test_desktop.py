"""Claude Desktop's local agent mode: homes within a tree, and the files beside them."""

from pathlib import Path

import pytest

from extractors.reading.contract import inner_path
from extractors.reading.registry import Classifier
from pipelines.archive.selection import Selection
from pipelines.disk.layout import Layout
from pipelines.restore.restore import RestoreRequest, restore
from tests.documents import read_fixture
from tests.support import FIXTURES, extract, rows

ACCOUNT = "0a1b2c3d-aaaa-4222-8333-444455556666/0a1b2c3d-bbbb-4222-8333-444455556666"
SESSION = "0a1b2c3d-cccc-4222-8333-444455556666"
INNER = f"{ACCOUNT}/local_7/.claude"


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        (f"{INNER}/projects/-sessions-calm-loom/{SESSION}.jsonl", "projects/{project_dir}/{session_id}.jsonl"),
        (f"{ACCOUNT}/agent/local_8/.claude/history.jsonl", "history.jsonl"),
        (f"{INNER}/settings.json", "settings"),
        (f"{INNER}/config.json", "config"),
        (f"{INNER}/sessions/7.0a.key", "session-key"),
        (f"{ACCOUNT}/local_7.json", "{organisation}/{account}/{desktop_id}.json"),
        (f"{ACCOUNT}/local_7/audit.jsonl", "{organisation}/{account}/{desktop_id}/audit.jsonl"),
        (f"{ACCOUNT}/local_7/outputs/list.csv", "foreign"),
        ("elsewhere/local_7/.claude/history.jsonl", "foreign"),
    ],
)
def test_what_lies_in_a_home_within_is_placed_as_it_would_be_there(path: str, rule: str) -> None:
    assert Classifier().place(path, "file").rule == rule


def test_a_link_for_data_is_found_in_a_home_within() -> None:
    assert Classifier().place(f"{INNER}/projects", "link").rule == "link for data"


def test_a_pattern_of_the_settings_holds_below_either_home() -> None:
    path = f"{INNER}/history.jsonl"
    for pattern in ("history.jsonl", f"{INNER}/*"):
        assert Classifier([pattern]).place(path, "file").treatment == "withhold"


def test_the_path_below_a_usual_home_is_the_path_itself() -> None:
    assert inner_path("projects/x/y.jsonl") == "projects/x/y.jsonl"


def test_the_transcript_of_a_home_within_and_its_title_are_of_one_session(tmp_path: Path) -> None:
    extract(tmp_path / "data", FIXTURES / "desktop")
    assert {row["session_id"] for row in rows(tmp_path / "data", "records")} == {SESSION}
    assert {row["session_id"] for row in rows(tmp_path / "data", "todos")} == {SESSION}
    (title,) = rows(tmp_path / "data", "titles")
    assert (title["session_id"], title["title"], title["title_kind"]) == (SESSION, "Sort the threads", "desktop-title")
    result = rows(tmp_path / "data", "desktop_audit")[1]
    assert (result["session_id"], result["cost_usd"], result["event"]) == (SESSION, 0.01, "result")


def test_a_record_without_a_transcript_names_the_session_of_the_desktop() -> None:
    found = read_fixture("desktop", f"{ACCOUNT}/local_7.json")
    assert found.one("desktop_sessions")["desktop_session_id"] == "local_7"
    assert found.one("desktop_sessions")["unparsed"] == '{"userSelectedFolders":["/home/mira/loom"]}'


def test_a_session_of_a_home_within_is_restored_by_its_id(tmp_path: Path) -> None:
    extract(tmp_path / "data", FIXTURES / "desktop")
    restored = restore(Layout(tmp_path / "data"), RestoreRequest(tmp_path / "target", Selection(session=SESSION[:8])))
    assert restored.findings == []
    found = {path.relative_to(tmp_path / "target").as_posix() for path in (tmp_path / "target").rglob("*.json*")}
    assert found == {
        f"{INNER}/projects/-sessions-calm-loom/{SESSION}.jsonl",
        f"{INNER}/todos/{SESSION}-agent-{SESSION}.json",
    }
