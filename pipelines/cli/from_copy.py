"""The option `--from`: read from a copy of the archive alone, as after the loss of the disk."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from models.errors import ConfigurationError
from pipelines.cli.options import layout_of
from pipelines.copies.opened import Bring, Needed, is_for_drill, is_for_restore, opened_on_demand
from pipelines.copies.places import is_url, place_of
from pipelines.disk.layout import Layout

FromCopy = Annotated[
    str | None,
    typer.Option("--from", metavar="COPY", help="Read from this copy of the archive alone (see `extract copy`)."),
]


KeyFile = Annotated[
    Path | None, typer.Option("--key", metavar="FILE", help="With --from: the key file of an encrypted copy.")
]


@contextmanager
def reading(
    data: Path | None,
    copy: str | None,
    key: Path | None = None,
    target: Path | None = None,
    needed: Needed = is_for_drill,
) -> Iterator[Layout]:
    """Yield the layout alone of what `reading_on_demand` yields, and raise as it does."""
    with reading_on_demand(data, copy, key, target, needed) as (layout, _):
        yield layout


@contextmanager
def reading_on_demand(
    data: Path | None,
    copy: str | None,
    key: Path | None = None,
    target: Path | None = None,
    needed: Needed = is_for_restore,
) -> Iterator[tuple[Layout, Bring | None]]:
    """Yield the layout of the data directory, or of the opened `copy` with the `needed` tables, and for a copy the
    function that brings one more of its Parquet files. Raises ConfigurationError where `target`, which is going to be
    written, is in the copy.
    """
    if key is not None and copy is None:
        raise ConfigurationError("--key needs --from: it is the key of a copy")
    if copy is None:
        yield layout_of(data), None
        return
    place = Path(os.path.realpath(place_of(copy)))
    if target is not None and not is_url(copy):
        real = Path(os.path.realpath(target.expanduser()))
        if place == real or place in real.parents or real in place.parents:
            raise ConfigurationError(f"{target} and the copy {copy} must not contain one another: name another one")
    with opened_on_demand(copy, key, needed) as opened:
        yield opened
