"""Calls of tools, for reading: their input, their subject in a few words, and the lines that they change."""

import json
from collections.abc import Callable, Iterator
from difflib import unified_diff
from itertools import islice
from typing import Final

from pipelines.look.conversation import Utterance

_TELLING: Final = (
    "command", "file_path", "notebook_path", "path", "pattern", "query", "url", "skill", "description", "prompt",
)  # fmt: skip
"""Fields of a tool's input that describe a call best, in order of preference."""
_LONGEST_ABOUT: Final = 300
_LONGEST_DIFF: Final = 1500
"""Lines up to which two texts are compared: the time grows with their product."""


def input_of(call: Utterance) -> dict[str, object]:
    """Return the input of a call; an empty one where it is no JSON object."""
    try:
        given = json.loads(call.tool_input) if call.tool_input else {}
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


def about(call: Utterance) -> str:
    """Return the subject of a call in one line: its command, file, pattern or the like; "" if its input has none."""
    found = (input_of(call).get(name) for name in _TELLING)
    said = (value[: 2 * _LONGEST_ABOUT] for value in found if isinstance(value, str) and value.strip())
    return next((" ".join(value.split())[:_LONGEST_ABOUT] for value in said), "")


def changed_lines(given: dict[str, object], cut: Callable[[str], str] = str) -> Iterator[str]:
    """Yield the lines that the input of an editing tool adds, removes or keeps, prefixed with `+`, `-` or a space, and
    `@@` lines between places. Each text is passed through `cut`. Other tools give nothing.
    """
    edits = given.get("edits")
    for edit in edits if isinstance(edits, list) else [given]:
        old, new = (edit.get("old_string"), edit.get("new_string")) if isinstance(edit, dict) else (None, None)
        if isinstance(old, str) and isinstance(new, str):
            before, after = cut(old).splitlines(), cut(new).splitlines()
            if len(before) + len(after) > _LONGEST_DIFF:
                yield from (*(f"-{line}" for line in before), *(f"+{line}" for line in after))
            else:
                yield from islice(unified_diff(before, after, lineterm="", n=1), 2, None)
    content = given.get("content")
    if isinstance(content, str) and isinstance(given.get("file_path"), str):
        yield from (f"+{line}" for line in cut(content).splitlines())
