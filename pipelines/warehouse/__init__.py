"""The DuckDB warehouse: loads committed Parquet files, derives further tables with SQL, checks and publishes the
database file, and runs queries on it. Imports `archive` and `disk`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.warehouse.notebook import OpenWarehouse, open_warehouse

__all__ = ["OpenWarehouse", "open_warehouse"]


def __getattr__(name: str) -> object:
    """Return a name of `pipelines.warehouse.notebook`, imported at its first use: the module takes as long to import as
    a query of a command takes.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("pipelines.warehouse.notebook"), name)
