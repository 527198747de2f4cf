"""projects/: the source of each path, the rows of whole homes, and the files beside transcripts."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from extractors.projects import SOURCE as PROJECTS
from extractors.reading.contract import Entry, Malformed
from extractors.reading.registry import Classifier, Placement
from extractors.sessions_index import parse as parse_index
from extractors.transcripts.session_files import parse_memory, parse_spilled_result, parse_subagent, parse_workflow
from models.message import MessageKind, message_id
from models.schema import Row, table_of
from tests.support import FIXTURES, extract, rows
from tests.transcripts import SESSION, Cells

BESIDE = f"projects/-home-mira-work/{SESSION}"
NAMES = {"project_dir": "-home-mira-work", "session_id": SESSION}


def cells(row: Row) -> Cells:
    """Return a row by its columns."""
    return dict(zip((column.name for column in table_of(row).columns), row, strict=True))


def place_of(path: str, kind: str = "file") -> Placement:
    """Return where a path belongs."""
    return Classifier().place(path, kind)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of the fixture homes that have transcripts."""
    data = tmp_path_factory.mktemp("data")
    homes = [FIXTURES / name for name in ("typical", "projects__odd_records", "projects__foreign_files")]
    extract(data, *homes, phases=(7, 8))
    return data


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (f"{BESIDE}.jsonl", NAMES),
        (f"projects/any name/{SESSION}.jsonl", {"project_dir": "any name", "session_id": SESSION}),
        ("projects/-/notes_2.jsonl", {"project_dir": "-", "session_id": "notes_2"}),
        ("projects/C--Users-mira/notes.jsonl", {"project_dir": "C--Users-mira", "session_id": "notes"}),
        ("projects/sample/agent-1f2e3d4c.jsonl", {"project_dir": "sample", "agent_id": "1f2e3d4c"}),
        (f"{BESIDE}/subagents/agent-acompact-0123.jsonl", NAMES | {"agent_id": "acompact-0123"}),
        (f"{BESIDE}/subagents/workflows/wf_1-2/agent-a1.jsonl", NAMES | {"workflow_id": "wf_1-2", "agent_id": "a1"}),
        (f"{BESIDE}/subagents/agent-a1.meta.json", NAMES | {"agent_id": "a1"}),
        (f"{BESIDE}/tool-results/pdf-1/page-01.jpg", NAMES | {"name": "pdf-1/page-01.jpg"}),
        ("projects/-x/memory/MEMORY.md", {"project_dir": "-x", "name": "MEMORY.md"}),
    ],
)
def test_a_path_of_claude_code_is_read(path: str, names: dict[str, str]) -> None:
    place = place_of(path)
    assert place.source == "projects"
    assert PROJECTS.shapes[place.shape].names_in(path) == names


@pytest.mark.parametrize(
    "path",
    [
        f"{BESIDE}.orphaned-1769186786892-ab12.jsonl",
        f"{BESIDE}.jsonl.superseded-1769186786892",
        f"{BESIDE}/subagents/agent-a1.orphaned-1769186786892.jsonl",
        "projects/yarn-shop/orders.jsonl",
        "projects/yarn-shop/stock.json",
        "projects/-home-mira-work/sub/deeper/notes.jsonl",
        f"{BESIDE}/tool-results/a/b/c.txt",
        f"{BESIDE}/workflows/scripts/count-wf_1.js",
        "projects/-home-mira-work/.DS_Store",
        f"{SESSION}.jsonl",
    ],
)
def test_a_path_of_somebody_else_below_projects_is_archived_unread(path: str) -> None:
    assert place_of(path).source == "other"


def test_a_list_of_sessions_belongs_to_its_own_source() -> None:
    assert place_of("projects/-x/sessions-index.json").source == "sessions-index"


def test_every_directory_of_projects_is_a_fact(data: Path) -> None:
    found = {(row["home_id"], row["project_dir"]) for row in rows(data, "project_directories")}
    assert ("projects__foreign_files", "yarn-shop") in found
    assert ("projects__odd_records", "-home-mira-------") in found


