"""`extract similar`: the sessions most like a session."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from models.json import JsonValue
from models.text import safe
from pipelines.cli.console import say, say_json
from pipelines.cli.conversations import find
from pipelines.cli.loader import semantic_index
from pipelines.cli.looking import Project, Redact, Since, Until, masker_of
from pipelines.cli.options import AsJson, Data, layout_of
from pipelines.cli.shown import one_line, project_name
from pipelines.cli.terminal import terminal
from pipelines.look.filters import Filters


def similar(
    which: Annotated[
        str, typer.Argument(metavar="SESSION", help="The session's id or the beginning of it; last: the newest one.")
    ],
    project: Project = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 10,
    redact: Redact = None,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """List the sessions most like a session.

    Compares the meaning of their prompts, answers, titles, plans and summaries, on average, by the vectors of
    `extract embed`. The likeness is at most 1. The model knows English.
    """
    layout, masker = layout_of(data), masker_of(redact)
    found = semantic_index(layout).similar(find(layout, which), Filters(project, since, until), limit)
    mask = masker.mask if masker else str
    rows: list[JsonValue] = [
        {name: mask(value) if isinstance(value, str) else value for name, value in asdict(one).items()} for one in found
    ]
    if as_json:
        say_json(rows)
        return
    for one in found:
        line = Text(f"{one.likeness:.2f}  {safe(one.session_id)[:8]}  ", "bold")
        line.append(f"{safe(project_name(mask(one.project or '')))}  ", "cyan")
        line.append(safe(one_line(mask(one.title or ""))))
        terminal().print(line, no_wrap=True, overflow="ellipsis")
    if not rows:
        say("No other session has vectors.")
