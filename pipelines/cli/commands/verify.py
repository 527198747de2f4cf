"""`extract verify`: checks that the archive is unchanged since it was written, consistent, and can be restored."""

import re
from collections import Counter
from collections.abc import Sequence
from secrets import randbelow
from typing import Annotated, Final

import typer

from models.amounts import plural
from models.errors import ConfigurationError
from models.finding import Finding, Level, Severity, exit_code
from models.json import JsonObject
from pipelines.archive.findings_file import Verification
from pipelines.cli.console import say, say_json
from pipelines.cli.options import AsJson, Data, Quiet, layout_of, shown_path
from pipelines.cli.progress import showing
from pipelines.run.request import homes_of
from pipelines.verify.subset import Subset
from pipelines.verify.verify import rotate as rotate_checks
from pipelines.verify.verify import verify as verify_archive

_SHOWN: Final = 10
_PERCENT: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?%")


def verify(
    quick: Annotated[bool, typer.Option("--quick", help="Check only counts and sizes, in less than a second.")] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Also reassemble every file and compare its SHA-256.")] = False,
    source: Annotated[bool, typer.Option("--source", help="Only compare the homes with their last manifests.")] = False,
    subset: Annotated[
        str | None, typer.Option(metavar="N%", help="With --deep: only this share of the files, picked at random.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="With --subset: the same number picks the same files.")
    ] = None,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Check deeply the share whose turn it is: all of it within 28 days.")
    ] = False,
    home: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH|NAME=PATH", help="With --source: the present place of a home; repeatable."),
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Verify the archive: bytes, counts, references, permissions.

    Every finding has a code, listed in models/FINDINGS.md. Ends with 0 only without errors and warnings, with 3 for
    damaged bytes, else with 1. Needs no lock and changes nothing; the findings are kept beside the newest run, for its
    report.
    """

    layout = layout_of(data)
    if rotate and (quick or deep or source or home or subset or seed is not None):
        raise ConfigurationError("--rotate chooses level and share itself: give it alone")
    level = _level(quick=quick, deep=deep, source=source)
    if home and level is not Level.SOURCE:
        raise ConfigurationError("--home needs --source: the other checks read the archive only")
    picked = _subset(level, subset, seed)
    with showing(shown=not (as_json or quiet)) as observer:
        if rotate:
            made = rotate_checks(layout, observer)
        else:
            made = verify_archive(layout, level, picked, homes_of(home) if home else (), observer)
    code = exit_code(made.findings)
    if as_json:
        counts: JsonObject = {str(severity): _count(made.findings, severity) for severity in Severity}
        say_json({"exit_code": int(code), "exit_meaning": code.name.lower(), "counts": counts, **made.to_json()})
    else:
        _show(made, shown_path(layout.root), quiet=quiet)
    if made.not_kept_because is not None:
        say(f"the findings could not be kept: {made.not_kept_because}", stderr=True)
    if code:
        raise typer.Exit(code)


def _level(*, quick: bool, deep: bool, source: bool) -> Level:
    chosen = [level for level, is_it in ((Level.QUICK, quick), (Level.DEEP, deep), (Level.SOURCE, source)) if is_it]
    if len(chosen) > 1:
        raise ConfigurationError("only one of --quick, --deep and --source at a time")
    return chosen[0] if chosen else Level.DEFAULT


def _subset(level: Level, given: str | None, seed: int | None) -> Subset:
    if given is None and seed is None:
        return Subset()
    match = _PERCENT.fullmatch(given or "")
    if level is not Level.DEEP or match is None:
        raise ConfigurationError("--subset and --seed need --deep, as in --deep --subset 10% --seed 7")
    return Subset(float(match[1]), randbelow(1 << 32) if seed is None else seed)


def _count(findings: Sequence[Finding], severity: Severity) -> int:
    return sum(finding.severity is severity for finding in findings)


def _show(made: Verification, root: str, *, quiet: bool) -> None:
    """Print all errors and warnings, and the first ten information findings of each kind."""

    shown: Counter[str] = Counter()
    for finding in made.findings:
        is_information = finding.severity is Severity.INFORMATION
        shown[finding.code] += is_information
        if not (is_information and (quiet or shown[finding.code] > _SHOWN)):
            _show_finding(finding)
    for code, count in shown.items():
        if count > _SHOWN and not quiet:
            say(f"{code}: {plural(count - _SHOWN, 'more', 'more')}; --json lists all")
    errors, warnings = _count(made.findings, Severity.ERROR), _count(made.findings, Severity.WARNING)
    if errors or warnings:
        say(f"{root}: {plural(errors, 'error')}, {plural(warnings, 'warning')}", is_bold=True)
    elif not quiet:
        share = "" if made.percent is None else f", {made.percent:g} % of the files"
        say(f"{root}: verified, no errors or warnings ({made.level}{share})", is_bold=True)


def _show_finding(finding: Finding) -> None:
    say(f"{finding.code} {finding.severity}  {finding.address}", is_bold=True)
    say(f"     {finding.sentence}")
    if finding.severity is not Severity.INFORMATION:
        say(f"     {finding.what_to_do}")
