"""`extract retention`: deletes old files from the archive by rules of the settings."""

from datetime import UTC, datetime

import typer

from models.amounts import count, duration, moment, plural, size
from models.errors import ExitCode
from models.observer import Observer
from pipelines.cli.confirm import Yes, confirm
from pipelines.cli.console import Heading, say, say_json, say_table, say_wrapped
from pipelines.cli.options import AsJson, Data, Quiet, layout_of
from pipelines.cli.progress import showing
from pipelines.copies.every import sync_all_known
from pipelines.disk.layout import Layout
from pipelines.forget.forget import ErasureResult, finish_begun
from pipelines.forget.retention import RetentionPlan, plan_retention, retain
from pipelines.lake.every import push_all
from pipelines.lake.known import read_lakes


def retention(yes: Yes = False, data: Data = None, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Delete old files from the archive, by rules in its settings.

    The rules are tables [[retention]] in settings.toml, with a source, a number of days and, if you like, a home;
    without rules nothing is deleted. Deletes only files that their homes no longer have, with their rows and messages,
    from the state as of every run. Shows first what it would delete, and asks. With --json and without --yes it only
    shows.
    """
    layout = layout_of(data)
    if yes:
        finish_begun(layout, Observer())
    with showing(shown=not (as_json or quiet)) as observer:
        planned = plan_retention(layout, datetime.now(UTC), observer)
    if not as_json and not (quiet and yes):
        _show(planned)
    if planned.erasure is None or (as_json and not yes):
        if as_json:
            say_json({"done": False, **planned.to_json()})
        return
    if not yes:
        confirm(f"Delete {plural(planned.files, 'file')}, for good?")
    with showing(shown=not (as_json or quiet)) as observer:
        made = retain(layout, planned, observer)
        behind = _copies_behind(layout, observer)
    if made is not None:
        _show_done(planned, made, behind, as_json=as_json, quiet=quiet)
    if behind:
        raise typer.Exit(ExitCode.UNEXPECTED)


def _copies_behind(layout: Layout, observer: Observer) -> list[str]:
    """Sync the copies and push to the lakes; return those that still have the files, each with the reason."""
    copies = [one for one in sync_all_known(layout, observer) if not one.has_every_erasure]
    lakes = [one for one in push_all(layout, read_lakes(layout), observer, why="retention") if one.error is not None]
    return [
        *(f"the copy {one.known.place}: {one.error or 'some of its files could not be replaced'}" for one in copies),
        *(f"the lake {one.known.place}: {one.error}" for one in lakes),
    ]


def _show(planned: RetentionPlan) -> None:
    if not planned.shares:
        say_wrapped("There are no rules, so nothing is deleted by its age. A rule in settings.toml is, for example:")
        say('[[retention]]\nsource = "debug"\ndays = 365')
        return
    numbers = ("files", "bytes", "still at home")
    say_table(
        [Heading("rule"), *(Heading(name, "number") for name in numbers), Heading("oldest (UTC)")],
        [
            [
                str(share.rule),
                count(share.files),
                size(share.size),
                count(share.in_home),
                moment(share.oldest).removesuffix(" UTC"),
            ]
            for share in planned.shares
        ],
    )
    if planned.erasure is None:
        say("No file may go now.")
        return
    total = planned.erasure.preview.total
    say(f"with {plural(total.rows, 'row')} of {plural(total.entries, 'entry', 'entries')}, as of every run")


def _show_done(planned: RetentionPlan, made: ErasureResult, behind: list[str], *, as_json: bool, quiet: bool) -> None:
    if as_json:
        say_json({"done": True, **planned.to_json(), **made.to_json(), "not_reached": list(behind)})
        return
    if not quiet:
        files = plural(planned.files, "file")
        say(f"{files} deleted in {duration(made.seconds)}; {plural(made.runs, 'run')} rewritten")
    for one in behind:
        say_wrapped(f"STILL THERE, until the next sync or push: {one}", stderr=True)
