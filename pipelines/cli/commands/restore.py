"""`extract restore`: writes archived files to a directory."""

from pathlib import Path
from typing import Annotated

import typer

from models.amounts import count, duration, listed, moment, plural, size
from pipelines.archive.selection import Selection
from pipelines.cli.console import say, say_json
from pipelines.cli.from_copy import FromCopy, KeyFile, reading_on_demand
from pipelines.cli.options import AsJson, Data, Quiet
from pipelines.cli.progress import showing
from pipelines.cli.selecting import ArchivedHomes, AsOf, Phases, Session, Undone
from pipelines.restore.plan import colliding_paths
from pipelines.restore.restore import RestoreRequest, RestoreResult
from pipelines.restore.restore import restore as do_restore
from pipelines.run.request import phases_of

_SHOWN = 20
_FEW = 4


Target = Annotated[
    Path,
    typer.Option("--to", metavar="DIR", help="Target: a new or empty directory.", show_default=False),
]
Files = Annotated[
    list[str] | None,
    typer.Option("--file", metavar="PATH", help="Only this path, as `extract files` shows it; repeatable."),
]
Expired = Annotated[
    bool | None,
    typer.Option(
        "--expired/--no-expired",
        help="Also files already deleted from the home by then, in their last version. "
        "Default: with --session or --file.",
    ),
]


def restore(
    to: Target,
    home: ArchivedHomes = None,
    phase: Phases = None,
    session: Session = None,
    file: Files = None,
    as_of: AsOf = None,
    undone: Undone = False,
    expired: Expired = None,
    links: Annotated[bool, typer.Option("--links", help="Make symbolic links too, as links.")] = False,
    into_home: Annotated[
        bool, typer.Option("--into-home", help="DIR may be a home: add missing files, overwrite nothing.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan; write nothing.")] = False,
    from_copy: FromCopy = None,
    key: KeyFile = None,
    data: Data = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Restore files byte for byte, as of any run.

    Restores everything, or a home, a phase, a session with all its files, a path. Times and modes are restored too;
    each file is read back and compared with its SHA-256. Several homes get a directory each. Files that were withheld
    or only listed cannot be restored: the archive has no bytes of them.
    """

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
    with (
        reading_on_demand(data, from_copy, key, to) as (layout, bring),
        showing(shown=not (as_json or quiet)) as observer,
    ):
        result = do_restore(layout, request, observer, bring=bring)
    if as_json:
        say_json(result.to_json())
    else:
        _show(result, request.links, quiet=quiet)
    if result.exit_code:
        raise typer.Exit(result.exit_code)


def _show(result: RestoreResult, with_links: bool, *, quiet: bool) -> None:
    if not quiet:
        run = result.chosen.run
        homes = ", ".join(result.homes) if len(result.homes) < _FEW else f"{len(result.homes)} homes"
        what = f"session {result.chosen.session_id}" if result.chosen.session_id else homes or "nothing"
        say(f"{what}, as of run {run.run_id}, {moment(run.started_at)}", is_bold=True)
        _show_counts(result)
        _show_left_out(result, with_links)
    for finding in result.findings[:_SHOWN]:
        say(f"{finding.code} {finding.severity}  {finding.address}", is_bold=True, stderr=True)
        say(f"     {finding.sentence}", stderr=True)
        say(f"     {finding.what_to_do}", stderr=True)
    if len(result.findings) > _SHOWN:
        say(f"and {len(result.findings) - _SHOWN} more; --json lists all", stderr=True)
    if result.findings:
        say(f"{plural(len(result.findings), 'finding')}: see what to do above", is_bold=True, stderr=True)


def _show_counts(result: RestoreResult) -> None:
    plan, written = result.plan, result.written
    if result.is_dry:
        say(f"{plural(len(plan.files), 'file')} with {size(plan.size)} would be written to {result.target},")
        say(f"with {listed({'directories': len(plan.directories), 'links': len(plan.links)})}. Nothing was written.")
        if met := colliding_paths([*plan.directories, *(item.parts for item in (*plan.files, *plan.links))]):
            say(
                f"{plural(len(met), 'name')} would collide on a file system that ignores case: one path of each is kept"
            )
        return
    took = duration(result.seconds)
    say(f"{plural(written.files, 'file')} with {size(written.size)} in {result.target}")
    say(f"each read back, SHA-256 as archived; {plural(result.directories, 'directory', 'directories')}; {took}")
    if written.with_erased:
        say(f"{plural(written.with_erased, 'file')} without the bytes that were erased on request")
    if result.links:
        say(f"{plural(result.links, 'link')} restored as links, none followed")
    if written.same or written.other:
        say(f"kept existing files: {count(written.same)} with the same content, {count(written.other)} with other")


def _show_left_out(result: RestoreResult, with_links: bool) -> None:
    reasons = {str(why): number for why, number in result.plan.reasons().items()}
    links = reasons.pop("link", 0)
    if reasons:
        say(f"not restorable: {listed(reasons)}; --json names them")
    if links:
        say(f"{plural(links, 'link')} left out" + ("" if with_links else ": --links makes them"))
    for path, name in result.plan.renamed.items():
        say(f"{path} was another kind of file before: that is restored beside it, as {name}")
    if expired := result.plan.expired_count:
        say(f"{plural(expired, 'file')} had been deleted from the home by then: --expired restores them")
    if result.chosen.prompt_count:
        say(f"its {plural(result.chosen.prompt_count, 'prompt')} are in history.jsonl, which all sessions share")
