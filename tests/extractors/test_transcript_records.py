"""Transcript records: the rows of each odd one of extractors/FORMATS.md."""

import json
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from extractors.reading.contract import Malformed
from extractors.transcripts.fields import ENVELOPE, RECORD_TYPES
from models.json import JsonObject, JsonValue
from models.message import MessageKind, message_id
from tests.transcripts import NAMES, SESSION, Cells, Parsed, assistant, user


def test_a_record_without_a_type_is_rejected() -> None:
    with pytest.raises(Malformed, match="missing_field: type is missing"):
        Parsed({"silly": "this"})


def test_a_record_whose_type_is_no_text_is_rejected() -> None:
    with pytest.raises(Malformed, match="wrong_type"):
        Parsed({"type": 7})


def test_a_record_of_unknown_type_is_kept_whole_and_counted_once() -> None:
    parsed = Parsed(
        {"type": "telepathy", "uuid": "u", "thought": {"depth": 3}, "timestamp": "2026-01-23T16:46:00.100Z"}
    )
    assert parsed.record["uuid"] == "u"
    assert parsed.record["recorded_at"] == datetime(2026, 1, 23, 16, 46, 0, 100_000, UTC)
    assert parsed.body == {"thought": {"depth": 3}}
    assert parsed.record["unparsed"] is None
    assert parsed.entry.unknown_type == "telepathy"
    assert parsed.entry.odd == []


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({"type": "system", "subtype": "eclipse"}, "system/eclipse"),
        ({"type": "attachment", "attachment": {"type": "moon"}}, "attachment/moon"),
        ({"type": "progress", "data": {"type": "tide"}}, "progress/tide"),
        ({"type": "queue-operation", "operation": "jump"}, "queue-operation/jump"),
    ],
)
def test_an_unknown_subtype_is_kept_and_counted(value: JsonObject, name: str) -> None:
    parsed = Parsed(value)
    assert parsed.record["subtype"] == name.split("/")[1]
    assert parsed.entry.unknown_type == name


def test_a_system_record_of_1_0_without_subtype_is_no_drift() -> None:
    parsed = Parsed(
        {"type": "system", "content": "Running…", "level": "info", "toolUseID": "toolu_1", "version": "1.0.17"}
    )
    assert parsed.entry.unknown_type is None
    assert parsed.said == [(MessageKind.SYSTEM, "Running…")]
    assert parsed.record["tool_use_id"] == "toolu_1"
    assert parsed.entry.version == "1.0.17"


@pytest.mark.parametrize("value", [None, "error", 7, [], ["x"]])
def test_a_message_that_is_no_object_spoils_nothing(value: JsonValue) -> None:
    parsed = Parsed({"type": "user", "uuid": "u", "message": value})
    assert parsed.record["block_count"] == 0
    assert parsed.record["unparsed"] == (
        None if value is None else json.dumps({"message": value}, separators=(",", ":"))
    )
    assert [name for _, name in parsed.entry.odd] == ([] if value is None else ["user.message"])


@pytest.mark.parametrize(
    ("record_type", "name"),
    [
        ("progress", "data"),
        ("attachment", "attachment"),
        ("file-history-snapshot", "snapshot"),
        ("system", "content"),
        ("summary", "leafUuid"),
        ("pr-link", "prNumber"),
    ],
)
def test_a_part_of_another_type_than_known_is_kept_and_counted(record_type: str, name: str) -> None:
    parsed = Parsed({"type": record_type, name: ["odd"]})
    assert parsed.record["unparsed"] == json.dumps({name: ["odd"]}, separators=(",", ":"))
    assert parsed.entry.odd == [("field", f"{record_type}.{name}")]
    assert parsed.body is None


def test_unknown_fields_are_kept_by_their_path_and_counted() -> None:
    value: JsonObject = {
        "type": "assistant",
        "mood": "good",
        "message": {"contenst": 1, "usage": {"nap_tokens": 3, "speed": "fast"}},
    }
    parsed = Parsed(value)
    assert json.loads(str(parsed.record["unparsed"])) == {
        "mood": "good",
        "message.contenst": 1,
        "message.usage.nap_tokens": 3,
    }
    assert parsed.record["speed"] == "fast"
    assert parsed.body is None
    names = {name for _, name in parsed.entry.odd}
    assert names == {"assistant.mood", "assistant.message.contenst", "assistant.message.usage.nap_tokens"}


