"""Shared by the commands that show a conversation: finding the session, reading its messages, and its head."""

from collections.abc import Iterator, Sequence
from shlex import quote

from rich.text import Text

from models.amounts import compact, dollars, plural
from models.errors import ConfigurationError
from models.text import safe
from pipelines.cli.looking import Named, amount, instant, listed_texts, rows_of, text, whole
from pipelines.cli.shown import is_final, one_line, short_time, when
from pipelines.disk.layout import Layout
from pipelines.look.conversation import (
    Turn,
    Utterance,
    agent_of,
    agents_query,
    find_session,
    in_turns,
    merged,
    outline_query,
    prompts_query,
    utterance_of,
)
from pipelines.look.filters import Filters
from pipelines.look.sessions import sessions_query
from pipelines.look.texts import with_texts
from pipelines.redact.masking import Masker
from pipelines.warehouse.opened import open_warehouse


def find(layout: Layout, which: str) -> str:
    """Return the full id of the session with this id or beginning of an id. Raises ConfigurationError if there is none
    or more than one.
    """
    if which == "last":
        newest = rows_of(layout, sessions_query(Filters(), limit=1, columns=("session_id",)))
        if not newest:
            raise ConfigurationError("there is no session yet")
        return text(newest[0]["session_id"])
    found = [text(row["session_id"]) for row in rows_of(layout, find_session(which))]
    if not found:
        raise ConfigurationError(f"no session begins with {which!r}; `extract sessions` lists them")
    if len(found) > 1 and which not in found:
        raise ConfigurationError(f"several sessions begin with {which!r}: {', '.join(found)}")
    return which if which in found else found[0]


def outline_of(layout: Layout, session_id: str, home_id: str, masker: Masker | None) -> Iterator[Turn]:
    """Yield the conversation of a session in one home as turns, with the prompts that only history.jsonl has, subagents
    below the calls that started them. `with_texts` adds the texts, which are not masked yet.
    """
    rows = rows_of(layout, outline_query(session_id, home_id))
    said = merged([utterance_of(one) for one in rows], _prompts_of_history(layout, session_id))
    agents = [agent_of(one) for one in rows_of(layout, agents_query(session_id, home_id), masker)]
    return in_turns(said, agents)


def turns_of(layout: Layout, session_id: str, home_id: str, masker: Masker | None) -> list[Turn]:
    """Return the conversation of a session in one home as turns, as `outline_of` yields it, with all texts, masked."""
    outline = outline_of(layout, session_id, home_id, masker)
    with open_warehouse(layout) as connection:
        return list(with_texts(connection, outline, masker.mask if masker else str))


def head_of(row: Named) -> Sequence[Text]:
    """Return the lines above a conversation: the session's title, project, times, models and cost, and how to continue
    it or why it is incomplete. Their texts are untrusted: draw them with `Safe`.
    """
    title = text(row["title"]) or text(row["first_prompt"]) or "(no title)"
    ids = f"{text(row['session_id'])}  {text(row['project_path']) or text(row['project'])}"
    branches = ", ".join(listed_texts(row["git_branches"]))
    tokens = [row[name] for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")]
    parts = [
        f"{when(row['started_at'])} to {when(row['ended_at'])}, active {short_time(whole(row['active_seconds']))}",
        f"{plural(whole(row['prompt_count']), 'prompt')}, {plural(whole(row['tool_call_count']), 'call')}",
        f"{compact(sum(map(whole, tokens)))} tokens, {dollars(amount(row['cost_usd']), is_exact=is_final(row))}",
        ", ".join(listed_texts(row["models"])),
    ]
    state = text(row["state"])
    note = {
        "present": f"claude --resume {text(row['session_id'])}",
        "partial": "The home has only files of its subagents; the archived part of the conversation is shown.",
        "expired": "Its transcript is gone from the home; `extract restore --session ID --to DIR` writes it again.",
        "named_only": "No run ever read a transcript of it; its prompts come from history.jsonl.",
    }.get(state, state)
    dim = [f"{ids}  {branches}".rstrip(), "; ".join(filter(None, parts)), note]
    return [Text(one_line(title), style="bold"), *(Text(line, style="dim") for line in dim)]


def resume_line(row: Named) -> str | None:
    """Return the command line that continues a session, in its directory; None if its home has no transcript of it.

    The directory is left out if a shell or a terminal could take it for anything else.
    """
    if text(row["state"]) != "present":
        return None
    resume = f"claude --resume {quote(safe(text(row['session_id'])))}"
    directory = text(row["project_path"])
    is_plain = directory.startswith("/") and safe(directory) == directory
    return f"cd {quote(directory)} && {resume}" if is_plain else resume


def _prompts_of_history(layout: Layout, session_id: str) -> list[Utterance]:
    """Return those prompts of a session that only history.jsonl has; all of them if it has no transcript."""
    rows = rows_of(layout, prompts_query(session_id))
    return [Utterance("prompt", "person", instant(row["prompted_at"]), text(row["prompt_text"])) for row in rows]
