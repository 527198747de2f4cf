"""Documents as HTML: one page that loads nothing and runs only its own script, for searching and folding.

Texts go through autoescape. Answers are rendered as CommonMark without HTML, images and links (an address is shown as
text); control characters are escaped last, in the whole page, since a character reference can make one. The page's
Content-Security-Policy has the digests of its script and style: browsers run no other.
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from jinja2 import Environment
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup, escape

from models.amounts import count, duration, plural
from models.text import safe
from pipelines.disk.compiled_templates import template_environment
from pipelines.export.contents import Contents, outcome
from pipelines.export.markdown import DEEDS, at, front_of
from pipelines.look.calls import about, changed_lines, input_of
from pipelines.look.conversation import Turn, Utterance

_LONGEST: Final = 20_000
"""Characters of an input or a result that a page has at most."""
_LONGEST_MARKDOWN: Final = 100_000
_CLASSES: Final = {"+": "new", "-": "gone"}
_SIGNS: Final = {"done": "✓", "failed": "✗", "no result": "?"}
_Env = MutableMapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Shown:
    """A turn as the page shows it: `kind` is a class of the style; `body` and `folded` are markup, the rest is text."""

    kind: str
    depth: int
    agent: str
    head: str
    at: str
    is_rewound: bool
    body: Markup | None = None
    about: str = ""
    sign: str = ""
    outcome: str = ""
    folded: Markup = Markup()  # noqa: RUF009  # it is immutable


def document_of(contents: Sequence[Contents]) -> str:
    """Return one page of one session, or of several with a list of them at its head."""
    style, script = (_asset(name) for name in ("document.css", "document.js"))
    template = _environment().get_template("document.html.jinja")
    page = template.render(
        policy=f"default-src 'none'; script-src {_digest(script)}; style-src {_digest(style)}; base-uri 'none'; "
        "form-action 'none'",
        style=Markup(style),
        script=Markup(script),
        title=contents[0].title[:200] if len(contents) == 1 else plural(len(contents), "session"),
        sessions=contents,
        front_of=front_of,
        deeds=DEEDS,
        shown=_shown,
        markup=markup_of,
    )
    return safe(page, keep_newlines=True)


@cache
def _environment() -> Environment:
    made = template_environment(__file__, "templates")
    made.filters |= {"at": at, "count": count, "plural": plural}
    return made


def _asset(name: str) -> str:
    return (files("pipelines.export") / "templates" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _shown(turns: Sequence[Turn]) -> Iterator[Shown]:
    for turn in turns:
        one, agent = turn.utterance, ""
        if turn.agent is not None:
            agent = " ".join(filter(None, (turn.agent.agent_type or "subagent", turn.agent.description)))
        time = at(one.said_at, "%H:%M")
        match one.kind:
            case "prompt":
                who = "You" if not turn.depth else "Task"
                yield Shown("prompt", turn.depth, agent, who, time, one.is_abandoned, _plain(one.text))
            case "answer":
                who = "Claude" if not turn.depth else "Subagent"
                yield Shown("answer", turn.depth, agent, who, time, one.is_abandoned, markup_of(one.text))
            case "call":
                yield Shown(
                    "call", turn.depth, agent, one.tool_name, time, one.is_abandoned,
                    about=about(one), sign=_SIGNS[outcome(one)], outcome=_outcome(one), folded=_lines(_folded(one)),
                )  # fmt: skip
            case _ if one.text.strip():
                name = {"thinking": "thinking", "summary": "compacted"}.get(one.kind, one.speaker.replace("_", " "))
                lines = _lines([("", _cut(one.text))])
                first = " ".join(one.text[:400].split())[:160]
                yield Shown("aside", turn.depth, agent, name, time, one.is_abandoned, about=first, folded=lines)


def _outcome(call: Utterance) -> str:
    lasted = f", {duration(call.lasted)}" if call.lasted is not None and call.lasted >= 1 else ""
    if call.result is None or call.is_error:
        return f"{outcome(call)}{lasted}"
    return f"{plural(len(call.result.splitlines()), 'line')}{lasted}"


def _folded(call: Utterance) -> Iterator[tuple[str, str]]:
    """Yield pieces of one or more lines, each with its class: of a call's input, a difference where it has one, and of
    its result.
    """
    given = input_of(call)
    changes = list(changed_lines(given, _cut))
    if changes:
        yield from ((_CLASSES.get(line[0], "given"), line) for line in changes)
    else:
        yield "given", _cut(json.dumps(given, ensure_ascii=False, indent=2) if given else call.tool_input)
    if call.result:
        yield "bad" if call.is_error else "", _cut(call.result)


def _lines(pieces: Iterable[tuple[str, str]]) -> Markup:
    """Return pieces of lines as markup, each line with a class in an element of its own."""
    made = list[str]()
    for kind, text in pieces:
        escaped = str(escape(text))
        if kind:
            begin, end = f'<span class="{kind}">', "</span>"
            escaped = begin + escaped.replace("\n", f"{end}\n{begin}") + end
        made.append(escaped)
    return Markup("".join(f"{one}\n" for one in made))


def _cut(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}\n… {count(len(text) - _LONGEST)} more characters: --format json has them"


def _plain(text: str) -> Markup:
    return Markup('<div class="plain">{}</div>').format(_cut(text))


def markup_of(text: str) -> Markup:
    """Return Markdown of a session as markup without HTML of its own, images and links."""
    if len(text) > _LONGEST_MARKDOWN:
        return _plain(text)
    return Markup(_parser().render(text, {"hrefs": []}))


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")
    for name, rule in {
        "heading_open": _heading_open,
        "heading_close": _heading_close,
        "link_open": _link_open,
        "link_close": _link_close,
    }.items():
        parser.add_render_rule(name, rule)
    return parser


def _heading_open(_: RendererHTML, tokens: Sequence[Token], place: int, options: OptionsDict, env: _Env) -> str:
    return '<p class="heading">'  # headings are those of the document


def _heading_close(_: RendererHTML, tokens: Sequence[Token], place: int, options: OptionsDict, env: _Env) -> str:
    return "</p>\n"


def _link_open(_: RendererHTML, tokens: Sequence[Token], place: int, options: OptionsDict, env: _Env) -> str:
    env["hrefs"].append("" if tokens[place].info == "auto" else str(tokens[place].attrGet("href") or ""))
    return '<span class="link">'


def _link_close(_: RendererHTML, tokens: Sequence[Token], place: int, options: OptionsDict, env: _Env) -> str:
    href = env["hrefs"].pop()
    return f"</span> <code>{escape(href)}</code>" if href else "</span>"
