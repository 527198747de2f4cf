"""Base64 payloads in transcripts (images, documents): replaced in JSON by their length and SHA-256. The store keeps
their bytes."""

from binascii import a2b_base64
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from extractors.reading.contract import Malformed, to_json
from models.json import JsonObject, JsonValue

_LONG: Final = 4096


@dataclass(frozen=True, slots=True)
class Payload:
    """Length and SHA-256 (hex) of the bytes that a text encodes, or of the text's UTF-8 if it is not Base64."""

    size: int
    sha256: str
    is_base64: bool


_NOTHING: Final = Payload(0, "", False)


class Payloads:
    """Measures Base64 payloads. It caches the last one, because a record contains an image more than once."""

    __slots__ = ("_measured", "_text")

    def __init__(self) -> None:
        self._text: str | None = None
        self._measured = _NOTHING

    def measure(self, text: str) -> Payload:
        """Return length and SHA-256 of the payload `text`."""
        if text != self._text:
            try:
                data, is_base64 = a2b_base64(text, strict_mode=True), True
            except ValueError:
                data, is_base64 = text.encode(), False
            self._text = text
            self._measured = Payload(len(data), sha256(data).hexdigest(), is_base64)
        return self._measured

    def to_json(self, value: JsonValue) -> str:
        """Return `value` as JSON with each payload as `{"omitted_bytes": n, "sha256": hex}`.

        Values nested deeper than 250 levels, the limit of orjson's writer, become `{"omitted": "too deep"}`.
        """
        try:
            text = to_json(value)
        except Malformed:
            value = pruned(value)
            text = to_json(value)
        # A search for these strings is cheaper than a walk, but not free; payloads of MCP and notebooks are long.
        if "base64" in text or (len(text) > _LONG and ('"mimeType"' in text or '"image_data"' in text)):
            lean = self._without(value)
            if lean is not value:
                return to_json(lean)
        return text

    def _without(self, value: JsonValue) -> JsonValue:
        if isinstance(value, dict):
            payload = self._field(value)
            made: JsonObject = {
                name: self._omitted(below) if name == payload else self._without(below) for name, below in value.items()
            }
            return made if any(made[name] is not below for name, below in value.items()) else value
        if isinstance(value, list):
            elements = [self._without(element) for element in value]
            return elements if any(new is not old for new, old in zip(elements, value, strict=True)) else value
        if isinstance(value, str) and value.startswith("data:") and ";base64," in value[:128]:
            start, _, payload = value.partition(",")
            if self.measure(payload).is_base64:
                return {"prefix": f"{start},", **self._omitted(payload)}
        return value

    def _field(self, value: JsonObject) -> str | None:
        """Return the name of an object's field with a payload, in the forms of the API, tools, notebooks and MCP."""
        data = value.get("data")
        if value.get("type") == "base64" and isinstance(data, str):
            return "data"
        names = ("base64", "image_data", "data", "blob") if "mimeType" in value else ("base64", "image_data")
        for name in names:
            text = value.get(name)
            if isinstance(text, str) and self.measure(text).is_base64:
                return name
        return None

    def _omitted(self, text: JsonValue) -> JsonObject:
        payload = self.measure(str(text))
        return {"omitted_bytes": payload.size, "sha256": payload.sha256}


def pruned(value: JsonValue, levels: int = 250) -> JsonValue:
    """Return `value` with values nested deeper than `levels` replaced."""
    if not isinstance(value, dict | list):
        return value
    if not levels:
        return {"omitted": "too deep"}
    if isinstance(value, dict):
        return {name: pruned(below, levels - 1) for name, below in value.items()}
    return [pruned(below, levels - 1) for below in value]
