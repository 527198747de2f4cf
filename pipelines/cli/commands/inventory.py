"""`extract inventory`: lists the content of homes by source, and the withheld paths with reasons."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from models.amounts import count, listed, plural, size
from models.errors import ConfigurationError, ExitCode
from pipelines.cli.console import Heading, is_terminal, say, say_json, say_table
from pipelines.cli.options import AsJson, Data, Homes, layout_of
from pipelines.disk.settings import read_settings
from pipelines.run.home_listing import HomeListing, list_home, refuse_within_homes, sha256_manifest
from pipelines.run.request import homes_to_read


def inventory(
    home: Homes = None,
    data: Data = None,
    sha256: Annotated[
        bool,
        typer.Option("--sha256", help="Read files and print a list for `sha256sum -c`; with --json, add digests."),
    ] = False,
    manifest: Annotated[
        Path | None, typer.Option("--manifest", metavar="FILE", help="Write the list for `sha256sum -c` to FILE.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the files of each home, and the withheld ones.

    Lists the files to be read by source, and the files that are never opened or only listed by rule. Needs no data
    directory; if there is one, only its settings.toml is read. Files that are withheld by name are never opened; of
    small unknown files the first 4 kB are read, to withhold those that look like a secret. Neither has a digest.
    """
    layout = layout_of(data)
    found = homes_to_read(layout, home or ())
    found.refuse_none()
    homes = [path for _, path in found.homes]
    if len(homes) > 1 and (manifest or (sha256 and not as_json)):
        raise ConfigurationError("a manifest is of one home: give it with --home")
    if manifest:
        refuse_within_homes(manifest, homes)
    settings = read_settings(layout)
    listings = [list_home(root, settings, digests=sha256 or manifest is not None) for root in homes]
    if manifest:
        _write_manifest(manifest, listings[0])
    if as_json:
        say_json({"homes": [listing.to_json() for listing in listings]})
    elif sha256:
        _print_manifest(listings[0])
    else:
        for listing in listings:
            _show(listing)
    if any(listing.problems for listing in listings):
        raise typer.Exit(ExitCode.INCOMPLETE)


def _write_manifest(target: Path, listing: HomeListing) -> None:
    try:
        target.write_bytes(sha256_manifest(listing))
    except OSError as error:
        raise ConfigurationError(f"{target} cannot be written: {error.strerror}") from error


def _print_manifest(listing: HomeListing) -> None:
    text = sha256_manifest(listing)
    if is_terminal():
        say(text.decode(errors="backslashreplace").rstrip("\n"))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(text)
    for path, problem in listing.problems.items():
        say(f"{path}: {problem}", stderr=True)


def _show(listing: HomeListing) -> None:
    total = sum(item.found.stat.size for item in listing.files)
    say(f"{listing.root}: {plural(len(listing.files), 'file')}, {size(total)}", is_bold=True)
    say(f"and {listed(listing.others())}")
    say()
    numbers = [Heading("files", "number"), Heading("size", "number")]
    phased = [Heading("phase", "number"), Heading("source"), *numbers, Heading("how")]
    how = {"extract": "extracted", "archive": "archived as it is"}
    say_table(
        phased,
        [
            [str(one.phase), one.name, count(one.files), size(one.size), how.get(one.treatment, one.treatment)]
            for one in listing.sources()
        ],
    )
    for title, groups in (("never opened", listing.withheld()), ("only listed", listing.listed())):
        if groups:
            say()
            rows = [[one.name, count(one.files), size(one.size), one.why] for one in groups]
            say_table([Heading(title), *numbers, Heading("why", "sentence")], rows)
    for path, problem in listing.problems.items():
        say(f"cannot be read: {path}: {problem}")
    say()
