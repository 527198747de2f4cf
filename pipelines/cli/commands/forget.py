"""`extract forget`: erases content from every file below the data directory."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from models.amounts import count, duration, moment, plural, size
from models.errors import ConfigurationError, ExitCode
from models.json import JsonObject
from models.observer import Observer
from pipelines.archive.machines import read_units
from pipelines.cli.confirm import Yes, confirm
from pipelines.cli.console import Heading, say, say_json, say_table
from pipelines.cli.options import AsJson, Data, Quiet, layout_of
from pipelines.cli.progress import showing
from pipelines.copies.every import CopyOutcome, sync_all_known
from pipelines.disk.layout import Layout
from pipelines.forget.forget import (
    ErasurePlan,
    ErasureResult,
    ErasureTarget,
    finish_begun,
    plan_forget,
    printable_key,
    tombstones_of,
)
from pipelines.forget.forget import forget as do_forget
from pipelines.lake.every import PushOutcome, push_all
from pipelines.lake.known import read_lakes

_SHOWN = 20


def forget(
    session: Annotated[
        str | None, typer.Option("--session", metavar="ID", help="A session, by its id or the beginning of it.")
    ] = None,
    project: Annotated[
        str | None, typer.Option("--project", metavar="DIR", help="A project: all of its sessions and prompts.")
    ] = None,
    message: Annotated[
        str | None, typer.Option("--message", metavar="ID", help="A message, by its message_id or the beginning of it.")
    ] = None,
    text: Annotated[
        str | None,
        typer.Option("--text", metavar="TEXT", help="Everything with this text; - reads it from standard input."),
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option("--pattern", metavar="REGEX", help="Everything that this regular expression of RE2 matches."),
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; the tombstone keeps it.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="List earlier erasures, without content.")] = False,
    yes: Yes = False,
    data: Data = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Erase content from every file of the archive, for good.

    Shows first what would be erased, and asks. Then rewrites the files that contain it, rebuilds the warehouse, deletes
    older ones, and searches every file below the data directory for it. All other lines keep their address and digest.
    A home is not changed: if it still contains the content, later runs skip it. With --json and without --yes it only
    shows.
    """
    layout = layout_of(data)
    if listed:
        _list(layout, as_json=as_json)
        return
    target = _target(session=session, project=project, message=message, text=text, pattern=pattern)
    _forget(layout, target, reason, yes=yes, as_json=as_json, quiet=quiet)


def _target(**given: str | None) -> ErasureTarget:
    named = {kind: value for kind, value in given.items() if value is not None}
    if len(named) != 1:
        raise ConfigurationError("name exactly one of --session, --project, --message, --text and --pattern")
    ((kind, value),) = named.items()
    if kind == "text" and value == "-":
        value = sys.stdin.read().removesuffix("\n")
    return ErasureTarget(kind, value)  # type: ignore[arg-type]  # the names of the options are the kinds


