"""`extract session`: prints one conversation for reading."""

import sys
from itertools import takewhile
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from models.amounts import compact, dollars, plural
from models.errors import ConfigurationError
from pipelines.cli.looking import Named, Redact, amount, instant, listed_texts, looking, masker_of, rows_of, text, whole
from pipelines.cli.options import AsJson, Data, layout_of
from pipelines.cli.pager import paged
from pipelines.cli.shown import is_final, one_line, short_time, when
from pipelines.cli.standard_output import reader_has_gone
from pipelines.cli.transcript import Safe, draw
from pipelines.disk.layout import Layout
from pipelines.look.conversation import (
    Utterance,
    agent_of,
    agents_query,
    conversation_query,
    find_session,
    in_turns,
    merged,
    prompts_query,
    utterance_of,
)
from pipelines.look.filters import Filters
from pipelines.look.sessions import one_session_query, sessions_query
from pipelines.redact.masking import Masker
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
    (row,) = rows_of(layout, one_session_query(session_id), masker)
    query = conversation_query(session_id, home_id)
    if as_json:
        with looking(layout, query, masker) as answer:
            write_json(answer, 0, sys.stdout)
        return
    said = said_in(layout, session_id, home_id, masker)
    agents = [agent_of(one) for one in rows_of(layout, agents_query(session_id, home_id), masker)]
    turns = in_turns(said, agents)
    if prompts:
        turns = (turn for turn in turns if turn.utterance.kind == "prompt" and turn.depth == 0)
    with paged(wanted=pager) as console:
        _head(console, row)
        draw(console, takewhile(lambda _: not reader_has_gone(), turns), is_full=full)
        if not said:
            console.print("The archive has nothing of its conversation.")


def said_in(layout: Layout, session_id: str, home_id: str, masker: Masker | None) -> list[Utterance]:
    """Return the conversation of a session in one home, with the prompts that only history.jsonl has."""
    rows = rows_of(layout, conversation_query(session_id, home_id), masker)
    return merged([utterance_of(one) for one in rows], _prompts_of_history(layout, session_id, masker))


def find(layout: Layout, which: str) -> str:
    """Return the full id of the session with this id or beginning of an id. Raises ConfigurationError if there is none
    or more than one.
    """
    if which == "last":
        newest = rows_of(layout, sessions_query(Filters(), limit=1))
        if not newest:
            raise ConfigurationError("there is no session yet")
        return text(newest[0]["session_id"])
    found = [text(row["session_id"]) for row in rows_of(layout, find_session(which))]
    if not found:
        raise ConfigurationError(f"no session begins with {which!r}; `extract sessions` lists them")
    if len(found) > 1 and which not in found:
        raise ConfigurationError(f"several sessions begin with {which!r}: {', '.join(found)}")
    return which if which in found else found[0]


def _head(console: Console, row: Named) -> None:
    """Print the session's title, project, times, models and cost, and how to continue it or why it is incomplete."""
    title = text(row["title"]) or text(row["first_prompt"]) or "(no title)"
    console.print(Safe(Text(one_line(title), style="bold")))
    ids = f"{text(row['session_id'])}  {text(row['project_path']) or text(row['project'])}"
    branches = ", ".join(listed_texts(row["git_branches"]))
    console.print(Safe(Text(f"{ids}  {branches}".rstrip(), style="dim")))
    tokens = [row[name] for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")]
    parts = [
        f"{when(row['started_at'])} to {when(row['ended_at'])}, active {short_time(whole(row['active_seconds']))}",
        f"{plural(whole(row['prompt_count']), 'prompt')}, {plural(whole(row['tool_call_count']), 'call')}",
        f"{compact(sum(map(whole, tokens)))} tokens, {dollars(amount(row['cost_usd']), is_exact=is_final(row))}",
        ", ".join(listed_texts(row["models"])),
    ]
    console.print(Safe(Text("; ".join(filter(None, parts)), style="dim")))
    state = text(row["state"])
    note = {
        "present": f"claude --resume {text(row['session_id'])}",
        "partial": "The home has only files of its subagents; the archived part of the conversation is shown.",
        "expired": "Its transcript is gone from the home; this archive has it.",
        "named_only": "No run ever read a transcript of it; its prompts come from history.jsonl.",
    }.get(state, state)
    console.print(Safe(Text(note, style="dim")))


def _prompts_of_history(layout: Layout, session_id: str, masker: Masker | None) -> list[Utterance]:
    """Return those prompts of a session that only history.jsonl has; all of them if it has no transcript."""
    rows = rows_of(layout, prompts_query(session_id), masker)
    return [Utterance("prompt", "person", instant(row["prompted_at"]), text(row["prompt_text"])) for row in rows]
