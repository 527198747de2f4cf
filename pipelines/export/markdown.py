"""Documents as Markdown.

Texts of a session may be hostile to a viewer of Markdown as well: `<` is written as an entity outside code, code is in
a fence longer than any in it, an image becomes a link, and control characters are escaped.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from models.amounts import plural
from models.text import safe
from pipelines.export.contents import Band, ChangedFile, Contents, Deed, DoneKind, Problem, outcome
from pipelines.look.calls import about
from pipelines.look.conversation import Turn, Utterance

_LONGEST_RESULT: Final = 4000
_TICKS: Final = re.compile(r"`+")
_FENCE: Final = re.compile(r" {0,3}(?:[-*+>] |\d{1,3}[.)] )*\s*(`{3,}|~{3,})")
_HEADING_LIKE: Final = re.compile(r"\s{0,3}(?:#|-{3}|={2}|\+{3}|[-=]\s*$)")
_FIELDS: Final = (
    "session_id", "home_id", "project", "git_branches", "started_at", "ended_at", "state", "models", "versions",
    "cost_usd",
)  # fmt: skip
DEEDS: Final[dict[DoneKind, str]] = {
    "task": "done",
    "subagent": "subagent",
    "commit": "commit",
    "tools": "tool calls",
    "outcome": "last answer",
}
"""The name of each kind of work in a document."""


def document_of(contents: Sequence[Contents]) -> str:
    """Return one document of one session, or of several with a list of them at its head."""
    if len(contents) == 1:
        lines = [*_front_matter(front_of(contents[0])), *_session(contents[0], "#")]
    else:
        lines = [*_front_matter({"sessions": [front_of(one) for one in contents]})]
        lines += [f"# {plural(len(contents), 'session')}", "", *(f"- {entry(one)}" for one in contents), ""]
        for one in contents:
            lines += _session(one, "##")
    return "\n".join(lines).rstrip() + "\n"


def front_of(contents: Contents) -> dict[str, object]:
    """Return the front matter of a session: ids, times, and links to the sessions that it came from or led to."""
    fields = {name: _plain(contents.row[name]) for name in _FIELDS}
    fields["links"] = [{"kind": kind, "session_id": safe(linked)} for kind, linked in contents.links]
    return {name: value for name, value in fields.items() if value}


def entry(contents: Contents) -> str:
    """Return a session in one line of a list: day, title, project, prompts."""
    row = contents.row
    project = f" {inline(str(row['project']))}," if row["project"] else ""
    return (
        f"{at(row['started_at'], '%Y-%m-%d')} {inline(contents.title)[:160]}:{project} "
        f"{plural(int(str(row['prompt_count'] or 0)), 'prompt')}"
    )


def _front_matter(fields: dict[str, object]) -> list[str]:
    # JSON is YAML: no text of a session can leave its quotes.
    return ["---", *(f"{name}: {json.dumps(value, ensure_ascii=True)}" for name, value in fields.items()), "---", ""]


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return safe(value) if isinstance(value, str) else value


def _session(contents: Contents, head: str) -> Iterator[str]:
    yield from (f"{head} {inline(contents.title)[:200]}", "")
    below = f"{head}#"
    yield from _section(below, "Objectives", (f"- {inline(text)[:400]}" for text in contents.objectives))
    yield from _section(below, "What was done", map(_deed, contents.done))
    yield from _section(below, "Files created and modified", map(_file, contents.files))
    yield from _section(
        below,
        "Decisions",
        (
            f"- {at(one.at, '%m-%d %H:%M')} {inline(one.about)[:300]}: {inline(one.decision)[:300]}"
            for one in contents.decisions
        ),
    )
    errors = [*map(_problem, contents.problems)]
    if contents.more_problems:
        errors.append(f"- and {contents.more_problems:,} more")
    yield from _section(below, "Errors met", errors)
    yield from _section(below, "Token budget", _budget(contents))
    yield from _section(
        below,
        "Next steps",
        (f"- [ ] {inline(step.text)[:300]}{' (begun)' if step.is_begun else ''}" for step in contents.steps),
    )
    yield from (f"{below} Conversation", "")
    for turn in contents.turns:
        yield from _turn(turn, f"{below}#")


def _section(head: str, title: str, lines: Iterable[str]) -> list[str]:
    made = list(lines)
    return [f"{head} {title}", "", *made, ""] if made else []


def _deed(deed: Deed) -> str:
    text = inline(deed.text)
    return f"- {DEEDS[deed.kind]}: {text if len(text) <= 600 else text[:599] + '…'}"


def _file(one: ChangedFile) -> str:
    counts = f", +{one.added} -{one.removed}" if one.added is not None and one.removed is not None else ""
    return f"- {code(one.path)} {'created' if one.is_new else 'modified'}, {plural(one.edits, 'edit')}{counts}"


def _problem(one: Problem) -> str:
    tool = f" {inline(one.tool)}" if one.tool else ""
    times = f" ({one.times:,} times)" if one.times > 1 else ""
    return f"- {at(one.at, '%m-%d %H:%M')} {inline(one.kind)}{tool}{times}: {inline(one.text)[:300]}"


def _budget(contents: Contents) -> Iterator[str]:
    if tokens := contents.tokens:
        yield "- " + ", ".join(
            f"{name.removesuffix('_tokens').replace('_', ' ')} {number:,}" for name, number in tokens.items()
        )
    if contents.cost is not None:
        yield f"- ${contents.cost:,.2f} at list prices"
    if contents.bands:
        yield from ("", "| context | responses | the fullest |", "| --- | ---: | --- |", *map(_band, contents.bands))


def _band(band: Band) -> str:
    name = f"up to {band.upto}%" if band.upto else "above its limit"
    return f"| {name} | {band.responses:,} | {band.most_share:.0%} of {band.limit_tokens:,} tokens |"


def _turn(turn: Turn, head: str) -> Iterator[str]:
    one, mark = turn.utterance, " (rewound)" if turn.utterance.is_abandoned else ""
    quote = "> " * turn.depth
    who = {"prompt": "You", "answer": "Claude"}.get(one.kind) if not turn.depth else "Subagent"
    if one.kind in ("prompt", "answer"):
        yield f"{quote}{head} {who} {at(one.said_at, '%H:%M')}{mark}"
        yield quote.rstrip()
        yield from (f"{quote}{line}".rstrip() for line in _prose(one.text))
    elif one.kind == "call":
        yield from (f"{quote}{line}".rstrip() for line in _call(one, mark))
    elif one.kind == "summary":
        yield f"{quote}*The conversation was compacted here.*"
    else:
        return
    yield quote.rstrip()


def _call(one: Utterance, mark: str) -> Iterator[str]:
    words = f": {code(said)}" if (said := about(one)) else ""
    yield f"**{inline(one.tool_name) or 'no name'}**{mark} {outcome(one)}{words}"
    if one.is_error and one.result:
        yield ""
        yield from _fenced(one.result[:_LONGEST_RESULT])


def _prose(text: str) -> Iterator[str]:
    """Yield the lines of a text of a transcript, which may be Markdown: none of its tags and headings becomes one of
    the document, none of its images is loaded, and a fence that it leaves open is closed.
    """
    opened = ""
    for line in safe(text, keep_newlines=True).split("\n"):
        fence = found[1] if (found := _FENCE.match(line)) else ""
        if not opened and fence:
            opened = fence
            yield line.replace("<", "&lt;")
        elif opened:
            is_end = fence.startswith(opened) and line.strip() == fence
            yield line
            opened = "" if is_end else opened
        else:
            shown = line.replace("<", "&lt;").replace("![", "!\\[")
            yield f"\\{shown.lstrip()}" if _HEADING_LIKE.match(shown) else shown
    if opened:
        yield opened


def _fenced(text: str) -> Iterator[str]:
    fence = "`" * max(3, 1 + max((len(found) for found in _TICKS.findall(text)), default=0))
    yield fence
    yield from safe(text, keep_newlines=True).split("\n")
    yield fence


def code(text: str) -> str:
    """Return exact text as a code span; "" for blank text."""
    ticks = "`" * (1 + max((len(found) for found in _TICKS.findall(text)), default=0))
    return f"{ticks} {safe(' '.join(text.split()))} {ticks}" if text.strip() else ""


def inline(text: str) -> str:
    """Return text in one line in which Markdown finds no tag, link, image or code."""
    return safe(" ".join(text.split())).replace("<", "&lt;").replace("](", "]\\(").replace("`", "'")


def at(value: object, form: str) -> str:
    """Return an instant in local time, "-" where there is none."""
    return value.astimezone().strftime(form) if isinstance(value, datetime) else "-"
