"""The content of messages: blocks, prompts that a person submitted, and payloads."""

import json
from hashlib import sha256

import pytest

from models.json import JsonObject, JsonValue
from models.message import MessageKind, message_id
from tests.transcripts import PNG, assistant, user


@pytest.mark.parametrize(
    "text", ["why?", "  \n why?", "<b>bold</b> question", "/not-a-command", "[@prompts.py] read this"]
)
def test_what_a_person_typed_is_a_prompt(text: str) -> None:
    parsed = user(text)
    assert parsed.record["is_human_prompt"] is True
    assert parsed.said == [(MessageKind.PROMPT, text)]


@pytest.mark.parametrize(
    "text",
    [
        "<command-name>/clear</command-name>",
        "<command-message>init is analyzing…</command-message>\n<command-name>/init</command-name>",
        "<local-command-stdout>ok</local-command-stdout>",
        "<local-command-stderr>no</local-command-stderr>",
        "<local-command-caveat>Caveat</local-command-caveat>",
        "<bash-input>ls</bash-input>",
        "<bash-stdout>a</bash-stdout><bash-stderr></bash-stderr>",
        "  <task-notification>\n</task-notification>\nRead the output file",
        "<system-reminder>be brief</system-reminder>",
        "<ide_opened_file>The user opened a file</ide_opened_file>",
        "[Request interrupted by user]",
        "",
    ],
)
def test_what_claude_code_wraps_is_no_prompt(text: str) -> None:
    parsed = user(text)
    assert parsed.record["is_human_prompt"] is False
    assert parsed.said == ([(MessageKind.TEXT, text)] if text else [])


@pytest.mark.parametrize(
    "more",
    [
        {"isMeta": True},
        {"isCompactSummary": True},
        {"isSidechain": True},
        {"toolUseResult": {}},
        {"toolUseResult": "Error: no"},
        {"origin": {"kind": "task-notification"}},
        {"origin": {"kind": "peer"}},
    ],
)
def test_what_nobody_typed_is_no_prompt(more: JsonObject) -> None:
    parsed = user("some text", **more)
    assert parsed.record["is_human_prompt"] is False
    assert parsed.said == [(MessageKind.TEXT, "some text")]


def test_a_prompt_of_human_origin_is_one() -> None:
    assert user("some text", origin={"kind": "human"}).record["is_human_prompt"] is True


def test_a_prompt_beside_what_the_editor_added_is_one() -> None:
    parsed = user([{"type": "text", "text": "<ide_selection>x</ide_selection>"}, {"type": "text", "text": "why?"}])
    assert parsed.record["is_human_prompt"] is True
    assert parsed.said == [(MessageKind.TEXT, "<ide_selection>x</ide_selection>"), (MessageKind.PROMPT, "why?")]


def test_a_picture_alone_is_a_prompt() -> None:
    image: JsonObject = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    assert user([image]).record["is_human_prompt"] is True
    assert user([image, {"type": "text", "text": "[Request interrupted by user]"}]).record["is_human_prompt"] is False


def test_a_tools_result_is_no_prompt_whatever_is_beside_it() -> None:
    parsed = user([{"type": "text", "text": "beside"}, {"type": "tool_result", "tool_use_id": "t", "content": "x"}])
    assert parsed.record["is_human_prompt"] is False


def test_a_content_that_is_text_is_one_block() -> None:
    (block,) = user("Größe", uuid="u").blocks
    assert (block["block_type"], block["text_bytes"], block["record_uuid"]) == ("text", 7, "u")
    assert block["message_id"] == message_id("Größe")


