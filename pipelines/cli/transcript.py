"""Draws a conversation on a terminal: prompts, answers as Markdown, a line for each tool call, diffs in colour.

Text of a transcript is untrusted. Control characters are escaped twice: in the text, so that lines are wrapped as they
are shown, and last in the rendered segments, because Markdown turns `&#27;` into an escape character. Links are not
made clickable.
"""

import json
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import replace
from functools import cache
from itertools import islice
from typing import Final

from markdown_it import MarkdownIt
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.markdown import Markdown
from rich.padding import Padding
from rich.rule import Rule
from rich.segment import Segment
from rich.text import Text

from models.amounts import compact, count, duration
from models.text import safe
from pipelines.look.calls import about, changed_lines, input_of
from pipelines.look.conversation import Turn, Utterance

Line = list[Segment]

_INDENT: Final = 4
_NARROWEST: Final = 20
_LINES_OF_DIFF: Final = 12
_LONGEST_ABOUT: Final = 60
_LONGEST_MARKDOWN: Final = 100_000
"""Answers up to so many characters are drawn as Markdown, longer ones as plain text."""
_AT_ONCE: Final = 20
"""So many turns are written together: each write costs as much as the drawing of a turn."""
_SPEAKERS: Final = {"claude_code": "Claude Code"}
_PARSER: Final = MarkdownIt(options_update={"html": False}).enable("strikethrough").enable("table")


def _markdown(markup: str, code_theme: str) -> Markdown:
    """Return a text as Rich's Markdown, with one parser for all texts: making a parser takes longer than most texts."""
    made = copy(_no_text(code_theme))
    made.markup, made.parsed = markup, _PARSER.parse(markup)
    return made


@cache
def _no_text(code_theme: str) -> Markdown:
    return Markdown("", code_theme=code_theme, hyperlinks=False)


class Safe:
    """Draws a renderable with control characters escaped, an indent, and no trailing spaces."""

    def __init__(self, drawn: RenderableType, margin: int = 0) -> None:
        self._drawn, self._margin = drawn, margin

    def lines(self, console: Console, options: ConsoleOptions) -> Iterator[Line]:
        """Yield the escaped lines."""
        inner = options.update_width(max(options.max_width - self._margin, _NARROWEST))
        for line in Segment.split_lines(console.render(self._drawn, inner)):
            shown = [segment for segment in line if segment.control is None]
            while shown and not shown[-1].text.strip(" "):
                shown.pop()
            if shown and not (shown[-1].style and shown[-1].style.bgcolor):
                shown[-1] = Segment(shown[-1].text.rstrip(" "), shown[-1].style)
            margin = [Segment(" " * self._margin)] if shown and self._margin else []
            yield margin + [Segment(safe(segment.text), segment.style) for segment in shown]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the segments of the lines."""
        for line in self.lines(console, options):
            yield from line
            yield Segment.line()


class _Turns:
    """Draws several turns."""

    def __init__(self, turns: Iterable[Turn], *, is_full: bool) -> None:
        self._turns, self._is_full = turns, is_full

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the segments of the turns."""
        for turn in self._turns:
            for line in turn_lines(console, options, turn, is_full=self._is_full):
                yield from line
                yield Segment.line()


def draw(console: Console, turns: Iterable[Turn], *, is_full: bool) -> None:
    """Print turns; with `is_full`, print inputs, results, thinking and notices completely, not as one line each."""
    left = iter(turns)
    while some := list(islice(left, _AT_ONCE)):
        console.print(_Turns(some, is_full=is_full), end="")


def turn_lines(
    console: Console, options: ConsoleOptions, turn: Turn, *, is_full: bool, code_theme: str = "monokai"
) -> Iterator[Line]:
    """Yield the lines of a turn, with control characters escaped. `code_theme` is a style of Pygments."""
    margin = _INDENT * turn.depth
    said = turn.utterance
    shown = replace(said, text=_escaped(said.text), result=None if said.result is None else _escaped(said.result))
    if turn.agent is not None:
        words = " ".join(filter(None, (turn.agent.agent_type or "subagent", turn.agent.description)))
        yield from Safe(Text(f"↳ {_line(words)}", style="magenta"), margin - _INDENT).lines(console, options)
    for drawn in _drawn(shown, is_full=is_full, code_theme=code_theme):
        yield from Safe(drawn, margin).lines(console, options)


