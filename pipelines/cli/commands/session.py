"""`extract session`: prints one conversation for reading."""

import os
import sys
import time
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Final

import typer

from extractors.home.home import Home
from models.errors import ExitCode
from pipelines.archive.homes import read_homes
from pipelines.cli.conversations import find, head_of, outline_of
from pipelines.cli.interrupts import ended_by_interrupt
from pipelines.cli.looking import Redact, looking, masker_of, rows_of, text
from pipelines.cli.options import AsJson, Data, layout_of
from pipelines.cli.pager import paged
from pipelines.cli.standard_output import reader_has_gone
from pipelines.cli.terminal import terminal
from pipelines.cli.transcript import Safe, draw
from pipelines.disk.layout import Layout
from pipelines.look.conversation import Turn, conversation_query
from pipelines.look.follow import Follower, find_live, unanswered
from pipelines.look.sessions import one_session_query
from pipelines.look.texts import masked, with_texts
from pipelines.redact.masking import Masker
from pipelines.run.request import usual_homes
from pipelines.warehouse.opened import open_warehouse
from pipelines.warehouse.query import write_json

_LAST: Final = 10
"""So many of the last utterances of a running session are shown first."""
_PAUSE: Final = 0.4
"""Seconds between two looks at a running session."""


def session(
    which: Annotated[
        str, typer.Argument(metavar="ID", help="The session's id or the beginning of it; last: the newest one.")
    ],
    full: Annotated[
        bool, typer.Option("--full", help="Show tool inputs, results, thinking and notices completely.")
    ] = False,
    prompts: Annotated[bool, typer.Option("--prompts", help="Show only your prompts.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Print new entries of a running session, from its home, until Ctrl-C.")
    ] = False,
    pager: Annotated[bool, typer.Option("--pager/--no-pager", help="On a terminal, use PAGER or less.")] = True,
    redact: Redact = None,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Show a conversation.

    Prints prompts, answers, and a line for each tool call, also after Claude Code has deleted the transcript. Subagents
    are indented below the call that started them; messages that a rewind dropped are marked. Times are local.

    With --follow it reads the transcript in the home itself, because the archive may not have it yet: the last ten
    entries, then each appended one. Nothing is locked or written.
    """
    layout = layout_of(data)
    if follow:
        _follow(layout, which, masker_of(redact), is_full=full, only_prompts=prompts)
        return
    masker = masker_of(redact)
    # DuckDB reads the catalog of a file once for all connections: those of the queries below open at once.
    with open_warehouse(layout) as connection:
        session_id = find(layout, which)
        (row,) = rows_of(layout, one_session_query(session_id))
        home_id = text(row["home_id"])
        if as_json:
            with looking(layout, conversation_query(session_id, home_id), masker) as answer:
                write_json(answer, 0, sys.stdout)
            return
        if masker is not None:
            (row,) = rows_of(layout, one_session_query(session_id), masker)
        outline = list(outline_of(layout, session_id, home_id, masker))
        wanted = [turn for turn in outline if not prompts or (turn.utterance.kind == "prompt" and turn.depth == 0)]
        with paged(wanted=pager) as console:
            for line in head_of(row):
                console.print(Safe(line), end="")
            turns = with_texts(connection, wanted, masker.mask if masker else str)
            draw(console, takewhile(lambda _: not reader_has_gone(), turns), is_full=full)
            if not outline:
                console.print("The archive has nothing of its conversation.")


def _follow(layout: Layout, which: str, masker: Masker | None, *, is_full: bool, only_prompts: bool) -> None:
    """Print the end of a running session and the lines appended to it, until Ctrl-C or until the reader closes the
    pipe.
    """
    roots = [*(Path(home.root) for home in read_homes(layout).values()), *usual_homes(os.environ)]
    transcript = find_live(roots, which)
    with Home(transcript.root) as home, ended_by_interrupt():
        follower, console, most = Follower(home, transcript), terminal(), -_LAST
        mask = masker.mask if masker else str
        while not reader_has_gone():
            said = unanswered(follower.new())[most:]
            shown = [one for one in said if not only_prompts or one.kind == "prompt"]
            turns = [Turn(masked(one, mask), 1 if one.agent_id else 0) for one in shown]
            draw(console, turns, is_full=is_full)
            sys.stdout.flush()
            most = 0
            time.sleep(_PAUSE)
        return
    raise typer.Exit(ExitCode.INTERRUPTED)