def test_every_entry_is_a_row_or_a_reject(data: Path) -> None:
    for row in rows(data, "extractions"):
        assert row["entry_count"] == int(str(row["entries_with_rows"])) + int(str(row["reject_count"]))


def test_damaged_lines_give_what_is_whole_and_reject_the_rest(data: Path) -> None:
    codes = sorted(str(row["code"]) for row in rows(data, "rejects") if row["home_id"] == "projects__odd_records")
    assert codes == ["missing_field", "not_an_object", "not_an_object", "truncated_record"]
    texts = {row["text"] for row in rows(data, "message_texts")}
    assert {"one", "two", "after a crash", "cut \ufffd", "the same uuid again"} <= texts
    assert "still being wr" not in texts


def test_the_same_uuid_and_the_same_session_may_come_twice(data: Path) -> None:
    records = [row for row in rows(data, "records") if row["home_id"] == "projects__odd_records"]
    uuids = [row["uuid"] for row in records]
    assert uuids.count("0000000f-aaaa-4bbb-8ccc-dddddddddddd") == 3
    sessions = {(row["project_dir"], row["session_id"]) for row in records if not row["agent_id"]}
    assert len({session for _, session in sessions}) < len(sessions)


def test_a_subagent_may_be_without_its_session(data: Path) -> None:
    records = [row for row in rows(data, "records") if row["home_id"] == "projects__odd_records"]
    (orphan,) = [row for row in records if row["agent_id"]]
    assert orphan["session_id"] not in {row["session_id"] for row in records if not row["agent_id"]}


def test_a_home_of_known_records_shows_no_drift(data: Path) -> None:
    typical = [row for row in rows(data, "drift") if row["home_id"] == "typical" and row["source"] == "projects"]
    assert typical == []


def test_what_nobody_knows_shows_as_drift(data: Path) -> None:
    drift = {(row["what"], row["name"]) for row in rows(data, "drift")}
    assert {
        ("record_type", "telepathy"),
        ("record_type", "system/eclipse"),
        ("record_type", "user.message.content[].hologram"),
        ("field", "assistant.message.usage.nap_tokens"),
        ("field", "user.message.contenst"),
        ("field", "session.weather"),
    } <= drift


def test_usage_of_a_copied_message_is_counted_once(data: Path) -> None:
    found = [row["output_tokens"] for row in rows(data, "records") if row["api_message_id"] == "msg_03Agent"]
    assert found == [7]


def test_a_subagents_file_names_session_agent_and_run(data: Path) -> None:
    found = {
        (row["agent_id"], row["workflow_id"], row["session_id"])
        for row in rows(data, "records")
        if row["home_id"] == "typical" and row["agent_id"]
    }
    assert found == {
        ("a1b2c3d", None, SESSION),
        ("ae5f6a7b8c9d0e1f2", "wf_1a2b3c4d-5e6", SESSION),
        ("1f2e3d4c", None, SESSION),
    }


@pytest.mark.parametrize(
    ("name", "tool_use_id"),
    [
        ("toolu_01ABC.txt", "toolu_01ABC"),
        ("call_00_jpeq.txt", "call_00_jpeq"),
        ("tooluse_a-b.json", "tooluse_a-b"),
        ("bhe2b1wyo.txt", None),
        ("mcp-server-tool-1769186786892.txt", None),
        ("pdf-1/page-01.jpg", None),
    ],
)
def test_a_spilled_result_tells_its_call_when_its_name_does(name: str, tool_use_id: str | None) -> None:
    (row,) = parse_spilled_result(Entry(NAMES | {"name": name}, b"x"))
    assert cells(row)["tool_use_id"] == tool_use_id


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"PK\x03\x04\xff", "application/zip"),
        (b"%PDF-1.7\xff", "application/pdf"),
        (b"RIFF\xff\0\0\0WEBP", "image/webp"),
        (b"\xff\xff", None),
    ],
)
def test_a_spilled_result_that_is_no_text_tells_what_it_looks_like(content: bytes, media_type: str | None) -> None:
    entry = Entry(NAMES | {"name": "a"}, content)
    (row,) = parse_spilled_result(entry)
    found = cells(row)
    assert (found["is_text"], found["media_type"], found["message_id"], found["size"]) == (
        False,
        media_type,
        None,
        len(content),
    )
    assert entry.said == []


