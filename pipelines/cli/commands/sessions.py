"""`extract sessions`: lists sessions, one per line."""

from typing import Annotated, Final

import typer

from models.amounts import compact, dollars, plural
from pipelines.cli.console import Heading, say, say_columns, say_wrapped
from pipelines.cli.filtering import NO_FILTERS, filtered
from pipelines.cli.looking import AsCsv, Named, Redact, amount, masker_of, newest_of, print_rows, rows_of, text, whole
from pipelines.cli.options import AsJson, Data, command, layout_of
from pipelines.cli.shown import about_session, is_final, project_name, short_time, when
from pipelines.look.filters import Filters
from pipelines.look.sessions import sessions_query

_USUAL: Final = 30
_ID: Final = 8
"""Characters of an id that are printed: enough to identify a session."""
_NONE_EXPIRED: Final = "No session has expired: none that this archive has is gone from its home."


@filtered
def sessions(
    filters: Filters = NO_FILTERS,
    every: Annotated[bool, typer.Option("--all", help="Also list sessions of which only the id is known.")] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", min=0, help="At most so many; 0: all. Default: 30 on a terminal, else all.")
    ] = None,
    redact: Redact = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    data: Data = None,
) -> None:
    """List sessions, the newest first.

    A session is shown by its title, or its first prompt. Times are local. Tokens are the sum of input, output, cache
    reads and cache writes; the cost is at list prices, with ~ if the figures of some responses are not final. --json
    and --csv have more columns.
    """
    layout = layout_of(data)
    machine = as_json or as_csv
    most = limit if limit is not None else 0 if machine else _USUAL
    query = sessions_query(filters, limit=most if machine or not most else most + 1, has_content=not every)
    masker = masker_of(redact)
    if print_rows(layout, query, masker, as_json=as_json, as_csv=as_csv):
        return
    rows = rows_of(layout, query, masker)
    if not rows:
        only_named = [] if every else rows_of(layout, sessions_query(filters, limit=1, has_content=False))
        others = " There are sessions of which only the id is known: --all lists them." if only_named else ""
        is_plain = filters == Filters(state="expired")
        say_wrapped((_NONE_EXPIRED if is_plain else "No session matches." + newest_of(layout)) + others)
        return
    shown = rows[:most] if most else rows
    say_columns(_HEADINGS, [_line(row) for row in shown])
    if len(rows) > len(shown):
        say_wrapped(f"The newest {len(shown)}; --limit 0 lists all.")
    else:
        say(plural(len(shown), "session"))
    first = text(shown[0]["session_id"])[:_ID]
    say_wrapped(f"{command(f'session {first}', data)} shows the first of them.")


_HEADINGS: Final = (
    (Heading("last active", "exact"), 0),
    (Heading("id", "exact"), 0),
    (Heading("project"), 1),
    (Heading("what", least=28), 0),
    (Heading("prompts", "number"), 3),
    (Heading("tokens", "number"), 2),
    (Heading("cost", "number"), 1),
    (Heading("active", "number"), 4),
    (Heading("state", "exact"), 2),
)
"""The columns with their priorities: on a narrow terminal, those with the highest numbers are left out first."""


def _line(row: Named) -> list[str]:
    tokens = [row[name] for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")]
    is_known = any(value is not None for value in tokens)
    state = text(row["state"])
    return [
        when(row["ended_at"] or row["started_at"]),
        text(row["session_id"])[:_ID],
        project_name(text(row["project"])),
        about_session(text(row["title"]), text(row["first_prompt"])),
        str(whole(row["prompt_count"])),
        compact(sum(map(whole, tokens)) if is_known else None),
        dollars(amount(row["cost_usd"]), is_exact=is_final(row)),
        short_time(whole(row["active_seconds"])),
        "" if state == "present" else state.replace("_", " "),
    ]
