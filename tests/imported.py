"""Imports all modules that commands use, for drivers that fork a process for each case: this saves the imports of each
case.
"""

import gc
import pkgutil
from importlib import import_module

import duckdb  # noqa: F401
import pyarrow.dataset  # noqa: F401  # DuckDB imports it when it is given a table

import extractors
import models
import pipelines
from tests.absent import say_what_is_absent

NOT_THESE = ("pipelines.schedule.flows", "pipelines.__main__")
"""Modules not to import: Prefect starts threads, and `__main__` would run the command line."""


def import_all() -> None:
    """Import every other module of the project, and exempt its objects from garbage collections."""
    for package in (models, extractors, pipelines):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name not in NOT_THESE:
                import_module(module.name)
    say_what_is_absent()
    gc.freeze()
