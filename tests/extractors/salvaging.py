"""Shared by the tests of salvage: records, and checks of the parts of a line."""

import orjson

from extractors.reading.salvage import PartKind, SalvagedPart
from models.json import JsonObject, JsonValue

RECORD, REJECT, PADDING = PartKind.RECORD, PartKind.REJECT, PartKind.PADDING
USER: JsonObject = {
    "parentUuid": None,
    "sessionId": "s1",
    "type": "user",
    "message": {"role": "user", "content": [{"type": "text", "text": 'say "{" and "}{" \\ é \U0001f600'}]},
    "uuid": "u1",
    "timestamp": "2026-01-01T00:00:00.000Z",
}
ASSISTANT: JsonObject = {
    "type": "assistant",
    "message": {"id": "m1", "type": "message", "content": [], "usage": {"output_tokens": 1}},
    "uuid": "u2",
    "sessionId": "s1",
}
PROMPT: JsonObject = {"display": "fix {it}", "pastedContents": {}, "timestamp": 1767225600000, "project": "/p"}


def dump(value: JsonValue) -> bytes:
    return orjson.dumps(value)


def values(parts: list[SalvagedPart]) -> list[JsonObject | None]:
    return [part.value for part in parts if part.kind is RECORD]


def kinds(parts: list[SalvagedPart]) -> list[str]:
    return [str(part.code or part.kind) for part in parts]


def assert_tiles(line: bytes, parts: list[SalvagedPart]) -> None:
    """The parts cover the line without gap or overlap, none is empty, and each has the content of its kind."""
    ends = [0] + [part.end for part in parts]
    assert [part.start for part in parts] == ends[:-1]
    assert ends[-1] == len(line)
    for part in parts:
        assert part.start < part.end
        assert (part.value is not None) == (part.kind is RECORD)
        assert (part.code is not None) == (part.kind is REJECT) == bool(part.detail)
        assert part.kind is not PADDING or not line[part.start : part.end].removeprefix(b"\xef\xbb\xbf").strip(
            b" \t\r\n\0"
        )
