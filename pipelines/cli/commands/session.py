"""`extract session`: prints one conversation for reading."""

import sys
from itertools import takewhile
from typing import Annotated

import typer

from pipelines.cli.conversations import find, head_of, turns_of
from pipelines.cli.looking import Redact, looking, masker_of, rows_of, text
from pipelines.cli.options import AsJson, Data, layout_of
from pipelines.cli.pager import paged
from pipelines.cli.standard_output import reader_has_gone
from pipelines.cli.transcript import Safe, draw
from pipelines.look.conversation import conversation_query
from pipelines.look.sessions import one_session_query
from pipelines.warehouse.query import write_json


def session(
    which: Annotated[
        str, typer.Argument(metavar="ID", help="The session's id or the beginning of it; last: the newest one.")
    ],
    full: Annotated[
        bool, typer.Option("--full", help="Show tool inputs, results, thinking and notices completely.")
    ] = False,
    prompts: Annotated[bool, typer.Option("--prompts", help="Show only your prompts.")] = False,
    pager: Annotated[bool, typer.Option("--pager/--no-pager", help="On a terminal, use PAGER or less.")] = True,
    redact: Redact = None,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Show a conversation.

    Prints prompts, answers, and a line for each tool call, also after Claude Code has deleted the transcript. Subagents
    are indented below the call that started them; messages that a rewind dropped are marked. Times are local.
    """
    layout = layout_of(data)
    session_id = find(layout, which)
    masker = masker_of(redact)
    (row,) = rows_of(layout, one_session_query(session_id))
    home_id = text(row["home_id"])
    if as_json:
        with looking(layout, conversation_query(session_id, home_id), masker) as answer:
            write_json(answer, 0, sys.stdout)
        return
    if masker is not None:
        (row,) = rows_of(layout, one_session_query(session_id), masker)
    turns = turns_of(layout, session_id, home_id, masker)
    shown = [turn for turn in turns if not prompts or (turn.utterance.kind == "prompt" and turn.depth == 0)]
    with paged(wanted=pager) as console:
        for line in head_of(row):
            console.print(Safe(line), end="")
        draw(console, takewhile(lambda _: not reader_has_gone(), shown), is_full=full)
        if not turns:
            console.print("The archive has nothing of its conversation.")
