"""One session as a Markdown document: what it was for, what was done, what went wrong, what is left, what was said.

Texts of a session are hostile to whatever shows Markdown as well: `<` is written as an entity outside code, code stands
in a fence longer than any in it, and nothing that a terminal would obey is left.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from models.text import safe
from pipelines.look.conversation import Turn, Utterance
from pipelines.look.filters import Conditions

Named = dict[str, object]

_OBJECTIVES: Final = 5
_LONGEST_RESULT: Final = 4000
_TICKS: Final = re.compile(r"`+")
_TELLING: Final = ("command", "file_path", "notebook_path", "path", "pattern", "query", "url", "description")


def parts_queries(session_id: str, home_id: str) -> dict[str, Conditions]:
    """Return the queries of what a document has beside the conversation: files, errors, tasks and contexts."""
    of_session = "WHERE session_id = ? AND home_id = ?"
    values = (session_id, home_id)
    return {
        "files": Conditions(
            "SELECT file_path, bool_or(is_new) AS is_new, count(*) AS edits, sum(lines_added)::BIGINT AS added, "
            f"sum(lines_removed)::BIGINT AS removed FROM file_changes {of_session} AND file_path IS NOT NULL "
            "GROUP BY 1 ORDER BY 1",
            values,
        ),
        "errors": Conditions(
            f"SELECT occurred_at, error_kind, tool_name, text FROM errors {of_session} ORDER BY occurred_at LIMIT 50",
            values,
        ),
        "tasks": Conditions(
            "SELECT subject, arg_max(status, changed_at) AS status FROM task_progress "
            f"{of_session} AND subject IS NOT NULL GROUP BY task_id, subject ORDER BY min(changed_at)",
            values,
        ),
        "contexts": Conditions(
            f"SELECT band, count(*) AS responses, max(share) AS most FROM context_windows {of_session} "
            "AND band IS NOT NULL GROUP BY 1 ORDER BY 1",
            values,
        ),
    }


def document(session: Named, turns: Sequence[Turn], parts: dict[str, list[Named]], links: Sequence[Named]) -> str:
    """Return the document of a session: `session` is its row of the view, `links` are rows of `session_links`."""
    prompts = [turn.utterance for turn in turns if turn.utterance.kind == "prompt" and turn.depth == 0]
    title = _inline(str(session["title"] or session["first_prompt"] or session["session_id"]))[:200]
    lines = [*_front_matter(session, links), f"# {title}", ""]
    lines += _section("Objectives", (f"- {_inline(one.text)[:400]}" for one in prompts[:_OBJECTIVES]))
    lines += _section("Files created and modified", map(_file, parts["files"]))
    lines += _section("Errors met", map(_error, parts["errors"]))
    lines += _section("Tokens", _tokens(session, parts["contexts"]))
    open_tasks = [task for task in parts["tasks"] if task["status"] not in ("completed", "deleted", "cancelled")]
    lines += _section("Next steps", (f"- [ ] {_inline(str(task['subject']))}" for task in open_tasks))
    lines += ["## Conversation", ""]
    for turn in turns:
        lines += _turn(turn)
    return "\n".join(lines).rstrip() + "\n"


def index_line(session: Named, name: str) -> str:
    """Return the line of a session in an index: date, a link to its document, project, prompts."""
    title = _inline(str(session["title"] or session["first_prompt"] or session["session_id"]))[:120]
    title = title.replace("[", "\\[").replace("]", "\\]")
    project = _inline(str(session["project"] or "-"))
    return f"- {_at(session['started_at'], '%Y-%m-%d')} [{title}]({name}) {project}, {session['prompt_count']} prompts"


def _front_matter(session: Named, links: Sequence[Named]) -> list[str]:
    fields: list[tuple[str, object]] = [
        (name, session[name])
        for name in ("session_id", "home_id", "project", "git_branches", "started_at", "ended_at", "state", "models",
                     "versions", "cost_usd")
    ]  # fmt: skip
    fields += [("links", [f"{link['link_kind']} {link['linked_session_id']}" for link in links])]
    # JSON is YAML: no text of a session can leave its quotes.
    made = (f"{name}: {json.dumps(_plain(value), ensure_ascii=True)}" for name, value in fields if value)
    return ["---", *made, "---", ""]


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return safe(value) if isinstance(value, str) else value


def _section(title: str, lines: Iterable[str]) -> list[str]:
    made = list(lines)
    return [f"## {title}", "", *made, ""] if made else []


def _file(row: Named) -> str:
    counts = f", +{row['added']} -{row['removed']}" if row["added"] is not None and row["removed"] is not None else ""
    what = "created" if row["is_new"] else "modified"
    return f"- {_code(str(row['file_path']))} {what}, {row['edits']} edits{counts}"


def _error(row: Named) -> str:
    tool = f" {_inline(str(row['tool_name']))}" if row["tool_name"] else ""
    kind, words = _inline(str(row["error_kind"])), _inline(str(row["text"]))[:300]
    return f"- {_at(row['occurred_at'], '%H:%M')} {kind}{tool}: {words}"


def _tokens(session: Named, contexts: Sequence[Named]) -> Iterator[str]:
    names = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    if any(session[name] is not None for name in names):
        yield "- " + ", ".join(
            f"{name.removesuffix('_tokens').replace('_', ' ')} {session[name] or 0:,}" for name in names
        )
    if isinstance(cost := session["cost_usd"], float):
        yield f"- ${cost:,.2f} at list prices"
    for row in contexts:
        yield f"- context up to {row['band']} %: {row['responses']} responses"


def _turn(turn: Turn) -> Iterator[str]:
    one, mark = turn.utterance, " (rewound)" if turn.utterance.is_abandoned else ""
    quote = "> " * turn.depth
    who = {"prompt": "You", "answer": "Claude" if not turn.depth else "Subagent"}.get(one.kind)
    if who:
        yield f"{quote}### {who} {_at(one.said_at, '%H:%M')}{mark}"
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
    outcome = "failed" if one.is_error else "no result" if one.result is None else "done"
    yield f"**{_inline(one.tool_name)}**{mark} {outcome}: {_code(_about(one.tool_input))}"
    if one.is_error and one.result:
        yield ""
        yield from _fenced(one.result[:_LONGEST_RESULT])


def _about(tool_input: str) -> str:
    try:
        given = json.loads(tool_input)
    except ValueError:
        return ""
    found = (given.get(name) for name in _TELLING) if isinstance(given, dict) else ()
    return next((" ".join(value.split())[:300] for value in found if isinstance(value, str) and value), "")


def _prose(text: str) -> Iterator[str]:
    """Yield the lines of Markdown that was written by somebody: no tag and no heading of it is one of the document."""
    is_code = False
    for line in safe(text, keep_newlines=True).split("\n"):
        if line.lstrip().startswith(("```", "~~~")):
            is_code = not is_code
            yield line
        elif is_code:
            yield line
        else:
            shown = line.replace("<", "&lt;")
            yield f"\\{shown}" if shown.startswith(("#", "---", "===")) else shown
    if is_code:
        yield "```"


def _fenced(text: str) -> Iterator[str]:
    fence = "`" * max(3, 1 + max((len(found) for found in _TICKS.findall(text)), default=0))
    yield fence
    yield from safe(text, keep_newlines=True).split("\n")
    yield fence


def _code(text: str) -> str:
    ticks = "`" * (1 + max((len(found) for found in _TICKS.findall(text)), default=0))
    return f"{ticks} {safe(' '.join(text.split()))} {ticks}" if text.strip() else ""


def _inline(text: str) -> str:
    return safe(" ".join(text.split())).replace("<", "&lt;").replace("](", "]\\(").replace("`", "'")


def _at(value: object, form: str) -> str:
    return value.astimezone().strftime(form) if isinstance(value, datetime) else "-"
