"""Imports all modules that commands use and creates the empty warehouse, for drivers that fork a process for each case:
this saves each case the imports, and half a second of DuckDB.
"""

import gc
import os
import pkgutil
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb  # noqa: F401
import pyarrow.dataset  # noqa: F401  # DuckDB imports it when it is given a table

import extractors
import models
import pipelines
from pipelines.disk.layout import Layout
from pipelines.warehouse.empty import create_schema, keep_empty_warehouse
from pipelines.warehouse.engine import MEMORY, building
from tests.absent import say_what_is_absent

NOT_THESE = ("pipelines.schedule.flows", "pipelines.__main__")
"""Modules not to import: Prefect starts threads, and `__main__` would run the command line."""


def import_all() -> None:
    """Import every other module of the project, keep an empty warehouse to copy, and exempt all objects from garbage
    collections.
    """
    for package in (models, extractors, pipelines):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name not in NOT_THESE:
                import_module(module.name)
    say_what_is_absent()
    with TemporaryDirectory() as place:
        empty = Path(place, "empty.duckdb")
        child = os.fork()  # DuckDB starts threads, with which this process could not fork afterwards
        if child == 0:
            with building(Layout(Path(place)), empty, MEMORY[0]) as connection:
                create_schema(connection)
            os._exit(0)
        os.waitpid(child, 0)
        keep_empty_warehouse(empty)
    gc.freeze()
