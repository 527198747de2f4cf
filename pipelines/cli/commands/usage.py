"""`extract usage`: sums tokens and cost."""

from datetime import date
from typing import Annotated, Final

import typer

from models.amounts import count, dollars
from pipelines.cli.console import Heading, say, say_columns, say_wrapped, terminal_width
from pipelines.cli.looking import (
    AsCsv,
    HomeId,
    Model,
    Named,
    Project,
    Since,
    Until,
    amount,
    listed_texts,
    newest_of,
    print_rows,
    rows_of,
    text,
    whole,
)
from pipelines.cli.options import AsJson, Data, layout_of
from pipelines.cli.shown import is_final
from pipelines.look.filters import Filters
from pipelines.look.usage import AMOUNTS, total_query, usage_query


def usage(
    by: Annotated[
        str,
        typer.Option(
            "--by", metavar="GROUP", help="day, week, month, hour, block, session, project, repository, model or home."
        ),
    ] = "day",
    project: Project = None,
    since: Since = None,
    until: Until = None,
    model: Model = None,
    home: HomeId = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    data: Data = None,
) -> None:
    """Show tokens and their cost at list prices.

    Days are local. Each response is counted once, in however many files and homes it is. A block is the five hours from
    a first response, as subscription limits count them. A repository is the project that a session was started in; by
    project, its subdirectories count for themselves. Subscribers do not pay these costs.
    """
    layout = layout_of(data)
    filters = Filters(project, since, until, None, None, model, None, home)
    query = usage_query(filters, by)
    if print_rows(layout, query, as_json=as_json, as_csv=as_csv):
        return
    rows = rows_of(layout, query)
    if not rows:
        say("No usage matches." + newest_of(layout))
        return
    (total,) = rows_of(layout, total_query(filters))
    is_path = by in ("project", "repository")
    headings = ((Heading(by, "text" if is_path else "exact"), 0), *_HEADINGS)
    lines = [[_end_of(_key(row[by])) if is_path else _key(row[by]), *_line(row)] for row in rows]
    say_columns(headings, lines, total=["total", *_line(total)])
    _say_notes(total)


_HEADINGS: Final = (
    (Heading("models"), 4),
    (Heading("input", "number"), 1),
    (Heading("output", "number"), 0),
    (Heading("cache write", "number"), 2),
    (Heading("cache read", "number"), 2),
    (Heading("total", "number"), 1),
    (Heading("cost", "number"), 0),
)


_LEAST_OF_PATH: Final = 13
_REST: Final = 67
"""The cells that the other columns take on a terminal of 80."""


def _key(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return text(value) or "(not known)"


def _end_of(path: str) -> str:
    """Return a path cut at its beginning, because its end distinguishes it best."""
    most = max(_LEAST_OF_PATH, terminal_width() - _REST)
    return path if len(path) <= most else f"…{path[1 - most :]}"


def _line(row: Named) -> list[str]:
    models = ", ".join(name.removeprefix("claude-") for name in listed_texts(row["models"]))
    cost = dollars(amount(row["cost_usd"]), is_exact=is_final(row))
    return [models, *(count(whole(row[name])) for name in AMOUNTS), cost]


def _say_notes(total: Named) -> None:
    share = amount(total["reliable_share"])
    if share is not None and share < 1:
        say_wrapped(
            f"~: the figures of {1 - share:.0%} of the responses are not final: Claude Code wrote them during "
            "streaming, so the output may be higher."
        )
    if unpriced := whole(total["unpriced_part_count"]):
        say_wrapped(f"~: {count(unpriced)} billed parts have no known price and are not in the cost.")
    if basis := text(total["price_basis"]):
        say_wrapped(f"Prices: {basis}.")
