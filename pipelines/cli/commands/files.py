"""`extract files`: lists the files of the archive, as of any run."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Annotated

import typer

from models.amounts import count, listed, moment, plural, size
from models.errors import ConfigurationError, ExitCode
from models.text import printable_path
from pipelines.archive.listing import ArchivedFile, ArchiveListing, Version, instant, list_files
from pipelines.archive.selection import Selection
from pipelines.cli.console import say, say_json
from pipelines.cli.options import AsJson, Data, layout_of
from pipelines.cli.selecting import ArchivedHomes, AsOf, Phases, Session, Undone
from pipelines.run.request import phases_of

_STATES = ("present", "expired", "withheld", "listed", "link", "special", "unreadable")


def files(
    home: ArchivedHomes = None,
    phase: Phases = None,
    session: Session = None,
    path: Annotated[
        list[str] | None,
        typer.Option(
            "--path", metavar="GLOB", help="Only matching paths: * within a name, ** across names; repeatable."
        ),
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option("--state", metavar="STATE", help=f"Only files that are {', '.join(_STATES)}; repeatable."),
    ] = None,
    as_of: AsOf = None,
    undone: Undone = False,
    versions: Annotated[
        bool, typer.Option("--versions", help="Show every archived version, with the run that restores it.")
    ] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """List archived files, including those gone from the home.

    present: in the home at that run. expired: gone from the home by that run, but archived. withheld: never opened.
    listed: never read. "kept" is the number of archived versions of a file; `extract restore --as-of RUN` restores
    each.
    """
    for each in state or ():
        if each not in _STATES:
            raise ConfigurationError(f"there is no state {each!r}; there are {', '.join(_STATES)}")
    phases = phases_of(phase) if phase else ()
    selection = Selection(homes=home or (), phases=phases, session=session, globs=path or ())
    listing = list_files(layout_of(data), selection, as_of, state or (), with_undone=undone)
    if as_json:
        say_json(listing.to_json())
    else:
        _show(listing, with_versions=versions)
    if listing.damage:
        raise typer.Exit(ExitCode.FIXITY)


def _show(listing: ArchiveListing, *, with_versions: bool) -> None:
    shown = [each for each in _without_filled_directories(listing.files) if each.archived.availability != "gone"]
    shown.sort(key=_place)
    if shown:
        say(f"{'state':<8}  {'size':>8}  {'modified':<10}  kept  name", is_bold=True)
    for (home_id, directory), below in groupby(shown, key=_place):
        say(f"{home_id}:{directory}{'/' if directory else ''}", is_bold=True)
        for each in below:
            _show_file(each, with_versions=with_versions)
    _show_sums(listing)
    for path, problem in listing.damage.items():
        say(f"{path}: {problem}", stderr=True)


def _place(each: ArchivedFile) -> tuple[str, str]:
    return each.state.home_id, each.state.path.rpartition("/")[0]


def _show_file(each: ArchivedFile, *, with_versions: bool) -> None:
    state = each.state
    is_file = state.entry_type == "file"
    name = state.path.rpartition("/")[2] + ("/" if each.archived.is_directory else "")
    if state.link_target is not None:
        name += f" -> {printable_path(state.link_target)}"
    sized = size(state.size) if is_file else "-"
    kept = str(len(each.versions)) if each.versions else "-"
    say(f"{each.archived.availability:<8}  {sized:>8}  {_day(state.mtime_ns)}  {kept:>4}  {name}")
    if with_versions and each.versions:
        for version in each.versions:
            _show_version(version)


def _show_version(version: Version) -> None:
    digest = (version.sha256 or "")[:12]
    say(f"  {version.place:<10}  {size(version.size):>8}  {_day(version.mtime_ns)}  {version.run_id}  {digest}")


def _show_sums(listing: ArchiveListing) -> None:
    kept = [each for each in listing.files if each.versions and each.archived.availability in ("present", "expired")]
    total = sum(each.state.size for each in kept)
    counts = listing.counts()
    say()
    say(f"as of run {listing.run.run_id}, {moment(listing.run.started_at)}")
    say(listed({name: counts[name] for name in _STATES}))
    say(
        f"{plural(len(kept), 'file')} with {size(total)} can be restored as of this run, in "
        f"{count(sum(len(each.versions) for each in kept))} archived versions"
    )


def _without_filled_directories(files: Sequence[ArchivedFile]) -> Iterator[ArchivedFile]:
    """Yield all files, without directories that have an entry in the list: their name is that entry's heading
    anyway.
    """
    filled = {(each.state.home_id, each.state.path_bytes.rpartition(b"/")[0]) for each in files}
    for each in files:
        if not each.archived.is_directory or (each.state.home_id, each.state.path_bytes) not in filled:
            yield each


def _day(mtime_ns: int) -> str:
    return (instant(mtime_ns) or "-")[:10].ljust(10)
