"""Imports all that a command may, for drivers that fork a process for each case: a case then costs its work alone."""

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
"""Prefect, which starts threads; the command line, which would start at once."""


def import_all() -> None:
    """Import every module of the project but those, and spare the collector what that made."""
    for package in (models, extractors, pipelines):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name not in NOT_THESE:
                import_module(module.name)
    say_what_is_absent()
    gc.freeze()
