"""Opens a lake to read from it alone: a temporary data directory with the units of all its machines, verified as a pull
does, and a warehouse over them. Nothing is written to the lake.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.errors import ConfigurationError
from models.observer import Observer
from pipelines.copies.destination import read_there
from pipelines.copies.places import is_url, now, open_place
from pipelines.disk.atomic import disk_errors
from pipelines.disk.layout import Layout
from pipelines.disk.platform import make_files_private
from pipelines.lake.keys import LAKE_FILE, Lake
from pipelines.lake.known import KnownLake, lake_errors, lake_place
from pipelines.lake.pull import PullResult, pull


def is_lake(given: str) -> bool:
    """Return whether a lake is at a place. Raises DataDirectoryError where it cannot be reached."""
    if not is_url(given):
        return (Path(lake_place(given)) / LAKE_FILE).is_file()
    try:
        place = lake_place(given)
    except ConfigurationError:
        return False
    with lake_errors(place):
        return LAKE_FILE in open_place(place).entries()


@contextmanager
def opened_lake(given: str) -> Iterator[tuple[Layout, PullResult]]:
    """Yield the layout of a temporary data directory with the warehouse of a lake, deleted at the end, and the
    findings. Raises ConfigurationError where no machine has pushed yet, DataDirectoryError, LoadError.
    """
    make_files_private()
    place = lake_place(given)
    destination = open_place(place)
    with lake_errors(place):
        try:
            lake = Lake.from_bytes(read_there(destination, LAKE_FILE))
        except (FileNotFoundError, ValueError, TypeError) as error:
            raise ConfigurationError(f"{place} cannot be read as a lake: {error}") from error
    with disk_errors():
        work = Path(tempfile.mkdtemp(prefix="extract-lake-"))
    try:
        layout = Layout(work / "data")
        known = KnownLake(place, lake.lake_id, lake.level, now(), "")
        result = pull(layout, known, Observer())
        if not layout.warehouse.exists():
            raise ConfigurationError(f"no machine has pushed to {place} yet")
        yield layout, result
    finally:
        shutil.rmtree(work, ignore_errors=True)
