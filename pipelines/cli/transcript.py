"""Draws a conversation on a terminal: prompts, answers as Markdown, a line for each tool call, diffs in colour.

Text of a transcript is untrusted. Markdown turns `&#27;` into an escape character, so control characters are escaped
last, in the rendered segments; links are not made clickable.
"""

import json
from collections.abc import Iterable, Iterator
from difflib import unified_diff
from itertools import islice
from typing import Final

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.markdown import Markdown
from rich.padding import Padding
from rich.rule import Rule
from rich.segment import Segment
from rich.text import Text

from models.amounts import count, duration
from models.text import safe
from pipelines.look.conversation import Turn, Utterance

_INDENT: Final = 4
_NARROWEST: Final = 20
_LINES_OF_DIFF: Final = 12
_LONGEST_ABOUT: Final = 60
_LONGEST_MARKDOWN: Final = 100_000
"""Answers up to so many characters are drawn as Markdown, longer ones as plain text."""
_TELLING: Final = (
    "command", "file_path", "notebook_path", "path", "pattern", "query", "url", "skill", "description", "prompt",
)  # fmt: skip
"""Fields of a tool's input that describe a call best, in order of preference."""


class Safe:
    """Draws a renderable with control characters escaped, an indent, and no trailing spaces."""

    def __init__(self, drawn: RenderableType, margin: int = 0) -> None:
        self._drawn, self._margin = drawn, margin

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the escaped segments."""
        inner = options.update_width(max(options.max_width - self._margin, _NARROWEST))
        for line in Segment.split_lines(console.render(self._drawn, inner)):
            shown = [segment for segment in line if segment.control is None]
            while shown and not shown[-1].text.strip(" "):
                shown.pop()
            if shown and not (shown[-1].style and shown[-1].style.bgcolor):
                shown[-1] = Segment(shown[-1].text.rstrip(" "), shown[-1].style)
            if shown and self._margin:
                yield Segment(" " * self._margin)
            for segment in shown:
                yield Segment(safe(segment.text), segment.style)
            yield Segment.line()


def draw(console: Console, turns: Iterable[Turn], *, is_full: bool) -> None:
    """Print turns; with `is_full`, print inputs, results, thinking and notices completely, not as one line each."""
    for turn in turns:
        margin = _INDENT * turn.depth
        if turn.agent is not None:
            words = " ".join(filter(None, (turn.agent.agent_type or "subagent", turn.agent.description)))
            console.print(Safe(Text(f"↳ {_line(words)}", style="magenta"), margin - _INDENT))
        for drawn in _drawn(turn.utterance, is_full=is_full):
            console.print(Safe(drawn, margin))


def _drawn(one: Utterance, *, is_full: bool) -> Iterator[RenderableType]:
    rewound = " (rewound)" if one.is_abandoned else ""
    at = f" {one.said_at.astimezone():%H:%M}" if one.said_at else ""
    match one.kind:
        case "prompt":
            yield Text(f"\n❯ you{at}{rewound}", style="bold cyan")
            yield Text(one.text, style="dim" if rewound else "")
        case "answer":
            yield Text(f"\n● {one.speaker}{at}{rewound}", style="bold")
            yield Text(one.text) if len(one.text) > _LONGEST_MARKDOWN else Markdown(one.text, hyperlinks=False)
        case "thinking":
            if is_full and one.text:
                yield Text(f"\n∴ thinking{at}{rewound}", style="dim italic")
                yield Text(one.text, style="dim italic")
            elif one.text:
                yield Text(f"∴ thought: {_line(one.text)}", style="dim italic", no_wrap=True, overflow="ellipsis")
        case "call":
            yield from _call(one, rewound, is_full=is_full)
        case "summary":
            yield Rule("compacted", style="yellow")
            yield Text(one.text if is_full else _line(one.text)[:400], style="dim")
        case "notice":
            if is_full:
                yield Text(f"\n· {one.speaker}{at}{rewound}", style="dim")
                yield Text(one.text, style="dim")
            else:
                words = f"· {one.speaker}: {_line(one.text)}"
                yield Text(words, style="dim", no_wrap=True, overflow="ellipsis")


def _call(one: Utterance, rewound: str, *, is_full: bool) -> Iterator[RenderableType]:
    given = _input(one)
    outcome = _outcome(one)
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append("✗ " if one.is_error else "✓ " if one.result is not None else "? ", "red" if one.is_error else "green")
    line.append(f"{_line(one.tool_name)}{rewound}", "bold")
    about = _line(_about(given))
    line.append(f"  {about if len(about) <= _LONGEST_ABOUT else about[: _LONGEST_ABOUT - 1] + '…'}")
    line.append(f"  {outcome}", "red" if one.is_error else "dim")
    yield line
    changed = list(_diff(given))
    yield from _coloured(changed if is_full else changed[:_LINES_OF_DIFF])
    if len(changed) > _LINES_OF_DIFF and not is_full:
        yield Text(f"  … {count(len(changed) - _LINES_OF_DIFF)} more lines; --full shows them", style="dim")
    if is_full:
        if not changed:
            yield Text(json.dumps(given, ensure_ascii=False, indent=2) if given else one.tool_input, style="dim")
        if one.result:
            yield Padding(Text(one.result), (0, 0, 0, 2))


def _outcome(one: Utterance) -> str:
    if one.result is None:
        return "no result"
    lasted = f", {duration(one.lasted)}" if one.lasted is not None and one.lasted >= 1 else ""
    if one.is_error:
        return f"{_line(one.result)[:80]}{lasted}"
    lines = len(one.result.splitlines())
    return f"{count(lines)} {'line' if lines == 1 else 'lines'}{lasted}"


def _input(one: Utterance) -> dict[str, object]:
    try:
        given = json.loads(one.tool_input) if one.tool_input else {}
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


def _about(given: dict[str, object]) -> str:
    for name in _TELLING:
        value = given.get(name)
        if isinstance(value, str) and value:
            return value
    return ", ".join(f"{name}={value}" for name, value in islice(given.items(), 3))


def _diff(given: dict[str, object]) -> Iterator[str]:
    """Yield the lines that an editing tool added or removed, prefixed with `+` or `-`."""
    edits = given.get("edits")
    for edit in edits if isinstance(edits, list) else [given]:
        old, new = (edit.get("old_string"), edit.get("new_string")) if isinstance(edit, dict) else (None, None)
        if isinstance(old, str) and isinstance(new, str):
            lines = unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=1)
            yield from (line for line in islice(lines, 2, None) if not line.startswith("@@"))
    content = given.get("content")
    if isinstance(content, str) and "file_path" in given:
        yield from (f"+{line}" for line in content.splitlines())


def _coloured(lines: Iterable[str]) -> Iterator[RenderableType]:
    for line in lines:
        style = "green" if line.startswith("+") else "red" if line.startswith("-") else "dim"
        yield Text(f"  {line}", style=style)


def _line(words: str) -> str:
    return " ".join(words[:600].split())
