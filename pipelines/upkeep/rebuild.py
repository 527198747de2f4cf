"""`extract rebuild`: builds the warehouse again from the committed Parquet files."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.errors import ConfigurationError, FixityError, LoadError
from models.observer import Observer
from models.run import WarehouseRecord
from pipelines.archive import archive as archives
from pipelines.disk.atomic import disk_errors
from pipelines.disk.layout import Layout
from pipelines.disk.settings import read_settings
from pipelines.run.unfinished_erasure import finish_forget
from pipelines.warehouse.publish import make_warehouse


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The built warehouse, and a sentence on each damaged file that was left out: its path below the data directory,
    and the damage.
    """

    warehouse: WarehouseRecord
    left_out: Sequence[str]


def rebuild(layout: Layout, observer: Observer) -> Rebuilt:
    """Build the warehouse again from the committed Parquet files, without damaged ones, and publish it. Raises
    ConfigurationError if nothing was committed, FixityError where the rest does not make a warehouse, because a commit
    record is lost.
    """
    archives.Archive.open(layout)
    with archives.writing(layout, "rebuild"):
        with disk_errors():
            layout.keep_git_away()  # a copy that takes the place of a lost archive has no .gitignore
        finish_forget(layout, observer)
        everything, damage = archives.read_records(layout)
        runs = archives.effective(everything)
        if not runs:
            raise ConfigurationError(f"no run has been committed in {layout.root}; `extract run` makes one")
        observer.step_begins("load")
        try:
            published = make_warehouse(layout, runs, keep=read_settings(layout).keep_warehouses, is_anew=True)
        except LoadError as error:
            for one in (one for one in damage if not one.mended):
                raise FixityError(f"{error}: {one.path} {one.problem}; `extract repair` mends it") from error
            raise
        made = published.record(layout)
        runs[-1].warehouse = made
        archives.commit(layout, runs[-1])
    lost = [f"{one.path} {one.problem}" for one in damage if not one.mended]
    return Rebuilt(made, [*lost, *(f"{path} is gone or damaged" for path in published.left_out)])