def test_an_unknown_field_that_is_null_is_still_counted() -> None:
    assert [name for _, name in Parsed({"type": "mode", "tempo": None}).entry.odd] == ["mode.tempo"]


def test_ill_typed_parts_are_left_and_do_not_spoil_the_record() -> None:
    parsed = user("hello", timestamp="yesterday", isMeta="no", uuid=7, version=2)
    assert parsed.record["recorded_at"] is None
    assert json.loads(str(parsed.record["unparsed"])) == {
        "timestamp": "yesterday",
        "isMeta": "no",
        "uuid": 7,
        "version": 2,
    }
    assert parsed.entry.version is None


def test_usage_fills_columns_and_the_rest_of_it_is_kept() -> None:
    usage: JsonObject = {
        "input_tokens": 2,
        "output_tokens": 253.0,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": None,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
        "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 2},
        "output_tokens_details": {"thinking_tokens": 200},
        "service_tier": "standard",
        "iterations": [{"input_tokens": 2}],
        "x_anthropic_cost_usd": 0.13,
    }
    parsed = assistant([], usage)
    found = {name: parsed.record[name] for name in parsed.record if "tokens" in name or "requests" in name}
    assert found == {
        "input_tokens": 2,
        "output_tokens": 253,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": None,
        "ephemeral_5m_input_tokens": 10,
        "ephemeral_1h_input_tokens": 20,
        "web_search_requests": 1,
        "web_fetch_requests": 2,
        "thinking_tokens": 200,
    }
    assert parsed.record["usage_iterations"] == '[{"input_tokens":2}]'
    assert parsed.body == {"message": {"usage": {"x_anthropic_cost_usd": 0.13}}}
    assert parsed.entry.odd == []


@pytest.mark.parametrize(
    "usage", [None, {}, [], "none", {"output_tokens": 0.5}, {"output_tokens": 2**64}, {"cache_creation": 3}]
)
def test_odd_usage_gives_no_figures_and_spoils_nothing(usage: JsonValue) -> None:
    record = assistant([], usage).record
    assert record["output_tokens"] is None
    assert (record["unparsed"] is None) == (not usage and usage != [])


def test_a_known_field_with_the_same_session_or_agent_again_is_not_repeated() -> None:
    value: JsonObject = {"type": "mode", "sessionId": SESSION, "session_id": SESSION, "agentId": "a1"}
    names = NAMES | {"agent_id": "a1"}
    assert Parsed(value, names).body is None
    other = Parsed(value | {"session_id": "other", "agentId": "a2"}, names)
    assert other.body == {"agentId": "a2"}
    assert other.record["process_session_id"] == "other"


def test_the_session_is_the_files_and_the_records_own_is_beside_it() -> None:
    record = user("hello", sessionId="another").record
    assert (record["session_id"], record["record_session_id"]) == (SESSION, "another")


def test_an_agents_file_beside_the_sessions_has_the_session_of_its_records() -> None:
    value: JsonObject = {"type": "user", "sessionId": SESSION, "message": {"content": "look"}}
    parsed = Parsed(value, {"project_dir": "-x", "agent_id": "1f2e3d4c"})
    assert (parsed.record["session_id"], parsed.record["agent_id"]) == (SESSION, "1f2e3d4c")
    assert parsed.blocks[0]["session_id"] == SESSION


def test_a_forked_record_says_what_it_is_a_copy_of() -> None:
    record = user("hello", uuid="u", forkedFrom={"sessionId": "s", "messageUuid": "u"}).record
    assert (record["forked_from_session_id"], record["forked_from_uuid"], record["body"]) == ("s", "u", None)


