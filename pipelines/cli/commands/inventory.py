"""`extract inventory`: what a home holds, where it belongs, what is withheld and why."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from models.amounts import count, listed, plural, size
from models.errors import ConfigurationError, ExitCode
from pipelines.cli.console import Heading, is_terminal, say, say_json, say_table
from pipelines.cli.options import AsJson, Data, Homes, layout_of
from pipelines.disk.settings import read_settings
from pipelines.run.home_listing import Survey, refuse_within_homes, sha256_manifest, survey_home
from pipelines.run.request import homes_to_read


def inventory(
    home: Homes = None,
    data: Data = None,
    sha256: Annotated[
        bool,
        typer.Option("--sha256", help="Read and digest: print what `sha256sum -c` takes; with --json, add digests."),
    ] = False,
    manifest: Annotated[
        Path | None, typer.Option("--manifest", metavar="FILE", help="Write what `sha256sum -c` takes to FILE.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what each home holds, and what is withheld.

    Files by source, by rule what is never opened or only listed.
    Needs no data directory (of one, only settings.toml is read). What is withheld is never opened and has no digest.
    """
    layout = layout_of(data)
    found = homes_to_read(layout, home or ())
    found.refuse_none()
    homes = [path for _, path in found.homes]
    if len(homes) > 1 and (manifest or (sha256 and not as_json)):
        raise ConfigurationError("a manifest is of one home: name it with --home")
    if manifest:
        refuse_within_homes(manifest, homes)
    settings = read_settings(layout)
    surveys = [survey_home(root, settings, digests=sha256 or manifest is not None) for root in homes]
    if manifest:
        _write_manifest(manifest, surveys[0])
    if as_json:
        say_json({"homes": [survey.to_json() for survey in surveys]})
    elif sha256:
        _print_manifest(surveys[0])
    else:
        for survey in surveys:
            _show(survey)
    if any(survey.problems for survey in surveys):
        raise typer.Exit(ExitCode.INCOMPLETE)


def _write_manifest(target: Path, survey: Survey) -> None:

    try:
        target.write_bytes(sha256_manifest(survey))
    except OSError as error:
        raise ConfigurationError(f"{target} cannot be written: {error.strerror}") from error


def _print_manifest(survey: Survey) -> None:

    text = sha256_manifest(survey)
    if is_terminal():
        say(text.decode(errors="backslashreplace").rstrip("\n"))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(text)
    for path, problem in survey.problems.items():
        say(f"{path}: {problem}", stderr=True)


def _show(survey: Survey) -> None:

    total = sum(item.found.stat.size for item in survey.files)
    say(f"{survey.root}: {plural(len(survey.files), 'file')}, {size(total)}", style="bold")
    say(f"and {listed(survey.others())}")
    say()
    numbers = [Heading("files", "number"), Heading("size", "number")]
    phased = [Heading("phase", "number"), Heading("source"), *numbers, Heading("how")]
    how = {"extract": "extracted", "archive": "archived as it is"}
    say_table(
        phased,
        [
            [str(one.phase), one.name, count(one.files), size(one.size), how.get(one.treatment, one.treatment)]
            for one in survey.sources()
        ],
    )
    for title, groups in (("never opened", survey.withheld()), ("only listed", survey.listed())):
        if groups:
            say()
            rows = [[one.name, count(one.files), size(one.size), one.why] for one in groups]
            say_table([Heading(title), *numbers, Heading("why", "sentence")], rows)
    for path, problem in survey.problems.items():
        say(f"cannot be read: {path}: {problem}")
    say()
