"""Parses the content blocks of messages: texts become messages; tool calls and results get columns of their own."""

import re
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Final

from extractors.reading.known_fields import cell_numbers, sort_fields
from extractors.transcripts.draft import AT, Draft
from extractors.transcripts.fields import BLOCK_TYPES
from extractors.transcripts.tables import CONTENT_BLOCKS
from models.json import JsonObject, JsonValue
from models.message import MessageKind

_CELLS: Final = cell_numbers(CONTENT_BLOCKS)
_NUMBER: Final = _CELLS["block_number"]
_PARENT: Final = _CELLS["parent_block"]
_TYPE: Final = _CELLS["block_type"]
_MESSAGE: Final = _CELLS["message_id"]
_TEXT_BYTES: Final = _CELLS["text_bytes"]
_TOOL_USE_ID: Final = _CELLS["tool_use_id"]
_REST: Final = _CELLS["rest"]
_INPUT: Final = _CELLS["input"]
_IS_ERROR: Final = _CELLS["is_error"]
_SIGNATURE_LENGTH: Final = _CELLS["signature_length"]
_MEDIA_TYPE: Final = _CELLS["media_type"]
_MEDIA_BYTES: Final = _CELLS["media_bytes"]
_MEDIA_SHA256: Final = _CELLS["media_sha256"]
_SHARED: Final = ("session_id", "agent_id", "uuid", "recorded_at", "role", "api_message_id", "model")
_shared: Final = itemgetter(*(AT[name] for name in _SHARED))
_ROLE: Final = AT["role"]
_BLANK: Final = [None] * (len(CONTENT_BLOCKS.columns) - len(_SHARED))

_WRAPPED: Final = re.compile(
    r"\s*+(?:<(?:command-(?:name|message|args)|local-command-(?:stdout|stderr|caveat)|bash-(?:input|stdout|stderr)"
    r"|task-notification|system-reminder|ide_(?:opened_file|selection|diagnostics))>|\[Request interrupted by user)"
)


def is_wrapped(text: str) -> bool:
    """Return whether Claude Code itself wrote a user record's text: it is wrapped in one of its tags, or is its note of
    an interruption.
    """
    return _WRAPPED.match(text) is not None


