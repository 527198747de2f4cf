"""`extract audit`: shows when content left the archive, and verifies the log of it."""

from typing import Annotated

import typer

from models.amounts import count, listed, moment, plural
from models.errors import ExitCode
from pipelines.archive.audit import read_audit
from pipelines.cli.console import Heading, say, say_json, say_table
from pipelines.cli.options import AsJson, Data, layout_of


def audit(
    what: Annotated[
        str | None, typer.Option("--what", metavar="ACT", help="Only these: push, pull, export, publish, copy, …")
    ] = None,
    last: Annotated[int, typer.Option("--last", metavar="N", min=1, help="Only the last N lines.")] = 50,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Show when content left the archive.

    Each line has user, time, action, destination and reason, and no content. It also has the digest of the line before
    it: a changed or deleted line is found here and by extract verify. Ends with 3 for that.
    """
    entries, problems = read_audit(layout_of(data))
    chosen = [one for one in entries if what in (None, one.what)][-last:]
    if as_json:
        say_json({"entries": [one.to_json() for one in chosen], "problems": list(problems)})
    elif not entries:
        say("Nothing has left the archive since the log began.")
    else:
        columns = (("when (UTC)", "text"), ("who", "text"), ("what", "text"), ("where to", "sentence"))
        say_table(
            [Heading("number", "number"), *(Heading(name) for name, _ in columns), Heading("level"), Heading("why")],
            [
                [
                    count(one.number),
                    moment(one.at).removesuffix(" UTC"),
                    one.who,
                    f"{one.what}: {listed(one.counts)}" if one.counts else one.what,
                    one.where,
                    one.level or "",
                    one.why or "",
                ]
                for one in chosen
            ],
        )
    for problem in problems:
        say(f"THE AUDIT LOG IS DAMAGED: {problem}", stderr=True)
    if problems:
        raise typer.Exit(ExitCode.FIXITY)
    if entries and not as_json:
        say(f"{plural(len(entries), 'line')}, unbroken")
