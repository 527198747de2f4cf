"""Parses again what is kept, without reading a home, and brings the warehouse up to it."""

from collections.abc import Sequence
from datetime import UTC, datetime

from extractors.reading.registry import sources
from models.errors import ConfigurationError
from models.observer import Observer
from models.run import RunRecord
from pipelines.archive import archive as archives
from pipelines.disk.atomic import disk_errors
from pipelines.disk.layout import Layout
from pipelines.disk.settings import read_settings
from pipelines.run.reparse import reparse
from pipelines.run.unfinished_erasure import finish_forget
from pipelines.warehouse.publish import make_warehouse


def reparse_archive(layout: Layout, observer: Observer, also: Sequence[str] = ()) -> RunRecord | None:
    """Parse again what older parsers read, and every file of the sources in `also`; returns the record of that run,
    None where there was nothing to do.

    Raises ConfigurationError where there is no archive or no such source, LockedError, and what a load raises: the
    former warehouse then stays published, and the next run loads what was parsed.
    """
    if unknown := sorted(set(also) - sources().keys()):
        raise ConfigurationError(f"there is no source {unknown[0]!r}; there are {', '.join(sorted(sources()))}")
    archive = archives.Archive.open(layout)
    with archives.writing(layout, "reparse"):
        finish_forget(layout, observer)
        made = reparse(layout, archive.runs(), observer, also)
        if made is None:
            return None
        observer.step_begins("load")
        published = make_warehouse(layout, archive.runs(), keep=read_settings(layout).keep_warehouses)
        made.warehouse = published.record(layout)
        made.finished_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        with disk_errors():
            archives.commit(layout, made)
        observer.step_ends()
    return made