def test_a_record_after_a_compaction_keeps_its_true_parent() -> None:
    metadata: JsonObject = {"trigger": "auto", "preTokens": 155000}
    value: JsonObject = {"type": "system", "subtype": "compact_boundary", "content": "Conversation compacted"}
    parsed = Parsed(value | {"parentUuid": None, "logicalParentUuid": "p", "compactMetadata": metadata})
    assert (parsed.record["parent_uuid"], parsed.record["logical_parent_uuid"]) == (None, "p")
    assert parsed.body == {"compactMetadata": metadata}


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ({"type": "system", "subtype": "local_command", "content": "done"}, MessageKind.SYSTEM, "done"),
        ({"type": "system", "subtype": "away_summary", "content": "You asked"}, MessageKind.SUMMARY, "You asked"),
        ({"type": "summary", "summary": "A loom", "leafUuid": "u"}, MessageKind.SUMMARY, "A loom"),
        ({"type": "queue-operation", "operation": "enqueue", "content": "next"}, MessageKind.QUEUED_PROMPT, "next"),
        (
            {"type": "attachment", "attachment": {"type": "queued_command", "prompt": "yarn"}},
            MessageKind.QUEUED_PROMPT,
            "yarn",
        ),
        ({"type": "last-prompt", "lastPrompt": "wind", "leafUuid": "u"}, MessageKind.SYSTEM, "wind"),
        ({"type": "user", "planContent": "# Plan", "message": {"content": []}}, MessageKind.PLAN, "# Plan"),
    ],
)
def test_a_text_beside_the_blocks_is_a_message_and_in_no_body(value: JsonObject, kind: MessageKind, text: str) -> None:
    parsed = Parsed(value)
    assert parsed.said == [(kind, text)]
    assert parsed.record["message_id"] == message_id(text) == sha256(text.encode()).hexdigest()
    assert text not in json.dumps(parsed.body)
    assert parsed.entry.odd == []


def test_an_empty_text_is_no_message_and_stays_where_it_is() -> None:
    parsed = Parsed({"type": "queue-operation", "operation": "enqueue", "content": ""})
    assert parsed.said == []
    assert parsed.body == {"content": ""}


def test_a_progress_records_copy_of_a_message_is_neither_said_nor_counted() -> None:
    message: JsonObject = {
        "role": "assistant",
        "content": [{"type": "text", "text": "copy"}],
        "usage": {"output_tokens": 7},
    }
    data: JsonObject = {"type": "agent_progress", "agentId": "a1", "prompt": "p", "message": {"message": message}}
    parsed = Parsed({"type": "progress", "data": data, "parentToolUseID": "toolu_1", "uuid": "u"})
    assert parsed.said == []
    assert parsed.blocks == []
    assert parsed.record["output_tokens"] is None
    assert parsed.body == {"data": data}
    (link,) = parsed.table("agent_links")
    assert (link["link_kind"], link["agent_id"], link["tool_use_id"]) == ("progress", "a1", "toolu_1")


def test_a_tools_result_ties_its_call_to_the_subagent() -> None:
    result: JsonObject = {
        "agentId": "a1",
        "agentType": "Explore",
        "status": "completed",
        "resolvedModel": "m",
        "usage": {},
    }
    parsed = user([{"type": "tool_result", "tool_use_id": "toolu_1", "content": "x"}], toolUseResult=result, uuid="u")
    (link,) = parsed.table("agent_links")
    assert (
        link["agent_id"],
        link["tool_use_id"],
        link["record_uuid"],
        link["agent_type"],
        link["status"],
        link["model"],
    ) == (
        "a1",
        "toolu_1",
        "u",
        "Explore",
        "completed",
        "m",
    )


def test_a_workflows_result_ties_its_call_to_the_run() -> None:
    result: JsonObject = {"status": "async_launched", "taskId": "w1", "runId": "wf_1"}
    parsed = user([{"type": "tool_result", "tool_use_id": "toolu_1", "content": "x"}], toolUseResult=result)
    (link,) = parsed.table("agent_links")
    assert (link["link_kind"], link["workflow_id"], link["agent_id"]) == ("workflow", "wf_1", None)


def test_a_forked_subagent_names_the_context_that_it_began_with() -> None:
    value: JsonObject = {
        "type": "fork-context-ref",
        "agentId": "a1",
        "parentSessionId": "s",
        "parentLastUuid": "u",
        "contextLength": 9,
    }
    parsed = Parsed(value, NAMES | {"agent_id": "a1"})
    (link,) = parsed.table("agent_links")
    assert (link["parent_session_id"], link["parent_last_uuid"], link["context_length"]) == ("s", "u", 9)
    assert parsed.body is None


def test_a_snapshot_gives_a_row_for_each_file() -> None:
    tracked: JsonObject = {
        "src/a.py": {"backupFileName": "0011223344556677@v3", "version": 3, "backupTime": "2026-01-23T16:46:00.100Z"},
        "C:\\new.py": {
            "backupFileName": None,
            "version": 1,
            "backupTime": "2026-01-23T16:46:01.100Z",
            "realParentDir": "D:\\",
        },
    }
    snapshot: JsonObject = {"messageId": "m1", "trackedFileBackups": tracked, "timestamp": "2026-01-23T16:46:02.100Z"}
    parsed = Parsed(
        {"type": "file-history-snapshot", "messageId": "m2", "snapshot": snapshot, "isSnapshotUpdate": True}
    )
    kept, new = parsed.table("file_checkpoints")
    assert (kept["tracking_path"], kept["path_hash"], kept["version_number"]) == ("src/a.py", "0011223344556677", 3)
    assert (kept["message_uuid"], kept["snapshot_message_uuid"], kept["is_update"]) == ("m2", "m1", True)
    assert kept["checkpoint_at"] == datetime(2026, 1, 23, 16, 46, 2, 100_000, UTC)
    assert (new["backup_file_name"], new["path_hash"], new["real_parent_path"]) == (None, None, "D:\\")
    assert parsed.entry.odd == []


