"""Escapes text from a home for Markdown, so that a viewer shows the text itself."""

import re
from typing import Final

from markupsafe import Markup

from models.text import safe

_SIGNS_ANYWHERE: Final = r"[\\`*_{}\[\]<>|~&$@^]|(?<=[A-Za-z]):(?=/)|(?<=[Ww]{3})\."
"""Characters that are markup anywhere; colon and point, because they make viewers recognise a web address."""
_WITHIN: Final = re.compile(_SIGNS_ANYWHERE)
_AT_START: Final = re.compile(r"^\s*(?:#|[-+=]+(?=\s|$)|\d+(?=[.)](?:\s|$)))|^\s+|" + _SIGNS_ANYWHERE)
_PLAIN_CODE: Final = re.compile(r"[^`|]+")


def escaped(text: str, *, is_start: bool = True) -> str:
    """Return text that Markdown shows unchanged, in a paragraph or a cell: markup characters are written as entities.

    Unless it begins a block (`is_start`), characters that are markup only there are left unchanged.
    """
    signs = _AT_START if is_start else _WITHIN
    return signs.sub(lambda match: "".join(f"&#{ord(sign)};" for sign in match[0]), safe(text))


def code(text: str) -> str:
    """Return exact text in a code span, or with entities if it cannot be in a code span of a cell."""
    text = safe(text)
    return f"`{text}`" if _PLAIN_CODE.fullmatch(text) and text.strip() == text else escaped(text)


def escaped_value(value: object) -> object:
    """Return a value for a template: text is escaped, unless a filter has turned it into markup already."""
    return Markup(escaped(value)) if isinstance(value, str) and not isinstance(value, Markup) else value
