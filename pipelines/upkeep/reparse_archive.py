"""Parses archived files again, without reading a home, and updates the warehouse."""

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
    """Parse the files of outdated parsers again, and every file of the sources in `also`; returns the record of that
    run, None if there was nothing to do.

    Raises ConfigurationError if there is no archive or no such source, LockedError, and the errors of a load: then the
    former warehouse stays published, and the next run loads the new rows.
    """
    if unknown := sorted(set(also) - sources().keys()):
        raise ConfigurationError(f"unknown source {unknown[0]!r}; the sources are {', '.join(sorted(sources()))}")
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