@pytest.mark.parametrize("snapshot", [None, 7, {}, {"trackedFileBackups": []}, {"trackedFileBackups": {}}])
def test_a_snapshot_of_nothing_gives_its_record_alone(snapshot: JsonValue) -> None:
    parsed = Parsed({"type": "file-history-snapshot", "messageId": "m", "snapshot": snapshot})
    assert len(parsed.rows) == 1


def test_a_backup_with_odd_parts_is_kept_and_counted() -> None:
    backup: JsonObject = {"backupFileName": "odd name", "version": "3", "backupTime": "?", "colour": "blue"}
    snapshot: JsonObject = {"trackedFileBackups": {"a": backup, "b": 7}}
    parsed = Parsed({"type": "file-history-snapshot", "snapshot": snapshot})
    (row,) = parsed.table("file_checkpoints")
    assert (row["backup_file_name"], row["path_hash"], row["version_number"], row["backup_at"]) == (
        "odd name",
        None,
        None,
        None,
    )
    assert {name.rsplit(".", 1)[-1] for _, name in parsed.entry.odd} == {"trackedFileBackups", "colour", "backupTime"}


def test_a_delta_adds_one_file() -> None:
    backup: JsonObject = {"backupFileName": "8899aabbccddeeff@v12", "backupTime": "2026-01-23T16:46:00.100Z"}
    value: JsonObject = {"type": "file-history-delta", "messageId": "m", "snapshotMessageId": "s", "trackingPath": "/a"}
    (row,) = Parsed(value | {"backup": backup, "timestamp": "2026-01-23T16:46:09.100Z"}).table("file_checkpoints")
    assert (row["is_delta"], row["version_number"], row["snapshot_message_uuid"]) == (True, 12, "s")
    assert row["checkpoint_at"] == datetime(2026, 1, 23, 16, 46, 9, 100_000, UTC)


@pytest.mark.parametrize(
    ("value", "title", "leaf"),
    [
        ({"type": "summary", "summary": "A loom", "leafUuid": "u"}, "A loom", "u"),
        ({"type": "ai-title", "aiTitle": "B", "sessionId": "s"}, "B", None),
        ({"type": "custom-title", "customTitle": "C", "sessionId": "s"}, "C", None),
        ({"type": "agent-name", "agentName": "D", "sessionId": "s"}, "D", None),
    ],
)
def test_every_kind_of_title_is_a_row(value: JsonObject, title: str, leaf: str | None) -> None:
    parsed = Parsed(value)
    (row,) = parsed.table("titles")
    assert (row["title_kind"], row["title"], row["leaf_uuid"]) == (value["type"], title, leaf)
    assert row["named_session_id"] == value.get("sessionId")
    assert parsed.body is None


@pytest.mark.parametrize(
    ("value", "cells"),
    [
        (
            {"type": "pr-link", "prNumber": 58, "prUrl": "u", "prRepository": "r"},
            {"number": 58, "url": "u", "repository": "r"},
        ),
        (
            {"type": "frame-link", "path": "/p", "frameUrl": "u", "title": "t"},
            {"local_path": "/p", "url": "u", "title": "t"},
        ),
        ({"type": "bridge-session", "bridgeSessionId": "cse_1"}, {"bridge_session_id": "cse_1"}),
    ],
)
def test_every_kind_of_link_is_a_row(value: JsonObject, cells: Cells) -> None:
    parsed = Parsed(value | {"timestamp": "2026-01-23T16:46:00.100Z"})
    (row,) = parsed.table("links")
    assert {name: row[name] for name in cells} == cells
    assert row["linked_at"] == datetime(2026, 1, 23, 16, 46, 0, 100_000, UTC)
    assert parsed.body is None


def test_every_field_of_the_envelope_is_known_in_every_type() -> None:
    for name, known in RECORD_TYPES.items():
        assert known.known.places.items() >= ENVELOPE.places.items(), name
