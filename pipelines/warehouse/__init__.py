"""The DuckDB warehouse: loads committed Parquet files, derives further tables with SQL, checks and publishes the
database file, and runs queries on it. Imports `archive` and `disk`.

The names of `__all__` import their modules at first use: a run with nothing new then starts without DuckDB.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pipelines.warehouse.notebook import OpenWarehouse, open_warehouse
    from pipelines.warehouse.publish import make_warehouse, remove_warehouses

__all__ = ["OpenWarehouse", "make_warehouse", "open_warehouse", "remove_warehouses"]

_MODULES: Final = {
    "OpenWarehouse": "notebook",
    "open_warehouse": "notebook",
    "make_warehouse": "publish",
    "remove_warehouses": "publish",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
