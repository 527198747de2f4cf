"""Makes text that came out of a home harmless in Markdown: what a reader's program shows is the text itself."""

import re
from typing import Final

from markupsafe import Markup

from models.text import safe

_SIGNS_ANYWHERE: Final = r"[\\`*_{}\[\]<>|~&$@^]|(?<=[A-Za-z]):(?=/)|(?<=[Ww]{3})\."
"""What Markdown obeys anywhere; a colon and a point are such signs in what it would take for a web address."""
_WITHIN: Final = re.compile(_SIGNS_ANYWHERE)
_AT_START: Final = re.compile(r"^\s*(?:#|[-+=]+(?=\s|$)|\d+(?=[.)](?:\s|$)))|^\s+|" + _SIGNS_ANYWHERE)
_PLAIN_CODE: Final = re.compile(r"[^`|]+")


def escaped(text: str, *, is_start: bool = True) -> str:
    """Return text that Markdown shows as it is, in a paragraph or in a cell: each sign of markup as an entity.

    Where it does not begin a block (`is_start`), signs that count only there are left.
    """
    signs = _AT_START if is_start else _WITHIN
    return signs.sub(lambda match: "".join(f"&#{ord(sign)};" for sign in match[0]), safe(text))


def code(text: str) -> str:
    """Return exact text in a code span, or with entities where a span could not hold it in a cell."""
    text = safe(text)
    return f"`{text}`" if _PLAIN_CODE.fullmatch(text) and text.strip() == text else escaped(text)


def escaped_value(value: object) -> object:
    """Return a value as a template writes it: text is escaped, unless a filter has made markup of it already."""
    return Markup(escaped(value)) if isinstance(value, str) and not isinstance(value, Markup) else value