def test_blocks_of_a_tools_result_follow_it() -> None:
    content: JsonValue = [
        {"type": "text", "text": "a"},
        {"type": "tool_reference", "tool_name": "WebFetch"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
    ]
    parsed = user(
        [
            {"type": "tool_result", "tool_use_id": "t", "is_error": True, "content": content},
            {"type": "text", "text": "b"},
        ]
    )
    found = [(block["block_number"], block["parent_block"], block["block_type"]) for block in parsed.blocks]
    assert found == [
        (0, None, "tool_result"),
        (1, 0, "text"),
        (2, 0, "tool_reference"),
        (3, 0, "image"),
        (4, None, "text"),
    ]
    assert (parsed.blocks[0]["is_error"], parsed.blocks[2]["tool_name"]) == (True, "WebFetch")
    assert parsed.said[0] == (MessageKind.TOOL_RESULT, "a")
    assert parsed.entry.said[0].role == "tool"


def test_a_result_within_a_result_is_kept_unread() -> None:
    inner: JsonObject = {"type": "tool_result", "tool_use_id": "t2", "content": [{"type": "text", "text": "deep"}]}
    parsed = user([{"type": "tool_result", "tool_use_id": "t1", "content": [inner]}])
    assert [block["tool_use_id"] for block in parsed.blocks] == ["t1", "t2"]
    assert json.loads(str(parsed.blocks[1]["rest"])) == {"content": [{"type": "text", "text": "deep"}]}


def test_a_call_with_what_a_foreign_model_wrote_is_kept() -> None:
    command = "cd /tmp && " + "ls " * 60
    calls: JsonValue = [
        {"type": "tool_use", "id": "call_00_a", "name": "TaskCreate<arg_key>activeForm", "input": {command: ""}},
        {"type": "tool_use", "id": 7, "name": None, "input": "not an object"},
        {"type": "server_tool_use", "id": "call_c", "name": "mcp__größe__lesen", "caller": {"type": "direct"}},
    ]
    first, second, third = assistant(calls).blocks
    assert (first["tool_name"], json.loads(str(first["input"]))) == ("TaskCreate<arg_key>activeForm", {command: ""})
    assert (second["tool_use_id"], second["input"], second["rest"]) == (None, '"not an object"', '{"id":7}')
    assert (third["tool_name"], third["input"], third["rest"]) == (
        "mcp__größe__lesen",
        None,
        '{"caller":{"type":"direct"}}',
    )


def test_thinking_is_said_and_its_signature_only_measured() -> None:
    content: JsonValue = [
        {"type": "thinking", "thinking": "hm", "signature": "x" * 40},
        {"type": "thinking", "thinking": "", "signature": "y" * 20},
        {"type": "redacted_thinking", "data": "z" * 10},
    ]
    parsed = assistant(content)
    assert parsed.said == [(MessageKind.THINKING, "hm")]
    assert [block["signature_length"] for block in parsed.blocks] == [40, 20, 10]
    assert [block["text_bytes"] for block in parsed.blocks] == [2, 0, None]
    assert parsed.blocks[1]["message_id"] is None
    assert "xxxx" not in repr(parsed.rows)


def test_blocks_that_nobody_knows_are_kept_and_counted() -> None:
    parsed = user(
        ["bare", 7, {"text": "no type"}, {"type": "hologram", "beam": 1}, {"type": "text", "text": 3, "glow": 2}]
    )
    found = [(block["block_type"], block["rest"]) for block in parsed.blocks]
    assert found == [
        ("text", None),
        ("unknown", "7"),
        ("unknown", '{"text":"no type"}'),
        ("hologram", '{"beam":1}'),
        ("text", '{"text":3,"glow":2}'),
    ]
    assert ("record_type", "user.message.content[].hologram") in parsed.entry.odd
    assert ("field", "user.message.content[].text.glow") in parsed.entry.odd


def test_a_content_that_is_neither_text_nor_list_is_one_block_and_counted() -> None:
    parsed = user({"type": "text", "text": "alone"})
    assert [(block["block_type"], block["message_id"]) for block in parsed.blocks] == [("text", message_id("alone"))]
    assert parsed.entry.odd == [("field", "user.message.content")]


def test_media_are_measured_and_their_bytes_left_out() -> None:
    source: JsonObject = {"type": "base64", "media_type": "image/png", "data": PNG}
    (block,) = user([{"type": "image", "source": source}]).blocks
    digest = sha256(b"\x89PNG\r\n\x1a\n").hexdigest()
    assert (block["media_type"], block["media_bytes"], block["media_sha256"]) == ("image/png", 8, digest)
    assert block["rest"] is None


def test_media_that_are_no_base64_are_measured_as_they_stand() -> None:
    source: JsonObject = {"type": "base64", "media_type": "image/png", "data": "no base64!"}
    (block,) = user([{"type": "image", "source": source}]).blocks
    assert (block["media_bytes"], block["media_sha256"]) == (10, sha256(b"no base64!").hexdigest())


def test_a_document_of_text_is_a_message_and_one_by_address_keeps_it() -> None:
    parsed = user(
        [
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "a story"},
                "title": "T",
            },
            {"type": "image", "source": {"type": "url", "url": "https://pages.example/a.png"}},
        ],
        isMeta=True,
    )
    assert parsed.said == [(MessageKind.TEXT, "a story")]
    assert json.loads(str(parsed.blocks[0]["rest"])) == {"title": "T", "source": {"type": "text"}}
    assert json.loads(str(parsed.blocks[1]["rest"])) == {
        "source": {"type": "url", "url": "https://pages.example/a.png"}
    }


