"""`extract rebuild`: builds the warehouse again from the committed Parquet files."""

from models.errors import ConfigurationError
from models.observer import Observer
from models.run import WarehouseRecord
from pipelines.archive import archive as archives
from pipelines.disk.layout import Layout
from pipelines.disk.settings import read_settings
from pipelines.run.unfinished_erasure import finish_forget
from pipelines.warehouse.publish import make_warehouse


def rebuild(layout: Layout, observer: Observer) -> WarehouseRecord:
    """Build the warehouse from the committed Parquet files, publish it, and return its record.

    Raises ConfigurationError when no run has been committed, LockedError, LoadError, DataDirectoryError.
    """
    archive = archives.Archive.open(layout)
    with archives.writing(layout, "rebuild"):
        finish_forget(layout, observer)
        runs = archive.runs()
        if not runs:
            raise ConfigurationError(f"no run has been committed in {layout.root}; `extract run` makes one")
        observer.step_begins("load")
        published = make_warehouse(layout, runs, keep=read_settings(layout).keep_warehouses, is_anew=True)
        made = published.record(layout)
        runs[-1].warehouse = made
        archives.commit(layout, runs[-1])
    return made