@pytest.mark.parametrize("text", ["thread\n", "with\0NUL", "", "Größe"])
def test_a_spilled_text_is_a_message(text: str) -> None:
    entry = Entry(NAMES | {"name": "a.txt"}, text.encode())
    (row,) = parse_spilled_result(entry)
    found = cells(row)
    assert (found["is_text"], found["message_id"]) == (True, message_id(text) if text else None)
    assert [(said.kind, said.role) for said in entry.said] == ([(MessageKind.TOOL_RESULT, "tool")] if text else [])


def test_a_memory_file_is_a_message_and_one_that_is_no_text_a_row() -> None:
    names = {"project_dir": "-x", "name": "MEMORY.md"}
    (row,) = parse_memory(Entry(names, b"# Loom\n"))
    assert cells(row)["message_id"] == sha256(b"# Loom\n").hexdigest()
    (row,) = parse_memory(Entry(names, b"\xff"))
    assert (cells(row)["message_id"], cells(row)["size"]) == (None, 1)


def test_a_subagents_file_of_an_unknown_field_keeps_it() -> None:
    data = json.dumps({"agentType": "Explore", "toolUseId": "toolu_1", "spawnDepth": "deep", "mood": "good"}).encode()
    entry = Entry(NAMES | {"agent_id": "a1"}, data)
    (row,) = parse_subagent(entry)
    assert (cells(row)["agent_type"], cells(row)["tool_use_id"], cells(row)["spawn_depth"]) == (
        "Explore",
        "toolu_1",
        None,
    )
    assert json.loads(str(cells(row)["unparsed"])) == {"spawnDepth": "deep", "mood": "good"}
    assert [name for _, name in entry.odd] == ["subagent.spawnDepth", "subagent.mood"]


@pytest.mark.parametrize(("data", "code"), [(b"[]", "not_an_object"), (b"{", "not_json"), (b"", "not_json")])
def test_a_subagents_file_that_is_no_object_is_rejected(data: bytes, code: str) -> None:
    with pytest.raises(Malformed, match=code):
        list(parse_subagent(Entry(NAMES | {"agent_id": "a1"}, data)))


def test_a_workflow_run_is_kept_whole() -> None:
    value = {"status": "killed", "startTime": 1769186786892, "workflowProgress": [{"tokens": 3}], "args": None}
    (row,) = parse_workflow(Entry(NAMES | {"workflow_id": "wf_1"}, json.dumps(value).encode()))
    assert (cells(row)["status"], cells(row)["body"]) == ("killed", '{"workflowProgress":[{"tokens":3}],"args":null}')


def test_a_list_of_no_sessions_is_still_a_row() -> None:
    found = list(parse_index(Entry({"project_dir": "-x"}, b'{"version":1,"entries":[]}')))
    assert [table_of(row).name for row in found] == ["sessions_index_files"]


def test_a_list_whose_sessions_are_not_objects_keeps_them_as_unknown() -> None:
    (row,) = parse_index(Entry({"project_dir": "-x"}, b'{"version":1,"entries":[7]}'))
    assert cells(row)["unparsed"] == '{"entries":[7]}'


def test_a_session_of_a_list_keeps_what_nobody_knows(data: Path) -> None:
    (row,) = [row for row in rows(data, "sessions_index") if row["unparsed"]]
    assert (row["session_id"], row["unparsed"]) == (SESSION, '{"weather":"rain"}')
