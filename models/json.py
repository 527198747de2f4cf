"""The types of JSON values as this project's parsers return them."""

from typing import TypeAlias

JsonValue: TypeAlias = bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"] | None
"""Any JSON value. Integers may exceed 64 bits; strings have no lone surrogates."""

JsonObject: TypeAlias = dict[str, JsonValue]
"""A JSON object."""