@pytest.mark.parametrize(
    "result",
    [
        {"type": "image", "file": {"base64": PNG, "type": "image/png", "originalSize": 8}},
        [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}],
        {"stdout": f"data:image/png;base64,{PNG}", "isImage": True},
    ],
)
def test_a_payload_in_a_tools_own_result_is_named_by_its_digest(result: JsonValue) -> None:
    parsed = user([{"type": "tool_result", "tool_use_id": "t", "content": "read"}], toolUseResult=result)
    omitted = {"omitted_bytes": 8, "sha256": sha256(b"\x89PNG\r\n\x1a\n").hexdigest()}
    assert PNG not in str(parsed.record["body"])
    assert json.dumps(omitted)[1:-1] in json.dumps(parsed.body)


def test_a_long_payload_of_a_server_or_a_notebook_is_left_out_too() -> None:
    long = "QUJD" * 2000
    results: list[JsonValue] = [
        [{"type": "image", "data": long, "mimeType": "image/png"}],
        {"file": {"cells": [{"image_data": long}]}},
    ]
    for result in results:
        body = str(user([], toolUseResult=result).record["body"])
        assert long not in body
        assert '"omitted_bytes":6000' in body


def test_the_word_base64_in_a_text_changes_nothing() -> None:
    result: JsonObject = {"stdout": "base64 -d", "base64": "not at all!", "data": "x", "mimeType": "text/plain"}
    assert user([], toolUseResult=result).body == {"toolUseResult": result}


def test_a_payload_at_the_greatest_depth_is_found() -> None:
    deep: JsonValue = {"base64": PNG}
    for _ in range(245):
        deep = {"below": deep}
    assert '"omitted_bytes":8' in str(user([], toolUseResult=deep).record["body"])


def test_a_stream_of_events_that_looks_like_a_payload_is_kept() -> None:
    result: JsonObject = {"stdout": 'data: {"a": ";base64,"}\n\ndata: [DONE]\n'}
    assert user([], toolUseResult=result).body == {"toolUseResult": result}


def test_a_document_that_a_person_attached_is_no_prompt_of_theirs() -> None:
    document: JsonObject = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "story"}}
    assert user([document, {"type": "text", "text": "sum it up"}]).said == [
        (MessageKind.TEXT, "story"),
        (MessageKind.PROMPT, "sum it up"),
    ]


def test_what_is_nested_too_deeply_to_be_written_is_cut_and_the_record_stays() -> None:
    deep: JsonValue = "bottom"
    for _ in range(400):
        deep = [deep]
    parsed = user(
        [{"type": "tool_use", "id": "t", "name": "n", "input": {"deep": deep}}], toolUseResult=deep, unknown=deep
    )
    assert '"omitted":"too deep"' in str(parsed.record["body"])
    assert '"omitted":"too deep"' in str(parsed.blocks[0]["input"])
    assert '"omitted":"too deep"' in str(parsed.record["unparsed"])


@pytest.mark.parametrize(
    "result", ["Error: command not found", [{"type": "text", "text": "x"}], {"stdout": "", "mood": 3}, 7]
)
def test_a_tools_own_result_of_any_shape_is_kept_whole(result: JsonValue) -> None:
    parsed = user([{"type": "tool_result", "tool_use_id": "t", "content": "x"}], toolUseResult=result)
    assert parsed.body == {"toolUseResult": result}
    assert parsed.entry.odd == []