def _escaped(text: str) -> str:
    return safe(text.replace("\r\n", "\n"), keep_newlines=True)


def _drawn(one: Utterance, *, is_full: bool, code_theme: str) -> Iterator[RenderableType]:
    rewound = " (rewound)" if one.is_abandoned else ""
    at = f" {one.said_at.astimezone():%H:%M}" if one.said_at else ""
    tokens = f", {compact(one.tokens)} tokens" if one.tokens else ""
    speaker = _SPEAKERS.get(one.speaker, one.speaker)
    match one.kind:
        case "prompt":
            yield Text(f"\n❯ you{at}{rewound}", style="bold cyan")
            yield Text(one.text, style="dim" if rewound else "")
        case "answer":
            yield Text.assemble((f"\n● {speaker}{at}{rewound}", "bold"), (tokens, "dim"))
            is_long = len(one.text) > _LONGEST_MARKDOWN
            yield Text(one.text) if is_long else _markdown(one.text, code_theme)
        case "thinking":
            if is_full and one.text:
                yield Text(f"\n∴ thinking{at}{rewound}{tokens}", style="dim italic")
                yield Text(one.text, style="dim italic")
            elif one.text:
                yield _one_line(Text(f"∴ thought{tokens}: {_line(one.text)}", style="dim italic"))
        case "call":
            yield from _call(one, rewound, tokens, is_full=is_full)
        case "summary":
            yield Rule("compacted", style="yellow")
            yield Text(one.text if is_full else _line(one.text)[:400], style="dim")
        case "notice":
            if is_full:
                yield Text(f"\n· {speaker}{at}{rewound}", style="dim")
                yield Text(one.text, style="dim")
            else:
                yield _one_line(Text(f"· {speaker}: {_line(one.text)}", style="dim"))


def _call(one: Utterance, rewound: str, tokens: str, *, is_full: bool) -> Iterator[RenderableType]:
    given = input_of(one)
    outcome = _outcome(one)
    line = Text()
    line.append("✗ " if one.is_error else "✓ " if one.result is not None else "? ", "red" if one.is_error else "green")
    line.append(f"{_line(one.tool_name)}{rewound}", "bold")
    words = _line(_about(one, given))
    line.append(f"  {words if len(words) <= _LONGEST_ABOUT else words[: _LONGEST_ABOUT - 1] + '…'}")
    line.append(f"  {outcome}", "red" if one.is_error else "dim")
    line.append(tokens, "dim")
    yield _one_line(line)
    changed = [piece for piece in changed_lines(given) if not piece.startswith("@@")]
    yield from _coloured(changed if is_full else changed[:_LINES_OF_DIFF])
    if len(changed) > _LINES_OF_DIFF and not is_full:
        yield Text(f"  … {count(len(changed) - _LINES_OF_DIFF)} more lines; --full shows them", style="dim")
    if is_full:
        if not changed:
            yield Text(json.dumps(given, ensure_ascii=False, indent=2) if given else one.tool_input, style="dim")
        if one.result:
            yield Padding(Text(one.result), (0, 0, 0, 2))


def _one_line(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _outcome(one: Utterance) -> str:
    if one.result is None:
        return "no result"
    lasted = f", {duration(one.lasted)}" if one.lasted is not None and one.lasted >= 1 else ""
    if one.is_error:
        return f"{_line(one.result)[:80]}{lasted}"
    lines = len(one.result.splitlines())
    return f"{count(lines)} {'line' if lines == 1 else 'lines'}{lasted}"


def _about(one: Utterance, given: dict[str, object]) -> str:
    return about(one) or ", ".join(f"{name}={value}" for name, value in islice(given.items(), 3))


def _coloured(lines: Iterable[str]) -> Iterator[RenderableType]:
    for line in lines:
        style = "green" if line.startswith("+") else "red" if line.startswith("-") else "dim"
        yield Text(f"  {line}", style=style)


def _line(words: str) -> str:
    return " ".join(words[:600].split())
