"""`extract restore`: gives back what the archive holds."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.options import AsJson, Data, Quiet, layout_of
from pipelines.cli.selecting import ArchivedHomes, AsOf, Phases, Session, Undone

if TYPE_CHECKING:
    from pipelines.restore.restore import Restored

_SHOWN = 20
_FEW = 4


def restore(
    to: Annotated[
        Path,
        typer.Option("--to", metavar="DIR", help="Where to: a directory that is new or empty.", show_default=False),
    ],
    home: ArchivedHomes = None,
    phase: Phases = None,
    session: Session = None,
    file: Annotated[
        list[str] | None,
        typer.Option("--file", metavar="PATH", help="Only this path, as `extract files` shows it; repeatable."),
    ] = None,
    as_of: AsOf = None,
    undone: Undone = False,
    expired: Annotated[
        bool | None,
        typer.Option(
            "--expired/--no-expired",
            help="Also what was gone from the home by then, as it last stood. Default: with --session or --file.",
        ),
    ] = None,
    links: Annotated[bool, typer.Option("--links", help="Make symbolic links too, as links.")] = False,
    into_home: Annotated[
        bool, typer.Option("--into-home", help="DIR may be a home: add what is missing there, overwrite nothing.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")] = False,
    data: Data = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Give back files byte for byte, as of any run.

    All of it, or a home, a phase, a session with all that belongs to it, a path. Times and modes come back too; each
    file is read back and compared with its SHA-256. Several homes get a directory each. What was withheld or only
    listed cannot be given back.
    """
    from pipelines.archive.selection import Selection
    from pipelines.cli.console import say_json
    from pipelines.cli.progress import showing
    from pipelines.restore.restore import RestoreRequest
    from pipelines.restore.restore import restore as do_restore
    from pipelines.run.request import phases_of

    phases = phases_of(phase) if phase else ()
    selection = Selection(homes=home or (), phases=phases, session=session, files=file or ())
    request = RestoreRequest(
        to.expanduser(),
        selection,
        as_of,
        expired=expired,
        links=links,
        into_home=into_home,
        dry_run=dry_run,
        undone=undone,
    )
    with showing(shown=not (as_json or quiet)) as observer:
        made = do_restore(layout_of(data), request, observer)
    if as_json:
        say_json(made.to_json())
    else:
        _show(made, request.links, quiet=quiet)
    if made.exit_code:
        raise typer.Exit(made.exit_code)


def _show(made: "Restored", with_links: bool, *, quiet: bool) -> None:
    from models.amounts import moment
    from pipelines.cli.console import say

    if not quiet:
        run = made.chosen.run
        homes = ", ".join(made.homes) if len(made.homes) < _FEW else f"{len(made.homes)} homes"
        what = f"session {made.chosen.session_id}" if made.chosen.session_id else homes or "nothing"
        say(f"{what}, as of run {run.run_id}, {moment(run.started_at)}", style="bold")
        _show_counts(made)
        _show_left_out(made, with_links)
    for finding in made.findings[:_SHOWN]:
        where = f"{finding.home_id}:{finding.path}" if finding.home_id else finding.path
        say(f"{finding.code}: {where}: {finding.detail}", stderr=True)
        say(f"    {finding.advice}", stderr=True)
    if len(made.findings) > _SHOWN:
        say(f"and {len(made.findings) - _SHOWN} more; --json lists all", stderr=True)
    if made.findings:
        say(f"{len(made.findings)} findings: not all could be given back", style="bold", stderr=True)


def _show_counts(made: "Restored") -> None:
    from models.amounts import count, duration, listed, plural, size
    from pipelines.cli.console import say
    from pipelines.restore.plan import alike

    plan, written = made.plan, made.written
    if made.is_dry:
        say(f"{plural(len(plan.files), 'file')} with {size(plan.size)} would be written to {made.target},")
        say(f"with {listed({'directories': len(plan.directories), 'links': len(plan.links)})}. Nothing was written.")
        if met := alike([*plan.directories, *(thing.parts for thing in (*plan.files, *plan.links))]):
            say(f"{plural(len(met), 'name')} would meet others on a file system that ignores case; all but one refused")
        return
    took = duration(made.seconds)
    say(f"{plural(written.files, 'file')} with {size(written.size)} in {made.target}")
    say(f"each read back and equal to its SHA-256; {plural(made.directories, 'directory', 'directories')}; {took}")
    if written.with_erased:
        say(f"{plural(written.with_erased, 'file')} without the bytes that were erased on request")
    if made.links:
        say(f"{plural(made.links, 'link')} made, none followed")
    if written.same or written.other:
        say(f"there already, and left: {count(written.same)} the same, {count(written.other)} with other content")


def _show_left_out(made: "Restored", with_links: bool) -> None:
    from models.amounts import listed, plural
    from pipelines.cli.console import say

    reasons = {str(why): number for why, number in made.plan.reasons().items()}
    links = reasons.pop("link", 0)
    if reasons:
        say(f"not restorable: {listed(reasons)}; --json names them")
    if links:
        say(f"{plural(links, 'link')} left out" + ("" if with_links else ": --links makes them"))
    if made.plan.expired_count:
        say(f"{plural(made.plan.expired_count, 'file')} had expired by then: --expired gives them back too")
    if made.chosen.prompt_count:
        say(f"its {plural(made.chosen.prompt_count, 'prompt')} stand in history.jsonl, which is not of one session")
