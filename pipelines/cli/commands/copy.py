"""`extract copy`: keeps copies of the archive at other places."""

import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from models.amounts import duration, plural, size
from models.errors import ExitCode
from models.finding import Finding, Severity, exit_code
from models.json import JsonValue
from pipelines.archive.known_copies import KnownCopy
from pipelines.cli.console import say, say_json
from pipelines.cli.copying import copy_lines
from pipelines.cli.options import AsJson, Data, Quiet, command, layout_of
from pipelines.cli.progress import showing
from pipelines.copies.check import CopyVerification, verify_copy
from pipelines.copies.every import sync_every
from pipelines.copies.places import add_copy, chosen_copies, open_copy, open_place, place_of, remove_copy
from pipelines.copies.result import SyncResult

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)

_SHOWN: Final = 20
Place = Annotated[
    str, typer.Argument(metavar="DEST", help="A directory on another disk or a share, or s3://BUCKET/PREFIX.")
]
KnownPlace = Annotated[
    str | None, typer.Argument(metavar="[DEST]", help="The place of the copy. Default: all copies.", show_default=False)
]


@app.callback()
def copy() -> None:
    """Keep copies of the archive on other disks."""


@app.command()
def add(
    dest: Place,
    encrypt: Annotated[
        Path | None,
        typer.Option("--encrypt", metavar="KEYFILE", help="Encrypt the copy; the key file is made if there is none."),
    ] = None,
    data: Data = None,
) -> None:
    """Choose a place for a copy: a new or empty directory.

    Nothing is copied yet: `extract copy sync` does that. A directory that has a copy of this archive already is taken
    over as it is. Without its key file an encrypted copy cannot be read, not even by you: keep another copy of that
    file, on paper or in a password manager, neither on this disk alone nor with the copy.
    """
    known = add_copy(layout_of(data), dest, encrypt)
    if known.key_file is not None:
        say(f"KEEP {known.key_file} ELSEWHERE TOO: if it is lost, the copy cannot be read.", is_bold=True)
    say(f"{known.place} is a place for a copy from now on")
    say(f"next: {command(f'copy sync {shlex.quote(known.place)}', data)}")


@app.command()
def sync(dest: KnownPlace = None, data: Data = None, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Bring copies up to date with the archive.

    Copies only new files, continues where it was stopped, and works while runs go on. Reads every file back and
    compares its SHA-256; digests the older files of the copy in turn, all within 28 days. A damaged file replaces no
    intact one. Erases there what `extract forget` erased here. Ends with 3 for damage, with 12 if a place is missing or
    full.
    """
    layout = layout_of(data)
    with showing(shown=not (as_json or quiet)) as observer:
        made = sync_every(layout, _needed(chosen_copies(layout, dest), data), observer)
    code = max((one.exit_code for one in made), default=ExitCode.VERIFIED)
    for one in made if not as_json else ():
        if one.result is not None:
            _show_sync(one.result, quiet=quiet)
        else:
            say(f"extract: {one.error}", stderr=True)
    if as_json:
        say_json({"exit_code": int(code), "copies": [one.to_json() for one in made]})
    if code:
        raise typer.Exit(code)


@app.command()
def verify(
    dest: KnownPlace = None,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="The key file, for a copy that no archive here knows.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Read all of a copy and compare every digest.

    Changes nothing there; the next sync replaces damaged files. A copy that no archive here knows, such as that of a
    lost disk, is verified by its own records alone. Ends with 3 for damage, with 1 for other findings.
    """
    layout = layout_of(data)
    known: Sequence[KnownCopy | None]
    if dest is not None and not layout.archive_file.exists():
        known = [None]
    else:
        known = _needed(chosen_copies(layout, dest), data)
    findings: list[Finding] = []
    made: list[JsonValue] = []
    for one in known:
        with showing(shown=not (as_json or quiet)) as observer:
            destination = open_copy(one) if one else open_place(place_of(dest or ""), str(key) if key else None)
            result = verify_copy(layout, one, destination, observer)
        findings += result.findings
        made.append(result.to_json())
        if not as_json:
            _show_verification(result, quiet=quiet)
    code = exit_code(findings)
    if as_json:
        say_json({"exit_code": int(code), "copies": made})
    if code:
        raise typer.Exit(code)


@app.command("list")
def list_copies(data: Data = None, as_json: AsJson = False) -> None:
    """Show the copies, their age, and their findings."""
    known = chosen_copies(layout_of(data), None)
    if as_json:
        say_json([one.to_json() for one in known])
        return
    if not known:
        say("The archive has no copy.")
        say(f"to make one on another disk: {command('copy add DIR', data)}")
    for one in known:
        say(one.place, is_bold=True)
        for line in copy_lines(one):
            say(f"  {line}")


@app.command()
def remove(dest: Place, data: Data = None) -> None:
    """Forget a copy. Its files stay where they are.

    To erase their content, delete the directory.
    """
    known = remove_copy(layout_of(data), dest)
    say(f"{known.place}: no sync writes there any more; its {plural(known.files, 'file')} are still there")


def _needed(known: Sequence[KnownCopy], data: Path | None) -> Sequence[KnownCopy]:
    if not known:
        say(f"The archive has no copy. To make one on another disk: {command('copy add DIR', data)}", stderr=True)
    return known


def _show_sync(result: SyncResult, *, quiet: bool) -> None:
    known = result.known
    if not quiet:
        what = f"{plural(result.files, 'file')} with {size(result.size)} copied" if result.files else "nothing is new"
        say(f"{known.place}: {what}, {duration(result.seconds)}", is_bold=True)
        if result.healed:
            healed = plural(len(result.healed), "file of the copy was", "files of the copy were")
            say(f"{healed} damaged or lost, and replaced")
        if result.removed:
            say(f"{plural(result.removed, 'file')} deleted there, as in the archive")
        say(f"the copy has {plural(known.epoch, 'run')}, {plural(known.files, 'file')}, {size(known.size)}")
    _show_findings(result.findings)


def _show_verification(made: CopyVerification, *, quiet: bool) -> None:
    _show_findings(made.findings)
    counts = Counter(finding.severity for finding in made.findings)
    errors, warnings = counts[Severity.ERROR], counts[Severity.WARNING]
    if errors or warnings:
        say(f"{made.place}: {plural(errors, 'error')}, {plural(warnings, 'warning')}", is_bold=True)
    elif not quiet:
        digested = f"{plural(made.files, 'file')} with {size(made.size)} digested"
        say(f"{made.place}: verified, {plural(made.runs, 'run')}, {digested}", is_bold=True)


def _show_findings(findings: Sequence[Finding]) -> None:
    for finding in findings[:_SHOWN]:
        say(f"{finding.code} {finding.severity}  {finding.address}", is_bold=True, stderr=True)
        say(f"     {finding.sentence}", stderr=True)
        say(f"     {finding.what_to_do}", stderr=True)
    if len(findings) > _SHOWN:
        say(f"and {len(findings) - _SHOWN} more; --json lists all", stderr=True)
