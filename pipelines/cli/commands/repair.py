"""`extract repair`: mends a damaged archive."""

from pathlib import Path
from typing import Annotated

import typer

from models.amounts import plural
from models.finding import Finding
from pipelines.archive.homes import name_home
from pipelines.cli.confirm import Yes, confirm
from pipelines.cli.console import say, say_json
from pipelines.cli.options import AsJson, Data, Homes, Quiet, command, layout_of, shown_path
from pipelines.cli.progress import showing
from pipelines.disk.layout import Layout
from pipelines.repair.repair import Repair, homes_of_archive, preview_repair
from pipelines.repair.repair import repair as do_repair
from pipelines.run.request import homes_of

_SHOWN = 20


def repair(
    sources: Annotated[
        list[Path] | None,
        typer.Option(
            "--from", metavar="COPY", readable=False, help="A copy of the data directory, or a backup; repeatable."
        ),
    ] = None,
    home: Homes = None,
    yes: Yes = False,
    data: Data = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Mend a damaged archive, and name the bytes lost for good.

    Shows first what it would do, and asks. Takes intact bytes from second copies, from COPY and from the homes (digests
    prove them), and makes rows, reports and the warehouse again from the rest. Bytes that it finds nowhere are named
    and retired: later verifications list them as known losses, and later runs are clean again. Damaged files are kept
    in quarantine/. Ends with 5 when bytes are lost for good. With --json and without --yes it only shows.
    """
    layout = layout_of(data)
    given = [path.expanduser() for path in sources or ()]
    homes = _homes(layout, home or [])
    with showing(shown=not (as_json or quiet)) as observer:
        planned = preview_repair(layout, given, homes, observer) if not (yes and (quiet or as_json)) else None
    if planned is not None and not as_json:
        _show(planned, layout)
    if as_json and not yes and planned is not None:
        say_json(planned.to_json())
        _end(planned)
        return
    if planned is not None and planned.is_nothing:
        _end(planned)
        return
    if not yes:
        confirm("Repair it?")
    with showing(shown=not (as_json or quiet)) as observer:
        made = do_repair(layout, given, homes, observer)
    if as_json:
        say_json(made.to_json())
    else:
        _show_done(made, layout, data, planned, quiet=quiet)
    _end(made)


def _homes(layout: Layout, given: list[str]) -> dict[str, Path]:
    """Return the homes to look into: those given, by the names that the archive has for them, else all it knows."""
    known = homes_of_archive(layout)
    if not given:
        return known
    by_root = {home_id: str(path) for home_id, path in known.items()}
    texts = [f"{one}={by_root[one]}" if one in by_root and not Path(one).is_dir() else one for one in given]
    return {
        home.home_id: home.root
        for home in (name_home(by_root, name, root.absolute()) for name, root in homes_of(texts))
    }


def _end(made: Repair) -> None:
    if made.exit_code:
        raise typer.Exit(made.exit_code)


def _show(planned: Repair, layout: Layout) -> None:
    if planned.is_nothing and not planned.left:
        say(f"{shown_path(layout.root)}: there is nothing to repair.")
        _show_losses(planned)
        return
    if planned.mended or planned.notes:
        say("would be mended:", is_bold=True)
    _show_mended(planned)
    if planned.to_parse:
        say(f"  would be parsed again from the store: {', '.join(planned.to_parse)}")
    if planned.needs_warehouse:
        say("  the warehouse would be built again")
    _show_losses(planned)
    _show_left(planned)


def _show_mended(made: Repair) -> None:
    for one in made.mended[:_SHOWN]:
        say(f"  {one.path} {one.problem}: {one.how}")
    if len(made.mended) > _SHOWN:
        say(f"  and {plural(len(made.mended) - _SHOWN, 'more', 'more')}; --json names all")
    for note in made.notes:
        say(f"  {note}")


def _show_losses(made: Repair) -> None:
    _show_findings("lost for good, as nothing that was named has it:", made.losses)


def _show_left(made: Repair) -> None:
    _show_findings("left as it is:", made.left)


def _show_findings(title: str, findings: list[Finding]) -> None:
    if findings:
        say(title, is_bold=True)
    for one in findings[:_SHOWN]:
        say(f"  {one.code} {one.address}: {one.sentence}")
    if len(findings) > _SHOWN:
        say(f"  and {plural(len(findings) - _SHOWN, 'more', 'more')}; --json names all")


def _show_done(made: Repair, layout: Layout, data: Path | None, planned: Repair | None, *, quiet: bool) -> None:
    """Print the result of a repair, without those lists that its preview `planned` has shown already."""
    if planned is None and not quiet:
        _show_mended(made)
    if not quiet and (planned is None or made.losses != planned.losses):
        _show_losses(made)
    _show_left(made)
    for note in made.notes if quiet else ():
        say(note, stderr=True)
    if quiet:
        return
    if made.left:
        say(f"{shown_path(layout.root)}: not all could be mended; see {command('verify', data)}", is_bold=True)
        return
    known = f"; {plural(len(made.losses), 'known loss', 'known losses')}" if made.losses else ""
    say(f"repaired and verified: {plural(len(made.mended), 'file')} mended{known}", is_bold=True)
    if layout.quarantine.exists():
        say(f"the damaged files are kept in {shown_path(layout.quarantine)}; delete them when you like")