class Blocks:
    """Reads the content of one record's message into rows of `content_blocks`.

    `may_be_prompt`: whether a text can be a user's prompt. Afterwards `count` is the number of blocks, `has_prompt`
    whether the user submitted a text or image, and `first_tool_use_id` the first tool call that is answered. `role` is
    the speaker for a record that is not a message; prompts are recorded with the kind `prompt_kind`.
    """

    __slots__ = (
        "_draft",
        "_may_be_prompt",
        "_prompt_kind",
        "_role",
        "_shared",
        "count",
        "first_tool_use_id",
        "has_prompt",
    )

    def __init__(
        self,
        draft: Draft,
        *,
        may_be_prompt: bool,
        role: str | None = None,
        prompt_kind: MessageKind = MessageKind.PROMPT,
    ) -> None:
        self._draft = draft
        self._may_be_prompt = may_be_prompt
        self._prompt_kind = prompt_kind
        self._shared = [*_shared(draft.cells), *_BLANK]
        found = draft.cells[_ROLE] if role is None else role
        self._role = found if isinstance(found, str) else draft.record_type
        self._shared[_SHARED.index("role")] = draft.cells[_ROLE] if role is None else role
        self.count = 0
        self.has_prompt = False
        self.first_tool_use_id: str | None = None

    def read(self, content: JsonValue) -> None:
        """Read a content: a string or a list of blocks. Another value becomes one block, and is counted as drift."""
        if isinstance(content, list):
            if self._may_be_prompt:
                self._may_be_prompt = not any(_type_of(block) == "tool_result" for block in content)
            for block in content:
                self._block(block, None)
            if self._may_be_prompt and not self.has_prompt:
                types = {_type_of(block) for block in content}
                self.has_prompt = "text" not in types and not types.isdisjoint({"image", "document"})
        elif isinstance(content, str):
            cells = self._cells(None, "text")
            self._say(cells, content, None, self._kind(content))
            self._draft.rows.append(CONTENT_BLOCKS.row_of(cells))
        else:
            self._draft.count_unknown("message.content")
            self._block(content, None)

    def _cells(self, parent: int | None, block_type: str) -> list[object]:
        cells = self._shared.copy()
        cells[_NUMBER] = self.count
        cells[_PARENT] = parent
        cells[_TYPE] = block_type
        self.count += 1
        return cells

    def _block(self, block: JsonValue, parent: int | None) -> None:
        draft = self._draft
        if isinstance(block, str):
            draft.count_unknown("message.content[]")
            block = {"type": "text", "text": block}
        block_type = _type_of(block)
        cells = self._cells(parent, block_type or "unknown")
        known = BLOCK_TYPES.get(block_type or "")
        rest = block
        if not isinstance(block, dict) or block_type is None:
            draft.count_unknown("message.content[]")
        elif known is None:
            draft.count_unknown(f"message.content[].{block_type}", "record_type")
            rest = {name: value for name, value in block.items() if name != "type"}
        else:
            left: JsonObject = {}
            rest = sort_fields(block, known, cells, left)
            reader = _READERS.get(block_type)
            if reader is not None:
                reader(self, cells, rest, parent)
            if left:
                for name in left:
                    draft.count_unknown(f"message.content[].{block_type}.{name}")
                rest |= left
        if rest or not isinstance(rest, dict):
            cells[_REST] = draft.payloads.to_json(rest)
        draft.rows.append(CONTENT_BLOCKS.row_of(cells))

    def _kind(self, text: str) -> MessageKind:
        """Return the kind of a text: the user's prompt, or another text."""
        if not self._may_be_prompt or not text or is_wrapped(text):
            return MessageKind.TEXT
        self.has_prompt = True
        return self._prompt_kind

    def _say(self, cells: list[object], text: str, parent: int | None, kind: MessageKind) -> None:
        if parent is not None:
            kind = MessageKind.TOOL_RESULT
        role = "tool" if kind is MessageKind.TOOL_RESULT else self._role
        cells[_MESSAGE], cells[_TEXT_BYTES] = self._draft.say(kind, text, role)

    def _take(self, rest: JsonObject, block_type: str, name: str) -> str | None:
        """Take a string out of a block. A value of another type stays there, and is counted as drift."""
        value = rest.get(name)
        if isinstance(value, str):
            del rest[name]
            return value
        if value is not None:
            self._draft.count_unknown(f"message.content[].{block_type}.{name}")
        return None

    def _text(self, cells: list[object], rest: JsonObject, parent: int | None) -> None:
        text = self._take(rest, "text", "text")
        if text is not None:
            self._say(cells, text, parent, self._kind(text))

    def _thinking(self, cells: list[object], rest: JsonObject, parent: int | None) -> None:
        text = self._take(rest, "thinking", "thinking")
        if text is not None:
            self._say(cells, text, parent, MessageKind.THINKING)
        for name in ("signature", "data"):
            sealed = self._take(rest, "thinking", name)
            if sealed is not None:
                cells[_SIGNATURE_LENGTH] = len(sealed)

    def _call(self, cells: list[object], rest: JsonObject, parent: int | None) -> None:
        if "input" in rest:
            cells[_INPUT] = self._draft.payloads.to_json(rest.pop("input"))

    def _answer(self, cells: list[object], rest: JsonObject, parent: int | None) -> None:
        tool_use_id = cells[_TOOL_USE_ID]
        if self.first_tool_use_id is None and isinstance(tool_use_id, str):
            self.first_tool_use_id = tool_use_id
        content = rest.get("content")
        if isinstance(content, str):
            del rest["content"]
            self._say(cells, content, parent, MessageKind.TOOL_RESULT)
        elif isinstance(content, list) and parent is None:
            del rest["content"]
            number = self.count - 1
            for block in content:
                self._block(block, number)
        elif isinstance(content, dict) and parent is None and "type" in content:
            del rest["content"]
            if cells[_IS_ERROR] is None and (_type_of(content) or "").endswith("_error"):
                cells[_IS_ERROR] = True
            self._block(content, self.count - 1)
        elif content is not None and parent is None:
            self._draft.count_unknown(f"message.content[].{cells[_TYPE]}.content")

    def _fetched(self, cells: list[object], rest: JsonObject, parent: int | None) -> None:
        """A page that the API fetched: a document inside the result."""
        if isinstance(rest.get("content"), dict):
            self._block(rest.pop("content"), self.count - 1)

    def _output(self, cells: list[object], rest: JsonObject, parent: int | None) -> None:
        """The output of code that the API ran."""
        text = self._take(rest, "code_execution_result", "stdout")
        if text is not None:
            self._say(cells, text, parent, MessageKind.TOOL_RESULT)

    def _resource(self, cells: list[object], rest: JsonObject, parent: int | None) -> None:
        """A resource in the result of an MCP server: its text is the tool's output."""
        resource = rest.get("resource")
        if isinstance(resource, dict) and isinstance(resource.get("text"), str):
            self._say(cells, str(resource.pop("text")), parent, MessageKind.TOOL_RESULT)

    def _link(self, cells: list[object], rest: JsonObject, parent: int | None) -> None:
        """A reference to a resource in the result of an MCP server: its address is the tool's output."""
        uri = rest.get("uri")
        if isinstance(uri, str):
            self._say(cells, uri, parent, MessageKind.TOOL_RESULT)

    def _media(self, cells: list[object], rest: JsonObject, parent: int | None) -> None:
        source = rest.get("source")
        data = source.get("data") if isinstance(source, dict) else None
        if not isinstance(source, dict) or not isinstance(data, str):
            return
        form, media_type = source.get("type"), source.get("media_type")
        if form == "text":
            self._say(cells, data, parent, MessageKind.TEXT)
        else:
            payload = self._draft.payloads.measure(data)
            cells[_MEDIA_BYTES] = payload.size
            cells[_MEDIA_SHA256] = payload.sha256
        described = {name: value for name, value in source.items() if name != "data"}
        if isinstance(media_type, str):
            cells[_MEDIA_TYPE] = media_type
            del described["media_type"]
        if form == "base64":
            del described["type"]
        rest.pop("source")
        if described:
            rest["source"] = described


def _type_of(block: JsonValue) -> str | None:
    block_type = block.get("type") if isinstance(block, dict) else None
    return block_type if isinstance(block_type, str) else None


_READERS: Final[Mapping[str, Callable[[Blocks, list[object], JsonObject, int | None], None]]] = {
    "text": Blocks._text,
    "thinking": Blocks._thinking,
    "redacted_thinking": Blocks._thinking,
    "tool_use": Blocks._call,
    "server_tool_use": Blocks._call,
    "mcp_tool_use": Blocks._call,
    "tool_result": Blocks._answer,
    "mcp_tool_result": Blocks._answer,
    "advisor_tool_result": Blocks._answer,
    "web_search_tool_result": Blocks._answer,
    "web_fetch_tool_result": Blocks._answer,
    "code_execution_tool_result": Blocks._answer,
    "advisor_result": Blocks._text,
    "web_fetch_result": Blocks._fetched,
    "code_execution_result": Blocks._output,
    "resource": Blocks._resource,
    "resource_link": Blocks._link,
    "image": Blocks._media,
    "document": Blocks._media,
}
