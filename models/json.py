"""The types of JSON values as our parsers give them."""

from typing import TypeAlias

JsonValue: TypeAlias = bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"] | None
"""Any JSON value. Integers may exceed 64 bits; texts hold no lone surrogates."""

JsonObject: TypeAlias = dict[str, JsonValue]
"""A JSON object."""