def _forget(
    layout: Layout,
    target: ErasureTarget,
    reason: str | None,
    *,
    yes: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    if yes and finish_begun(layout, Observer()) and not (as_json or quiet):
        say("An earlier erasure had been stopped; it is finished now.")
    with showing(shown=not (as_json or quiet)) as observer:
        planned = plan_forget(layout, target, observer)
    if not as_json and not (quiet and yes):
        _show(planned)
    if as_json and not yes:
        say_json({"done": False, **planned.to_json()})
        return
    if not yes and not planned.is_nothing:
        confirm("Erase it, for good?")
    with showing(shown=not (as_json or quiet)) as observer:
        made = do_forget(layout, planned, observer, reason=reason)
        copies = sync_all_known(layout, observer)
        lakes = push_all(layout, read_lakes(layout), observer, why="erasure")
    not_reached = [one for one in copies if not one.has_every_erasure]
    if as_json:
        reached: JsonObject = {
            "copies_not_reached": [one.known.place for one in not_reached],
            "lakes_not_reached": [one.known.place for one in lakes if one.error is not None],
        }
        say_json({"done": made.tombstone is not None, **planned.to_json(), **made.to_json(), **reached})
    else:
        _show_done(layout, made, quiet=quiet)
        _show_copies(copies, quiet=quiet)
        _show_lakes(lakes, quiet=quiet)
    if made.remaining or not_reached or any(one.error is not None for one in lakes):
        raise typer.Exit(ExitCode.UNEXPECTED)


def _show(planned: ErasurePlan) -> None:
    if planned.is_nothing:
        say("No run contains anything of it.")
        return
    preview = planned.preview
    say("would be erased:", is_bold=True)
    names = ("whole files", "from files", "entries", "rows", "bytes")
    rows = [(name, share) for name, share in [*sorted(preview.sources.items()), ("", preview.total)]]
    cells = [
        [name, *map(count, (share.files, share.touched_files, share.entries, share.rows)), size(share.size)]
        for name, share in rows
    ]
    headings = [Heading("source"), *(Heading(name, "number") for name in names)]
    say_table(headings, cells[:-1], total=cells[-1])
    _show_some("whole files:", [printable_key(key) for key in sorted(planned.found.paths)])
    touched = [f"{printable_key(key)}: {_entries(number)}" for key, number in sorted(preview.touched.items())]
    _show_some("entries from files:", touched)
    if planned.messages:
        say(f"and {plural(planned.messages, 'message')} that no other entry contains")
    if planned.found.imported:
        say(f"and {plural(planned.found.imported, 'message')} of imported stores")
    say(f"kept: {plural(preview.untouched_files, 'other file')}, and all other entries of the files above")


def _entries(number: int) -> str:
    return "1 entry" if number == 1 else f"{number:,} entries"


def _show_some(title: str, lines: list[str]) -> None:
    if lines:
        say(title)
    for line in lines[:_SHOWN]:
        say(f"  {line}")
    if len(lines) > _SHOWN:
        say(f"  and {len(lines) - _SHOWN:,} more; --json names all")


def _show_done(layout: Layout, made: ErasureResult, *, quiet: bool) -> None:
    if made.tombstone is not None and not quiet:
        number = made.tombstone.number
        say(f"erased in {duration(made.seconds)}; {plural(made.runs, 'run')} rewritten; tombstone {number}")
        say("If a home still contains it, later runs skip it. Backups of the data directory still contain it.")
    _show_remaining(layout, made.remaining)
    if not made.remaining and not quiet:
        say("Every file below the data directory was searched: none contains it, as it is, in JSON or in UTF-16.")
        say("Not looked for: base64, hex, percent and HTML codes, other case or accents, parts of it (docs/forget.md).")


def _show_remaining(layout: Layout, remaining: Sequence[str]) -> None:
    """Print the places that still contain it: the machines from which some were pulled, and the others. The warehouse
    and the indexes have the texts of pulled files, so they are no places of their own then.
    """
    pulled = tuple(f"{path.name}/" for path in (layout.machines, layout.warehouses, layout.cache))
    has_pulled = False
    for unit in read_units(layout):
        base = f"{layout.relative(unit.layout.root)}/"
        if has := sum(place.startswith(base) for place in remaining):
            has_pulled = True
            say(f"STILL HERE: {plural(has, 'place')} pulled from machine {unit.machine.shown}", stderr=True)
            say("To erase it everywhere: `extract forget` there, then `extract lake pull` here.", stderr=True)
            drop = f"`extract lake drop {unit.machine.machine_id[:8]}`"
            say(f"To delete all that was pulled from that machine: {drop}", stderr=True)
    others = [place for place in remaining if not (has_pulled and place.startswith(pulled))]
    for place in others[:_SHOWN]:
        say(f"still contains it: {place}", stderr=True)
    if len(others) > _SHOWN:
        say(f"and {plural(len(others) - _SHOWN, 'place')} more; --json names all", stderr=True)
    if others:
        say("The program does not rewrite these: remove them yourself, then give the same command again.", stderr=True)


def _show_copies(copies: Sequence[CopyOutcome], *, quiet: bool) -> None:
    for one in copies:
        if one.has_every_erasure and not quiet:
            say(f"erased in the copy {one.known.place} too")
        elif not one.has_every_erasure:
            why = one.error or "some of its files could not be replaced; `extract copy verify` says which"
            say(f"THE COPY {one.known.place} STILL CONTAINS IT: {why}", stderr=True)
            say("`extract copy sync` erases it there as soon as the copy can be reached.", stderr=True)


def _show_lakes(lakes: Sequence[PushOutcome], *, quiet: bool) -> None:
    for one in lakes:
        if one.error is not None:
            say(f"THE LAKE {one.known.place} STILL CONTAINS IT: {one.error}", stderr=True)
            say("`extract lake push` erases it there as soon as the lake can be reached.", stderr=True)
        elif not quiet:
            say(f"{one.known.place}: this machine's files there have it no more;")
            say("other machines delete it with their next `extract lake pull`, but keep what their own homes had")


def _list(layout: Layout, *, as_json: bool) -> None:
    stones = tombstones_of(layout)
    if as_json:
        hidden = ("ids", "paths", "entry_digests", "texts", "message_ids")
        say_json([{name: value for name, value in one.to_json().items() if name not in hidden} for one in stones])
        return
    if not stones:
        say("Nothing has been erased.")
        return
    numbers = ("files", "entries", "messages", "bytes")
    headings = [Heading("number", "number"), Heading("when (UTC)"), Heading("what")]
    headings += [*(Heading(name, "number") for name in numbers), Heading("reason", "sentence")]
    say_table(
        headings,
        [
            [
                count(one.number),
                moment(one.forgotten_at).removesuffix(" UTC"),
                one.kind,
                *map(count, (one.files, one.entries, one.messages)),
                size(one.size),
                one.reason or "",
            ]
            for one in stones
        ],
    )
