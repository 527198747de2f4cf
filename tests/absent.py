"""Makes the import of a missing package fail at once: DuckDB searches for pandas four times in each query with
parameters.
"""

import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

NAME = "pandas"


class _Absent:
    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name == NAME:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


def say_what_is_absent() -> None:
    """Make the import of pandas fail at once, if it is not installed."""
    if importlib.util.find_spec(NAME) is None:
        sys.meta_path.insert(0, _Absent())
